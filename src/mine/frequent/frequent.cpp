// Patterns grow an edge at a time, because support never grows: a pattern is tried only if every
// connected part of one edge less is frequent (Kuramochi and Karypis, "Finding frequent patterns in
// a large sparse graph", Data Mining and Knowledge Discovery 11, 2005), and a vertex of the graph
// only where it is an image in all of these. Patterns of a level are shared among threads; where
// there are few and the graph is large, threads share the vertices of each.

#include "src/mine/frequent/frequent.hpp"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "codegen/emit/cpp.hpp"
#include "codegen/emit/cuda.hpp"
#include "codegen/jit/jit.hpp"
#include "src/base/threads.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/frequent/level.hpp"
#include "src/mine/frequent/planned_images.hpp"

namespace galena::mine {

namespace {

using frequent::Candidate;
using frequent::FrequentShape;
using frequent::Grower;
using frequent::LabelledGraph;
using frequent::Level;
using frequent::Shape;

constexpr double kTick = 0.1;              ///< seconds between reports of progress
constexpr std::size_t kFew = 4;            ///< patterns a thread
constexpr std::uint64_t kLarge = 1 << 16;  ///< arcs
constexpr double kBrief = 1e-3;            ///< seconds
constexpr std::size_t kBatch = 4096;       ///< patterns whose images are decided by plans together

constexpr std::size_t at(int v) { return Shape::at(v); }

LabelSet one_label(bool labelled, Label label) {
  return labelled ? LabelSet{LabelSet::Kind::one_of, {label}} : LabelSet{};
}

/// Depth first from an end, so that the pattern is written as few and long paths.
std::vector<int> reading_order(const Shape& shape) {
  std::vector<int> order, stack{0};
  for (int v = 1; v < shape.size; ++v)
    if (shape.degree(v) < shape.degree(stack.front())) stack.front() = v;
  while (!stack.empty()) {
    const int v = stack.back();
    stack.pop_back();
    if (std::find(order.begin(), order.end(), v) != order.end()) continue;
    order.push_back(v);
    for (int w = shape.size - 1; w >= 0; --w)
      if (shape.adjacent(v, w)) stack.push_back(w);
  }
  return order;
}

class FrequentRun {
 public:
  FrequentRun(const Prepared& prepared, const LabelledGraph& graph, const Query& query, const MineOptions& options,
              gpu::Fleet* fleet)
      : spec_(query.frequent),
        options_(options),
        threads_(thread_count(options)),
        labels_(frequent::labels_of_search(spec_, prepared.view())),
        graph_(graph),
        large_(prepared.units() > kLarge) {
    result_.query = query;
    result_.engine = "domains";
    if (fleet == nullptr && options.engine == Engine::automatic) return;
    plans_.emplace(prepared, graph, spec_, options, fleet, [this] { return poll(); });
    result_.engine = plans_->engine();
  }

  QueryResult run() {
    Level level = frequent::frequent_edges(graph_, spec_.support);
    const Grower grower(graph_, level);
    for (edges_ = 1;; ++edges_) {
      keep(level);
      if (edges_ == spec_.max_edges || level.patterns().empty() || stopped_) break;
      level = next(grower, level);
    }
    result_.partial = stopped_;
    result_.done = stopped_ ? std::min(0.9999, share(0)) : 1;
    result_.count = Count(result_.frequent.size());
    result_.compile_seconds = plans_ ? plans_->compile_seconds() : 0;
    result_.kernel_seconds = plans_ ? plans_->kernel_seconds() : 0;
    result_.seconds = clock_.seconds() - result_.compile_seconds;
    return std::move(result_);
  }

  [[nodiscard]] std::uint64_t bytes() const { return graph_.bytes() + level_bytes_; }

