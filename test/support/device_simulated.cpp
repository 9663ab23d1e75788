#include "test/support/device_under_test.hpp"
#include "test/support/simulated_device.hpp"

namespace galena::test {
namespace {

class Simulated : public DeviceUnderTest {
 public:
  explicit Simulated(bool backwards) : device_(0, backwards) {}

 private:
  SimulatedDevice device_;
};

}  // namespace

std::unique_ptr<DeviceUnderTest> device_under_test(std::string&, bool backwards) {
  return std::make_unique<Simulated>(backwards);
}

}  // namespace galena::test
