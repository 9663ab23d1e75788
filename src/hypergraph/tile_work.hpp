#pragma once
// What a thread does with a tile's rows, whoever has cut the work: gathers vertices into slots, spreads shared sums,
// adds slots up into vertices.

#include <algorithm>
#include <cstdint>

#include "src/hypergraph/tile_run.hpp"
#include "src/ops/far.hpp"

namespace galena::hyper {

/// The rows of hyperedges of which a task begins: of these vertices, so weighted.
template <class T>
struct Input {
  const Side* side = nullptr;
  const T* x = nullptr;
  const T* weight = nullptr;
  [[nodiscard]] std::int64_t bytes(std::int64_t width) const {
    return side->limit * width * static_cast<std::int64_t>(sizeof(T));
  }
};

template <class T>
struct Job {
  const Program* program = nullptr;
  std::int64_t width = 0;
  Input<T> input;
  const T* edge = nullptr;
  const Side* output = nullptr;
  T* y = nullptr;  ///< or null: only d_edge is wanted
  const T* left = nullptr;
  Input<T> other;       ///< d_edge only: whose rows are multiplied with those of `input`
  T* d_edge = nullptr;  ///< or null; [slabs x edges]
};

/// A slab: `width` columns from `column` on; slots hold `stride` elements a row.
struct Slab {
  std::int64_t number = 0, column = 0, width = 0, stride = 0;
};

/// slots <- vertices, for these lists.
template <class T>
void gather_rows(const Input<T>& input, RowSums<T> g, std::int64_t row, const Slab& slab, const T* factor, T* slots) {
  g.from = input.x + slab.column;
  g.from_stride = row;
  g.weight = input.weight;
  g.to = slots;
  g.to_stride = slab.stride;
  g.width = slab.width;
  g.factor = factor;
  g.far = input.bytes(slab.width) >= ops::kFarBytes ? Far::from : Far::none;
  run(g);
}

/// Whether a single tile's input is so large that it had better be read once, in order, than gathered.
template <class T>
bool pushes(const Program& program, const Input<T>& input, std::int64_t width) {
  return program.tiles == 1 && input.bytes(width) >= ops::kFarBytes;
}

/// slots += vertices, in the order of vertices: of a single tile, whose `inner` rows these are.
template <class T>
void push_rows(const Input<T>& input, const RowSums<T>& inner, std::int64_t row, const Slab& slab, T* slots) {
  RowPushes<T> g;
  g.groups = inner.groups;
  g.group_count = inner.group_count;
  g.row = inner.target;
  g.row_end = inner.target_end;
  g.target = inner.source;
  g.weight = input.weight;
  g.from = input.x + slab.column;
  g.from_stride = row;
  g.to = slots;
  g.to_stride = slab.stride;
  g.width = slab.width;
  run(g);
}

/// slots <- or += slots.
template <class T>
void spread_rows(const RowList& nodes, std::size_t part, const Slab& slab, const T* factor, Held held, T* slots) {
  RowSums<T> g = sums_of<T>(nodes, part);
  g.from = g.to = slots;
  g.from_stride = g.to_stride = slab.stride;
  g.width = slab.width;
  g.factor = factor;
  g.held = held;
  if (g.group_count > 0) run(g);
}

/// Whether y had better go past the caches.
template <class T>
bool streams(const Job<T>& job) {
  return job.y != nullptr && ops::streams(job.y, job.output->limit, job.width * static_cast<std::int64_t>(sizeof(T)));
}

/// vertices <- or += slots.
template <class T>
void scatter_rows(const Job<T>& job, RowSums<T> g, const Slab& slab, Held held, bool stream, const T* slots) {
  g.from = slots;
  g.from_stride = slab.stride;
  g.to = job.y + slab.column;
  g.to_stride = job.width;
  g.width = slab.width;
  g.factor = job.left;
  g.held = held;
  const std::int64_t bytes = job.output->limit * slab.width * static_cast<std::int64_t>(sizeof(T));
  g.far = bytes >= ops::kFarBytes ? Far::to : Far::none;
  g.stream = stream;
  if (g.group_count > 0) run(g);
}

/// Products of a tile's rows with others, where there are any, and then the factors.
template <class T>
RowDots<T> dots_of(const Job<T>& job, std::size_t tile, const Slab& slab, const T* others, T* slots) {
  const Program& p = *job.program;
  RowDots<T> g;
  g.a = others;
  g.b = slots;
  g.rows = static_cast<std::int64_t>(p.first_edge[tile + 1] - p.first_edge[tile]);
  g.stride = slab.stride;
  g.width = slab.width;
  g.at = p.slot_edge.data() + p.first_edge[tile];
  g.factor = job.edge;
  if (others) g.out = job.d_edge + slab.number * static_cast<std::int64_t>(p.slot_edge.size());
  return g;
}

}  // namespace galena::hyper
