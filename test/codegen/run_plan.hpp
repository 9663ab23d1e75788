#pragma once
// Running a plan over a small graph in a random partition into chunks.

#include <functional>
#include <random>
#include <vector>

#include "codegen/interpret/interpreter.hpp"
#include "codegen/plan/plan.hpp"
#include "codegen/plan/walk.hpp"
#include "codegen/runtime/bits.h"
#include "test/codegen/oracle.hpp"
#include "test/codegen/small_graph.hpp"

namespace galena::test {

using RunChunk = std::function<void(rt::Worker&, const rt::Chunk&)>;

/// What a run left behind.
struct PlanOutcome {
  std::vector<rt::i128> sums;   ///< by output
  std::vector<rt::i128> local;  ///< by vertex
  std::vector<Image> rows;      ///< of LIST, by pattern vertex
  std::vector<rt::vid> images;  ///< of a plan of images, in order
  std::uint64_t image_count = 0;
  int emits = 0;
  bool clean = true;          ///< tables are zero again, no overflow
  bool wrote_locals = false;  ///< rows of local graphs lay in the worker's memory
};

class PlanRun {
 public:
  /// `local_rows`: the longest rows that a local graph has room for.
  PlanRun(const codegen::Plan& plan, const SmallGraph& graph, std::uint64_t local_rows = 64)
      : plan_(plan), graph_(graph) {
    const std::size_t capacity = (graph.view().max_degree + 31) / 16 * 16;
    const std::size_t padded = (graph.view().n + 63) / 64 * 64;
    slots_.resize(capacity * static_cast<std::size_t>(plan.slots));
    counters_.resize(padded * plan.counters.size());
    marks_.resize(padded * plan.marks.size());
    worker_.local_capacity = local_rows * (rt::row_words(graph.view().max_degree) + 1);
    locals_.resize(worker_.local_capacity * plan.locals.size(), kUntouched);
    worker_.locals = locals_.data();
    result_.sums.resize(plan.outputs.size());
    result_.local.resize(graph.view().n);
    worker_.graph = &graph.view();
    worker_.slots = slots_.data();
    worker_.slot_capacity = capacity;
    worker_.counters = counters_.data();
    worker_.marks = marks_.data();
    worker_.n_padded = padded;
    worker_.acc = result_.sums.data();
    worker_.local = result_.local.data();
    worker_.add_local = [](rt::Worker* w, rt::vid v, rt::i128 n) { w->local[v] += n; };
    worker_.emit = emit;
    worker_.owner = this;
    if (codegen::of_images(plan)) ask_images();
  }
  PlanRun(const PlanRun&) = delete;
  PlanRun& operator=(const PlanRun&) = delete;

  /// Of a plan of images: ends when there are so many.
  void enough(std::uint64_t images) { task_.enough = images; }
  /// The labels that a plan of images is given, by number: the same for equal `random`.
  static std::vector<std::uint32_t> given(std::mt19937 random) {
    std::vector<std::uint32_t> labels(2 * kMaxPatternVertices);
    for (std::uint32_t& label : labels) label = static_cast<std::uint32_t>(random() % 2);
    return labels;
  }
  /// Whether a plan of images is asked for v.
  static bool asked(rt::vid v) { return v % 5 != 3; }

  /// Cuts the units into random chunks, some single units into parts, and runs each.
  PlanOutcome over_random_chunks(const RunChunk& run, std::mt19937& random, std::uint64_t longest = 12) {
    const std::uint64_t units = graph_.units();
    labels_ = given(random);
    task_.labels = labels_.data();
    for (std::uint64_t begin = 0; begin < units;) {
      const std::uint64_t end = std::min<std::uint64_t>(units, begin + 1 + random() % longest);
      const std::uint32_t parts = end == begin + 1 ? static_cast<std::uint32_t>(1 + random() % 3) : 1;
      for (std::uint32_t part = 0; part < parts; ++part) {
        run(worker_, rt::Chunk{begin, end, part, parts});
        worker_.aborted = 0;
      }
      begin = end;
    }
    const auto zero = [](auto x) { return x == 0; };
    if (result_.emits == 0 || plan_.outputs.front().kind == codegen::Output::Kind::list)
      result_.clean = worker_.overflow == 0 && std::all_of(counters_.begin(), counters_.end(), zero) &&
                      std::all_of(marks_.begin(), marks_.end(), zero);
    result_.wrote_locals = std::any_of(locals_.begin(), locals_.end(), [](auto word) { return word != kUntouched; });
    for (rt::vid v = 0; v < graph_.view().n; ++v)
      if (codegen::of_images(plan_) && rt::bit_of(found_.data(), v)) result_.images.push_back(v);
    result_.image_count = count_;
    return result_;
  }

 private:
  static constexpr std::uint32_t kUntouched = 0xdeadbeefU;

  void ask_images() {
    const std::size_t words = rt::bit_words(graph_.view().n);
    asked_.resize(words);
    found_.resize(words);
    for (rt::vid v = 0; v < graph_.view().n; ++v) asked_[v / 32] |= static_cast<std::uint32_t>(asked(v)) << (v % 32);
    task_.asked = asked_.data();
    task_.found = found_.data();
    task_.count = &count_;
    task_.enough = ~std::uint64_t{0};
    worker_.images = &task_;
  }

  static int emit(rt::Worker* worker, int output, const rt::vid* matched, int size) {
    auto& self = *static_cast<PlanRun*>(worker->owner);
    ++self.result_.emits;
    const codegen::Output& out = self.plan_.outputs[static_cast<std::size_t>(output)];
    if (out.kind == codegen::Output::Kind::exists || out.kind == codegen::Output::Kind::image) return 1;
    Image row(static_cast<std::size_t>(size));
    for (int d = 0; d < size; ++d) row[static_cast<std::size_t>(out.order[static_cast<std::size_t>(d)])] = matched[d];
    self.result_.rows.push_back(row);
    return 0;
  }

  const codegen::Plan& plan_;
  const SmallGraph& graph_;
  rt::Worker worker_{};
  std::vector<rt::vid> slots_;
  std::vector<std::uint32_t> counters_;
  std::vector<std::uint8_t> marks_;
  std::vector<std::uint32_t> labels_, asked_, found_;
  std::uint64_t count_ = 0;
  rt::ImageTask task_{};
  std::vector<std::uint32_t> locals_;
  PlanOutcome result_;
};

inline PlanOutcome interpret(const codegen::Plan& plan, const SmallGraph& graph, std::mt19937& random,
                             std::uint64_t longest = 12, std::uint64_t local_rows = 64) {
  const codegen::Interpreter interpreter(plan);
  return PlanRun(plan, graph, local_rows)
      .over_random_chunks([&](rt::Worker& w, const rt::Chunk& c) { interpreter.run(w, c); }, random, longest);
}

}  // namespace galena::test
