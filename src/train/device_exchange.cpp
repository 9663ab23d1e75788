#include "src/train/device_exchange.hpp"

#include <algorithm>
#include <utility>

#include "src/ops/device_ops.hpp"
#include "src/ops/device_packed.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::train {
namespace {

constexpr std::size_t kSelectionsKept = 16;

std::span<const VertexId> numbers_of(const Tensor& on_device) {
  return {ops::device_data<const VertexId>(on_device), static_cast<std::size_t>(on_device.rows())};
}

/// These rows of x, on the device.
Tensor gather(const Tensor& x, std::span<const VertexId> rows) {
  const OnDevice there(Device::cuda);
  Tensor gathered = Tensor::empty(static_cast<std::int64_t>(rows.size()), x.cols(), x.dtype());
  ops::gather_rows(x, rows, gathered);
  return gathered;
}

/// Each route's rows, where it has any.
std::vector<comm::DeviceMessage> messages_of(std::span<const Route> routes, std::span<const std::int64_t> first,
                                             const Tensor& rows) {
  std::vector<comm::DeviceMessage> messages;
  for (std::size_t r = 0; r < routes.size(); ++r) {
    if (first[r] == first[r + 1]) continue;
    const Tensor part = rows.slice(first[r], first[r + 1]);
    messages.push_back({routes[r].peer, part.raw(), part.bytes()});
  }
  return messages;
}

/// Rows that arrived, on the device and decoded: few bits an element are copied.
Tensor take(const nn::HaloRows& rows, DType dtype) {
  if (rows.packed == nullptr) return rows.dense.to(Device::cuda);
  const OnDevice there(Device::cuda);
  const Tensor decoded = Tensor::empty(rows.packed->rows, rows.packed->cols, dtype);
  ops::device_ops().unpack_rows(ops::to_device(*rows.packed), decoded);
  return decoded;
}

}  // namespace

DeviceExchange::Kept& DeviceExchange::kept(std::uint64_t version) {
  const auto found = std::ranges::find(kept_, version, &Kept::version);
  if (found != kept_.end()) return *found;
  if (kept_.size() == kSelectionsKept) kept_.pop_front();
  kept_.emplace_back().version = version;
  return kept_.back();
}

const nn::HaloSelection& DeviceExchange::selection(std::uint32_t call, int hop) {
  const nn::HaloSelection& selection = exchange_.selection(call, hop);
  Kept& k = kept(selection.version);
  if (k.csr == nullptr) {
    k.csr = ops::to_device(selection.csr);
    k.csr_t = ops::to_device(selection.csr_t);
    k.selection = selection;
    k.selection.csr.on_device = k.csr.get();
    k.selection.csr_t.on_device = k.csr_t.get();
  }
  return k.selection;
}

std::span<const VertexId> DeviceExchange::sent(const Drawn& drawn, int hop) {
  Kept& k = kept(drawn.view.version);
  if (!k.sent.defined()) {
    const auto& routes = share_.step(hop).sends;
    std::vector<VertexId> rows;
    for (std::size_t r = 0; r < routes.size(); ++r)
      for (const std::uint32_t position : drawn.sends[r].positions) rows.push_back(routes[r].rows[position]);
    k.sent = ops::to_device(rows);
  }
  return numbers_of(k.sent);
}

void DeviceExchange::start(std::uint32_t call, bool forward, const Tensor& rows) {
  Linked& l = linked_.at(call);
  const Share& step = share_.step(l.hop);
  const auto &away = forward ? l.drawn->sent_first : l.drawn->first,
             &home = forward ? l.drawn->first : l.drawn->sent_first;
  const OnDevice there(Device::cuda);
  l.leaving = rows;
  l.arriving = Tensor::empty(home.back(), rows.cols(), rows.dtype());
  const auto sends = messages_of(forward ? step.sends : step.receives, away, l.leaving);
  const auto receives = messages_of(forward ? step.receives : step.sends, home, l.arriving);
  std::vector<std::uint64_t> bytes;
  for (const comm::DeviceMessage& message : sends) bytes.push_back(message.bytes);
  exchange_.meet(call, forward, bytes);
  links_->start(sends, receives);
}

void DeviceExchange::begin_forward(std::uint32_t call, int hop, const Tensor& x) {
  auto drawn = exchange_.drawn(call, hop);
  const Tensor rows = gather(x, sent(*drawn, hop));
  if (linked()) {
    linked_[call] = {std::move(drawn), hop, {}, {}};
    return start(call, true, rows);
  }
  types_[call] = x.dtype();
  const Tensor source = source_of(rows);
  const OnDevice here(Device::cpu);
  exchange_.begin_forward_gathered(call, hop, source);
}

nn::HaloRows DeviceExchange::finish_forward(std::uint32_t call, bool) {
  if (linked()) {
    links_->join();
    return {linked_.at(call).arriving, nullptr};
  }
  const OnDevice here(Device::cpu);
  return {take(exchange_.finish_forward(call, true), types_.at(call)), nullptr};
}

void DeviceExchange::begin_backward(std::uint32_t call, const Tensor& gradient) {
  if (linked()) return start(call, false, gradient);
  const Tensor source = source_of(gradient);
  const OnDevice here(Device::cpu);
  exchange_.begin_backward(call, source);
}

void DeviceExchange::finish_backward(std::uint32_t call, const Tensor& dx) {
  if (linked()) {
    const Linked l = std::exchange(linked_.at(call), {});
    links_->join();
    return add(*l.drawn, l.hop, l.arriving, dx);
  }
  const OnDevice here(Device::cpu);
  const BoundaryExchange::Returned back = exchange_.finish_backward_gathered(call, true);
  add(*back.drawn, back.hop, take(back.rows, dx.dtype()), dx);
}

/// A row may come back from several ranks, but once from each.
void DeviceExchange::add(const Drawn& drawn, int hop, const Tensor& rows, const Tensor& dx) {
  const auto numbers = sent(drawn, hop);
  const auto& first = drawn.sent_first;
  for (std::size_t r = 0; r + 1 < first.size(); ++r) {
    const auto begin = static_cast<std::size_t>(first[r]), count = static_cast<std::size_t>(first[r + 1]) - begin;
    if (count > 0) ops::scatter_add_rows(rows.slice(first[r], first[r + 1]), numbers.subspan(begin, count), dx);
  }
}

Tensor DeviceExchange::gather_full(const Tensor& x, int hop) {
  if (!ops::on_device(x)) return exchange_.gather_full(x, hop);
  std::vector<Tensor> rows;
  for (const Route& route : share_.step(hop).sends)
    rows.push_back(gather(x, numbers_of(ops::to_device(route.rows))).to(Device::cpu));
  const OnDevice here(Device::cpu);
  return exchange_.gather_full(rows, x.cols(), x.dtype(), hop).to(Device::cuda);
}

}  // namespace galena::train
