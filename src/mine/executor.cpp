// Chunks are handed out by an atomic counter, heaviest vertices first. A chunk's sums are added
// to the run's only when the chunk is whole, under a lock that also marks it done: at any moment
// the sums are those of exactly the chunks marked, which is what a checkpoint stores and an
// interrupted run reports. What fits no buffer of a GPU is run by the CPU's threads, which start when there is such a thing.

#include "src/mine/executor.hpp"

#include <algorithm>
#include <atomic>
#include <map>
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
#include "src/mine/gpu/pace.hpp"
#include "src/mine/left_work.hpp"
#include "src/mine/team.hpp"
#include "src/mine/worker.hpp"

namespace galena::mine {

namespace {

using rt::i128;
using rt::vid;

constexpr std::uint64_t kPieces = 1024;      ///< chunks of a long run
constexpr std::uint64_t kPiecesShort = 192;  ///< of a run of under some 50 ms
constexpr std::uint64_t kPiecesGpu = 1 << 16, kLeastPiecesGpu = 1 << 13;
constexpr std::uint64_t kUnitsGpu = 64;    ///< in a GPU's chunk, between these
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
        chunks_(graph.chunks(pieces(request, graph.units()), request.plan->max_depth >= 2)) {
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
    devices_ = on_gpus ? threads : 0;
    const std::size_t all = on_gpus ? threads + helpers() : threads;
    memory_.resize(all);
    for (std::size_t t = 0; !on_gpus && t < threads; ++t) make_memory(t);
    owners_.resize(all);
    for (std::size_t t = 0; t < all; ++t) {
      owners_[t].run = this;
      owners_[t].thread = static_cast<int>(t);
    }
    if (on_gpus) left_.emplace(threads);
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
    return pass_on(*static_cast<Owner*>(worker->owner), matched, size) ? 0 : 1;
  }

