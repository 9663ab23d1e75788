// Assignment of widths and probabilities from measured rows.
//
// A row's noise matters as far as it reaches a sum: forward, a row j enters the receiver's sums with weights alpha_ij,
// so its variance counts a = sum_i alpha_ij^2 (GCN's weights); backward, a gradient row is added to its owner's as it
// is, a = 1. AdaQP solves each exchange (layer, direction) apart. A byte budget over all of them needs to know what
// noise in one is worth against noise in another: a factor for each, found by a probe. The gradient of the weights is
// computed with all messages at 8 bits, and again with one exchange at 2 bits; the squared distance of the two, by the
// variance that was predicted for the exchange, is its factor. That costs a forward and a backward pass for each
// exchange and direction, and their bytes, which are counted; it is done after the first epoch, at the next assignment,
// and then at every tenth.

#include "src/train/assigner.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "src/train/allocate_bits.hpp"
#include "src/train/allocate_joint.hpp"

namespace galena::train {
namespace {

constexpr comm::Label kControl{comm::Traffic::control, -1, comm::Direction::none};
constexpr int kWindow = 5;  // epochs at the end of a period in which rows are measured
constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr std::array kJointWidths{2, 4, 8, 16, 32};

// What is known of the rows of a route in one direction of one exchange. NaN: never measured.
struct RowState {
  std::int64_t width = 0;
  std::vector<float> energy;  // squared norm
  std::vector<float> noise;   // variance at one bit: that at b bits is quantizer_noise(b) of it
};

struct RouteState {
  std::vector<float> importance;
  RowState forward, backward;
};

struct RouteKey {
  std::int32_t call, sender, receiver;  // of rows; gradients go the other way
  auto operator<=>(const RouteKey&) const = default;
};

using Table = std::map<RouteKey, RouteState>;

void merge(RowState& state, std::int64_t width, std::span<const float> energy, std::span<const float> noise) {
  state.width = width;
  state.energy.resize(energy.size(), kUnknown);
  state.noise.resize(noise.size(), kUnknown);
  for (std::size_t k = 0; k < energy.size(); ++k) {
    if (!std::isnan(energy[k])) state.energy[k] = energy[k];
    if (!std::isnan(noise[k])) state.noise[k] = noise[k];
  }
}

// Means of what was measured.
void put_measure(ByteWriter& writer, std::int32_t call, bool forward, const Route& route, const RouteMeasure& measure) {
  std::vector<float> energy, noise;
  for (const RowMeasure& row : measure.rows) {
    const double times = row.times;
    energy.push_back(row.times == 0 ? kUnknown : static_cast<float>(row.energy / times));
    const bool coded = row.times > 0 && row.bits <= 8;
    noise.push_back(coded ? static_cast<float>(row.variance / times / quantizer_noise(row.bits)) : kUnknown);
  }
  writer.put(call);
  writer.put(static_cast<std::uint8_t>(forward));
  writer.put(static_cast<std::int32_t>(route.peer));
  writer.put(measure.width);
  writer.put_array(energy);
  writer.put_array(noise);
  writer.put_array(forward ? route.importance : std::vector<float>{});
}

void put_measures(ByteWriter& writer, const std::vector<std::vector<RouteMeasure>>& calls, bool forward,
                  std::span<const Route> routes) {
  for (std::size_t call = 0; call < calls.size(); ++call)
    for (std::size_t r = 0; r < calls[call].size(); ++r)
      if (!calls[call][r].rows.empty())
        put_measure(writer, static_cast<std::int32_t>(call), forward, routes[r], calls[call][r]);
}

void read_measures(Table& table, std::span<const std::byte> bytes, int from) {
  ByteReader reader(bytes, "measures of rank " + std::to_string(from));
  while (!reader.empty()) {
    const auto call = reader.get<std::int32_t>();
    const bool forward = reader.get<std::uint8_t>() != 0;
    const auto peer = reader.get<std::int32_t>();
    const auto width = reader.get<std::int64_t>();
    const auto energy = reader.get_array<float>(), noise = reader.get_array<float>();
    auto importance = reader.get_array<float>();
    RouteState& state = table[forward ? RouteKey{call, from, peer} : RouteKey{call, peer, from}];
    merge(forward ? state.forward : state.backward, width, energy, noise);
    if (forward) state.importance = std::move(importance);
  }
}

bool known(const RowState& state, std::size_t row) {
  return row < state.noise.size() && !std::isnan(state.energy[row]) && !std::isnan(state.noise[row]);
}

// The variance of an exchange whose rows all go at `bits`.
double variance_at(const Table& table, std::int32_t call, bool forward, int bits) {
  double sum = 0;
  for (const auto& [key, state] : table) {
    if (key.call != call) continue;
    const RowState& rows = forward ? state.forward : state.backward;
    for (std::size_t k = 0; k < rows.noise.size(); ++k)
      if (known(rows, k)) sum += (forward ? state.importance[k] : 1.0) * rows.noise[k];
  }
  return sum * quantizer_noise(bits);
}

std::int32_t last_call(const Table& table) { return table.empty() ? -1 : table.rbegin()->first.call; }

// --- adaptive widths: each exchange and direction for itself

struct Widths {
  std::map<RouteKey, std::vector<std::uint8_t>> forward, backward;
};

Channel channel_of(int sender, int receiver, int ranks, std::int64_t width, std::span<const int> widths,
                   const LinkOptions& link) {
  Channel channel;
  channel.sender = sender;
  channel.receiver = receiver;
  channel.round = (receiver - sender + ranks) % ranks;
  channel.seconds_per_byte = link.bytes_per_second > 0 ? 1 / link.bytes_per_second : 1;
  channel.latency = link.latency;
  channel.row_bytes = row_bytes(width, widths);
  return channel;
}

void assign_widths(const Table& table, std::int32_t call, bool forward, int ranks, double lambda,
                   const LinkOptions& link, Widths& out) {
  BitProblem problem;
  std::vector<double> coefficient;
  std::vector<std::int32_t> channel;
  for (const auto& [key, state] : table) {
    const RowState& rows = forward ? state.forward : state.backward;
    if (key.call != call || rows.width == 0) continue;
    for (std::size_t k = 0; k < rows.noise.size(); ++k) {
      if (!known(rows, k)) continue;
      coefficient.push_back((forward ? state.importance[k] : 1.0) * rows.noise[k]);
      channel.push_back(static_cast<std::int32_t>(problem.channels.size()));
    }
    const int from = forward ? key.sender : key.receiver, to = forward ? key.receiver : key.sender;
    problem.channels.push_back(channel_of(from, to, ranks, rows.width, problem.widths, link));
  }
  if (coefficient.empty()) return;
  problem.coefficient = coefficient;
  problem.channel = channel;
  const BitAssignment answer = assign_greedy(problem, lambda);
  std::size_t next = 0;
  for (const auto& [key, state] : table) {
    const RowState& rows = forward ? state.forward : state.backward;
    if (key.call != call || rows.width == 0) continue;
    auto& bits = (forward ? out.forward : out.backward)[key];
    for (std::size_t k = 0; k < rows.noise.size(); ++k) bits.push_back(known(rows, k) ? answer.bits[next++] : 8);
  }
}

// --- a byte budget: probabilities and widths of all exchanges together

// A message is a row with the gradient that comes back for it: both go where the row is drawn.
struct Message {
  RouteKey key;
  std::size_t row;
  bool back;  // a gradient comes back
};

struct JointInput {
  JointProblem problem;
  std::vector<double> weight, energy, error;
  std::vector<std::int32_t> channel;
  std::vector<Message> messages;
  double full_bytes = 0;  // at full rate and fp32
};

// Pairs of widths, forward and backward; option o is (o / 5, o % 5) of kJointWidths.
constexpr int kPairs = static_cast<int>(kJointWidths.size() * kJointWidths.size());
int forward_width(int option) { return kJointWidths[static_cast<std::size_t>(option) / kJointWidths.size()]; }
int backward_width(int option) { return kJointWidths[static_cast<std::size_t>(option) % kJointWidths.size()]; }

void add_errors(JointInput& input, const RouteState& state, std::size_t k, bool back, double forward_scale,
                double backward_scale) {
  const double a = state.importance[k] * forward_scale, b = back ? backward_scale : 0;
  input.weight.push_back(1);
  input.energy.push_back(a * state.forward.energy[k] + (back ? b * state.backward.energy[k] : 0));
  for (int option = 0; option < kPairs; ++option) {
    double error = a * error_at(forward_width(option), state.forward.noise[k], 1, state.forward.energy[k]);
    if (back) error += b * error_at(backward_width(option), state.backward.noise[k], 1, state.backward.energy[k]);
    input.error.push_back(error);
  }
}

Channel joint_channel(const RouteKey& key, const RouteState& state, bool back) {
  Channel channel;
  channel.sender = key.sender;
  channel.receiver = key.receiver;
  const auto forward = row_bytes(state.forward.width, kJointWidths);
  const auto backward = row_bytes(back ? state.backward.width : 0, kJointWidths);
  for (std::size_t option = 0; option < static_cast<std::size_t>(kPairs); ++option)
    channel.row_bytes.push_back(forward[option / kJointWidths.size()] +
                                (back ? backward[option % kJointWidths.size()] : 0));
  return channel;
}

// What variance in an exchange is worth: [call][backward].
using Factors = std::vector<std::array<double, 2>>;

JointInput joint_input(const Table& table, const Factors& factors) {
  JointInput input;
  input.problem.widths.clear();
  for (int option = 0; option < kPairs; ++option) input.problem.widths.push_back(option + 1);
  for (const auto& [key, state] : table) {
    const bool back = state.backward.width > 0;
    const auto channel = static_cast<std::int32_t>(input.problem.channels.size());
    input.problem.channels.push_back(joint_channel(key, state, back));
    const double row = 4.0 * static_cast<double>(state.forward.width + (back ? state.backward.width : 0));
    for (std::size_t k = 0; k < state.forward.noise.size(); ++k) {
      if (!known(state.forward, k) || (back && !known(state.backward, k))) continue;
      const auto& factor = factors[static_cast<std::size_t>(key.call)];
      add_errors(input, state, k, back, factor[0], factor[1]);
      input.channel.push_back(channel);
      input.messages.push_back({key, k, back});
      input.full_bytes += row;
    }
  }
  input.problem.weight = input.weight;
  input.problem.energy = input.energy;
  input.problem.error = input.error;
  input.problem.channel = input.channel;
  return input;
}

}  // namespace

struct Assigner::State {
  const Share& share;
  comm::Communicator& comm;
  MessageOptions messages;
  LinkOptions link;
  int epochs = 0;
  bool enabled = false;
  Table table;
  std::map<RouteKey, RouteAssignment> assignment;
  Factors factors;
  std::int32_t solved = 0;  // how often
  std::int64_t spent = 0;   // bytes of rows that this rank has sent

