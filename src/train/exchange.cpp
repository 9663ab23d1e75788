#include "src/train/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "galena/error.hpp"
#include "src/comm/reserved_tags.hpp"
#include "src/ops/pointwise.hpp"
#include "src/train/exchange_state.hpp"
#include "src/train/wire.hpp"

namespace galena::train {
namespace {

constexpr std::uint8_t kFirstBits = 8;  // of rows that no assignment has spoken of
constexpr std::uint8_t kProbeBits = 2;
constexpr int kGatherTag = comm::kGatherRowsTag;

int tag_of(std::uint32_t call, bool forward) { return static_cast<int>(call) * 2 + (forward ? 0 : 1); }

}  // namespace

// Rows on their way, in one direction of one exchange.
struct BoundaryExchange::Flight {
  std::shared_ptr<const Drawn> drawn;
  int hop = 0;
  std::uint32_t drawn_in = 0;  // epoch of the sample
  Tensor rows;                 // arrivals in full precision
  ops::PackedRows packed;      // arrivals coded
  DType dtype = DType::f32;
  bool coded = false;
  bool arrived = false;
  std::vector<Tensor> sent;                   // what is being sent, in full precision
  std::vector<std::vector<std::byte>> wires;  // what is being sent or received, coded
  std::vector<std::size_t> received_wires;    // by arriving route
  std::vector<comm::Request> requests;