  /// Hands a match on; false where they are enough.
  static bool pass_on(Owner& owner, const vid* matched, int size) {
    try {
      if (owner.run->request_.on_match(owner.thread, matched, size)) return true;
    } catch (...) {  // an exception must not cross compiled code
      owner.error = std::current_exception();
    }
    owner.run->ended_ = true;
    return false;
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

  static std::uint64_t pieces(const ExecuteRequest& request, std::uint64_t units) {
    if (request.fleet != nullptr) return std::clamp<std::uint64_t>(units / kUnitsGpu, kLeastPiecesGpu, kPiecesGpu);
    return request.estimate > kLong || lasting(request) ? kPieces : kPiecesShort;
  }

  void work(std::size_t t) {
    prepare(t);
    const Stopwatch clock;
    for (;;) {
      const std::size_t i = team_ ? team_->take(crew_.flag()) : next_.fetch_add(1);
      if (i >= chunks_.chunks.size() || crew_.halted()) break;
      if (!done_before(i) && !run_here(*request_.code, {i, chunks_.chunks[i]}, t)) break;
    }
    {
      const std::scoped_lock lock(mutex_);
      busy_ += clock.seconds();
    }
    leave(t);
  }

  [[nodiscard]] const codegen::Plan& plan_here() const {
    return request_.plan_here == nullptr ? *request_.plan : *request_.plan_here;
  }

  void make_memory(std::size_t t) { memory_[t] = std::make_unique<WorkerMemory>(plan_here(), graph_.view()); }

  void prepare(std::size_t t) {
    rt::Worker& worker = memory_[t]->worker();
    worker.owner = &owners_[t];
    worker.emit = &on_emit;
    worker.add_local = &on_local;
    worker.stop = crew_.flag();
  }

  /// Runs a chunk on this thread; false where it ended early.
  bool run_here(const Executable& code, const LeftChunk& chunk, std::size_t t) {
    rt::Worker& worker = memory_[t]->worker();
    memory_[t]->clear_sums();
    owners_[t].local.clear();
    code.run(worker, chunk.chunk);
    if (worker.aborted != 0 || owners_[t].error) return false;
    commit(chunk.of, memory_[t]->sums(), owners_[t].local);
    return true;
  }

  void leave(std::size_t t) {
    if (ended_) crew_.halt();
    {
      const std::scoped_lock lock(mutex_);
      overflow_ = overflow_ || (memory_[t] && memory_[t]->worker().overflow != 0);
    }
    if (owners_[t].error) std::rethrow_exception(owners_[t].error);
  }

  /// Thread t serves machine t: takes leases until there are no chunks.
  void work_on_gpu(std::size_t t) {
    struct Leave {
      LeftWork& left;
      ~Leave() { left.leave(); }
    };
    const Leave at_end{*left_};
    gpu::LeaseRunner runner((*request_.fleet)[t], *request_.plan, request_.limits);
    if (!runner.warning().empty() && options_.warn) options_.warn(runner.warning());
    runner.hand_rows_to([this, t](std::span<const vid> rows) { return pass_all_on(rows, t); }, request_.enough);
    gpu::Pace pace((*request_.fleet)[t].machine().hurried());
    while (!crew_.halted()) {
      const double before = runner.kernel_seconds();
      const std::vector<std::size_t> lease = take_lease(pace.most());
      if (lease.empty() || !run_lease(runner, lease, t)) break;
      pace.took(runner.kernel_seconds() - before);
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

  /// The next chunks that are not done, as many as leave every machine another lease later, and `most`; none at the end. Of
  /// LIST few at first: whoever takes the matches may have enough.
  std::vector<std::size_t> take_lease(std::size_t most) {
    const std::scoped_lock lock(mutex_);
    std::vector<std::size_t> lease;
    const std::size_t all = chunks_.chunks.size();
    const std::size_t left = all - std::min(all, next_.load());
    std::size_t size = at_once() ? left : std::min(left, std::max(kLeastLease, left / (2 * request_.fleet->size())));
    if (lists_) size = std::min(size, most_listed_);
    size = std::min(size, most);
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
    commit_lease(runner, lease, result);
    if (result.found && !pass_on(owners_[t], nullptr, 0)) return false;
    if (result.ended) return end();
    std::vector<LeftChunk> left;
    for (std::size_t k = 0; k < lease.size(); ++k)
      if (result.states[k] == rt::ChunkState::overflow) left.push_back({lease[k], chunks_.chunks[lease[k]]});
    if (lists_ && !left.empty() && result.unfit == 0 && !run_in_parts(runner, left)) return end();
    if (!left.empty()) leave_to_cpu(left, result.unfit);
    return true;
  }

  /// There are enough matches.
  bool end() {
    ended_ = true;
    return false;
  }

  /// Chunks of too many matches for a worker's log, each in parts. Leaves in `left` the parts that do not fit either;
  /// false where there are enough matches.
  bool run_in_parts(gpu::LeaseRunner& runner, std::vector<LeftChunk>& left) {
    std::vector<rt::Chunk> parts;
    std::vector<std::size_t> of;
    {
      const std::scoped_lock lock(mutex_);
      for (const LeftChunk& whole : left) {
        const std::vector<rt::Chunk> each = parts_of(whole.chunk);
        parts.insert(parts.end(), each.begin(), each.end());
        of.insert(of.end(), each.size(), whole.of);
        in_parts_[whole.of] = {each.size(), std::vector<i128>(sums_.size())};
      }
    }
    const std::vector<double> for_blocks(parts.size(), 2 * gpu::kHeavy);
    const gpu::LeaseResult result = runner.run(parts, for_blocks, crew_.flag());
    commit_lease(runner, of, result);
    left.clear();
    for (std::size_t k = 0; k < parts.size(); ++k)
      if (result.states[k] == rt::ChunkState::overflow) left.push_back({of[k], parts[k]});
    return !result.ended;
  }

  [[nodiscard]] std::size_t helpers() const { return static_cast<std::size_t>(thread_count(options_)); }

  /// Gives the CPU's threads what fits no buffer; the first time, starts them.
  void leave_to_cpu(const std::vector<LeftChunk>& left, std::uint64_t unfit) {
    {
      const std::scoped_lock lock(mutex_);
      for (std::size_t k = 0; k < left.size(); ++k)
        if (k == 0 || left[k].of != left[k - 1].of) ++left_to_cpu_;
    }
    std::call_once(cpu_called_, [&] { call_cpu(left, unfit); });
    left_->give(left);
  }

  void call_cpu(const std::vector<LeftChunk>& left, std::uint64_t unfit) {
    if (options_.warn)
      options_.warn(unfit > 0 ? "this query needs at least " + std::to_string(unfit) +
                                    " bytes on the device, which has not so many left: " + std::to_string(helpers()) +
                                    " threads of the CPU run what does not fit"
                              : "some pieces of work fit no buffer on the device: " + std::to_string(helpers()) +
                                    " threads of the CPU run them");
    code_here_ = request_.code;
    if (options_.device == MineDevice::cuda) {  // that is of the device
      double share = 0;
      for (const LeftChunk& chunk : left) share += chunks_.weight[chunk.of];
      MineOptions here = options_;
      here.device = MineDevice::cpu;
      if (here.engine == Engine::jit) here.engine = Engine::automatic;  // no reason to fail
      own_code_ = std::make_unique<Executable>(plan_here(), request_.estimate * std::min(1.0, share), here);
      code_here_ = own_code_.get();
    }
    crew_.add(devices_, helpers(), [this](std::size_t t) { help(t); });
  }

  /// Runs what the devices left.
  void help(std::size_t t) {
    make_memory(t);
    prepare(t);
    while (const std::optional<LeftChunk> next = left_->take(crew_))
      if (!run_here(*code_here_, *next, t)) break;
    leave(t);
  }

  /// Matches that a machine found; false where they are enough.
  bool pass_all_on(std::span<const vid> rows, std::size_t t) {
    const auto width = static_cast<std::size_t>(request_.plan->max_depth) + 1;
    for (std::size_t at = 0; at < rows.size(); at += width)
      if (!pass_on(owners_[t], rows.data() + at, static_cast<int>(width))) return false;
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

  void commit_lease(gpu::LeaseRunner& runner, const std::vector<std::size_t>& lease, const gpu::LeaseResult& result) {
    const std::scoped_lock lock(mutex_);
    for (std::size_t k = 0; k < lease.size(); ++k) {
      if (result.states[k] == rt::ChunkState::lost) overflow_ = true;
      if (result.states[k] == rt::ChunkState::done) add(lease[k], result.sums.data() + k * sums_.size());
    }
    for (const auto& [v, count] : result.local) local_[v] += count;
    if (counts_local_ && checkpointing()) runner.add_local(local_);  // what is written is of the same chunks
  }

  /// The sums of a whole chunk, or of a part where it is run in parts. Under the lock.
  void add(std::size_t i, const i128* sums) {
    const auto parts = in_parts_.find(i);
    if (parts == in_parts_.end()) return add_whole(i, sums);
    add_to(parts->second.sums, sums);
    if (--parts->second.left > 0) return;
    add_whole(i, parts->second.sums.data());
    in_parts_.erase(parts);
  }

  void add_whole(std::size_t i, const i128* sums) {
    done_[i] = 1;
    finished_ += chunks_.weight[i];
    add_to(sums_, sums);
  }

  void add_to(std::vector<i128>& to, const i128* sums) {
    for (std::size_t o = 0; o < to.size(); ++o)
      if (__builtin_add_overflow(to[o], sums[o], &to[o])) overflow_ = true;
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
    const auto workers = std::ranges::count_if(memory_, [](const auto& memory) { return memory != nullptr; });
    return static_cast<std::uint64_t>(workers) * WorkerMemory::bytes(plan_here(), graph_.view()) +
           local_.size() * sizeof(i128) + chunks_.chunks.size() * (sizeof(rt::Chunk) + sizeof(double) + 1);
  }

  const Prepared& graph_;
  const ExecuteRequest& request_;
  const MineOptions& options_;
  const Stopwatch clock_;
  const ChunkPlan& chunks_;
  std::vector<std::unique_ptr<WorkerMemory>> memory_;  ///< by thread; none of those that serve a device
  std::vector<Owner> owners_;
  std::size_t devices_ = 0;       ///< the first threads serve one each
  std::optional<LeftWork> left_;  ///< by devices, for the CPU
  std::once_flag cpu_called_;
  const Executable* code_here_ = nullptr;  ///< since it was called
  std::unique_ptr<Executable> own_code_;
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
  std::size_t left_to_cpu_ = 0;  ///< chunks
  struct Parts {
    std::size_t left = 0;
    std::vector<i128> sums;
  };
  std::map<std::size_t, Parts> in_parts_;  ///< by chunk
};

}  // namespace

int thread_count(const MineOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int worker_count(const MineOptions& options) {
  const int threads = thread_count(options);
  return options.device == MineDevice::cuda ? threads + static_cast<int>(device::cuda_device_names().size()) : threads;
}

ExecuteResult execute(const Prepared& graph, const ExecuteRequest& request, const MineOptions& options) {
  if (options.device == MineDevice::cuda && request.fleet == nullptr) {
    const codegen::Plan plan = codegen::without_marked_sizes(*request.plan);
    ExecuteRequest on_gpus = request;
    on_gpus.plan = &plan;
    on_gpus.plan_here = request.plan;
    const Stopwatch set_up;
    on_gpus.fleet = &graph.fleet(options.warn);
    const double device_seconds = set_up.seconds();
    on_gpus.key += "@gpu";  // other chunks than a CPU's
    ExecuteResult result = Execution(graph, on_gpus, options).run();
    result.device_seconds = device_seconds;
    return result;
  }
  return Execution(graph, request, options).run();
}

}  // namespace galena::mine
