#pragma once
// Every call of the CUDA runtime is checked. For sources that are compiled with CUDA only.

#include <cuda_runtime_api.h>

#include <string>

#include "galena/error.hpp"

namespace galena::device {

/// Throws EnvironmentError where the call failed; the error does not surface again at a later one.
inline void check_cuda(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  throw EnvironmentError(std::string("CUDA: ") + call + ": " + cudaGetErrorString(status));
}

}  // namespace galena::device

#define GALENA_CUDA_CALL(call) ::galena::device::check_cuda((call), #call)
