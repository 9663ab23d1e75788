// The twin of no_cuda_device.cpp for builds with CUDA.
#include "src/device/cuda_device.hpp"

#include <cuda_runtime_api.h>

namespace galena::device {

bool built_with_cuda() noexcept { return true; }

std::vector<std::string> cuda_device_names() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());  // the error would otherwise surface at an unrelated call
    return {};
  }
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) == cudaSuccess) names.emplace_back(properties.name);
  }
  return names;
}

std::string why_no_cuda() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  static_cast<void>(cudaGetLastError());
  int driver = 0;  // the newest CUDA that it runs; 0 where there is none, which the runtime calls insufficient
  if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0) return "this machine has no NVIDIA driver";
  if (status != cudaSuccess) return cudaGetErrorString(status);
  return count == 0 ? "no CUDA device found" : "";
}

}  // namespace galena::device
