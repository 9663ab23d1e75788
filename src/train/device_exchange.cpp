#include "src/train/device_exchange.hpp"

#include <algorithm>
#include <utility>

#include "src/ops/device_graph.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::train {
namespace {

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

/// Each route's bytes, where it has any: rows, or those of the wire.
std::vector<comm::DeviceMessage> messages_of(std::span<const Route> routes, std::span<const std::int64_t> first,
                                             const Tensor& memory, const DeviceWire* wire) {
  std::vector<comm::DeviceMessage> messages;
  for (std::size_t r = 0; r < routes.size(); ++r) {
    if (first[r] == first[r + 1]) continue;
    if (wire != nullptr) {
      messages.push_back({routes[r].peer, memory.raw() + wire->begin[r], wire->size[r], {}});
    } else {
      const Tensor part = memory.slice(first[r], first[r + 1]);
      messages.push_back({routes[r].peer, part.raw(), part.bytes(), {}});
    }
  }
  return messages;
}

/// A number for each row that travels, route after route.
template <class F>
Tensor of_rows(std::span<const Route> routes, std::span<const Sample> samples, const F& number) {
  std::vector<VertexId> all;
  for (std::size_t r = 0; r < routes.size(); ++r)
    for (const std::uint32_t position : samples[r].positions) all.push_back(number(routes[r], position));
  return ops::to_device(all);
}

// Of rows that leave, or else arrive, in a direction.
const std::vector<Route>& routes_of(const Share& step, bool forward, bool leaving) {
  return forward == leaving ? step.sends : step.receives;
}
const std::vector<std::int64_t>& bounds_of(const Drawn& drawn, bool forward, bool leaving) {
  return forward == leaving ? drawn.sent_first : drawn.first;
}
const std::vector<Sample>& samples_of(const Drawn& drawn, bool forward, bool leaving) {
  return forward == leaving ? drawn.sends : drawn.receives;
}

}  // namespace

// --- which rows

DeviceExchange::Kept& DeviceExchange::kept(const std::shared_ptr<const Drawn>& drawn) {
  Kept& k = kept_[drawn->view.version];
  k.drawn = drawn;
  return k;
}

void DeviceExchange::begin_pass() {
  for (Call& call : calls_) call.forward = call.backward = nullptr;
  std::erase_if(kept_, [](const auto& k) { return k.second.drawn.expired(); });
}

DeviceExchange::Call& DeviceExchange::call_of(std::uint32_t call) {
  if (calls_.size() <= call) calls_.resize(call + std::size_t{1});
  return calls_[call];
}

std::shared_ptr<const Drawn> DeviceExchange::shown(std::uint32_t number, int hop) {
  Call& call = call_of(number);
  if (exchange_.stale()) {
    if (call.forward != nullptr) return call.forward->drawn;
    if (call.forward_late == nullptr) call.forward_late = adopt(number, true);
    if (call.forward_late != nullptr) return call.forward_late->drawn;
  }
  return exchange_.drawn(number, hop);
}

const nn::HaloSelection& DeviceExchange::selection(std::uint32_t call, int hop) {
  const auto drawn = shown(call, hop);
  const nn::HaloSelection& selection = drawn->view;
  Kept& k = kept(drawn);
  if (k.csr == nullptr) {
    k.csr = ops::to_device(selection.csr);
    k.csr_t = ops::to_device(selection.csr_t);
    k.selection = selection;
    k.selection.csr.on_device = k.csr.get();
    k.selection.csr_t.on_device = k.csr_t.get();
  }
  return k.selection;
}

std::span<const VertexId> DeviceExchange::sent(const std::shared_ptr<const Drawn>& drawn, int hop) {
  Kept& k = kept(drawn);
  if (!k.sent.defined())
    k.sent = of_rows(share_.step(hop).sends, drawn->sends, [](const Route& route, auto at) { return route.rows[at]; });
  return numbers_of(k.sent);
}

const Tensor& DeviceExchange::ids(const std::shared_ptr<const Drawn>& drawn, int hop, bool sent) {
  Kept& k = kept(drawn);
  Tensor& ids = sent ? k.sent_ids : k.received_ids;
  const Share& step = share_.step(hop);
  if (!ids.defined())
    ids = of_rows(sent ? step.sends : step.receives, sent ? drawn->sends : drawn->receives,
                  [](const Route& route, auto at) { return route.ids[at]; });
  return ids;
}

std::shared_ptr<const DeviceWire> DeviceExchange::wire_of(const Flight& flight, std::uint32_t call, bool forward,
                                                          bool leaving, std::int64_t cols) {
  const bool sends = forward == leaving;
  const std::uint64_t widths = exchange_.widths_name(forward, call);
  const bool alike = widths == 0;  // in all exchanges, and for ever
  auto& [name, wire] = kept(flight.drawn).wires[{cols, sends, alike ? 0 : call, alike || forward}];
  if (wire != nullptr && name == widths) return wire;
  const auto& samples = samples_of(*flight.drawn, forward, leaving);
  std::vector<std::uint8_t> bits;
  for (std::size_t r = 0; r < samples.size(); ++r) {
    const auto of_route = exchange_.widths(sends, forward, call, r, samples[r]);
    bits.insert(bits.end(), of_route.begin(), of_route.end());
  }
  name = widths;
  wire =
      std::make_shared<DeviceWire>(make_device_wire(cols, std::move(bits), bounds_of(*flight.drawn, forward, leaving)));
  return wire;
}

