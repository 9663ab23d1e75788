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
#include <utility>

#include "galena/error.hpp"
#include "src/train/assigner_problems.hpp"

namespace galena::train {
namespace {

constexpr comm::Label kControl{comm::Traffic::control, -1, comm::Direction::none};
constexpr int kWindow = 5;           // epochs at the end of a period in which rows are measured
constexpr double kLeastKept = 0.01;  // probability of a row under a byte budget, at least

}  // namespace

struct Assigner::State {
  const Share& share;
  comm::Communicator& comm;
  MessageOptions messages;
  LinkCosts links;
  int epochs = 0;
  bool enabled = false, measure_links = false;
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
  put_measures(writer, measured, true, share);
  put_measures(writer, measured, false, share);
  const auto all = comm.allgather(writer.bytes, {comm::Traffic::index, -1, comm::Direction::none});
  for (std::size_t r = 0; r < all.size(); ++r) read_measures(table, all[r], static_cast<int>(r));
}

void Assigner::State::solve_widths() {
  Widths widths;
  for (std::int32_t call = 0; call <= last_call(table); ++call)
    for (const bool forward : {true, false}) assign_widths(table, call, forward, messages.lambda, links, widths);
  for (const auto& [key, state] : table) assignment[key] = {widths.forward[key], widths.backward[key], {}};
}

namespace {

std::int64_t row_bytes_sent(const comm::Communicator& comm) {
  return static_cast<std::int64_t>(comm.traffic().total(comm::Traffic::payload).bytes +
                                   comm.traffic().total(comm::Traffic::parameters).bytes);
}

// Of every row at the cheapest widths, as rarely as rows may be sent: no budget can be below it.
double least_bytes(const JointInput& input) {
  double bytes = 0;
  for (const std::int32_t channel : input.channel) {
    const auto& of_row = input.problem.channels[static_cast<std::size_t>(channel)].row_bytes;
    bytes += kLeastKept * static_cast<double>(*std::min_element(of_row.begin(), of_row.end()));
  }
  return bytes * (1 + 1e-9);
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
  JointInput input;
  fill_joint_input(table, factors, messages.byte_budget, input);
  if (input.messages.empty()) return;
  const Budget budget =
      Budget::total_bytes(input.problem.channels, std::max(least_bytes(input), left_an_epoch(epoch, input.full_bytes)));
  const JointAllocation answer = allocate_joint(input.problem, budget, kLeastKept);
  for (const auto& [key, state] : table) {
    const std::size_t rows = state.forward.noise.size();
    assignment[key] = {std::vector<std::uint8_t>(rows, 8), std::vector<std::uint8_t>(rows, 8),
                       std::vector<double>(rows, 0.0)};  // rows that are never needed are never drawn
  }
  for (std::size_t m = 0; m < input.messages.size(); ++m) {
    RouteAssignment& route = assignment[input.messages[m].key];
    const std::size_t row = input.messages[m].row;
    const auto& [forward, backward] = input.pairs[answer.bits[m] - std::size_t{1}];
    route.forward_bits[row] = static_cast<std::uint8_t>(forward);
    route.backward_bits[row] = static_cast<std::uint8_t>(backward);
    route.probability[row] = answer.keep[m];
  }
}

namespace {

std::vector<double> gradient_of(int epoch, Replica& replica) {
  replica.compute_gradient(epoch);
  const Tensor gradient = replica.store().flat_gradients().to(Device::cpu).to(DType::f64);
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
  std::vector<int> hop(calls, 0);
  for (const auto& [key, state] : table) hop[static_cast<std::size_t>(key.call)] = state.hop;
  result.receives.resize(calls);
  result.sends.resize(calls);
  const auto find = [&](std::size_t call, int sender, int receiver) -> RouteAssignment {
    const auto found = assignment.find({static_cast<std::int32_t>(call), sender, receiver});
    return found == assignment.end() ? RouteAssignment{} : found->second;
  };
  for (std::size_t call = 0; call < calls; ++call) {
    const Share& step = share.step(hop[call]);
    for (const Route& route : step.receives) result.receives[call].push_back(find(call, route.peer, share.rank));
    for (const Route& route : step.sends) result.sends[call].push_back(find(call, share.rank, route.peer));
  }
  return result;
}

Assigner::Assigner(const Share& share, comm::Communicator& comm, const MessageOptions& messages,
                   const LinkOptions& link, int epochs, bool measure_links)
    : state_(std::make_unique<State>(State{
          share, comm, messages, even_links(comm.size(), link), epochs, false, measure_links, {}, {}, {}, 0, 0})) {
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
  if (std::exchange(measure_links, false) && messages.byte_budget == 0) links = train::measure_links(comm);
  if (messages.byte_budget > 0 && (solved <= 1 || solved % 10 == 0)) calibrate(epoch, replica);
  ++solved;
  solve(epoch);
  exchange.assign(mine());
}
// --- checkpoints

void Assigner::save(ByteWriter& writer) const {
  writer.put(state_->solved);
  writer.put(state_->spent);
  writer.put(static_cast<std::uint8_t>(state_->measure_links));
  writer.put_array(state_->links.seconds_per_byte);
  writer.put_array(state_->factors);
  writer.put(static_cast<std::uint64_t>(state_->table.size()));
  for (const auto& [key, state] : state_->table) {
    writer.put(key);
    put(writer, state);
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
  state_->measure_links = reader.get<std::uint8_t>() != 0;
  state_->links.seconds_per_byte = reader.get_array<double>();
  const auto pairs = static_cast<std::size_t>(state_->comm.size()) * static_cast<std::size_t>(state_->comm.size());
  if (const std::size_t costs = state_->links.seconds_per_byte.size(); costs != 1 && costs != pairs)
    throw InputError("checkpoint: costs of links that are not those between all ranks: the file is damaged");
  state_->factors = reader.get_array<Factors::value_type>();
  const std::size_t routes = reader.count(1);
  for (std::size_t k = 0; k < routes; ++k) {
    const auto key = reader.get<RouteKey>();
    state_->table[key] = get_route_state(reader);
    RouteAssignment& route = state_->assignment[key];
    route.forward_bits = reader.get_array<std::uint8_t>();
    route.backward_bits = reader.get_array<std::uint8_t>();
    route.probability = reader.get_array<double>();
  }
  if (state_->enabled && routes > 0) exchange.assign(state_->mine());
}

}  // namespace galena::train