  [[nodiscard]] bool due(int epoch) const {
    return (epoch == 0 || (epoch + 1) % messages.period == 0) && epoch + 1 < epochs;
  }
  [[nodiscard]] int window_start() const { return std::max(0, messages.period - kWindow); }
  [[nodiscard]] bool starts(int epoch) const {
    return epoch <= 1 ? epoch == 0 || window_start() <= 1 : epoch % messages.period == window_start();
  }
  [[nodiscard]] bool measures(int epoch) const { return epoch == 0 || epoch % messages.period >= window_start(); }

  void gather(const Measures& measures);
  void assign_anew(int epoch, Replica& replica);
  void calibrate(int epoch, Replica& replica);
  void solve(int epoch);
  void solve_widths();
  void solve_budget(int epoch);
  [[nodiscard]] double left_an_epoch(int epoch, double full_bytes);
  [[nodiscard]] Assignment mine() const;
};

void Assigner::State::gather(const Measures& measured) {
  ByteWriter writer;
  put_measures(writer, measured.forward, true, share.sends);
  put_measures(writer, measured.backward, false, share.receives);
  const auto all = comm.allgather(writer.bytes, {comm::Traffic::index, -1, comm::Direction::none});
  for (std::size_t r = 0; r < all.size(); ++r) read_measures(table, all[r], static_cast<int>(r));
}

void Assigner::State::solve_widths() {
  Widths widths;
  for (std::int32_t call = 0; call <= last_call(table); ++call)
    for (const bool forward : {true, false})
      assign_widths(table, call, forward, comm.size(), messages.lambda, link, widths);
  for (const auto& [key, state] : table) assignment[key] = {widths.forward[key], widths.backward[key], {}};
}

namespace {

std::int64_t row_bytes_sent(const comm::Communicator& comm) {
  return static_cast<std::int64_t>(comm.traffic().total(comm::Traffic::payload).bytes +
                                   comm.traffic().total(comm::Traffic::parameters).bytes);
}

}  // namespace

// Bytes an epoch that keep the budget over the whole run: what has been spent, on the first epoch at 8 bits and on
// probes too, is taken from what is left. Never below a quarter of the budget.
double Assigner::State::left_an_epoch(int epoch, double full_bytes) {
  std::array<std::int64_t, 1> all{spent + row_bytes_sent(comm)};
  comm.sum(std::span(all), kControl);
  const double budget = messages.byte_budget * full_bytes;
  const int rest = std::max(epochs - epoch - 1, 1);
  return std::max(budget / 4, (budget * epochs - static_cast<double>(all[0])) / rest);
}

void Assigner::State::solve_budget(int epoch) {
  const JointInput input = joint_input(table, factors);
  if (input.messages.empty()) return;
  const Budget budget = Budget::total_bytes(input.problem.channels, left_an_epoch(epoch, input.full_bytes));
  const JointAllocation answer = allocate_joint(input.problem, budget);
  for (const auto& [key, state] : table) {
    const std::size_t rows = state.forward.noise.size();
    assignment[key] = {std::vector<std::uint8_t>(rows, 8), std::vector<std::uint8_t>(rows, 8),
                       std::vector<double>(rows, 0.0)};  // rows that are never needed are never drawn
  }
  for (std::size_t m = 0; m < input.messages.size(); ++m) {
    RouteAssignment& route = assignment[input.messages[m].key];
    const std::size_t row = input.messages[m].row;
    route.forward_bits[row] = static_cast<std::uint8_t>(forward_width(answer.bits[m] - 1));
    route.backward_bits[row] = static_cast<std::uint8_t>(backward_width(answer.bits[m] - 1));
    route.probability[row] = answer.keep[m];
  }
}

namespace {

std::vector<double> gradient_of(int epoch, Replica& replica) {
  replica.compute_gradient(epoch);
  const Tensor gradient = replica.store().flat_gradients().to(DType::f64);
  const auto values = gradient.span<double>();
  return {values.begin(), values.end()};
}

double squared_distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sum;
}

}  // namespace

