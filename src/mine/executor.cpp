// Chunks are handed out by an atomic counter, heaviest vertices first. A chunk's sums are added
// to the run's only when the chunk is whole, under a lock that also marks it done: at any moment
// the sums are those of exactly the chunks marked, which is what a checkpoint stores and an
// interrupted run reports.

#include "src/mine/executor.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "codegen/passes/assist.hpp"
#include "galena/error.hpp"
#include "src/device/cuda_device.hpp"
#include "src/mine/chunks.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/crew.hpp"
#include "src/mine/gpu/lease.hpp"
#include "src/mine/team.hpp"
#include "src/mine/worker.hpp"

namespace galena::mine {

namespace {

using rt::i128;
using rt::vid;

constexpr std::uint64_t kPieces = 1024;      ///< chunks of a long run
constexpr std::uint64_t kPiecesShort = 192;  ///< of a run of under some 50 ms
constexpr std::uint64_t kPiecesGpu = 1 << 16;
constexpr std::size_t kLeastLease = 4096;  ///< chunks: fewer leave a GPU's workers idle at the lease's end
constexpr double kLong = 5e7;              ///< nanoseconds
constexpr double kLongOnGpu = 2e10;        ///< nanoseconds on one core: enough for a GPU to show progress
constexpr double kCheckpointSeconds = 2;

class Execution {
 public:
  Execution(const Prepared& graph, const ExecuteRequest& request, const MineOptions& options)
      : graph_(graph),
        request_(request),
        options_(options),
        chunks_(graph.chunks(pieces(request), request.plan->max_depth >= 2)) {
    const codegen::Plan& plan = *request.plan;
    done_.assign(chunks_.chunks.size(), 0);
    sums_.assign(plan.outputs.size(), 0);
    for (const codegen::Output& output : plan.outputs) {
      counts_local_ = counts_local_ || output.kind == codegen::Output::Kind::local;
      lists_ = lists_ || output.kind == codegen::Output::Kind::list;
    }
    if (counts_local_) local_.assign(graph.view().n, 0);
    if (lasting(request)) restore();
    if (options.processes != nullptr) join_team();
  }

  ExecuteResult run() {
    const bool on_gpus = request_.fleet != nullptr;
    const std::size_t wanted = on_gpus ? request_.fleet->size() : static_cast<std::size_t>(thread_count(options_));
    const auto threads = std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(1, chunks_.chunks.size()));
    for (std::size_t t = 0; t < threads; ++t)
      memory_.push_back(std::make_unique<WorkerMemory>(*request_.plan, graph_.view()));
    owners_.resize(threads);
    if (team_) team_->refill(threads);
    crew_.run(
        threads, [this, on_gpus](std::size_t t) { on_gpus ? work_on_gpu(t) : work(t); }, [this] { watch(); },
        team_ ? Crew::kTeamTick : Crew::kTick);
    if (team_) add_others();
    return result();
  }

 private:
  /// What callbacks from generated code find behind Worker::owner.
  struct Owner {
    Execution* run = nullptr;
    int thread = 0;
    std::vector<std::pair<vid, i128>> local;  ///< of the chunk under way
    std::exception_ptr error;
  };

  static int on_emit(rt::Worker* worker, int /*output*/, const vid* matched, int size) {
    auto* owner = static_cast<Owner*>(worker->owner);
    try {
      if (owner->run->request_.on_match(owner->thread, matched, size)) return 0;
    } catch (...) {  // an exception must not cross compiled code
      owner->error = std::current_exception();
    }
    owner->run->ended_ = true;
    return 1;
  }

  static void on_local(rt::Worker* worker, vid v, i128 count) {
    auto* owner = static_cast<Owner*>(worker->owner);
    try {
      owner->local.emplace_back(v, count);
    } catch (...) {  // as above
      owner->error = std::current_exception();
    }
  }

  void restore() {
    const Checkpoint::Section* section = request_.checkpoint->find(request_.key);
    if (section == nullptr) return;
    if (section->done.size() != done_.size() || section->sums.size() != sums_.size() ||
        section->local.size() != local_.size())
      throw InputError("the checkpoint was written for another plan of this query; remove it to start anew");
    done_ = section->done;
    sums_ = section->sums;
    local_ = section->local;
    finished_ = share(done_);
    restored_ = finished_;
  }

