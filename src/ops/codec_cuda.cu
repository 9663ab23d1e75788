#include "src/ops/cuda_machine.cuh"
#include "src/ops/device/codec.hpp"

namespace galena::ops {

void add_cuda_codec(DeviceOps& ops) { gpu::add_codec<gpu::CudaMachine>(ops); }

}  // namespace galena::ops
