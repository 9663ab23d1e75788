#include "src/ops/cuda_machine.cuh"
#include "src/ops/device/batch_norm.hpp"
#include "src/ops/device/training.hpp"

namespace galena::ops {

void add_cuda_training(DeviceOps& ops) {
  gpu::add_dropout<gpu::CudaMachine>(ops);
  gpu::add_norms<gpu::CudaMachine>(ops);
  gpu::add_batch_norm<gpu::CudaMachine>(ops);
  gpu::add_losses<gpu::CudaMachine>(ops);
}

}  // namespace galena::ops
