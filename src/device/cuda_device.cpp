// The twin of no_cuda_device.cpp for builds with CUDA.
#include "src/device/cuda_device.hpp"

#include <cuda_runtime_api.h>

#include <utility>

namespace galena::device {

namespace {

/// 12020 is 12.2.
std::string version(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

std::string driver_too_old(int driver) {
  int runtime = 0;
  static_cast<void>(cudaRuntimeGetVersion(&runtime));
  return "the NVIDIA driver runs CUDA up to " + version(driver) + ", and this build needs " + version(runtime) +
         "; update the driver, or build with a CUDA Toolkit that it runs";
}

}  // namespace

bool built_with_cuda() noexcept { return true; }

std::vector<CudaDevice> cuda_devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());  // the error would otherwise surface at an unrelated call
    return {};
  }
  std::vector<CudaDevice> devices;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) == cudaSuccess)
      devices.push_back({i, properties.name});
    else
      static_cast<void>(cudaGetLastError());
  }
  return devices;
}

std::vector<std::string> cuda_device_names() {
  std::vector<std::string> names;
  for (CudaDevice& device : cuda_devices()) names.push_back(std::move(device.name));
  return names;
}

std::string why_no_cuda() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  static_cast<void>(cudaGetLastError());
  int driver = 0;  // the newest CUDA that it runs; 0 where there is none, which the runtime calls insufficient
  if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0) return "this machine has no NVIDIA driver";
  if (status == cudaErrorInsufficientDriver) return driver_too_old(driver);
  if (status != cudaSuccess) return cudaGetErrorString(status);
  if (count == 0) return "no CUDA device found";
  return cuda_devices().empty() ? "no CUDA device says what it is" : "";
}

}  // namespace galena::device