 private:
  /// The frequent patterns of one edge more; when stopped, those found by then.
  Level next(const Grower& grower, const Level& level) {
    const std::vector<Candidate> candidates = grower.grow(level);
    tried_ = 0;
    candidates_ = candidates.size();
    Level result;
    for (std::optional<FrequentShape>& pattern : plans_ ? by_plans(candidates, level) : by_domains(candidates, level)) {
      if (!pattern) continue;
      std::u32string code = frequent::canonical(pattern->shape).code;
      result.add(std::move(*pattern), std::move(code));
    }
    level_bytes_ = std::max(level_bytes_, level.bytes() + result.bytes());
    return result;
  }

  using Found = std::vector<std::optional<FrequentShape>>;  ///< by candidate; none where it is not frequent

  Found by_plans(const std::vector<Candidate>& candidates, const Level& level) {
    Found found(candidates.size());
    for (std::size_t begin = 0; begin < candidates.size() && !poll(); begin += kBatch) {
      std::vector<FrequentShape*> possible;
      const std::size_t end = std::min(candidates.size(), begin + kBatch);
      for (std::size_t i = begin; i < end; ++i) {
        FrequentShape pattern{candidates[i].shape, candidates[i].orbit, 0, {}};
        if (!Grower::restrict(candidates[i], level, pattern.images)) continue;
        found[i] = std::move(pattern);
        possible.push_back(&*found[i]);
      }
      plans_->find(possible);
      for (std::size_t i = begin; i < end; ++i)
        if (found[i] && found[i]->support == 0) found[i].reset();
      tried_ = end;
    }
    return found;
  }

  Found by_domains(const std::vector<Candidate>& candidates, const Level& level) {
    Found found(candidates.size());
    const bool together = large_ && candidates.size() < kFew * static_cast<std::size_t>(threads_);
    const int inside = together ? threads_ : 1;
    base::ErrorTrap trap;
    const auto attempt = [&](std::size_t i) {
      trap.run(i, [&] {
        if (!poll()) found[i] = evaluate(candidates[i], level, inside);
        ++tried_;
      });
    };
    // Other threads are woken when the level has shown that it lasts.
    std::size_t begin = 0;
    for (const Stopwatch clock; begin < candidates.size() && (together || clock.seconds() < kBrief);) attempt(begin++);
#pragma omp parallel for schedule(dynamic) num_threads(threads_) if (candidates.size() - begin > 1)
    for (std::size_t i = begin; i < candidates.size(); ++i) attempt(i);
    trap.rethrow();
    return found;
  }

  std::optional<FrequentShape> evaluate(const Candidate& candidate, const Level& parts, int threads) {
    FrequentShape pattern{candidate.shape, candidate.orbit, 0, {}};
    if (!Grower::restrict(candidate, parts, pattern.images)) return {};
    frequent::ImageRequest request;
    request.graph = &graph_;
    request.shape = &candidate.shape;
    request.orbit = candidate.orbit;
    request.support = spec_.support;
    request.exact = spec_.exact;
    request.threads = threads;
    request.stop = [this] { return poll(); };
    frequent::Images images(request, pattern.images);
    pattern.support = images.find();
    if (pattern.support == 0 || images.stopped()) return {};
    return pattern;
  }

  /// Whether to stop. On the calling thread it reports progress.
  bool poll() {
    if (rt::raised(options_.stop)) stopped_ = true;
    const double now = options_.progress && omp_get_level() <= 2 && omp_get_thread_num() == 0 ? clock_.seconds() : 0;
    if (now > reported_ + kTick) {
      reported_ = now;
      const double within = candidates_ == 0 ? 0 : static_cast<double>(tried_) / static_cast<double>(candidates_);
      options_.progress({share(within), now, -1});
    }
    return stopped_;
  }

  /// Of the work: later levels take longer as a rule, by how much nobody knows.
  [[nodiscard]] double share(double within) const { return (edges_ - 1 + within) / spec_.max_edges; }

  void keep(const Level& level) {
    if (edges_ < spec_.min_edges) return;
    const std::size_t begin = result_.frequent.size();
    for (const FrequentShape& pattern : level.patterns())
      result_.frequent.push_back({written(pattern.shape), spec_.exact ? pattern.support : spec_.support});
    std::stable_sort(result_.frequent.begin() + static_cast<std::ptrdiff_t>(begin), result_.frequent.end(),
                     [](const FrequentPattern& a, const FrequentPattern& b) { return a.support > b.support; });
  }

