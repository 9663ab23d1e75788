#include "src/ops/cuda_machine.cuh"
#include "src/ops/device/tiles.hpp"

namespace galena::ops {

void add_cuda_tiles(DeviceOps& ops) { gpu::add_tiles<gpu::CudaMachine>(ops); }

}  // namespace galena::ops
