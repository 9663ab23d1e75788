// The twin of the CUDA table for builds without CUDA.
#include "galena/error.hpp"
#include "src/device/cuda_device.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::ops {

const DeviceOps& cuda_device_ops() { throw EnvironmentError("no GPU to compute on: " + device::why_no_cuda()); }

}  // namespace galena::ops
