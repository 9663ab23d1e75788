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

}  // namespace

// --- which rows

void DeviceExchange::begin_pass() {
  for (Call& call : calls_) call.forward = call.backward = nullptr;
  samples_.begin_pass();
}

void DeviceExchange::prepare_pass() {
  begin_pass();  // before a recording, which would take what an evaluation's graph gets back for its own
  samples_.renew();
  exchange_.draws().draw_ahead();
}

DeviceExchange::Call& DeviceExchange::call_of(std::uint32_t call) {
  if (calls_.size() <= call) calls_.resize(call + std::size_t{1});
  return calls_[call];
}

DrawnPointer DeviceExchange::shown(std::uint32_t number, int hop) {
  Call& call = call_of(number);
  if (exchange_.stale()) {
    if (call.forward != nullptr) return call.forward->drawn;
    if (call.forward_late == nullptr) call.forward_late = adopt(number, true);
    if (call.forward_late != nullptr) return call.forward_late->drawn;
  }
  return exchange_.drawn(number, hop);
}

const nn::HaloSelection& DeviceExchange::selection(std::uint32_t call, int hop) {
  return samples_.selection(shown(call, hop), call, hop);
}

// --- sending and receiving

Tensor DeviceExchange::code(const Flight& flight, std::uint32_t call, bool forward,
                            const std::shared_ptr<const DeviceWire>& wire, const Tensor& rows) {
  const OnDevice there(Device::cuda);
  const ops::DeviceOps& ops = ops::device_ops();
  if (!refused_.defined()) refused_ = Tensor::zeros(1, 1, DType::i32);
  const Tensor x = rows.to(DType::f32);
  const Side side{call, flight.hop, forward, true};
  const auto& routes = routes_of(share_.step(flight.hop), side);
  const auto& first = places_of(*flight.drawn, side);
  const VertexId* const names = ops::device_data<const VertexId>(samples_.ids(flight.drawn, call, flight.hop, forward));
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

std::vector<comm::DeviceMessage> DeviceExchange::messages(const Trip& trip) const {
  const Side& side = trip.side;
  const Drawn& drawn = trip.drawn != nullptr ? *trip.drawn : samples_.now(trip.frame);
  const auto& routes = routes_of(share_.step(side.hop), side);
  const auto& first = places_of(drawn, side);
  const auto& samples = samples_of(drawn, side);
  std::vector<comm::DeviceMessage> messages;
  for (std::size_t r = 0; r < routes.size(); ++r) {
    const std::uint64_t rows = samples[r].positions.size();
    if (rows == 0) continue;
    std::uint64_t begin = static_cast<std::uint64_t>(first[r]) * trip.row_bytes, bytes = rows * trip.row_bytes;
    std::uint64_t parameters = 0;
    if (trip.wire != nullptr) {
      begin = trip.wire->begin[r];
      bytes = trip.wire->size[r];
      parameters = trip.wire->parameters[r];
    }
    messages.push_back({routes[r].peer, trip.memory + begin, bytes, {}});
    if (side.leaving) messages.back().charges = exchange_.charges(side.call, side.forward, bytes, parameters);
  }
  return messages;
}

DeviceExchange::FlightPointer DeviceExchange::launch(std::uint32_t call, int hop, bool forward, DrawnPointer drawn,
                                                     const Tensor& rows) {
  auto flight = std::make_shared<Flight>();
  flight->drawn = std::move(drawn);
  flight->hop = hop;
  flight->drawn_in = exchange_.pass().epoch;
  flight->dtype = rows.dtype();
  flight->leaving = rows;
  const std::uint64_t frame = flight->drawn->view.frame,
                      row_bytes = static_cast<std::uint64_t>(rows.cols()) * size_of(rows.dtype());
  const auto trip = [&](bool leaving) {
    return Trip{{call, hop, forward, leaving}, frame != 0 ? nullptr : flight->drawn, frame, nullptr, row_bytes, {}};
  };
  Trip out = trip(true), in = trip(false);
  const OnDevice there(Device::cuda);
  if (exchange_.coded()) {
    out.wire = samples_.wire(flight->drawn, out.side, rows.cols());
    in.wire = flight->wire = samples_.wire(flight->drawn, in.side, rows.cols());
    flight->leaving = code(*flight, call, forward, out.wire, rows);
    flight->arriving = flight->wire->make();
    flight->packed = flight->wire->over(flight->arriving);
  } else {
    flight->arriving = flight->rows =
        Tensor::empty(places_of(*flight->drawn, in.side).back(), rows.cols(), rows.dtype());
  }
  if (frame != 0) flight->arriving.fill(0);  // where no row arrives
  out.memory = flight->leaving.raw();
  in.memory = flight->arriving.raw();
  flight->step = std::make_shared<comm::DeviceLinks::Step>(0);
  ops::between_graphs([this, step = flight->step, out, in] {
    const double start = comm::Communicator::now();
    *step = links_.start(messages(out), messages(in));
    exchange_.add_wait(comm::Communicator::now() - start);
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
  const Tensor rows = gather(x, samples_.sent(drawn, number, hop));
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
  add(call, *flight, decoded(*flight), dx);
}

/// A row may come back from several ranks, but once from each.
void DeviceExchange::add(std::uint32_t call, const Flight& flight, const Tensor& rows, const Tensor& dx) {
  const auto numbers = samples_.sent(flight.drawn, call, flight.hop);
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
    const Side side{m.call, m.hop, m.forward, true};
    const auto& samples = samples_of(*m.drawn, side);
    const auto& first = places_of(*m.drawn, side);
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
        late.packed = to_host(*flight->wire, flight->packed.bytes,
                              places_of(*flight->drawn, {call, flight->hop, forward, false}));
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