// --- sending and receiving

Tensor DeviceExchange::code(const Flight& flight, std::uint32_t call, bool forward,
                            const std::shared_ptr<const DeviceWire>& wire, const Tensor& rows) {
  const OnDevice there(Device::cuda);
  const ops::DeviceOps& ops = ops::device_ops();
  if (!refused_.defined()) refused_ = Tensor::zeros(1, 1, DType::i32);
  const Tensor x = rows.to(DType::f32);
  const auto& routes = routes_of(share_.step(flight.hop), forward, true);
  const auto& first = bounds_of(*flight.drawn, forward, true);
  const VertexId* const names = ops::device_data<const VertexId>(ids(flight.drawn, flight.hop, forward));
  const ops::DevicePacked packed = wire->over(wire->make());
  for (std::size_t r = 0; r < routes.size(); ++r)
    if (first[r] < first[r + 1])
      ops.pack_rows(x.slice(first[r], first[r + 1]), nullptr, names + first[r],
                    exchange_.key_of(call, forward, routes[r].peer), ops::slice(packed, first[r], first[r + 1]),
                    &refused_);
  ops.wire_parameters(packed, wire->places, true);
  if (exchange_.measured()) {
    const Tensor variance = Tensor::empty(packed.rows, 1, DType::f64),
                 energy = Tensor::empty(packed.rows, 1, DType::f64);
    ops.measure_rows(x, packed, variance, energy);
    measured_.push_back({call, flight.hop, forward, flight.drawn, wire, variance, energy});
  }
  return packed.bytes;
}

std::vector<comm::DeviceMessage> DeviceExchange::send(const Flight& flight, std::uint32_t call, bool forward,
                                                      const DeviceWire* wire) {
  const auto& first = bounds_of(*flight.drawn, forward, true);
  auto sends = messages_of(routes_of(share_.step(flight.hop), forward, true), first, flight.leaving, wire);
  std::size_t next = 0;
  for (std::size_t r = 0; r + 1 < first.size(); ++r) {
    if (first[r] == first[r + 1]) continue;
    comm::DeviceMessage& message = sends[next++];
    message.charges = exchange_.charges(call, forward, message.bytes, wire != nullptr ? wire->parameters[r] : 0);
  }
  return sends;
}

std::vector<comm::DeviceMessage> DeviceExchange::receive(Flight& flight, bool forward, std::int64_t cols) {
  const OnDevice there(Device::cuda);
  const auto& first = bounds_of(*flight.drawn, forward, false);
  if (flight.wire != nullptr) {
    flight.arriving = flight.wire->make();
    flight.packed = flight.wire->over(flight.arriving);
  } else {
    flight.arriving = flight.rows = Tensor::empty(first.back(), cols, flight.dtype);
  }
  return messages_of(routes_of(share_.step(flight.hop), forward, false), first, flight.arriving, flight.wire.get());
}

DeviceExchange::FlightPointer DeviceExchange::launch(std::uint32_t call, int hop, bool forward,
                                                     std::shared_ptr<const Drawn> drawn, const Tensor& rows) {
  auto flight = std::make_shared<Flight>();
  flight->drawn = std::move(drawn);
  flight->hop = hop;
  flight->drawn_in = exchange_.pass().epoch;
  flight->dtype = rows.dtype();
  flight->leaving = rows;
  std::shared_ptr<const DeviceWire> wire;
  if (exchange_.coded()) {
    wire = wire_of(*flight, call, forward, true, rows.cols());
    flight->wire = wire_of(*flight, call, forward, false, rows.cols());
    flight->leaving = code(*flight, call, forward, wire, rows);
  }
  flight->step = std::make_shared<comm::DeviceLinks::Step>(0);
  ops::between_graphs([&links = links_, &exchange = exchange_, step = flight->step,
                       receives = receive(*flight, forward, rows.cols()),
                       sends = send(*flight, call, forward, wire.get())] {
    const double start = comm::Communicator::now();
    *step = links.start(sends, receives);
    exchange.add_wait(comm::Communicator::now() - start);
  });
  return flight;
}

void DeviceExchange::take_turns(std::uint32_t call, bool forward, FlightPointer& shown, FlightPointer& late,
                                FlightPointer now) {
  if (!exchange_.stale()) {
    shown = std::move(now);
    return;
  }
  if (late == nullptr) late = adopt(call, forward);
  shown = late != nullptr ? late : now;
  late = std::move(now);
}

void DeviceExchange::begin_forward(std::uint32_t number, int hop, const Tensor& x) {
  auto drawn = exchange_.drawn(number, hop);
  const Tensor rows = gather(x, sent(drawn, hop));
  auto flight = launch(number, hop, true, std::move(drawn), rows);
  Call& call = call_of(number);
  take_turns(number, true, call.forward, call.forward_late, std::move(flight));
}

