// Rates of the set operations, for each instruction set this CPU runs. An item is an element
// of either operand. Many pairs of lists, so that branches are not learnt by heart.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "codegen/runtime/dispatch.hpp"

namespace {

using galena::rt::SetOps;
using galena::rt::Span;
using galena::rt::vid;

/// Lengths of two lists: uniform between these bounds.
struct Mix {
  const char* name;
  vid a_min, a_max, b_min, b_max;
};

constexpr Mix kMixes[] = {
    {"1..8x1..8", 1, 8, 1, 8},
    {"5..60x5..60", 5, 60, 5, 60},
    {"8..64x8..64", 8, 64, 8, 64},
    {"50x50", 50, 50, 50, 50},
    {"16x500", 16, 16, 500, 500},
    {"200x200", 200, 200, 200, 200},
    {"100x1000", 100, 100, 1000, 1000},
    {"1000x1000", 1000, 1000, 1000, 1000},
    {"4x2000", 4, 4, 2000, 2000},
    {"30x3000", 30, 30, 3000, 3000},
    {"30x30000", 30, 30, 30000, 30000},
    {"300x30000", 300, 300, 30000, 30000},
    {"30000x30000", 30000, 30000, 30000, 30000},
};

struct Lists {
  std::vector<std::vector<vid>> a, b;
  uint64_t elements = 0;
};

std::vector<vid> list_of(std::mt19937& random, vid n, vid range) {
  std::vector<vid> list;
  while (list.size() < n) {
    while (list.size() < n) list.push_back(static_cast<vid>(random() % range));
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  return list;
}

/// About one element in five of the longer list's neighbourhood is shared.
Lists make(const Mix& mix) {
  std::mt19937 random(7);
  Lists lists;
  const vid pairs = std::clamp<vid>(100000 / (mix.a_max + mix.b_max), 16, 2000);
  for (vid i = 0; i < pairs; ++i) {
    const vid n = mix.a_min + static_cast<vid>(random()) % (mix.a_max - mix.a_min + 1);
    const vid m = mix.b_min + static_cast<vid>(random()) % (mix.b_max - mix.b_min + 1);
    const vid range = 5 * std::max(n, m);
    lists.a.push_back(list_of(random, n, range));
    lists.b.push_back(list_of(random, m, range));
    lists.elements += n + m;
  }
  return lists;
}

Span span(const std::vector<vid>& list) { return {list.data(), static_cast<vid>(list.size())}; }

using Op = vid (*)(const SetOps&, vid* out, Span a, Span b);

void run(benchmark::State& state, const SetOps& ops, Op op, const Mix& mix) {
  const Lists lists = make(mix);
  std::vector<vid> out(std::max(mix.a_max, mix.b_max) + 16);
  for (auto _ : state) {
    for (size_t i = 0; i < lists.a.size(); ++i) {
      benchmark::DoNotOptimize(op(ops, out.data(), span(lists.a[i]), span(lists.b[i])));
    }
  }
  const auto calls = static_cast<double>(state.iterations()) * static_cast<double>(lists.a.size());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * lists.elements));
  state.counters["per_call"] = benchmark::Counter(calls, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

const std::pair<const char*, Op> kOps[] = {
    {"isect", [](const SetOps& ops, vid* out, Span a, Span b) { return ops.isect(out, a, b); }},
    {"isect_n", [](const SetOps& ops, vid*, Span a, Span b) { return ops.isect_n(a, b); }},
    {"diff", [](const SetOps& ops, vid* out, Span a, Span b) { return ops.diff(out, a, b); }},
    {"diff_swapped", [](const SetOps& ops, vid* out, Span a, Span b) { return ops.diff(out, b, a); }},
};

const bool registered = [] {
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (const auto& [op_name, op] : kOps) {
      for (const Mix& mix : kMixes) {
        const std::string name = std::string(ops->name) + "/" + op_name + "/" + mix.name;
        const Op call = op;
        benchmark::RegisterBenchmark(name.c_str(),
                                     [ops, call, &mix](benchmark::State& state) { run(state, *ops, call, mix); });
      }
    }
  }
  return true;
}();

}  // namespace
