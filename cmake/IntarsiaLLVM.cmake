# LLVM 22 for src/target alone: shared in developer builds, static and hidden in releases.
if(NOT TARGET intarsia_target)
  return()
endif()
find_package(LLVM 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22)
target_include_directories(intarsia_target SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS})
separate_arguments(llvm_definitions UNIX_COMMAND "${LLVM_DEFINITIONS}")
target_compile_definitions(intarsia_target PRIVATE ${llvm_definitions})
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # LLVM's headers are most of what such a file costs to compile.
  target_compile_options(intarsia_target PRIVATE -Xclang -fno-pch-timestamp)
  target_precompile_headers(intarsia_target PRIVATE <llvm/IR/IRBuilder.h> <llvm/IR/Module.h> <functional> <map> <string> <vector>)
endif()
if(INTARSIA_STATIC_LLVM)
  llvm_map_components_to_libnames(llvm_libraries core support passes target targetparser object
    x86codegen x86asmparser x86desc x86info nvptxcodegen nvptxdesc nvptxinfo)
  target_link_libraries(intarsia PRIVATE ${llvm_libraries})
  # Nothing of LLVM is seen from outside, instances of its templates in our objects included; another LLVM in the
  # process stays another one. What its archives list and nothing uses is no dependency.
  target_link_options(intarsia PRIVATE -Wl,--exclude-libs,ALL -Wl,--as-needed
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/hide_llvm.map)
  set_property(TARGET intarsia APPEND PROPERTY LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/hide_llvm.map)
else()
  target_link_libraries(intarsia PRIVATE LLVM)
endif()