void DeviceExchange::begin_backward(std::uint32_t number, const Tensor& gradient) {
  Call& call = call_of(number);
  auto flight = launch(number, call.forward->hop, false, call.forward->drawn, gradient);
  flight->drawn_in = call.forward->drawn_in;
  take_turns(number, false, call.backward, call.backward_late, std::move(flight));
  if (!exchange_.stale()) call.forward = nullptr;  // its rows are no longer needed
}

void DeviceExchange::join(Flight& flight) {
  if (flight.joined) return;
  ops::between_graphs([this, step = flight.step] {
    const double start = comm::Communicator::now();
    links_.join(*step);
    exchange_.add_wait(comm::Communicator::now() - start);
  });
  flight.joined = true;
  flight.leaving = {};
  if (flight.wire != nullptr) ops::device_ops().wire_parameters(flight.packed, flight.wire->places, false);
}

const Tensor& DeviceExchange::decoded(Flight& flight) {
  if (flight.rows.defined()) return flight.rows;
  const OnDevice there(Device::cuda);
  flight.rows = Tensor::empty(flight.packed.rows, flight.packed.cols, flight.dtype);
  ops::device_ops().unpack_rows(flight.packed, flight.rows);
  return flight.rows;
}

nn::HaloRows DeviceExchange::finish_forward(std::uint32_t call, bool packed_ok) {
  Flight& flight = *call_of(call).forward;
  join(flight);
  if (packed_ok && flight.packed.bytes.defined()) return {{}, nullptr, &flight.packed};
  return {decoded(flight), nullptr, nullptr};
}

void DeviceExchange::finish_backward(std::uint32_t call, const Tensor& dx) {
  const FlightPointer flight = std::move(call_of(call).backward);
  join(*flight);
  add(*flight, decoded(*flight), dx);
}

/// A row may come back from several ranks, but once from each.
void DeviceExchange::add(const Flight& flight, const Tensor& rows, const Tensor& dx) {
  const auto numbers = sent(flight.drawn, flight.hop);
  const auto& first = flight.drawn->sent_first;
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

// --- measures, errors and checkpoints

void DeviceExchange::collect() {
  for (const Measured& m : std::exchange(measured_, {})) {
    const Tensor variance = m.variance.to(Device::cpu), energy = m.energy.to(Device::cpu);
    const auto& samples = samples_of(*m.drawn, m.forward, true);
    const auto& first = bounds_of(*m.drawn, m.forward, true);
    for (std::size_t r = 0; r < samples.size(); ++r) {
      const auto begin = static_cast<std::size_t>(first[r]), count = samples[r].positions.size();
      if (count == 0) continue;
      exchange_.record(m.call, m.hop, m.forward, r, samples[r], m.wire->cols,
                       std::span(m.wire->bits).subspan(begin, count), variance.span<double>().subspan(begin, count),
                       energy.span<double>().subspan(begin, count));
    }
  }
}

void DeviceExchange::check_rows() const {
  if (!refused_.defined()) return;
  const auto found = static_cast<VertexId>(static_cast<std::int64_t>(refused_.item()));
  if (found != 0) ops::fail_refused(found - 1);
}

DeviceExchange::FlightPointer DeviceExchange::adopt(std::uint32_t call, bool forward) {
  auto late = exchange_.take_late(call, forward);
  if (!late) return nullptr;
  auto flight = std::make_shared<Flight>();
  flight->drawn = late->drawn;
  flight->hop = late->hop;
  flight->drawn_in = late->drawn_in;
  flight->dtype = late->dtype;
  flight->joined = true;
  if (late->coded)
    flight->packed = ops::to_device(late->packed);
  else
    flight->rows = late->rows.to(Device::cuda);
  flight->loaded = std::move(*late);
  return flight;
}

void DeviceExchange::park() {
  for (std::uint32_t call = 0; call < calls_.size(); ++call)
    for (const bool forward : {true, false}) {
      const FlightPointer& flight = forward ? calls_[call].forward_late : calls_[call].backward_late;
      if (flight == nullptr) continue;
      if (flight->loaded) {
        exchange_.put_late(call, forward, *flight->loaded);  // the pass goes on with it
        continue;
      }
      join(*flight);
      const bool coded = flight->packed.bytes.defined();
      BoundaryExchange::Late late{flight->drawn, flight->hop, flight->drawn_in, flight->dtype, coded, {}, {}};
      if (coded)
        late.packed = to_host(*flight->wire, flight->packed.bytes, bounds_of(*flight->drawn, forward, false));
      else
        late.rows = flight->rows.to(Device::cpu);
      exchange_.put_late(call, forward, std::move(late));
    }
}

void DeviceExchange::drain() {
  for (Call& call : calls_)
    for (FlightPointer* const flight : {&call.forward_late, &call.backward_late}) {
      if (*flight != nullptr) join(**flight);
      *flight = nullptr;
    }
}

}  // namespace galena::train
