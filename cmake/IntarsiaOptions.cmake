# What every target of ours gets, through intarsia_options: flags, include paths, fmt (headers only).
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
if(INTARSIA_TBB)
  find_package(TBB REQUIRED)
endif()

add_library(intarsia_options INTERFACE)
target_compile_features(intarsia_options INTERFACE cxx_std_20)
target_compile_options(intarsia_options INTERFACE -Wall -Wextra -Wpedantic -Werror -fno-math-errno -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these falsely in optimised standard library code, and the last in GoogleTest's macros.
  target_compile_options(intarsia_options INTERFACE -Wno-dangling-else -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-array-bounds -Wno-stringop-overread -Wno-dangling-pointer)
endif()
if(INTARSIA_SANITIZE)
  target_compile_options(intarsia_options INTERFACE -fsanitize=${INTARSIA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(intarsia_options INTERFACE -fsanitize=${INTARSIA_SANITIZE})
endif()
if(CMAKE_LINKER_TYPE STREQUAL "LLD")  # CMake < 3.29 has no linker types
  find_program(INTARSIA_LLD NAMES ld.lld-22 ld.lld)
  if(INTARSIA_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_link_options(intarsia_options INTERFACE --ld-path=${INTARSIA_LLD})
  endif()
endif()
target_include_directories(intarsia_options INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>)
target_link_libraries(intarsia_options INTERFACE $<BUILD_INTERFACE:fmt::fmt-header-only>)
