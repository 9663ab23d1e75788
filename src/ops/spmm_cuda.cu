#include "src/ops/cuda_machine.cuh"
#include "src/ops/device/sddmm.hpp"
#include "src/ops/device/spmm.hpp"
#include "src/ops/device/spmm_max.hpp"

namespace galena::ops {

void add_cuda_spmm(DeviceOps& ops) {
  gpu::add_spmm<gpu::CudaMachine>(ops);
  gpu::add_spmm_max<gpu::CudaMachine>(ops);
  gpu::add_sddmm<gpu::CudaMachine>(ops);
}

}  // namespace galena::ops
