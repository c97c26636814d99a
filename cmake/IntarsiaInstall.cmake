# What `cmake --install` and find_package(intarsia) give: two libraries, their headers, imported targets.
include(CMakePackageConfigHelpers)

foreach(library intarsia_runtime_library intarsia)
  target_compile_features(${library} INTERFACE cxx_std_20)
  target_include_directories(${library} INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/intarsia/internal>)
  if(NOT SKBUILD)
    set_target_properties(${library} PROPERTIES INSTALL_RPATH "$ORIGIN")
  endif()
endforeach()
if(SKBUILD)  # a wheel holds the libraries alone; python/bindings installs them
  return()
endif()

install(TARGETS intarsia_runtime_library intarsia EXPORT intarsia LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/intarsia DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# The public headers are written in terms of these; other names in them may change in any version.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/intarsia/internal
        FILES_MATCHING PATTERN "*.h" PATTERN "*.inc")
install(EXPORT intarsia NAMESPACE intarsia:: FILE intarsiaTargets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/intarsia)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/intarsiaConfig.cmake.in ${CMAKE_BINARY_DIR}/intarsiaConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/intarsia)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/intarsiaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/intarsiaConfig.cmake ${CMAKE_BINARY_DIR}/intarsiaConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/intarsia)
