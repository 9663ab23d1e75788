#pragma once
// The device that a test of CUDA kernels runs on. A test is written once and linked twice: with
// galena_test_device, which simulates one on the host, and with galena_test_cuda, which takes the machine's own.

#include <memory>
#include <string>

namespace galena::test {

class DeviceUnderTest {
 public:
  virtual ~DeviceUnderTest() = default;
};

/// Null where there is none, with the reason in `why`. `backwards`: see SimulatedDevice.
std::unique_ptr<DeviceUnderTest> device_under_test(std::string& why, bool backwards = false);

/// While it lives, there is a device; a test that needs one begins with this.
#define GALENA_NEEDS_DEVICE()                                     \
  std::string galena_why;                                         \
  const auto galena_device = test::device_under_test(galena_why); \
  if (galena_device == nullptr) GALENA_SKIP(galena_why)

}  // namespace galena::test
