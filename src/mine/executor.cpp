// Chunks are handed out by an atomic counter, heaviest vertices first, or as leases to devices (device_leases.hpp). What is
// done, and its sums, is the tally's.

#include "src/mine/executor.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>

#include "codegen/passes/assist.hpp"
#include "galena/error.hpp"
#include "src/device/cuda_device.hpp"
#include "src/mine/chunks.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/crew.hpp"
#include "src/mine/device_leases.hpp"
#include "src/mine/left_work.hpp"
#include "src/mine/tally.hpp"
#include "src/mine/team.hpp"
#include "src/mine/worker.hpp"

namespace galena::mine {

namespace {

using rt::i128;
using rt::vid;

constexpr std::uint64_t kPieces = 1024;      ///< chunks of a long run
constexpr std::uint64_t kPiecesShort = 192;  ///< of a run of under some 50 ms
constexpr std::uint64_t kPiecesGpu = 1 << 16, kLeastPiecesGpu = 1 << 13;
constexpr std::uint64_t kUnitsGpu = 64;  ///< in a GPU's chunk, between these
constexpr double kLong = 5e7;            ///< nanoseconds
constexpr double kCheckpointSeconds = 2;

/// Whether all that is looked at around a v0, before a v1 is known, are neighbours below it.
bool keeps_below(const codegen::Plan& plan) {
  const codegen::Block& body = plan.root.body;
  return !body.loops.empty() && !body.sets.empty() && std::ranges::all_of(body.sets, [&](int id) {
    return (plan.sets[static_cast<std::size_t>(id)].bounds.below & codegen::bit(0)) != 0;
  }) && std::ranges::all_of(body.loops, [](const codegen::Loop& loop) { return loop.from.set >= 0; });
}

class Execution final : public LeaseHost {
 public:
  Execution(const Prepared& graph, const ExecuteRequest& request, const MineOptions& options)
      : graph_(graph),
        request_(request),
        options_(options),
        chunks_(chunks_of(graph, request)),
        tally_(chunks_, request.plan->outputs.size(), request.asks(codegen::Output::Kind::local) ? graph.view().n : 0) {
    if (request.lasting()) restore();
    if (options.processes != nullptr) join_team();
  }

  ExecuteResult run() {
    const bool on_gpus = request_.fleet != nullptr;
    const auto cpus = static_cast<std::size_t>(thread_count(options_));
    const std::size_t wanted = on_gpus ? request_.fleet->size() : cpus;
    const auto threads = std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(1, chunks_.chunks.size()));
    const std::size_t all = on_gpus ? threads + cpus : threads;
    memory_.resize(all);
    for (std::size_t t = 0; !on_gpus && t < threads; ++t) make_memory(t);
    owners_.resize(all);
    for (std::size_t t = 0; t < all; ++t) {
      owners_[t].run = this;
      owners_[t].thread = static_cast<int>(t);
    }
    if (on_gpus) leases_.emplace(*this, request_, options_, chunks_, tally_, crew_, threads);
    if (team_) team_->refill(threads);
    crew_.run(
        threads, [this](std::size_t t) { leases_ ? serve(t) : work(t); }, [this] { watch(); },
        team_ ? Crew::kTeamTick : Crew::kTick);
    if (team_) add_others();
    return result();
  }

 private:
  /// What callbacks from generated code find behind Worker::owner.
  struct Owner {
    Execution* run = nullptr;
    int thread = 0;
    Tally::Local local;  ///< of the chunk under way
    std::exception_ptr error;
  };

  static int on_emit(rt::Worker* worker, int /*output*/, const vid* matched, int size) {
    auto* owner = static_cast<Owner*>(worker->owner);
    return owner->run->pass_on(static_cast<std::size_t>(owner->thread), matched, size) ? 0 : 1;
  }

