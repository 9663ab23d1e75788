# What a person can choose when configuring, and the defaults.

option(GALENA_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(GALENA_BENCH "Build the benchmarks" OFF)
option(GALENA_FUZZ "Build the fuzz targets (needs Clang)" OFF)
option(GALENA_UNITY "Compile several files of the tests, and of the command, at once: less time in all, more after a change" ON)
option(GALENA_INSTALL "Provide the install target" ${PROJECT_IS_TOP_LEVEL})
# On for the compiler of the continuous integration; another one's new warnings must not stop a user.
set(known_compiler OFF)
if(PROJECT_IS_TOP_LEVEL AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
  set(known_compiler ON)
endif()
option(GALENA_WERROR "Turn warnings into errors" ${known_compiler})
set(GALENA_SANITIZE "" CACHE STRING "Sanitizers to build everything with, e.g. address,undefined or thread")
# Under a sanitizer what they add is time: they walk the code of quicker tests over more data.
set(long_tests ON)
if(GALENA_SANITIZE)
  set(long_tests OFF)
endif()
option(GALENA_LONG_TESTS "Run the tests marked GALENA_LONG_TEST; without it ctest shows them as skipped" ${long_tests})

foreach(backend CUDA NCCL MPI)
  set(GALENA_${backend} AUTO CACHE STRING "Use ${backend}: AUTO (where it is found), ON (or fail) or OFF")
  set_property(CACHE GALENA_${backend} PROPERTY STRINGS AUTO ON OFF)
endforeach()
option(GALENA_EMULATE_CUDA "Run what is for GPUs in test/emulator, without one; builds the tests of GPUs alone" OFF)
if(GALENA_EMULATE_CUDA)
  set(GALENA_CUDA ON)
  set(GALENA_INSTALL OFF)  # the emulator is a test
endif()
set(GALENA_CUDA_ARCHITECTURES 90 CACHE STRING "CUDA architectures to compile for, e.g. 80;90")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo or Debug" FORCE)
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(GALENA_CCACHE ccache)
if(GALENA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${GALENA_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${GALENA_CCACHE}")
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${GALENA_CCACHE}")
endif()

if(GALENA_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "GALENA_FUZZ needs Clang: configure with -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ "
                        "(or use the preset `fuzz`); the compiler is ${CMAKE_CXX_COMPILER_ID}")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -g)
  add_link_options(-fsanitize=address,undefined)
elseif(GALENA_SANITIZE)
  add_compile_options(-fsanitize=${GALENA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${GALENA_SANITIZE})
endif()