void Assigner::State::calibrate(int epoch, Replica& replica) {
  BoundaryExchange& exchange = *replica.exchange();
  const auto before = replica.snapshot();
  const auto probe = [&](BoundaryExchange::Probe what) {
    exchange.probe(what);
    return gradient_of(epoch, replica);
  };
  const auto base = probe({});
  factors.assign(static_cast<std::size_t>(last_call(table)) + 1, {0, 0});
  double least = std::numeric_limits<double>::infinity();
  for (std::int32_t call = 0; call <= last_call(table); ++call)
    for (const bool forward : {true, false}) {
      const double variance = variance_at(table, call, forward, 2) - variance_at(table, call, forward, 8);
      if (variance <= 0) continue;
      const double moved = squared_distance(probe({static_cast<std::uint32_t>(call), forward}), base);
      factors[static_cast<std::size_t>(call)][forward ? 0 : 1] = moved / variance;
      if (moved > 0) least = std::min(least, moved / variance);
    }
  // One draw may not show an effect that is there.
  for (auto& factor : factors)
    for (double& f : factor)
      if (f <= 0) f = std::isfinite(least) ? least : 1;
  exchange.probe(std::nullopt);
  replica.restore(before);
}

void Assigner::State::solve(int epoch) {
  if (messages.byte_budget > 0)
    solve_budget(epoch);
  else
    solve_widths();
}

