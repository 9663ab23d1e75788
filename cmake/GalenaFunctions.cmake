# How a folder of Galena declares itself.

set(GALENA_WARNINGS
    -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # What GCC guesses after inlining is often wrong, in its own headers too (GCC bugs 105593, 105651);
  # the sanitizers know.
  list(APPEND GALENA_WARNINGS -Wshadow=local -Wno-maybe-uninitialized -Wno-uninitialized -Wno-restrict
              -Wno-stringop-overflow -Wno-array-bounds)
endif()

# Language level, warnings and include paths of everything written here: public headers are
# "galena/graph.hpp", internal ones are named from the root ("src/graph/csr.hpp").
function(galena_configure target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${GALENA_WARNINGS}>
    # CMake 3.25 does not know the C++20 flag of nvcc 13.
    $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
  if(GALENA_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
endfunction()

# Header-only helpers stay out of the installed package.
function(galena_link target scope)
  foreach(dependency IN LISTS ARGN)
    if(dependency IN_LIST GALENA_BUILD_ONLY_TARGETS)
      target_link_libraries(${target} ${scope} $<BUILD_INTERFACE:${dependency}>)
    else()
      target_link_libraries(${target} ${scope} ${dependency})
    endif()
  endforeach()
endfunction()

# galena_add_library(NAME SOURCES a.cpp ... [DEPS galena::base ...] [PRIVATE_DEPS ZLIB::ZLIB ...])
#
# The static library of a folder: target galena_NAME, used as galena::NAME. DEPS are visible in its
# headers, PRIVATE_DEPS in its sources only. Both are CMake targets, whole names.
function(galena_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "galena_add_library(${name}): expected SOURCES ..., DEPS ..., PRIVATE_DEPS ...; found '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  add_library(galena_${name} STATIC ${arg_SOURCES})
  add_library(galena::${name} ALIAS galena_${name})
  galena_configure(galena_${name})
  set_target_properties(galena_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(galena_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  galena_link(galena_${name} PUBLIC ${arg_DEPS})
  galena_link(galena_${name} PRIVATE ${arg_PRIVATE_DEPS})
  set_property(GLOBAL APPEND PROPERTY GALENA_LIBRARIES galena_${name})
endfunction()

# galena_add_kernels(NAME a_kernels.cpp ...): compiles these once for each instruction set into the library galena_NAME,
# see src/base/level.hpp. A compiler or CPU family without one of them builds plain code in its place, which no CPU
# then picks.
include(CheckCXXCompilerFlag)
function(galena_add_kernels name)
  set(scalar)
  set(avx2 -mavx2 -mfma -mbmi -mbmi2 -mlzcnt -mpopcnt)
  set(avx512 ${avx2} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512)
  foreach(level scalar avx2 avx512)
    list(JOIN ${level} " " flags)
    check_cxx_compiler_flag("${flags}" GALENA_KERNELS_HAVE_${level})
    if(NOT GALENA_KERNELS_HAVE_${level})
      set(${level})
    endif()
    set(target galena_${name}_${level})
    add_library(${target} OBJECT ${ARGN})
    galena_configure(${target})
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/include")
    target_compile_definitions(${target} PRIVATE GALENA_LEVEL=${level})
    # Vectors wider than a level's registers are passed between inlined functions only.
    target_compile_options(${target} PRIVATE ${${level}} -ffp-contract=fast -Wno-psabi)
    target_sources(galena_${name} PRIVATE $<TARGET_OBJECTS:${target}>)
  endforeach()
endfunction()

# galena::galena, what a program that uses the library links: all of the above.
function(galena_add_umbrella)
  add_library(galena INTERFACE)
  add_library(galena::galena ALIAS galena)
  get_property(libraries GLOBAL PROPERTY GALENA_LIBRARIES)
  list(REVERSE libraries)  # users before what they use
  target_link_libraries(galena INTERFACE ${libraries})
endfunction()

# ENVIRONMENT NAME=VALUE for set_tests_properties, where this build's tests need one.
set(GALENA_TEST_ENVIRONMENT)
if(GALENA_SANITIZE MATCHES "thread")
  # The thread sanitizer does not see the barriers of libgomp, which is built without it: OpenMP loops
  # run on one thread. All other threads are watched.
  set(GALENA_TEST_ENVIRONMENT ENVIRONMENT OMP_THREAD_LIMIT=1)
endif()

# galena_add_test(NAME a_test.cpp ... [LIBS galena::graph ...] [TIMEOUT seconds] [LABEL gpu])
#
# A Catch2 executable test_NAME whose cases each are a ctest entry "NAME/case". A case that cannot
# run says GALENA_SKIP("why"), and ctest shows it as skipped.
function(galena_add_test name)
  cmake_parse_arguments(arg "" "TIMEOUT;LABEL" "LIBS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  if(GALENA_SANITIZE)
    math(EXPR arg_TIMEOUT "10 * ${arg_TIMEOUT}")  # it guards against hangs; sanitized programs are that much slower
  endif()
  set(all)
  if(GALENA_EMULATE_CUDA AND NOT arg_LABEL STREQUAL "gpu")
    set(all EXCLUDE_FROM_ALL)  # other builds have these
  endif()
  add_executable(test_${name} ${all} ${arg_UNPARSED_ARGUMENTS})
  galena_configure(test_${name})
  set_target_properties(test_${name} PROPERTIES UNITY_BUILD ${GALENA_UNITY} UNITY_BUILD_BATCH_SIZE 4)
  # Assertions take long to optimise. The libraries that they call are optimised; of inline functions, a test's own copy
  # is not.
  target_compile_options(test_${name} PRIVATE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-O1>)
  target_link_libraries(test_${name} PRIVATE galena_test_support ${arg_LIBS})
  if(all)
    return()
  endif()
  catch_discover_tests(test_${name}
    TEST_PREFIX "${name}/"
    PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABEL}" ${GALENA_TEST_ENVIRONMENT})
endfunction()

# galena_add_bench(NAME a_bench.cpp ... [LIBS ...]): an executable bench_NAME on google-benchmark.
function(galena_add_bench name)
  cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
  add_executable(bench_${name} ${arg_UNPARSED_ARGUMENTS})
  galena_configure(bench_${name})
  target_link_libraries(bench_${name} PRIVATE benchmark::benchmark benchmark::benchmark_main ${arg_LIBS})
endfunction()
