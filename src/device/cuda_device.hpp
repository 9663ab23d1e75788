#pragma once
// Which GPUs this process can use. Built without CUDA, or without a driver: none.

#include <string>
#include <vector>

namespace galena::device {

/// Whether this build has the CUDA code at all.
bool built_with_cuda() noexcept;

struct CudaDevice {
  int number = 0;  ///< CUDA's
  std::string name;
};
/// The CUDA devices that say what they are, by number; never throws.
std::vector<CudaDevice> cuda_devices();
/// Their names.
std::vector<std::string> cuda_device_names();

/// Why cuda_device_names() is empty, for messages; "" where it is not.
std::string why_no_cuda();

}  // namespace galena::device