Assignment Assigner::State::mine() const {
  Assignment result;
  const auto calls = static_cast<std::size_t>(last_call(table) + 1);
  result.receives.assign(calls, std::vector<RouteAssignment>(share.receives.size()));
  result.sends.assign(calls, std::vector<RouteAssignment>(share.sends.size()));
  const auto find = [&](std::size_t call, int sender, int receiver) -> RouteAssignment {
    const auto found = assignment.find({static_cast<std::int32_t>(call), sender, receiver});
    return found == assignment.end() ? RouteAssignment{} : found->second;
  };
  for (std::size_t call = 0; call < calls; ++call) {
    for (std::size_t r = 0; r < share.receives.size(); ++r)
      result.receives[call][r] = find(call, share.receives[r].peer, share.rank);
    for (std::size_t r = 0; r < share.sends.size(); ++r)
      result.sends[call][r] = find(call, share.rank, share.sends[r].peer);
  }
  return result;
}

Assigner::Assigner(const Share& share, comm::Communicator& comm, const MessageOptions& messages,
                   const LinkOptions& link, int epochs)
    : state_(std::make_unique<State>(State{share, comm, messages, link, epochs, false, {}, {}, {}, 0, 0})) {
  state_->enabled = comm.size() > 1 && (messages.bits == 0 || messages.byte_budget > 0);
}

