#include "src/nn/graph_view.hpp"

#include "galena/error.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::nn {

const VertexId* GraphView::ids_on(Device device) const {
  if (device == Device::cpu) return ids.data();
  if (!device_ids.defined()) throw InternalError("the graph is not on the device: to_device() was not called");
  return ops::device_data<VertexId>(device_ids);
}

void to_device(GraphView& view) {
  view.local.on_device = ops::to_device(view.local.view());
  if (view.local_t.rows == view.local.cols && view.local_t.cols == view.local.rows)
    view.local_t.on_device = ops::to_device(view.local_t.view());
  if (view.halo > 0) {
    view.outer.on_device = ops::to_device(view.outer.view());
    view.outer_t.on_device = ops::to_device(view.outer_t.view());
  }
  view.device_ids = ops::to_device(view.ids);
  if (view.back) to_device(*std::const_pointer_cast<GraphView>(view.back));  // a part of this view
}

}  // namespace galena::nn