  [[nodiscard]] Pattern written(const Shape& shape) const {
    const std::vector<int> order = reading_order(shape);
    Pattern pattern(shape.size, {});
    for (int i = 0; i < shape.size; ++i)
      pattern.set_label(i, one_label(labels_.vertices, graph_.vertex_labels().value(shape.label[at(order[at(i)])])));
    for (int i = 0; i < shape.size; ++i) {
      for (int j = 0; j < i; ++j) {
        const std::uint32_t edge = shape.edge[at(order[at(i)])][at(order[at(j)])];
        if (edge != 0) pattern.add_edge(j, i, one_label(labels_.edges, graph_.edge_labels().value(edge - 1)));
      }
    }
    return pattern;
  }

  const Stopwatch clock_;
  const FrequentSearch& spec_;
  const MineOptions& options_;
  const int threads_;
  const codegen::GivenLabels labels_;
  const LabelledGraph& graph_;
  const bool large_;
  std::optional<frequent::PlannedImages> plans_;  ///< where an engine or a device is asked for
  QueryResult result_;
  int edges_ = 1;
  std::size_t candidates_ = 0;
  std::atomic<std::size_t> tried_{0};
  std::atomic<bool> stopped_{false};
  double reported_ = 0;
  std::uint64_t level_bytes_ = 0;
};

}  // namespace

const LabelledGraph& FrequentMiner::labelled(const FrequentSearch& spec) {
  const auto key = std::pair(spec.vertex_labels, spec.edge_labels);
  return labelled_.try_emplace(key, graph_.view(), spec.vertex_labels, spec.edge_labels).first->second;
}

QueryResult FrequentMiner::run(const Query& query, const MineOptions& options, std::uint64_t& working_bytes) {
  const Stopwatch planning;
  const LabelledGraph& graph = labelled(query.frequent);
  const double planned = planning.seconds();
  const Stopwatch set_up;
  gpu::Fleet* const fleet =
      fleet_ == nullptr && options.device == MineDevice::cuda ? &graph_.fleet(options.warn) : fleet_;
  const double device_seconds = set_up.seconds();
  FrequentRun run(graph_, graph, query, options, fleet);
  QueryResult result = run.run();
  result.device_seconds = device_seconds;
  result.plan_seconds = planned;
  working_bytes = run.bytes();
  return result;
}

std::string FrequentMiner::describe(const Query& query, const MineOptions& options) {
  const FrequentSearch& spec = query.frequent;
  const LabelledGraph& graph = labelled(spec);
  const Level edges = frequent::frequent_edges(graph, spec.support);
  std::string text = query.text + "\n";
  text += "vertex labels: " + std::to_string(graph.vertex_labels().size()) +
          ", edge labels: " + std::to_string(graph.edge_labels().size()) + "\n";
  text += "frequent edges: " + std::to_string(edges.patterns().size()) + "\n";
  text += "candidates of two edges: " + std::to_string(Grower(graph, edges).grow(edges).size()) + "\n";
  const bool planned = options.engine != Engine::automatic || options.device == MineDevice::cuda;
  return text + "each candidate: images in its parts, " +
         (planned ? "then a plan for each orbit (--emit plan) looks for one match a vertex"
                  : "filtered by neighbours, then one match a vertex") +
         (spec.exact ? "" : " until enough are found") + "\n";
}

std::string FrequentMiner::emit(const Query& query, const std::string& what) const {
  const std::vector<codegen::Plan> plans = frequent::all_shape_plans(query.frequent, graph_);
  if (what == "cuda") return jit::expand(codegen::emit_cuda_kernels(plans));
  std::string text;
  for (const codegen::Plan& plan : plans)
    text += (text.empty() ? "" : "\n") + (what == "plan" ? codegen::print(plan) : codegen::emit_cpp(plan));
  return text;
}

}  // namespace galena::mine
