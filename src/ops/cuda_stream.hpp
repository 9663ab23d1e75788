#pragma once
// The stream, one a thread and device, that all work of operations is queued on, and parts of the CUDA table. For CUDA
// builds only.

#include <cuda_runtime_api.h>

#include "src/ops/device_ops.hpp"

namespace galena::ops {

/// Of the thread's device (current_device()); made when first asked for. Throws EnvironmentError.
cudaStream_t cuda_stream();

/// A product by cuBLASLt. Throws EnvironmentError where the library is not there.
void cublas_gemm(const Tensor& a, const Tensor& b, const Tensor& c, const GemmCall& call);

// Each by a .cu file.
void add_cuda_attention(DeviceOps& ops);
void add_cuda_codec(DeviceOps& ops);
void add_cuda_pointwise(DeviceOps& ops);
void add_cuda_spmm(DeviceOps& ops);
void add_cuda_tiles(DeviceOps& ops);
void add_cuda_training(DeviceOps& ops);

}  // namespace galena::ops
