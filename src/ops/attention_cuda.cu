#include "src/ops/cuda_machine.cuh"
#include "src/ops/device/attention.hpp"

namespace galena::ops {

void add_cuda_attention(DeviceOps& ops) { gpu::add_attention<gpu::CudaMachine>(ops); }

}  // namespace galena::ops