  static void on_local(rt::Worker* worker, vid v, i128 count) {
    auto* owner = static_cast<Owner*>(worker->owner);
    try {
      owner->local.emplace_back(v, count);
    } catch (...) {  // an exception must not cross compiled code
      owner->error = std::current_exception();
    }
  }

  /// Hands a match on; false where they are enough.
  bool pass_on(std::size_t t, const vid* matched, int size) override {
    try {
      if (request_.on_match(owners_[t].thread, matched, size)) return true;
    } catch (...) {  // as above
      owners_[t].error = std::current_exception();
    }
    ended_ = true;
    return false;
  }

  void end() override { ended_ = true; }

  static const ChunkPlan& chunks_of(const Prepared& graph, const ExecuteRequest& request) {
    const std::uint64_t wanted = pieces(request, graph.units());
    if (request.fleet != nullptr && keeps_below(*request.plan)) return graph.whole_chunks(wanted);
    return graph.chunks(wanted, request.plan->max_depth >= 2);
  }

  static std::uint64_t pieces(const ExecuteRequest& request, std::uint64_t units) {
    if (request.fleet != nullptr) return std::clamp<std::uint64_t>(units / kUnitsGpu, kLeastPiecesGpu, kPiecesGpu);
    return request.estimate > kLong || request.lasting() ? kPieces : kPiecesShort;
  }

  void restore() {
    const Checkpoint::Section* section = request_.checkpoint->find(request_.key);
    if (section == nullptr) return;
    if (!tally_.fits(*section))
      throw InputError("the checkpoint was written for another plan of this query; remove it to start anew");
    tally_.replace(*section);
    restored_ = tally_.share();
  }

  void work(std::size_t t) {
    prepare(t);
    const Stopwatch clock;
    for (;;) {
      const std::size_t i = team_ ? team_->take(crew_.flag()) : next_.fetch_add(1);
      if (i >= chunks_.chunks.size() || crew_.halted()) break;
      if (!done_before(i) && !run_here(*request_.code, {i, chunks_.chunks[i]}, t)) break;
    }
    busy_ += clock.seconds();
    leave(t);
  }

  void serve(std::size_t t) {
    leases_->serve(t);
    leave(t);
  }

  void run_left(std::size_t t, const Executable& code, LeftWork& left) override {
    make_memory(t);
    prepare(t);
    while (const std::optional<LeftChunk> next = left.take(crew_))
      if (!run_here(code, *next, t)) break;
    leave(t);
  }

  void make_memory(std::size_t t) { memory_[t] = std::make_unique<WorkerMemory>(request_.on_cpu(), graph_.view()); }

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
    const Tally::Found found{chunk.of, memory_[t]->sums().data()};
    tally_.add({&found, 1}, owners_[t].local);
    return true;
  }

  void leave(std::size_t t) {
    if (ended_) crew_.halt();
    if (memory_[t] && memory_[t]->worker().overflow != 0) tally_.overflow();
    if (owners_[t].error) std::rethrow_exception(owners_[t].error);
  }

  [[nodiscard]] bool done_before(std::size_t i) const {
    return tally_.done(i) || (!elsewhere_.empty() && elsewhere_[i] != 0);
  }

  /// The calling thread: brings work, passes on the stop flag, reports progress, writes checkpoints.
  void watch() {
    if (team_) team_->refill(memory_.size());  // this thread alone may ask for more
    const double now = clock_.seconds();
    if (request_.lasting() && now - saved_ > kCheckpointSeconds) {
      saved_ = now;
      request_.checkpoint->store(request_.key, tally_.content());
    } else if (options_.progress) {
      const double done = tally_.share() + elsewhere_share_, fresh = done - restored_;
      options_.progress({done, now, fresh > 0.001 ? now * (1 - done) / fresh : -1});
    }
    if (rt::raised(options_.stop)) crew_.halt();
  }