  static std::uint64_t pieces(const ExecuteRequest& request) {
    if (request.fleet != nullptr) return kPiecesGpu;
    return request.estimate > kLong || lasting(request) ? kPieces : kPiecesShort;
  }

  void work(std::size_t t) {
    prepare(t);
    const Stopwatch clock;
    for (;;) {
      const std::size_t i = team_ ? team_->take(crew_.flag()) : next_.fetch_add(1);
      if (i >= chunks_.chunks.size() || crew_.halted()) break;
      if (!done_before(i) && !run_here(i, t)) break;
    }
    {
      const std::scoped_lock lock(mutex_);
      busy_ += clock.seconds();
    }
    leave(t);
  }

  void prepare(std::size_t t) {
    rt::Worker& worker = memory_[t]->worker();
    Owner& owner = owners_[t];
    owner.run = this;
    owner.thread = static_cast<int>(t);
    worker.owner = &owner;
    worker.emit = &on_emit;
    worker.add_local = &on_local;
    worker.stop = crew_.flag();
  }

  /// Runs a chunk on this thread; false where it ended early.
  bool run_here(std::size_t i, std::size_t t) {
    rt::Worker& worker = memory_[t]->worker();
    memory_[t]->clear_sums();
    owners_[t].local.clear();
    request_.code->run(worker, chunks_.chunks[i]);
    if (worker.aborted != 0 || owners_[t].error) return false;
    commit(i, memory_[t]->sums(), owners_[t].local);
    return true;
  }

  void leave(std::size_t t) {
    if (ended_) crew_.halt();
    {
      const std::scoped_lock lock(mutex_);
      overflow_ = overflow_ || memory_[t]->worker().overflow != 0;
    }
    if (owners_[t].error) std::rethrow_exception(owners_[t].error);
  }

  /// Thread t serves machine t: takes leases until there are no chunks.
  void work_on_gpu(std::size_t t) {
    prepare(t);
    gpu::LeaseRunner runner((*request_.fleet)[t], *request_.plan, request_.limits);
    runner.hand_rows_to([this, t](std::span<const vid> rows) { return pass_on(rows, t); }, request_.enough);
    while (!crew_.halted()) {
      const std::vector<std::size_t> lease = take_lease();
      if (lease.empty() || !run_lease(runner, lease, t)) break;
    }
    {
      const std::scoped_lock lock(mutex_);
      if (counts_local_) runner.add_local(local_);
      gpu_bytes_ += runner.bytes();
      compile_seconds_ = std::max(compile_seconds_, runner.compile_seconds());
      kernel_seconds_ = std::max(kernel_seconds_, runner.kernel_seconds());
    }
    leave(t);
  }

  /// Whether one machine takes all chunks at once: nobody waits for a part of them.
  [[nodiscard]] bool at_once() const {
    return request_.fleet->size() == 1 && !checkpointing() && (!options_.progress || request_.estimate < kLongOnGpu);
  }

  /// The next chunks that are not done, as many as leave every machine another lease later; none at the end. Of LIST few
  /// at first: whoever takes the matches may have enough.
  std::vector<std::size_t> take_lease() {
    const std::scoped_lock lock(mutex_);
    std::vector<std::size_t> lease;
    const std::size_t all = chunks_.chunks.size();
    const std::size_t left = all - std::min(all, next_.load());
    std::size_t size = at_once() ? left : std::min(left, std::max(kLeastLease, left / (2 * request_.fleet->size())));
    if (lists_) size = std::min(size, most_listed_);
    most_listed_ *= 2;
    for (; next_ < all && lease.size() < size; ++next_)
      if (done_[next_] == 0) lease.push_back(next_);
    return lease;
  }

