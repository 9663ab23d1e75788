#include "src/ops/cuda_machine.cuh"
#include "src/ops/device/spmm.hpp"

namespace galena::ops {

void add_cuda_spmm(DeviceOps& ops) { gpu::add_spmm<gpu::CudaMachine>(ops); }

}  // namespace galena::ops