  void join_team() {
    if (request_.fleet != nullptr)
      throw InputError("several processes share the work of CPUs; a GPU run takes all GPUs of its machine by itself");
    team_.emplace(*options_.processes, chunks_.chunks.size());
    Tally::Content content = tally_.take();
    Team::Part mine{std::move(content.done), std::move(content.sums), std::move(content.local)};
    elsewhere_ = team_->share_restored(mine);
    elsewhere_share_ = tally_.share_of(elsewhere_);
    tally_.replace({std::move(mine.done), std::move(mine.sums), std::move(mine.local)});
    restored_ = tally_.share() + elsewhere_share_;
  }

  /// The other processes' sums. Where one of them ended early, all did.
  void add_others() {
    if (ended_) team_->exhaust();
    Tally::Content content = tally_.take();
    const Team::Part mine{std::move(content.done), std::move(content.sums), std::move(content.local), busy_,
                          ended_.load(),           tally_.overflowed()};
    Team::Part all = team_->merge(mine);
    tally_.replace({std::move(all.done), std::move(all.sums), std::move(all.local)});
    ended_ = all.ended;
    if (all.overflow) tally_.overflow();
    balance_ = all.busy;
  }

  ExecuteResult result() {
    if (tally_.overflowed())
      throw InputError("this count is over 127 bits before symmetry is divided out; no exact result fits");
    const DeviceLeases::Totals devices = leases_ ? leases_->totals() : DeviceLeases::Totals{};
    const bool whole = tally_.whole();
    ExecuteResult out;
    out.ended = ended_;
    out.partial = !whole && !ended_;
    out.done = whole ? 1 : std::min(tally_.share(), 0.9999);
    out.seconds = clock_.seconds() - devices.compile_seconds;
    Tally::Content content = tally_.take();
    out.worker_bytes = codegen_bytes(content.local.size()) + devices.bytes;
    out.compile_seconds = devices.compile_seconds;
    out.kernel_seconds = devices.kernel_seconds;
    out.balance = balance_;
    if (devices.left_to_cpu > 0 && options_.warn)
      options_.warn(std::to_string(devices.left_to_cpu) + " of " + std::to_string(chunks_.chunks.size()) +
                    " pieces of work fit no buffer on the device and ran on the CPU");
    if (request_.lasting() && !ended_) request_.checkpoint->store(request_.key, content);
    out.sums = std::move(content.sums);
    out.local = std::move(content.local);
    return out;
  }

  [[nodiscard]] std::uint64_t codegen_bytes(std::size_t vertices) const {
    const auto workers = std::ranges::count_if(memory_, [](const auto& memory) { return memory != nullptr; });
    return static_cast<std::uint64_t>(workers) * WorkerMemory::bytes(request_.on_cpu(), graph_.view()) +
           vertices * sizeof(i128) + chunks_.chunks.size() * (sizeof(rt::Chunk) + sizeof(double) + 1);
  }

  const Prepared& graph_;
  const ExecuteRequest& request_;
  const MineOptions& options_;
  const Stopwatch clock_;
  const ChunkPlan& chunks_;
  Tally tally_;
  std::vector<std::unique_ptr<WorkerMemory>> memory_;  ///< by thread; none of those that serve a device
  std::vector<Owner> owners_;
  std::optional<DeviceLeases> leases_;  ///< then threads serve a device each
  std::optional<Team> team_;
  std::vector<std::uint8_t> elsewhere_;  ///< chunks that other processes had done before this run
  double elsewhere_share_ = 0;
  double restored_ = 0;  ///< share done before this run
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> ended_{false};
  std::atomic<double> busy_{0};  ///< seconds of threads
  double balance_ = 1;
  Crew crew_;
  double saved_ = 0;  ///< seconds, when a checkpoint was last written
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
    on_gpus.key += keeps_below(plan) ? "@gpu, whole" : "@gpu";  // other chunks than a CPU's
    ExecuteResult result = Execution(graph, on_gpus, options).run();
    result.device_seconds = device_seconds;
    return result;
  }
  return Execution(graph, request, options).run();
}

}  // namespace galena::mine
