#pragma once
// Which GPUs this process can use. Built without CUDA, or without a driver: none.

#include <string>
#include <vector>

namespace galena::device {

/// Whether this build has the CUDA code at all.
bool built_with_cuda() noexcept;

/// Names of the usable CUDA devices, by device number; never throws.
std::vector<std::string> cuda_device_names();

/// Why cuda_device_names() is empty, for messages; "" where it is not.
std::string why_no_cuda();

}  // namespace galena::device
