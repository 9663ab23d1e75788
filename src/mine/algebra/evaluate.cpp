// Roots are handed out in small runs by an atomic counter, heaviest first; the calling thread watches.
// Integer sums do not depend on the order of their terms, so neither do results on threads.

#include "src/mine/algebra/evaluate.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "src/mine/algebra/row_machine.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/team.hpp"

namespace galena::mine {

namespace {

using codegen::RowProgram;
using rt::vid;

constexpr std::uint64_t kRun = 16;  ///< roots handed out at once
constexpr auto kTick = std::chrono::milliseconds(50);

class Evaluation {
 public:
  Evaluation(const Prepared& graph, const RowProgram& program, const MineOptions& options)
      : graph_(graph.view()),
        program_(program),
        options_(options),
        threads_(std::clamp(thread_count(options), 1, static_cast<int>(graph_.n / kRun + 1))),
        stages_(program.stages()) {
    results_.assign(static_cast<std::size_t>(program.results), 0);
    tables_.resize(program.tables.size());
  }

  EvaluateResult run() {
    if (program_.uses(codegen::Row::Kind::diamonds) || !program_.local.empty()) triangles_.emplace(graph_, threads_);
    for (stage_ = 0; stage_ < stages_ && !halted(); ++stage_) {
      make_spread_tables();
      pass();
      add_others();
    }
    if (options_.processes != nullptr && !halted()) add_over(*options_.processes, results_);
    EvaluateResult out;
    out.partial = halted();
    out.done = out.partial ? std::min(done(), 0.9999) : 1;
    out.homomorphisms = std::move(results_);
    out.seconds = clock_.seconds();
    out.working_bytes = bytes_ + (triangles_ ? triangles_->bytes() : 0);
    for (const auto& table : tables_) out.working_bytes += table.size() * sizeof(std::uint64_t);
    return out;
  }

 private:
  [[nodiscard]] bool halted() const { return rt::raised(&halt_) || rt::raised(options_.stop); }

  void make_spread_tables() {
    for (std::size_t t = 0; t < program_.tables.size(); ++t) {
      const codegen::VertexTable& table = program_.tables[t];
      if (table.stage != stage_) continue;
      tables_[t].assign(graph_.n, 0);
      if (!table.factors.empty()) continue;
      for (vid v = 0; v < graph_.n; ++v)
        for (std::uint64_t i = graph_.indptr[v]; i < graph_.indptr[v + 1]; ++i)
          tables_[t][v] += table.spread < 0 ? 1 : tables_[static_cast<std::size_t>(table.spread)][graph_.indices[i]];
    }
  }

  void pass() {
    next_ = 0;
    running_ = threads_;
    std::vector<std::thread> pool;
    for (int t = 0; t < threads_; ++t) pool.emplace_back([this] { work(); });
    watch();
    for (std::thread& thread : pool) thread.join();
    if (error_) std::rethrow_exception(error_);
  }

  void work() {
    std::vector<rt::i128> results(results_.size());
    std::exception_ptr error;
    std::uint64_t bytes = 0;
    try {
      RowMachine machine(program_, stage_, graph_.n, graph_.max_degree, triangles_ ? &*triangles_ : nullptr);
      for (std::uint64_t begin = take(); begin < graph_.n && !halted(); begin = take())
        for (std::uint64_t x = begin; x < std::min<std::uint64_t>(begin + kRun, graph_.n); ++x)
          machine.run(graph_, static_cast<vid>(x), tables_);
      machine.add_to(results);
      bytes = machine.bytes();
    } catch (...) {
      error = std::current_exception();
      __atomic_store_n(&halt_, 1, __ATOMIC_RELAXED);
    }
    const std::scoped_lock lock(mutex_);
    if (error && !error_) error_ = error;
    for (std::size_t i = 0; i < results.size(); ++i) results_[i] += results[i];
    bytes_ += bytes;
    --running_;
    wake_.notify_one();
  }

  /// The next run of roots; of several processes each has its own, in turn.
  std::uint64_t take() {
    if (options_.processes == nullptr) return next_.fetch_add(kRun);
    const auto size = static_cast<std::uint64_t>(options_.processes->size());
    return next_.fetch_add(kRun * size) + kRun * static_cast<std::uint64_t>(options_.processes->rank());
  }

  /// Adds up what processes have found of this stage: each vertex's entry of a table was made by one of them.
  void add_others() {
    if (options_.processes == nullptr) return;
    std::int64_t stopped = halted() ? 1 : 0;
    options_.processes->max(std::span(&stopped, 1), comm::Label{});
    if (stopped != 0) return __atomic_store_n(&halt_, 1, __ATOMIC_RELAXED);
    for (std::size_t t = 0; t < program_.tables.size(); ++t) {
      if (program_.tables[t].stage != stage_ || program_.tables[t].factors.empty()) continue;
      auto* const values = reinterpret_cast<std::int64_t*>(tables_[t].data());
      options_.processes->sum(std::span(values, tables_[t].size()), comm::Label{});
    }
  }

  /// Roots done, by their arcs: those of large degree come first and take longest.
  [[nodiscard]] double done() const {
    const auto roots = static_cast<vid>(std::min<std::uint64_t>(next_.load(), graph_.n));
    const double share = graph_.n == 0 ? 1
                                       : static_cast<double>(graph_.indptr[roots] + roots) /
                                             static_cast<double>(graph_.indptr[graph_.n] + graph_.n);
    return (std::min(stage_, stages_ - 1) + share) / stages_;
  }

  void watch() {
    std::unique_lock lock(mutex_);
    while (running_ > 0) {
      wake_.wait_for(lock, kTick);
      if (running_ == 0 || !options_.progress) continue;
      lock.unlock();
      const double share = done(), now = clock_.seconds();
      options_.progress({share, now, share > 0.001 ? now * (1 - share) / share : -1});
      lock.lock();
    }
  }

  const rt::GraphView& graph_;
  const RowProgram& program_;
  const MineOptions& options_;
  const Stopwatch clock_;
  int threads_, stages_, stage_ = 0;
  std::optional<TriangleLists> triangles_;
  TableValues tables_;
  std::atomic<std::uint64_t> next_{0};
  volatile int halt_ = 0;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable wake_;
  int running_ = 0;
  std::vector<rt::i128> results_;
  std::uint64_t bytes_ = 0;
  std::exception_ptr error_;
};

}  // namespace

EvaluateResult evaluate(const Prepared& graph, const RowProgram& program, const MineOptions& options) {
  return Evaluation(graph, program, options).run();
}

}  // namespace galena::mine
