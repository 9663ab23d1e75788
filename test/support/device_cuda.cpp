#include "src/device/cuda_device.hpp"
#include "test/support/device_under_test.hpp"

namespace galena::test {

std::unique_ptr<DeviceUnderTest> device_under_test(std::string& why, bool) {
  if (!device::cuda_device_names().empty()) return std::make_unique<DeviceUnderTest>();
  why = "no CUDA device: " + device::why_no_cuda();
  return nullptr;
}

}  // namespace galena::test
