#include "src/mine/device_leases.hpp"

#include <algorithm>
#include <string>

#include "src/mine/gpu/pace.hpp"

namespace galena::mine {

namespace {

using rt::vid;

constexpr std::size_t kLeastLease = 4096;  ///< chunks: fewer leave a GPU's workers idle at the lease's end
constexpr double kLongOnGpu = 2e10;        ///< nanoseconds on one core: enough for a GPU to show progress

}  // namespace

DeviceLeases::DeviceLeases(LeaseHost& host, const ExecuteRequest& request, const MineOptions& options,
                           const ChunkPlan& chunks, Tally& tally, Crew& crew, std::size_t devices)
    : host_(host),
      request_(request),
      options_(options),
      chunks_(chunks),
      tally_(tally),
      crew_(crew),
      devices_(devices),
      counts_local_(request.asks(codegen::Output::Kind::local)),
      lists_(request.asks(codegen::Output::Kind::list)),
      left_(devices),
      most_listed_(kLeastLease) {}

void DeviceLeases::serve(std::size_t t) {
  struct Leave {
    LeftWork& left;
    ~Leave() { left.leave(); }
  };
  const Leave at_end{left_};
  gpu::LeaseRunner runner((*request_.fleet)[t], *request_.plan, request_.limits);
  if (!runner.warning().empty() && options_.warn) options_.warn(runner.warning());
  runner.hand_rows_to([this, t](std::span<const vid> rows) { return pass_all_on(rows, t); }, request_.enough);
  gpu::Pace pace((*request_.fleet)[t].machine().hurried());
  while (!crew_.halted()) {
    const double before = runner.kernel_seconds();
    const std::vector<std::size_t> lease = take(pace.most());
    if (lease.empty() || !run(runner, lease, t)) break;
    pace.took(runner.kernel_seconds() - before);
  }
  if (counts_local_) tally_.add({}, {}, [&](std::span<rt::i128> local) { runner.add_local(local); });
  const std::scoped_lock lock(mutex_);
  totals_.bytes += runner.bytes();
  totals_.compile_seconds = std::max(totals_.compile_seconds, runner.compile_seconds());
  totals_.kernel_seconds = std::max(totals_.kernel_seconds, runner.kernel_seconds());
}

DeviceLeases::Totals DeviceLeases::totals() const {
  const std::scoped_lock lock(mutex_);
  return totals_;
}

/// Whether one machine takes all chunks at once: nobody waits for a part of them.
bool DeviceLeases::at_once() const {
  return request_.fleet->size() == 1 && !request_.lasting() && (!options_.progress || request_.estimate < kLongOnGpu);
}

/// The next chunks that are not done, as many as leave every machine another lease later, and `most`; none at the end. Of
/// LIST few at first: whoever takes the matches may have enough.
std::vector<std::size_t> DeviceLeases::take(std::size_t most) {
  const std::scoped_lock lock(mutex_);
  const std::size_t left = chunks_.chunks.size() - next_;
  std::size_t size = at_once() ? left : std::min(left, std::max(kLeastLease, left / (2 * request_.fleet->size())));
  if (lists_) size = std::min(size, most_listed_);
  most_listed_ *= 2;
  return tally_.undone(next_, std::min(size, most));
}

/// False where the run is to end.
bool DeviceLeases::run(gpu::LeaseRunner& runner, const std::vector<std::size_t>& lease, std::size_t t) {
  std::vector<rt::Chunk> chunks;
  std::vector<double> weights;
  for (const std::size_t i : lease) {
    chunks.push_back(chunks_.chunks[i]);
    weights.push_back(chunks_.weight[i] * static_cast<double>(chunks_.chunks.size()));
  }
  const gpu::LeaseResult result = runner.run(chunks, weights, crew_.flag());
  add(runner, lease, result);
  if (result.found && !host_.pass_on(t, nullptr, 0)) return false;
  if (result.ended) return end();
  std::vector<LeftChunk> left;
  for (std::size_t k = 0; k < lease.size(); ++k)
    if (result.states[k] == rt::ChunkState::overflow) left.push_back({lease[k], chunks_.chunks[lease[k]]});
  if (lists_ && !left.empty() && result.unfit == 0 && !run_in_parts(runner, left)) return end();
  if (!left.empty()) leave_to_cpu(left, result.unfit);
  return true;
}

/// Chunks of too many matches for a worker's log, each in parts. Leaves in `left` the parts that do not fit either;
/// false where there are enough matches.
bool DeviceLeases::run_in_parts(gpu::LeaseRunner& runner, std::vector<LeftChunk>& left) {
  std::vector<rt::Chunk> parts;
  std::vector<std::size_t> of;
  for (const LeftChunk& whole : left) {
    const std::vector<rt::Chunk> each = parts_of(whole.chunk);
    parts.insert(parts.end(), each.begin(), each.end());
    of.insert(of.end(), each.size(), whole.of);
    tally_.split(whole.of, each.size());
  }
  const std::vector<double> for_blocks(parts.size(), 2 * gpu::kHeavy);
  const gpu::LeaseResult result = runner.run(parts, for_blocks, crew_.flag());
  add(runner, of, result);
  left.clear();
  for (std::size_t k = 0; k < parts.size(); ++k)
    if (result.states[k] == rt::ChunkState::overflow) left.push_back({of[k], parts[k]});
  return !result.ended;
}

/// What a lease has found, of chunks or parts of them.
void DeviceLeases::add(gpu::LeaseRunner& runner, const std::vector<std::size_t>& of, const gpu::LeaseResult& result) {
  const std::size_t outputs = request_.plan->outputs.size();
  std::vector<Tally::Found> found;
  for (std::size_t k = 0; k < of.size(); ++k) {
    if (result.states[k] == rt::ChunkState::lost) tally_.overflow();
    if (result.states[k] == rt::ChunkState::done) found.push_back({of[k], result.sums.data() + k * outputs});
  }
  tally_.add(found, result.local, [&](std::span<rt::i128> local) {
    if (counts_local_ && request_.lasting()) runner.add_local(local);  // what is written is of the same chunks
  });
}

/// Matches that a machine found; false where they are enough.
bool DeviceLeases::pass_all_on(std::span<const vid> rows, std::size_t t) {
  const auto width = static_cast<std::size_t>(request_.plan->max_depth) + 1;
  for (std::size_t at = 0; at < rows.size(); at += width)
    if (!host_.pass_on(t, rows.data() + at, static_cast<int>(width))) return false;
  return true;
}

bool DeviceLeases::end() {
  host_.end();
  return false;
}

std::size_t DeviceLeases::helpers() const { return static_cast<std::size_t>(thread_count(options_)); }

/// Gives the CPU's threads what fits no buffer; the first time, starts them.
void DeviceLeases::leave_to_cpu(const std::vector<LeftChunk>& left, std::uint64_t unfit) {
  {
    const std::scoped_lock lock(mutex_);
    for (std::size_t k = 0; k < left.size(); ++k)
      if (k == 0 || left[k].of != left[k - 1].of) ++totals_.left_to_cpu;
  }
  std::call_once(cpu_called_, [&] { call_cpu(left, unfit); });
  left_.give(left);
}

void DeviceLeases::call_cpu(const std::vector<LeftChunk>& left, std::uint64_t unfit) {
  const std::string threads = std::to_string(helpers()) + " threads of the CPU run ";
  if (options_.warn)
    options_.warn(unfit > 0 ? "this query needs at least " + std::to_string(unfit) +
                                  " bytes on the device, which has not so many left: " + threads + "what does not fit"
                            : "some pieces of work fit no buffer on the device: " + threads + "them");
  if (options_.device == MineDevice::cuda) {  // the run's code is of the device
    double share = 0;
    for (const LeftChunk& chunk : left) share += chunks_.weight[chunk.of];
    MineOptions here = options_;
    here.device = MineDevice::cpu;
    if (here.engine == Engine::jit) here.engine = Engine::automatic;  // no reason to fail
    own_code_ = std::make_unique<Executable>(request_.on_cpu(), request_.estimate * std::min(1.0, share), here);
  }
  const Executable& code = own_code_ ? *own_code_ : *request_.code;
  crew_.add(devices_, helpers(), [this, &code](std::size_t t) { host_.run_left(t, code, left_); });
}

}  // namespace galena::mine
