#pragma once
// All kernels of a machine.

#include "src/ops/device/attention.hpp"
#include "src/ops/device/batch_norm.hpp"
#include "src/ops/device/codec.hpp"
#include "src/ops/device/pointwise.hpp"
#include "src/ops/device/sddmm.hpp"
#include "src/ops/device/spmm.hpp"
#include "src/ops/device/spmm_max.hpp"
#include "src/ops/device/tiles.hpp"
#include "src/ops/device/training.hpp"

namespace galena::ops::gpu {

/// All of a table but memory and products, which are the machine's own.
template <class M>
void add_kernels(DeviceOps& ops) {
  add_pointwise<M>(ops);
  add_spmm<M>(ops);
  add_spmm_max<M>(ops);
  add_sddmm<M>(ops);
  add_tiles<M>(ops);
  add_dropout<M>(ops);
  add_norms<M>(ops);
  add_batch_norm<M>(ops);
  add_losses<M>(ops);
  add_attention<M>(ops);
  add_codec<M>(ops);
}

}  // namespace galena::ops::gpu
