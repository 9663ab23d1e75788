// Roots are handed out in small runs by an atomic counter, heaviest first; the calling thread watches.
// Integer sums do not depend on the order of their terms, so neither do results on threads.

#include "src/mine/algebra/evaluate.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "src/mine/algebra/row_machine.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/crew.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/team.hpp"

namespace galena::mine {

namespace {

using codegen::RowProgram;
using rt::vid;

constexpr std::uint64_t kRun = 16;  ///< roots handed out at once

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
    if (program_.uses(codegen::Row::Kind::diamonds) || program_.uses(codegen::RowFactor::Kind::diamond_dot) ||
        !program_.local.empty())
      triangles_.emplace(graph_, threads_);
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
  [[nodiscard]] bool halted() const { return crew_.halted() || rt::raised(options_.stop); }

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
    const auto report = [this] { options_.progress(progress(done(), clock_.seconds())); };
    crew_.run(
        static_cast<std::size_t>(threads_), [this](std::size_t) { work(); },
        options_.progress ? report : std::function<void()>());
  }

  void work() {
    std::vector<rt::i128> results(results_.size());
    RowMachine machine(program_, stage_, graph_.n, graph_.max_degree, triangles_ ? &*triangles_ : nullptr);
    for (std::uint64_t begin = take(); begin < graph_.n && !halted(); begin = take())
      for (std::uint64_t x = begin; x < std::min<std::uint64_t>(begin + kRun, graph_.n); ++x)
        machine.run(graph_, static_cast<vid>(x), tables_);
    machine.add_to(results);
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < results.size(); ++i) results_[i] += results[i];
    bytes_ += machine.bytes();
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
    if (stopped != 0) return crew_.halt();
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

  const rt::GraphView& graph_;
  const RowProgram& program_;
  const MineOptions& options_;
  const Stopwatch clock_;
  int threads_, stages_, stage_ = 0;
  std::optional<TriangleLists> triangles_;
  TableValues tables_;
  std::atomic<std::uint64_t> next_{0};
  Crew crew_;

  std::mutex mutex_;  ///< guards what follows
  std::vector<rt::i128> results_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

EvaluateResult evaluate(const Prepared& graph, const RowProgram& program, const MineOptions& options) {
  return Evaluation(graph, program, options).run();
}

}  // namespace galena::mine