Assigner::~Assigner() = default;

bool Assigner::enabled() const { return state_->enabled; }

void Assigner::before_epoch(int epoch, Replica& replica) {
  if (state_->starts(epoch)) replica.exchange()->measure(true);
}

void Assigner::after_epoch(int epoch, Replica& replica) {
  if (state_->due(epoch)) state_->assign_anew(epoch, replica);
  state_->spent += row_bytes_sent(state_->comm);
}

void Assigner::State::assign_anew(int epoch, Replica& replica) {
  BoundaryExchange& exchange = *replica.exchange();
  gather(exchange.measures());
  exchange.measure(false);
  if (messages.byte_budget > 0 && (solved <= 1 || solved % 10 == 0)) calibrate(epoch, replica);
  ++solved;
  solve(epoch);
  exchange.assign(mine());
}

// --- checkpoints

namespace {

void put_rows(ByteWriter& writer, const RowState& rows) {
  writer.put(rows.width);
  writer.put_array(rows.energy);
  writer.put_array(rows.noise);
}

RowState get_rows(ByteReader& reader) {
  RowState rows;
  rows.width = reader.get<std::int64_t>();
  rows.energy = reader.get_array<float>();
  rows.noise = reader.get_array<float>();
  return rows;
}

}  // namespace

void Assigner::save(ByteWriter& writer) const {
  writer.put(state_->solved);
  writer.put(state_->spent);
  writer.put_array(state_->factors);
  writer.put(static_cast<std::uint64_t>(state_->table.size()));
  for (const auto& [key, state] : state_->table) {
    writer.put(key);
    writer.put_array(state.importance);
    put_rows(writer, state.forward);
    put_rows(writer, state.backward);
    const auto found = state_->assignment.find(key);
    const RouteAssignment route = found == state_->assignment.end() ? RouteAssignment{} : found->second;
    writer.put_array(route.forward_bits);
    writer.put_array(route.backward_bits);
    writer.put_array(route.probability);
  }
}

void Assigner::load(ByteReader& reader, BoundaryExchange& exchange) {
  state_->solved = reader.get<std::int32_t>();
  state_->spent = reader.get<std::int64_t>();
  state_->factors = reader.get_array<Factors::value_type>();
  const std::size_t routes = reader.count(1);
  for (std::size_t k = 0; k < routes; ++k) {
    const auto key = reader.get<RouteKey>();
    RouteState& state = state_->table[key];
    state.importance = reader.get_array<float>();
    state.forward = get_rows(reader);
    state.backward = get_rows(reader);
    RouteAssignment& route = state_->assignment[key];
    route.forward_bits = reader.get_array<std::uint8_t>();
    route.backward_bits = reader.get_array<std::uint8_t>();
    route.probability = reader.get_array<double>();
  }
  if (state_->enabled && routes > 0) exchange.assign(state_->mine());
}

}  // namespace galena::train
