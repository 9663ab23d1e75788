#include "src/train/device_exchange.hpp"

#include <algorithm>

#include "src/ops/device_ops.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::train {
namespace {

constexpr std::size_t kSelectionsKept = 16;

}  // namespace

const nn::HaloSelection& DeviceExchange::selection(std::uint32_t call, int hop) {
  const nn::HaloSelection& selection = exchange_.selection(call, hop);
  const auto found =
      std::ranges::find_if(kept_, [&](const Kept& kept) { return kept.selection.version == selection.version; });
  if (found != kept_.end()) return found->selection;
  Kept& kept = kept_.emplace_back(Kept{selection, ops::to_device(selection.csr), ops::to_device(selection.csr_t)});
  kept.selection.csr.on_device = kept.csr.get();
  kept.selection.csr_t.on_device = kept.csr_t.get();
  if (kept_.size() > kSelectionsKept) kept_.pop_front();
  return kept.selection;
}

DeviceExchange::Part DeviceExchange::boundary(int hop, const Tensor& x) {
  const Share& step = share_.step(hop);
  Boundary& b = boundaries_[&step];
  if (!b.on_device.defined()) {
    for (const Route& route : step.sends) b.rows.insert(b.rows.end(), route.rows.begin(), route.rows.end());
    std::ranges::sort(b.rows);
    b.rows.erase(std::unique(b.rows.begin(), b.rows.end()), b.rows.end());
    b.on_device = ops::to_device(reinterpret_cast<const std::int32_t*>(b.rows.data()), b.rows.size());
  }
  const auto count = static_cast<std::size_t>(std::ranges::lower_bound(b.rows, x.rows()) - b.rows.begin());
  return {std::span(b.rows).first(count), {ops::device_data<const VertexId>(b.on_device), count}};
}

/// In the CPU's memory: x's boundary rows in their places; others are not there.
Tensor DeviceExchange::bring(int hop, const Tensor& x) {
  const Part part = boundary(hop, x);
  const Tensor rows = Tensor::empty(static_cast<std::int64_t>(part.rows.size()), x.cols(), x.dtype());
  ops::gather_rows(x, part.on_device, rows);
  const Tensor there = rows.to(Device::cpu);
  const OnDevice here(Device::cpu);
  const Tensor all = Tensor::zeros(x.rows(), x.cols(), x.dtype());
  ops::scatter_add_rows(there, part.rows, all);
  return all;
}

void DeviceExchange::begin_forward(std::uint32_t call, int hop, const Tensor& x) {
  const Tensor host = bring(hop, x);
  const OnDevice here(Device::cpu);
  hops_[call] = hop;
  exchange_.begin_forward(call, hop, host);
}

nn::HaloRows DeviceExchange::finish_forward(std::uint32_t call, bool) {
  const OnDevice here(Device::cpu);
  return {exchange_.finish_forward(call, false).dense.to(Device::cuda), nullptr};
}

void DeviceExchange::begin_backward(std::uint32_t call, const Tensor& gradient) {
  const Tensor host = gradient.to(Device::cpu);
  const OnDevice here(Device::cpu);
  exchange_.begin_backward(call, host);
}

void DeviceExchange::finish_backward(std::uint32_t call, const Tensor& dx) {
  const Part part = boundary(hops_.at(call), dx);
  Tensor rows;
  {
    const OnDevice here(Device::cpu);
    const Tensor sums = Tensor::zeros(dx.rows(), dx.cols(), dx.dtype());
    exchange_.finish_backward(call, sums);
    rows = Tensor::empty(static_cast<std::int64_t>(part.rows.size()), dx.cols(), dx.dtype());
    ops::gather_rows(sums, part.rows, rows);
  }
  ops::scatter_add_rows(rows.to(Device::cuda), part.on_device, dx);
}

Tensor DeviceExchange::gather_full(const Tensor& x, int hop) {
  const Tensor host = x.to(Device::cpu);
  const OnDevice here(Device::cpu);
  return exchange_.gather_full(host, hop).to(x.device());
}

}  // namespace galena::train