  // Rows of one arriving route: [begin, end) of all arrivals.
  [[nodiscard]] const std::vector<std::int64_t>& bounds(bool forward) const {
    return forward ? drawn->first : drawn->sent_first;
  }
};

struct BoundaryExchange::Call {
  std::shared_ptr<const Drawn> drawn;                   // of this pass
  std::shared_ptr<Flight> forward, backward;            // being finished
  std::shared_ptr<Flight> forward_late, backward_late;  // stale policy: for the next epoch
};

BoundaryExchange::BoundaryExchange(const Share& share, comm::Communicator& communicator, const Policy& policy,
                                   std::uint64_t seed)
    : share_(share), communicator_(communicator), policy_(policy), seed_(seed), draws_(share, policy_, seed) {}

BoundaryExchange::~BoundaryExchange() = default;

void BoundaryExchange::begin_pass(const Pass& pass) {
  draws_.begin_pass(pass);
  for (auto& call : calls_) {
    call->drawn = nullptr;
    call->forward = call->backward = nullptr;
  }
}

void BoundaryExchange::drain() {
  for (auto& call : calls_)
    for (auto* flight : {&call->forward_late, &call->backward_late}) {
      if (*flight) settle(**flight, flight == &call->forward_late, false);
      *flight = nullptr;
    }
}

BoundaryExchange::Call& BoundaryExchange::call_of(std::uint32_t call) {
  while (calls_.size() <= call) calls_.push_back(std::make_unique<Call>());
  return *calls_[call];
}

// --- which rows

// Routes on which rows arrive, and on which they leave.
const std::vector<Route>& BoundaryExchange::sources(int hop, bool forward) const {
  const Share& step = share_.step(hop);
  return forward ? step.receives : step.sends;
}

const std::vector<Route>& BoundaryExchange::destinations(int hop, bool forward) const { return sources(hop, !forward); }

void BoundaryExchange::probe(std::optional<Probe> probe) {
  probe_ = probe;
  draws_.take_all(probe.has_value());
}

const nn::HaloSelection& BoundaryExchange::selection(std::uint32_t number, int hop) {
  Call& call = call_of(number);
  if (stale())
    if (const auto& flight = call.forward ? call.forward : call.forward_late) return flight->drawn->view;
  if (!call.drawn) call.drawn = draws_.draw(number, hop);
  return call.drawn->view;
}

std::vector<std::uint8_t> BoundaryExchange::widths(bool sends, bool forward, std::uint32_t call, std::size_t route,
                                                   const Sample& sample) const {
  std::vector<std::uint8_t> bits(sample.positions.size(), static_cast<std::uint8_t>(policy_.bits));
  if (probe_) {
    const bool probed = probe_->call == call && probe_->forward == forward;
    std::fill(bits.begin(), bits.end(), probed ? kProbeBits : kFirstBits);
    return bits;
  }
  if (policy_.bits != 0) return bits;
  const auto* const assigned = assigned_bits(sends, forward, call, route);
  for (std::size_t k = 0; k < bits.size(); ++k)
    bits[k] = assigned == nullptr ? kFirstBits : (*assigned)[sample.positions[k]];
  return bits;
}

const std::vector<std::uint8_t>* BoundaryExchange::assigned_bits(bool sends, bool forward, std::uint32_t call,
                                                                 std::size_t route) const {
  const RouteAssignment* const plan = draws_.assigned(sends, call, route);
  if (plan == nullptr) return nullptr;
  const auto& bits = forward ? plan->forward_bits : plan->backward_bits;
  return bits.empty() ? nullptr : &bits;
}

std::uint8_t BoundaryExchange::widest(bool sends, bool forward, std::uint32_t call, std::size_t route) const {
  if (policy_.bits != 0) return static_cast<std::uint8_t>(policy_.bits);
  const auto* const assigned = assigned_bits(sends, forward, call, route);
  return assigned == nullptr ? kFirstBits : *std::ranges::max_element(*assigned);
}

// --- sending and receiving

std::uint64_t BoundaryExchange::widths_name(bool forward, std::uint32_t call) const {
  if (policy_.bits != 0 && !probe_) return 0;
  if (!probe_) return draws_.assignments() << 16 | call << 2 | (forward ? 2 : 0) | 1;
  return ~std::uint64_t{0} - (probe_->call == call && probe_->forward == forward ? 1 : 0);
}

std::vector<comm::Charge> BoundaryExchange::charges(std::uint32_t call, bool forward, std::uint64_t bytes,
                                                    std::uint64_t parameters) const {
  const int layer = static_cast<int>(call);
  const comm::Direction direction = forward ? comm::Direction::forward : comm::Direction::backward;
  const comm::Traffic kind = pass().training ? comm::Traffic::payload : comm::Traffic::control;
  std::vector<comm::Charge> charges{{{kind, layer, direction}, bytes - parameters}};
  if (coded()) charges.push_back({{comm::Traffic::parameters, layer, direction}, parameters});
  return charges;
}

/// Both directions and all receivers have noise of their own.
ops::RandomKey BoundaryExchange::key_of(std::uint32_t call, bool forward, int peer) const {
  const auto purpose = forward ? ops::Purpose::quantize_forward : ops::Purpose::quantize_backward;
  const std::uint32_t stream =
      call * static_cast<std::uint32_t>(share_.ranks) + static_cast<std::uint32_t>(forward ? peer : share_.rank);
  return {seed_, pass().epoch, ops::RandomKey::make_stream(stream, purpose)};
}

void BoundaryExchange::send(Flight& flight, std::uint32_t call, bool forward, std::size_t route, const Tensor& x,
                            bool gathered) {
  const Drawn& drawn = *flight.drawn;
  const Route& to = destinations(flight.hop, forward)[route];
  const Sample& sample = forward ? drawn.sends[route] : drawn.receives[route];
  if (sample.positions.empty()) return;
  std::vector<VertexId> index, ids;
  const std::int64_t first = (forward ? drawn.sent_first : drawn.first)[route];
  for (std::size_t k = 0; k < sample.positions.size(); ++k) {
    index.push_back(gathered ? static_cast<VertexId>(first + static_cast<std::int64_t>(k))
                             : to.rows[sample.positions[k]]);
    ids.push_back(to.ids[sample.positions[k]]);
  }
  if (!flight.coded) {
    Tensor rows = Tensor::empty(static_cast<std::int64_t>(index.size()), x.cols(), x.dtype());
    ops::gather_rows(x, index, rows);
    flight.sent.push_back(rows);
    flight.requests.push_back(communicator_.isend(to.peer, tag_of(call, forward), {rows.raw(), rows.bytes()},
                                                  charges(call, forward, rows.bytes(), 0)));
    return;
  }
  ops::PackedRows packed = ops::layout_rows(x.cols(), widths(forward, forward, call, route, sample));
  std::vector<double> variance(measured() ? index.size() : 0), energy(variance.size());
  ops::pack_rows(x, index, ids, key_of(call, forward, to.peer), packed, variance, energy);
  if (measured()) record(call, flight.hop, forward, route, sample, x.cols(), packed.bits, variance, energy);
  flight.wires.push_back(to_wire(packed));
  const auto& wire = flight.wires.back();
  flight.requests.push_back(communicator_.isend(
      to.peer, tag_of(call, forward), wire, charges(call, forward, wire.size(), wire_parameter_bytes(packed.bits))));
}

std::shared_ptr<BoundaryExchange::Flight> BoundaryExchange::launch(std::uint32_t call, int hop, bool forward,
                                                                   std::shared_ptr<const Drawn> drawn, const Tensor& x,
                                                                   bool gathered) {
  auto flight = std::make_shared<Flight>();
  flight->drawn = std::move(drawn);
  flight->hop = hop;
  flight->dtype = x.dtype();
  flight->coded = coded();
  const auto &from = sources(hop, forward), &to = destinations(hop, forward);
  const auto& bounds = flight->bounds(forward);
  flight->wires.reserve(from.size() + to.size());
  if (flight->coded) {
    std::vector<std::uint8_t> bits;
    for (std::size_t r = 0; r < from.size(); ++r) {
      const auto of_route =
          widths(!forward, forward, call, r, forward ? flight->drawn->receives[r] : flight->drawn->sends[r]);
      bits.insert(bits.end(), of_route.begin(), of_route.end());
    }
    flight->packed = ops::layout_rows(x.cols(), bits);
  } else {
    flight->rows = Tensor::empty(bounds.back(), x.cols(), x.dtype());
  }
  for (std::size_t r = 0; r < from.size(); ++r) {
    flight->received_wires.push_back(flight->wires.size());
    if (bounds[r] == bounds[r + 1]) continue;
    std::span<std::byte> into;
    if (flight->coded) {
      flight->wires.emplace_back(wire_bytes(flight->packed, bounds[r], bounds[r + 1]));
      into = flight->wires.back();
    } else {
      const Tensor rows = flight->rows.slice(bounds[r], bounds[r + 1]);
      into = {rows.raw(), rows.bytes()};
    }
    flight->requests.push_back(communicator_.irecv(from[r].peer, tag_of(call, forward), into));
  }
  for (std::size_t r = 0; r < to.size(); ++r) send(*flight, call, forward, r, x, gathered);
  return flight;
}

void BoundaryExchange::settle(Flight& flight, bool forward, bool decode) {
  if (!flight.arrived) {
    const double start = comm::Communicator::now();
    communicator_.wait_all(flight.requests);
    waited_ += comm::Communicator::now() - start;
    flight.arrived = true;
    flight.sent.clear();
    if (flight.coded) unwrap(flight.wires, flight.received_wires, flight.bounds(forward), flight.packed);
  }
  if (!decode || flight.rows.defined()) return;
  flight.rows = Tensor::empty(flight.packed.rows, flight.packed.cols, flight.dtype);
  ops::unpack_rows(flight.packed, flight.rows);
}

std::shared_ptr<const Drawn> BoundaryExchange::drawn(std::uint32_t number, int hop) {
  Call& call = call_of(number);
  if (!call.drawn) call.drawn = draws_.draw(number, hop);
  return call.drawn;
}

void BoundaryExchange::begin_forward(std::uint32_t number, int hop, const Tensor& x) {
  Call& call = call_of(number);
  auto flight = launch(number, hop, true, drawn(number, hop), x, false);
  flight->drawn_in = pass().epoch;
  call.forward = stale() && call.forward_late ? call.forward_late : flight;
  if (stale()) call.forward_late = flight;
}

nn::HaloRows BoundaryExchange::finish_forward(std::uint32_t number, bool packed_ok) {
  Flight& flight = *call_of(number).forward;
  const bool packed = flight.coded && packed_ok;
  settle(flight, true, !packed);
  if (packed) return {{}, &flight.packed, nullptr};
  return {flight.rows, nullptr, nullptr};
}

void BoundaryExchange::begin_backward(std::uint32_t number, const Tensor& gradient) {
  Call& call = call_of(number);
  auto flight = launch(number, call.forward->hop, false, call.forward->drawn, gradient, true);
  flight->drawn_in = call.forward->drawn_in;
  call.backward = stale() && call.backward_late ? call.backward_late : flight;
  if (stale())
    call.backward_late = flight;
  else
    call.forward = nullptr;  // its rows are no longer needed
}

void BoundaryExchange::finish_backward(std::uint32_t number, const Tensor& dx) {
  const std::shared_ptr<Flight> flight = std::move(call_of(number).backward);
  settle(*flight, false, true);
  const auto& bounds = flight->drawn->sent_first;
  std::vector<VertexId> rows;
  const auto& from = sources(flight->hop, false);
  for (std::size_t r = 0; r < from.size(); ++r) {
    rows.clear();
    for (const std::uint32_t k : flight->drawn->sends[r].positions) rows.push_back(from[r].rows[k]);
    if (!rows.empty()) ops::scatter_add_rows(flight->rows.slice(bounds[r], bounds[r + 1]), rows, dx);
  }
}

Tensor BoundaryExchange::gather_full(const Tensor& x, int hop) {
  std::vector<Tensor> sent;
  for (const Route& route : share_.step(hop).sends) {
    sent.push_back(Tensor::empty(static_cast<std::int64_t>(route.rows.size()), x.cols(), x.dtype()));
    ops::gather_rows(x, route.rows, sent.back());
  }
  return gather_full(sent, x.cols(), x.dtype(), hop);
}

Tensor BoundaryExchange::gather_full(std::span<const Tensor> sent, std::int64_t width, DType dtype, int hop) {
  const Share& step = share_.step(hop);
  Tensor halo = Tensor::empty(step.view.halo, width, dtype);
  std::vector<comm::Request> requests;
  for (const Route& route : step.receives) {
    const Tensor rows = halo.slice(route.rows.front(), route.rows.back() + 1);
    requests.push_back(communicator_.irecv(route.peer, kGatherTag, {rows.raw(), rows.bytes()}));
  }
  for (std::size_t r = 0; r < step.sends.size(); ++r)
    requests.push_back(communicator_.isend(step.sends[r].peer, kGatherTag, {sent[r].raw(), sent[r].bytes()},
                                           {comm::Traffic::control, -1, comm::Direction::forward}));
  communicator_.wait_all(requests);
  return halo;
}

// --- measuring

void BoundaryExchange::measure(bool on) {
  measuring_ = on;
  if (on) measures_ = {};
}

void BoundaryExchange::record(std::uint32_t call, int hop, bool forward, std::size_t route, const Sample& sample,
                              std::int64_t width, std::span<const std::uint8_t> bits, std::span<const double> variance,
                              std::span<const double> energy) {
  auto& calls = forward ? measures_.forward : measures_.backward;
  const auto& routes = destinations(hop, forward);
  if (calls.size() <= call) calls.resize(call + 1);
  if (measures_.hops.size() <= call) measures_.hops.resize(call + 1);
  measures_.hops[call] = hop;
  if (calls[call].empty()) calls[call].resize(routes.size());
  RouteMeasure& measure = calls[call][route];
  measure.width = width;
  measure.rows.resize(routes[route].rows.size());
  for (std::size_t k = 0; k < sample.positions.size(); ++k) {
    RowMeasure& row = measure.rows[sample.positions[k]];
    row.variance += variance[k];
    row.energy += energy[k];
    row.bits = bits[k];
    ++row.times;
  }
}

// --- checkpoints

void BoundaryExchange::save(ByteWriter& writer) {
  writer.put(static_cast<std::uint8_t>(measuring_));
  put_measures(writer, measures_.forward);
  put_measures(writer, measures_.backward);
  writer.put_array(measures_.hops);
  writer.put(static_cast<std::uint64_t>(policy_.stale ? calls_.size() : 0));
  if (!policy_.stale) return;
  for (auto& call : calls_) {
    for (auto* flight : {&call->forward_late, &call->backward_late}) {
      writer.put(static_cast<std::uint8_t>(*flight != nullptr));
      if (!*flight) continue;
      settle(**flight, flight == &call->forward_late, false);
      writer.put((*flight)->hop);
      writer.put((*flight)->drawn_in);
      put_arrivals(writer, (*flight)->coded, (*flight)->dtype, (*flight)->rows, (*flight)->packed);
    }
  }
}

std::shared_ptr<BoundaryExchange::Flight> BoundaryExchange::load_flight(ByteReader& reader, std::uint32_t call,
                                                                        bool forward) {
  if (reader.get<std::uint8_t>() == 0) return nullptr;
  auto flight = std::make_shared<Flight>();
  flight->hop = reader.get<int>();
  flight->drawn_in = reader.get<std::uint32_t>();
  begin_pass({true, pass().pruned, flight->drawn_in});
  flight->drawn = draws_.draw(call, flight->hop);
  flight->arrived = true;
  flight->coded = reader.get<std::uint8_t>() != 0;
  if (flight->coded) {
    flight->dtype = reader.get<DType>();
    flight->packed = get_packed(reader);
  } else {
    flight->rows = reader.get_tensor();
    flight->dtype = flight->rows.dtype();
  }
  const std::int64_t rows = flight->coded ? flight->packed.rows : flight->rows.rows();
  if (rows != flight->bounds(forward).back())
    throw InputError(
        fmt::format("checkpoint: {} boundary rows where the partition has {}; resume with the options of "
                    "the run that wrote it",
                    flight->rows.rows(), flight->bounds(forward).back()));
  return flight;
}

void BoundaryExchange::put_late(std::uint32_t number, bool forward, Late rows) {
  auto flight = std::make_shared<Flight>();
  flight->drawn = std::move(rows.drawn);
  flight->hop = rows.hop;
  flight->drawn_in = rows.drawn_in;
  flight->dtype = rows.dtype;
  flight->coded = rows.coded;
  flight->rows = std::move(rows.rows);
  flight->packed = std::move(rows.packed);
  flight->arrived = true;
  Call& call = call_of(number);
  (forward ? call.forward_late : call.backward_late) = std::move(flight);
}

std::optional<BoundaryExchange::Late> BoundaryExchange::take_late(std::uint32_t number, bool forward) {
  Call& call = call_of(number);
  const auto flight = std::exchange(forward ? call.forward_late : call.backward_late, nullptr);
  if (flight == nullptr) return std::nullopt;
  return Late{flight->drawn, flight->hop, flight->drawn_in, flight->dtype, flight->coded, flight->rows, flight->packed};
}

void BoundaryExchange::load(ByteReader& reader) {
  measuring_ = reader.get<std::uint8_t>() != 0;
  measures_.forward = get_measures(reader);
  measures_.backward = get_measures(reader);
  measures_.hops = reader.get_array<int>();
  const std::size_t count = reader.count(1);
  for (std::uint32_t number = 0; number < count; ++number) {
    Call& call = call_of(number);
    call.forward_late = load_flight(reader, number, true);
    call.backward_late = load_flight(reader, number, false);
  }
}

double BoundaryExchange::take_wait_seconds() { return std::exchange(waited_, 0.0); }

}  // namespace galena::train