  /// False where the run is to end.
  bool run_lease(gpu::LeaseRunner& runner, const std::vector<std::size_t>& lease, std::size_t t) {
    std::vector<rt::Chunk> chunks;
    std::vector<double> weights;
    for (const std::size_t i : lease) {
      chunks.push_back(chunks_.chunks[i]);
      weights.push_back(chunks_.weight[i] * static_cast<double>(chunks_.chunks.size()));
    }
    const gpu::LeaseResult result = runner.run(chunks, weights, crew_.flag());
    commit_lease(runner, lease, result, t);
    if (result.found && on_emit(&memory_[t]->worker(), 0, nullptr, 0) != 0) return false;
    if (result.ended) {
      ended_ = true;
      return false;
    }
    for (std::size_t k = 0; k < lease.size(); ++k) {
      if (result.states[k] != rt::ChunkState::overflow) continue;
      ++left_to_cpu_;
      if (!run_here(lease[k], t)) return false;
    }
    return true;
  }

  /// Matches that a machine found; false where they are enough.
  bool pass_on(std::span<const vid> rows, std::size_t t) {
    const auto width = static_cast<std::size_t>(request_.plan->max_depth) + 1;
    for (std::size_t at = 0; at < rows.size(); at += width)
      if (on_emit(&memory_[t]->worker(), 0, rows.data() + at, static_cast<int>(width)) != 0) return false;
    return true;
  }

  bool done_before(std::size_t i) {
    const std::scoped_lock lock(mutex_);
    return done_[i] != 0 || (!elsewhere_.empty() && elsewhere_[i] != 0);
  }

  using Local = std::vector<std::pair<vid, i128>>;

  void commit(std::size_t i, const std::vector<i128>& sums, const Local& local) {
    const std::scoped_lock lock(mutex_);
    add(i, sums.data());
    for (const auto& [v, count] : local) local_[v] += count;
  }

  void commit_lease(gpu::LeaseRunner& runner, const std::vector<std::size_t>& lease, const gpu::LeaseResult& result,
                    std::size_t t) {
    const std::scoped_lock lock(mutex_);
    for (std::size_t k = 0; k < lease.size(); ++k) {
      if (result.states[k] == rt::ChunkState::lost) memory_[t]->worker().overflow = 1;
      if (result.states[k] == rt::ChunkState::done) add(lease[k], result.sums.data() + k * sums_.size());
    }
    for (const auto& [v, count] : result.local) local_[v] += count;
    if (counts_local_ && checkpointing()) runner.add_local(local_);  // what is written is of the same chunks
  }

  /// A whole chunk's sums. Under the lock.
  void add(std::size_t i, const i128* sums) {
    done_[i] = 1;
    finished_ += chunks_.weight[i];
    for (std::size_t o = 0; o < sums_.size(); ++o)
      if (__builtin_add_overflow(sums_[o], sums[o], &sums_[o])) overflow_ = true;
  }

  /// The calling thread: brings work, passes on the stop flag, reports progress, writes checkpoints.
  void watch() {
    if (team_) team_->refill(memory_.size());  // this thread alone may ask for more
    const double now = clock_.seconds();
    std::unique_lock lock(mutex_);
    const double done = finished_;
    if (checkpointing() && now - saved_ > kCheckpointSeconds) {
      saved_ = now;
      Checkpoint::Section section{done_, sums_, local_};
      lock.unlock();
      request_.checkpoint->store(request_.key, std::move(section));
    } else if (options_.progress) {
      lock.unlock();
      const double fresh = done - restored_;
      options_.progress({done, now, fresh > 0.001 ? now * (1 - done) / fresh : -1});
    }
    if (rt::raised(options_.stop)) crew_.halt();
  }

  void join_team() {
    if (request_.fleet != nullptr)
      throw InputError("several processes share the work of CPUs; a GPU run takes all GPUs of its machine by itself");
    team_.emplace(*options_.processes, chunks_.chunks.size());
    Team::Part restored{done_, sums_, local_};
    elsewhere_ = team_->share_restored(restored);
    done_ = std::move(restored.done);
    sums_ = std::move(restored.sums);
    local_ = std::move(restored.local);
    finished_ = share(done_) + share(elsewhere_);
    restored_ = finished_;
  }

  [[nodiscard]] double share(const std::vector<std::uint8_t>& done) const {
    double total = 0;
    for (std::size_t i = 0; i < done.size(); ++i)
      if (done[i] != 0) total += chunks_.weight[i];
    return total;
  }

