#include "src/hypergraph/device_aggregate.hpp"

#include "src/hypergraph/layout_storage.hpp"
#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/device_tiles.hpp"

namespace galena::hyper {

void check_memory(const char* op, const Layout& layout, const Tensor& x) {
  const bool there = layout.storage().on_device != nullptr;
  if (ops::on_device(x) == there) return;
  ops::fail(op, there ? "x is in the CPU's memory, the layout in a GPU's; expected x there"
                      : "x is in a GPU's memory, the layout in the CPU's; expected a layout of arrays in the GPU's");
}

void fused_on_device(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& y) {
  const ops::DeviceTiles& tiles = *layout.storage().on_device;
  ops::TileCall call;
  call.csr = &layout.by_edge();
  call.side = &tiles.output_side();
  call.x = &x;
  call.right = scale.right;
  call.factor = scale.edge;
  call.left = scale.left;
  call.y = &y;
  ops::device_ops().tile_sums(tiles, call);
}

void fused_backward_on_device(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& dy,
                              const Tensor& dx, const Tensor& d_edge) {
  const ops::DeviceTiles& tiles = *layout.storage().on_device;
  ops::TileCall call;
  call.csr = &layout.by_edge();
  call.side = &tiles.input;
  call.x = &dy;
  call.right = scale.left;
  call.factor = scale.edge;
  call.left = scale.right;
  if (dx.defined()) call.y = &dx;
  if (d_edge.defined()) {
    call.other = &x;
    call.weight = scale.right;
    call.d_factor = &d_edge;
  }
  ops::device_ops().tile_sums(tiles, call);
}

}  // namespace galena::hyper
