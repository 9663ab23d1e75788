#include "src/train/device_samples.hpp"

#include <algorithm>
#include <utility>

#include "src/nn/cache.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::train {
namespace {

constexpr VertexId kNoId = 0;  // any does: what lies there is not looked at

VertexId row_at(const Route& route, std::uint32_t at) { return route.rows[at]; }
VertexId id_at(const Route& route, std::uint32_t at) { return route.ids[at]; }

}  // namespace

DeviceSamples::~DeviceSamples() {
  for (const auto& [frame, k] : frames_) nn::forget_halo_factors(share_.step(k.hop).view, frame);
}

void DeviceSamples::begin_pass() {
  std::erase_if(kept_, [](const auto& k) { return k.second.drawn.expired(); });
  const std::uint64_t now = exchange_.draws().assignments();
  if (std::exchange(assigned_, now) == now) return;
  for (const auto& [frame, k] : frames_) nn::forget_halo_factors(share_.step(k.hop).view, frame);
  frames_.clear();
}

void DeviceSamples::renew() {
  begin_pass();
  for (auto& [frame, k] : frames_) {
    const auto drawn = exchange_.drawn(k.call, k.hop);
    nn::renew_halo_factors(share_.step(k.hop).view, kept(drawn, k.call, k.hop).selection);
  }
}

DeviceSamples::Kept& DeviceSamples::kept(const DrawnPointer& drawn, std::uint32_t call, int hop) {
  const std::uint64_t frame = drawn->view.frame;
  const auto [found, fresh] = frame != 0 ? frames_.try_emplace(frame) : kept_.try_emplace(drawn->view.version);
  Kept& k = found->second;
  if (fresh) {
    k.call = call;
    k.hop = hop;
  }
  if (frame == 0)
    k.drawn = drawn;
  else if (k.now != drawn)
    write(k, drawn);
  return k;
}

/// In the place of the sample before.
void DeviceSamples::write(Kept& k, const DrawnPointer& drawn) {
  k.selection.version = drawn->view.version;
  k.selection.frame = drawn->view.frame;
  if (k.csr != nullptr) write_columns(k, *drawn);
  if (k.sent.defined()) write_rows(k, *drawn, true, row_at, k.sent);
  if (k.sent_ids.defined()) write_rows(k, *drawn, true, id_at, k.sent_ids);
  if (k.received_ids.defined()) write_rows(k, *drawn, false, id_at, k.received_ids);
  for (auto& [key, wire] : k.wires) write_wire(wire, *drawn, std::get<0>(key));
  k.now = drawn;  // where a recording has refused to write, that is left to the next pass
}

void DeviceSamples::write_columns(Kept& k, const Drawn& drawn) const {
  const nn::HaloSelection& selection = drawn.view;
  if (selection.frame == 0) {
    k.csr = ops::to_device(selection.csr);
    k.csr_t = ops::to_device(selection.csr_t);
  } else {
    auto csr = k.csr, csr_t = k.csr_t;
    if (csr == nullptr) {
      csr = ops::make_room(drawn.room->csr);
      csr_t = ops::make_room(drawn.room->csr_t);
    }
    ops::to_device(selection.csr, drawn.pieces, *csr);
    ops::to_device(selection.csr_t, drawn.pieces_t, *csr_t);
    k.csr = std::move(csr);
    k.csr_t = std::move(csr_t);
  }
  k.selection = selection;
  k.selection.csr.on_device = k.csr.get();
  k.selection.csr_t.on_device = k.csr_t.get();
}

template <class F>
void DeviceSamples::write_rows(const Kept& k, const Drawn& drawn, bool sent, const F& number, Tensor& to) const {
  const Side side{k.call, k.hop, true, sent};
  const auto& routes = routes_of(share_.step(k.hop), side);
  const auto& samples = samples_of(drawn, side);
  const auto& first = places_of(drawn, side);
  std::vector<VertexId> all(static_cast<std::size_t>(first.back()), number == row_at ? ops::kNoRow : kNoId);
  for (std::size_t r = 0; r < routes.size(); ++r)
    std::ranges::transform(samples[r].positions, all.begin() + first[r],
                           [&](std::uint32_t position) { return number(routes[r], position); });
  ops::to_device(all, to);
}

const nn::HaloSelection& DeviceSamples::selection(const DrawnPointer& drawn, std::uint32_t call, int hop) {
  Kept& k = kept(drawn, call, hop);
  if (k.csr == nullptr) write_columns(k, *drawn);
  return k.selection;
}

std::span<const VertexId> DeviceSamples::sent(const DrawnPointer& drawn, std::uint32_t call, int hop) {
  Kept& k = kept(drawn, call, hop);
  if (!k.sent.defined()) write_rows(k, *drawn, true, row_at, k.sent);
  return {ops::device_data<const VertexId>(k.sent), static_cast<std::size_t>(k.sent.rows())};
}

const Tensor& DeviceSamples::ids(const DrawnPointer& drawn, std::uint32_t call, int hop, bool sent) {
  Kept& k = kept(drawn, call, hop);
  Tensor& ids = sent ? k.sent_ids : k.received_ids;
  if (!ids.defined()) write_rows(k, *drawn, sent, id_at, ids);
  return ids;
}

// --- layouts of coded rows

std::shared_ptr<const DeviceWire> DeviceSamples::wire(const DrawnPointer& drawn, const Side& side, std::int64_t cols) {
  const std::uint64_t widths = exchange_.widths_name(side.forward, side.call);
  const bool alike = widths == 0;  // in all exchanges, and for ever
  KeptWire& k =
      kept(drawn, side.call, side.hop).wires[{cols, side.sends(), alike ? 0 : side.call, alike || side.forward}];
  if (k.wire != nullptr && k.widths == widths) return k.wire;
  KeptWire fresh{widths, std::make_shared<DeviceWire>(), side};
  write_wire(fresh, *drawn, cols);
  k = std::move(fresh);
  return k.wire;
}

void DeviceSamples::write_wire(KeptWire& k, const Drawn& drawn, std::int64_t cols) const {
  const Side& side = k.side;
  const auto& samples = samples_of(drawn, side);
  const auto& first = places_of(drawn, side);
  const bool framed = drawn.view.frame != 0;
  std::vector<std::uint8_t> bits;
  WireRoom room;
  for (std::size_t r = 0; r < samples.size(); ++r) {
    const auto of_route = exchange_.widths(side.sends(), side.forward, side.call, r, samples[r]);
    bits.insert(bits.end(), of_route.begin(), of_route.end());
    if (!framed) continue;
    room.rows.push_back(static_cast<std::uint32_t>(of_route.size()));
    room.widest.push_back(exchange_.widest(side.sends(), side.forward, side.call, r));
    bits.resize(static_cast<std::size_t>(first[r + 1]), room.widest.back());
  }
  lay_out(cols, std::move(bits), first, framed ? &room : nullptr, *k.wire);
}

}  // namespace galena::train
