#include "src/mine/worker.hpp"

#include <algorithm>
#include <new>

#include "codegen/runtime/bits.h"
#include "galena/error.hpp"

namespace galena::mine {

namespace {

std::uint64_t slot_capacity(const rt::GraphView& graph) {
  return (static_cast<std::uint64_t>(graph.max_degree) + 16 + 15) / 16 * 16;
}
std::uint64_t padded(const rt::GraphView& graph) { return (static_cast<std::uint64_t>(graph.n) + 63) / 64 * 64; }

/// Words of a local graph: of max_degree rows and columns, or as many rows as these bytes hold.
std::uint64_t local_capacity(const rt::GraphView& graph) {
  constexpr std::uint64_t kMostWords = (std::uint64_t{16} << 20) / sizeof(std::uint32_t);
  constexpr std::uint64_t kLeastRows = 64;
  const std::uint64_t row = rt::row_words(graph.max_degree) + 1;
  return std::min(std::max<std::uint64_t>(graph.max_degree, 1) * row, std::max(kMostWords, kLeastRows * row));
}

}  // namespace

std::uint64_t WorkerMemory::bytes(const codegen::Plan& plan, const rt::GraphView& graph) {
  return slot_capacity(graph) * static_cast<std::uint64_t>(plan.slots) * sizeof(rt::vid) +
         padded(graph) * (plan.counters.size() * sizeof(std::uint32_t) + plan.marks.size()) +
         local_capacity(graph) * plan.locals.size() * sizeof(std::uint32_t);
}

WorkerMemory::WorkerMemory(const codegen::Plan& plan, const rt::GraphView& graph) {
  worker_.graph = &graph;
  worker_.slot_capacity = slot_capacity(graph);
  worker_.n_padded = padded(graph);
  worker_.local_capacity = local_capacity(graph);
  try {
    slots_.resize(worker_.slot_capacity * static_cast<std::uint64_t>(plan.slots));
    counters_.resize(worker_.n_padded * plan.counters.size());
    marks_.resize(worker_.n_padded * plan.marks.size());
    locals_ = std::make_unique_for_overwrite<std::uint32_t[]>(worker_.local_capacity * plan.locals.size());
  } catch (const std::bad_alloc&) {
    throw EnvironmentError("not enough memory: a worker of this query needs " + std::to_string(bytes(plan, graph)) +
                           " bytes; use fewer --threads");
  }
  sums_.resize(plan.outputs.size());
  worker_.slots = slots_.data();
  worker_.counters = counters_.data();
  worker_.marks = marks_.data();
  worker_.locals = locals_.get();
  worker_.acc = sums_.data();
}

void WorkerMemory::clear_sums() { std::fill(sums_.begin(), sums_.end(), rt::i128{0}); }

void WorkerMemory::reset() {
  std::fill(counters_.begin(), counters_.end(), 0U);
  std::fill(marks_.begin(), marks_.end(), std::uint8_t{0});
  clear_sums();
  worker_.aborted = 0;
  worker_.overflow = 0;
}

}  // namespace galena::mine
