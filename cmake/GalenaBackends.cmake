# CUDA, NCCL and MPI, each AUTO, ON or OFF. The results are GALENA_WITH_CUDA, GALENA_WITH_NCCL and
# GALENA_WITH_MPI. An absent backend is a file (no_mpi.cpp in the place of mpi.cpp), never an #ifdef.

# Settles GALENA_WITH_<name> from the choice and from what was found; prints a line.
function(galena_settle_backend name found what remedy)
  string(TOUPPER "${GALENA_${name}}" choice)
  if(choice STREQUAL "AUTO")
    set(with ${found})
  elseif(choice)
    if(NOT found)
      message(FATAL_ERROR "GALENA_${name}=${GALENA_${name}}, but ${name} was not found. ${remedy}, or set GALENA_${name} to AUTO or OFF.")
    endif()
    set(with TRUE)
  else()
    set(with FALSE)
  endif()
  if(with)
    message(STATUS "Galena with ${name}: ${what}")
  elseif(choice STREQUAL "AUTO")
    message(STATUS "Galena without ${name} (not found)")
  else()
    message(STATUS "Galena without ${name} (switched off)")
  endif()
  set(GALENA_WITH_${name} ${with} PARENT_SCOPE)
endfunction()

# --- CUDA
set(found FALSE)
set(what "")
if(GALENA_CUDA)
  if(NOT DEFINED CUDAToolkit_ROOT AND NOT DEFINED ENV{CUDAToolkit_ROOT})
    file(GLOB roots LIST_DIRECTORIES TRUE /usr/local/cuda /usr/local/cuda-*)
    set(CUDAToolkit_ROOT ${roots})
  endif()
  find_package(CUDAToolkit QUIET)
  if(CUDAToolkit_FOUND)
    set(found TRUE)
    set(what "${CUDAToolkit_VERSION} in ${CUDAToolkit_BIN_DIR}")
  endif()
endif()
galena_settle_backend(CUDA ${found} "${what}" "Install the CUDA Toolkit or set CUDAToolkit_ROOT")
set(GALENA_CUDART CUDA::cudart_static)
if(GALENA_EMULATE_CUDA)
  # The emulator in the place of the runtime; it runs the PTX of fat binaries that are not compressed.
  set(GALENA_CUDART galena_emulator)
  set(GALENA_CUDA_ARCHITECTURES 90-virtual)
  set(CMAKE_CUDA_RUNTIME_LIBRARY None)
  set(CMAKE_CUDA_FLAGS_INIT --no-compress)
endif()

# nvcc is asked for only where there is something for it to compile.
file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS
     "${PROJECT_SOURCE_DIR}/src/*.cu" "${PROJECT_SOURCE_DIR}/codegen/*.cu")
if(GALENA_WITH_CUDA AND cuda_sources)
  # The default architecture of older CMakes is one that CUDA 13 dropped.
  set(CMAKE_CUDA_ARCHITECTURES "${GALENA_CUDA_ARCHITECTURES}")
  if(NOT CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER "${CUDAToolkit_NVCC_EXECUTABLE}")
  endif()
  enable_language(CUDA)
endif()

# --- NCCL
set(found FALSE)
set(what "")
if(GALENA_NCCL AND GALENA_WITH_CUDA)
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  mark_as_advanced(NCCL_INCLUDE_DIR)
  if(NCCL_INCLUDE_DIR)  # the library itself is looked for when it is asked for
    set(found TRUE)
    set(what "nccl.h in ${NCCL_INCLUDE_DIR}")
  endif()
endif()
galena_settle_backend(NCCL ${found} "${what}" "NCCL needs CUDA; install libnccl-dev or set NCCL_INCLUDE_DIR")

# --- MPI
set(found FALSE)
set(what "")
if(GALENA_MPI)
  set(MPI_CXX_SKIP_MPICXX TRUE)  # the C interface is the one that is used
  find_package(MPI QUIET COMPONENTS CXX)
  if(MPI_CXX_FOUND)
    set(found TRUE)
    set(what "MPI ${MPI_CXX_VERSION}, ${MPI_CXX_COMPILER}")
  endif()
endif()
galena_settle_backend(MPI ${found} "${what}" "Install libopenmpi-dev or set MPI_CXX_COMPILER")

# --- Thrust: the toolkit's own where there is CUDA, else the system's; its OpenMP side on the host.
# Never both versions in one binary.
add_library(galena_thrust INTERFACE)
add_library(galena::thrust ALIAS galena_thrust)
unset(thrust_include)
if(GALENA_WITH_CUDA)
  find_path(thrust_include thrust/version.h NO_DEFAULT_PATH NO_CACHE
            PATHS ${CUDAToolkit_INCLUDE_DIRS} PATH_SUFFIXES cccl)
  target_include_directories(galena_thrust SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS})
else()
  find_path(thrust_include thrust/version.h NO_CACHE)
endif()
if(NOT thrust_include)
  message(FATAL_ERROR "Thrust was not found: install libthrust-dev (or the CUDA Toolkit, which has its own)")
endif()
target_include_directories(galena_thrust SYSTEM INTERFACE "${thrust_include}")
target_compile_definitions(galena_thrust INTERFACE
  THRUST_HOST_SYSTEM=THRUST_HOST_SYSTEM_CPP
  $<$<NOT:$<COMPILE_LANGUAGE:CUDA>>:THRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_OMP>)
target_link_libraries(galena_thrust INTERFACE OpenMP::OpenMP_CXX)
if(GALENA_SANITIZE MATCHES "undefined" OR GALENA_FUZZ)
  # thrust::reference makes an execution policy out of a null pointer, on purpose.
  target_compile_options(galena_thrust INTERFACE -fno-sanitize=null)
endif()
