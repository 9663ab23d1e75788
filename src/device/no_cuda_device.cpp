// The twin of cuda_device.cpp for builds without CUDA.
#include "src/device/cuda_device.hpp"

namespace galena::device {

bool built_with_cuda() noexcept { return false; }

std::vector<CudaDevice> cuda_devices() { return {}; }
std::vector<std::string> cuda_device_names() { return {}; }

std::string why_no_cuda() { return "this build has no CUDA support; configure with -DGALENA_CUDA=ON"; }

}  // namespace galena::device