  /// The other processes' sums. Where one of them ended early, all did.
  void add_others() {
    if (ended_) team_->exhaust();
    const Team::Part mine{done_, sums_, local_, busy_, ended_.load(), overflow_};
    const Team::Part all = team_->merge(mine);
    done_ = all.done;
    sums_ = all.sums;
    local_ = all.local;
    ended_ = all.ended;
    overflow_ = all.overflow;
    balance_ = all.busy;
    finished_ = share(done_);
  }

  static bool lasting(const ExecuteRequest& request) {
    return request.checkpoint != nullptr && request.checkpoint->enabled();
  }
  [[nodiscard]] bool checkpointing() const { return lasting(request_); }

  ExecuteResult result() {
    if (overflow_) throw InputError("this count is over 127 bits before symmetry is divided out; no exact result fits");
    ExecuteResult out;
    const bool whole = std::all_of(done_.begin(), done_.end(), [](std::uint8_t d) { return d != 0; });
    out.ended = ended_;
    out.partial = !whole && !ended_;
    out.done = whole ? 1 : std::min(finished_, 0.9999);
    out.seconds = clock_.seconds() - compile_seconds_;
    out.worker_bytes = codegen_bytes() + gpu_bytes_;
    out.compile_seconds = compile_seconds_;
    out.kernel_seconds = kernel_seconds_;
    out.balance = balance_;
    if (left_to_cpu_ > 0 && options_.warn)
      options_.warn(std::to_string(left_to_cpu_) + " of " + std::to_string(done_.size()) +
                    " pieces of work fit no buffer on the device and ran on the CPU");
    if (checkpointing() && !ended_) request_.checkpoint->store(request_.key, {done_, sums_, local_});
    out.sums = std::move(sums_);
    out.local = std::move(local_);
    return out;
  }

  [[nodiscard]] std::uint64_t codegen_bytes() const {
    return memory_.size() * WorkerMemory::bytes(*request_.plan, graph_.view()) + local_.size() * sizeof(i128) +
           chunks_.chunks.size() * (sizeof(rt::Chunk) + sizeof(double) + 1);
  }

  const Prepared& graph_;
  const ExecuteRequest& request_;
  const MineOptions& options_;
  const Stopwatch clock_;
  const ChunkPlan& chunks_;
  std::vector<std::unique_ptr<WorkerMemory>> memory_;
  std::vector<Owner> owners_;
  std::optional<Team> team_;
  std::vector<std::uint8_t> elsewhere_;  ///< chunks that other processes had done before this run
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> ended_{false};
  Crew crew_;
  double saved_ = 0;  ///< seconds, when a checkpoint was last written

  std::mutex mutex_;  ///< guards what follows
  std::vector<std::uint8_t> done_;
  std::vector<i128> sums_, local_;
  double busy_ = 0, balance_ = 1;
  double finished_ = 0;
  double restored_ = 0;  ///< of finished_, from the checkpoint
  bool counts_local_ = false, lists_ = false;
  std::size_t most_listed_ = kLeastLease;  ///< chunks of the next lease of a LIST
  bool overflow_ = false;
  std::uint64_t gpu_bytes_ = 0;
  double compile_seconds_ = 0, kernel_seconds_ = 0;
  std::atomic<std::size_t> left_to_cpu_{0};
};

}  // namespace

int thread_count(const MineOptions& options) {
  const int threads =
      options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (options.device != MineDevice::cuda) return threads;
  return std::max(threads, static_cast<int>(device::cuda_device_names().size()));  // one serves a device
}

ExecuteResult execute(const Prepared& graph, const ExecuteRequest& request, const MineOptions& options) {
  if (options.device == MineDevice::cuda && request.fleet == nullptr) {
    const codegen::Plan plan = codegen::without_marked_sizes(*request.plan);
    ExecuteRequest on_gpus = request;
    on_gpus.plan = &plan;
    const Stopwatch set_up;
    on_gpus.fleet = &graph.fleet();
    const double device_seconds = set_up.seconds();
    on_gpus.key += "@gpu";  // other chunks than a CPU's
    ExecuteResult result = Execution(graph, on_gpus, options).run();
    result.device_seconds = device_seconds;
    return result;
  }
  return Execution(graph, request, options).run();
}

}  // namespace galena::mine
