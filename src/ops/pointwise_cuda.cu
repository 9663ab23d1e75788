#include "src/ops/cuda_machine.cuh"
#include "src/ops/device/pointwise.hpp"

namespace galena::ops {

void add_cuda_pointwise(DeviceOps& ops) { gpu::add_pointwise<gpu::CudaMachine>(ops); }

}  // namespace galena::ops
