// Chunks are handed out by an atomic counter, heaviest vertices first. A chunk's sums are added
// to the run's only when the chunk is whole, under a lock that also marks it done: at any moment
// the sums are those of exactly the chunks marked, which is what a checkpoint stores and an
// interrupted run reports.

#include "src/mine/executor.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "galena/error.hpp"
#include "src/mine/chunks.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/worker.hpp"

namespace galena::mine {

namespace {

using rt::i128;
using rt::vid;

constexpr std::uint64_t kPieces = 1024;      ///< chunks of a long run
constexpr std::uint64_t kPiecesShort = 192;  ///< of a run of under some 50 ms
constexpr double kLong = 5e7;                ///< nanoseconds
constexpr double kCheckpointSeconds = 2;
constexpr auto kTick = std::chrono::milliseconds(50);

class Execution {
 public:
  Execution(const Prepared& graph, const ExecuteRequest& request, const MineOptions& options)
      : graph_(graph),
        request_(request),
        options_(options),
        chunks_(graph.chunks(request.estimate > kLong || lasting(request) ? kPieces : kPiecesShort,
                             request.plan->max_depth >= 2)) {
    const codegen::Plan& plan = *request.plan;
    done_.assign(chunks_.chunks.size(), 0);
    sums_.assign(plan.outputs.size(), 0);
    for (const codegen::Output& output : plan.outputs)
      counts_local_ = counts_local_ || output.kind == codegen::Output::Kind::local;
    if (counts_local_) local_.assign(graph.view().n, 0);
    if (lasting(request)) restore();
  }

  ExecuteResult run() {
    const auto threads = static_cast<std::size_t>(std::clamp<std::size_t>(
        static_cast<std::size_t>(thread_count(options_)), 1, std::max<std::size_t>(1, chunks_.chunks.size())));
    for (std::size_t t = 0; t < threads; ++t)
      memory_.push_back(std::make_unique<WorkerMemory>(*request_.plan, graph_.view()));
    owners_.resize(threads);
    running_ = static_cast<int>(threads);
    std::vector<std::thread> pool;
    for (std::size_t t = 0; t < threads; ++t) pool.emplace_back([this, t] { work(t); });
    watch();
    for (std::thread& thread : pool) thread.join();
    if (error_) std::rethrow_exception(error_);
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

  void halt() { __atomic_store_n(&halt_, 1, __ATOMIC_RELAXED); }

  void restore() {
    const Checkpoint::Section* section = request_.checkpoint->find(request_.key);
    if (section == nullptr) return;
    if (section->done.size() != done_.size() || section->sums.size() != sums_.size() ||
        section->local.size() != local_.size())
      throw InputError("the checkpoint was written for another plan of this query; remove it to start anew");
    done_ = section->done;
    sums_ = section->sums;
    local_ = section->local;
    for (std::size_t i = 0; i < done_.size(); ++i)
      if (done_[i] != 0) finished_ += chunks_.weight[i];
    restored_ = finished_;
  }

  void work(std::size_t t) {
    rt::Worker& worker = memory_[t]->worker();
    Owner& owner = owners_[t];
    owner.run = this;
    owner.thread = static_cast<int>(t);
    worker.owner = &owner;
    worker.emit = &on_emit;
    worker.add_local = &on_local;
    worker.stop = &halt_;
    for (;;) {
      const std::size_t i = next_.fetch_add(1);
      if (i >= chunks_.chunks.size() || rt::raised(&halt_)) break;
      if (done_before(i)) continue;
      memory_[t]->clear_sums();
      owner.local.clear();
      request_.code->run(worker, chunks_.chunks[i]);
      if (worker.aborted != 0 || owner.error) break;
      commit(i, t);
    }
    if (ended_ || owner.error) halt();
    const std::scoped_lock lock(mutex_);
    if (owner.error && !error_) error_ = owner.error;
    overflow_ = overflow_ || worker.overflow != 0;
    --running_;
    wake_.notify_one();
  }

  bool done_before(std::size_t i) {
    const std::scoped_lock lock(mutex_);
    return done_[i] != 0;
  }

  void commit(std::size_t i, std::size_t t) {
    const std::scoped_lock lock(mutex_);
    done_[i] = 1;
    finished_ += chunks_.weight[i];
    const auto& sums = memory_[t]->sums();
    for (std::size_t o = 0; o < sums.size(); ++o)
      if (__builtin_add_overflow(sums_[o], sums[o], &sums_[o])) overflow_ = true;
    for (const auto& [v, count] : owners_[t].local) local_[v] += count;
  }

  /// The calling thread: passes on the stop flag, reports progress, writes checkpoints.
  void watch() {
    std::unique_lock lock(mutex_);
    double saved = 0;
    while (running_ > 0) {
      wake_.wait_for(lock, kTick);
      if (running_ == 0) break;
      if (rt::raised(options_.stop) && !interrupted_) {
        interrupted_ = true;
        halt();
      }
      const double now = clock_.seconds();
      const double done = finished_;
      if (checkpointing() && now - saved > kCheckpointSeconds) {
        saved = now;
        Checkpoint::Section section{done_, sums_, local_};
        lock.unlock();
        store(std::move(section));
        lock.lock();
      } else if (options_.progress) {
        lock.unlock();
        const double fresh = done - restored_;
        options_.progress({done, now, fresh > 0.001 ? now * (1 - done) / fresh : -1});
        lock.lock();
      }
    }
    if (rt::raised(options_.stop)) interrupted_ = true;
  }

  static bool lasting(const ExecuteRequest& request) {
    return request.checkpoint != nullptr && request.checkpoint->enabled();
  }
  [[nodiscard]] bool checkpointing() const { return lasting(request_); }

  void store(Checkpoint::Section section) {
    try {
      request_.checkpoint->store(request_.key, std::move(section));
    } catch (...) {
      halt();
      const std::scoped_lock lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  ExecuteResult result() {
    if (overflow_) throw InputError("this count is over 127 bits before symmetry is divided out; no exact result fits");
    ExecuteResult out;
    const bool whole = std::all_of(done_.begin(), done_.end(), [](std::uint8_t d) { return d != 0; });
    out.ended = ended_;
    out.partial = !whole && !ended_;
    out.done = whole ? 1 : std::min(finished_, 0.9999);
    out.seconds = clock_.seconds();
    out.worker_bytes = codegen_bytes();
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
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> ended_{false};
  volatile int halt_ = 0;
  bool interrupted_ = false;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable wake_;
  int running_ = 0;
  std::vector<std::uint8_t> done_;
  std::vector<i128> sums_, local_;
  double finished_ = 0;
  double restored_ = 0;  ///< of finished_, from the checkpoint
  bool counts_local_ = false;
  bool overflow_ = false;
  std::exception_ptr error_;
};

}  // namespace

int thread_count(const MineOptions& options) {
  if (options.threads > 0) return options.threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ExecuteResult execute(const Prepared& graph, const ExecuteRequest& request, const MineOptions& options) {
  return Execution(graph, request, options).run();
}

}  // namespace galena::mine
