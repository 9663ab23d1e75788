#pragma once
// Walks over the nonzeros of a structure's rows, as kernels. A row's columns are dealt to lanes in vectors of up to 16 bytes,
// so that a lane holds its part of the result in registers; rows go by their number of nonzeros (DeviceCsr):
//   short: as many lanes as the row has vectors walk the nonzeros one after another, several rows a warp, which the order
//          of pieces makes about equally long;
//   long:  a block, its groups each every g-th nonzero, their parts joined in order of the groups;
//   split: chunks the same way, whose parts go to scratch and are joined by another block.
// All but the last join is one launch, whose first blocks are the long ones. The order of joins depends on the structure and
// the width alone.
//
// What is made of nonzeros is a G:
//   G::Part                                  what an element is while it is made; Part{} is of no nonzero
//   g.width, g.rows                          of the result
//   g.clipped(piece)                         those of its nonzeros that take part
//   g.gather<V, N>(piece, begin, step, c, part)
//                                            joins nonzeros begin, begin + step, ... of a clipped piece to the parts of
//                                            columns c, c + 32 V, ..., N vectors
//   g.join(part, other)                      joins what another group or chunk has made
//   g.finish<V>(i, c, part)                  writes V elements of row i

#include <type_traits>

#include "src/ops/device/machine.hpp"
#include "src/ops/device/pack.hpp"

namespace galena::ops::gpu {

inline const CsrPiece* pieces_data(const Tensor& pieces) {
  return reinterpret_cast<const CsrPiece*>(device_data<std::int64_t>(pieces));
}

/// How many of a row's columns, which increase, are below the limit.
GALENA_KERNEL inline std::int32_t columns_below(const std::int32_t* columns, std::int32_t count, std::int64_t limit) {
  std::int32_t low = 0;
  while (low < count) {
    const std::int32_t middle = low + (count - low) / 2;
    if (std::int64_t{static_cast<std::uint32_t>(columns[middle])} < limit) {
      low = middle + 1;
    } else {
      count = middle;
    }
  }
  return low;
}
/// Of a piece, the nonzeros in columns below the limit.
GALENA_KERNEL inline CsrPiece piece_below(const std::int32_t* indices, CsrPiece piece, std::int64_t limit) {
  const std::int32_t* const columns = indices + piece.first;
  piece.count = static_cast<std::uint32_t>(columns_below(columns, static_cast<std::int32_t>(piece.count), limit));
  return piece;
}

/// The U columns k, k + step, ..., as far as there are.
template <int U>
GALENA_KERNEL void columns_from(const std::int32_t* columns, std::int32_t count, std::int32_t k, std::int32_t step,
                                std::uint32_t (&j)[U]) {
  GALENA_UNROLL
  for (int u = 0; u < U; ++u) j[u] = k + u * step < count ? static_cast<std::uint32_t>(columns[k + u * step]) : 0;
}
/// f(all, k, j) for a lane's nonzeros k, k + step, ... below `count` (some thousands at most), U at a turn, which are in
/// columns j; `all`, a type: there are U. A turn's columns are asked for before the turn before it, since a lane would wait
/// for them, and then for rows.
template <int U, class F>
GALENA_KERNEL void in_turns(const std::int32_t* columns, std::int32_t count, std::int32_t begin, std::int32_t step,
                            const F& f) {
  std::uint32_t j[U], next[U];
  columns_from(columns, count, begin, step, j);
  std::int32_t k = begin;
  for (; k + (U - 1) * step < count; k += U * step) {
    columns_from(columns, count, k + U * step, step, next);
    f(std::true_type{}, k, j);
    GALENA_UNROLL
    for (int u = 0; u < U; ++u) j[u] = next[u];
  }
  if (k < count) f(std::false_type{}, k, j);
}

/// Chunks and long rows by a block each, short rows by 2^shift lanes each; N vectors of V elements a lane.
template <class G, int V, int N>
struct PieceRows {
  using Part = typename G::Part;
  G g;
  const CsrPiece* pieces;  ///< chunks, long rows, short rows
  std::int64_t chunks, blocks, all;
  Part* chunk_parts;
  int shift;

  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    if (index < blocks) return long_row(team, index);
    team.each([&](int lane) { short_row((index - blocks) * 32 + lane); });
  }

 private:
  GALENA_KERNEL void short_row(std::int64_t thread) const {
    const std::int64_t number = blocks + (thread >> shift);
    if (number >= all) return;
    const CsrPiece row = pieces[number];
    if (row.row >= g.rows) return;
    const CsrPiece clipped = g.clipped(row);
    const std::int64_t lanes = std::int64_t{1} << shift, lane = thread & (lanes - 1), stride = lanes * V;
    for (std::int64_t c = lane * V; c < g.width; c += stride * N) {
      Part part[N][V] = {};
      g.template gather<V, N>(clipped, 0, 1, c, part);
      GALENA_UNROLL
      for (int v = 0; v < N; ++v)
        if (c + v * stride < g.width) g.template finish<V>(row.row, c + v * stride, part[v]);
    }
  }

  template <class Team>
  GALENA_KERNEL void long_row(Team& team, std::int64_t index) const {
    constexpr int kLanes = kMixedLanes;
    const CsrPiece row = pieces[index];
    if (row.row >= g.rows) return;
    const CsrPiece piece = g.clipped(row);
    const std::int64_t size = (std::int64_t{V} << shift) * N;  // columns at once
    const int groups = kLanes >> shift, count = static_cast<int>(piece.count), busy = count < groups ? count : groups;
    Part* const parts = static_cast<Part*>(team.shared());  // [groups x size]
    for (std::int64_t begin = 0; begin < g.width; begin += size) {
      team.each([&](int lane) {
        const std::int32_t group = lane >> shift, at = (lane & ((1 << shift) - 1)) * V;
        if (begin + at >= g.width) return;
        Part part[N][V] = {};
        g.template gather<V, N>(piece, group, groups, begin + at, part);
        GALENA_UNROLL
        for (int v = 0; v < N; ++v) put(parts + group * size + at + (v * V << shift), part[v]);
      });
      team.sync();
      team.each([&](int lane) {
        for (std::int64_t c = lane; c < size && begin + c < g.width; c += kLanes) {
          Part total{};
          for (int group = 0; group < busy; ++group) g.join(total, parts[group * size + c]);
          if (index < chunks) {
            chunk_parts[index * g.width + begin + c] = total;
          } else {
            g.template finish<1>(row.row, begin + c, &total);
          }
        }
      });
      team.sync();
    }
  }
  GALENA_KERNEL void put(Part* to, const Part (&part)[V]) const {
    Pack<Part, V> out;
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) out.at[e] = part[e];
    store(to, out);
  }
};

/// Block by block: of a split row 2^shift columns, whose groups take every g-th chunk.
template <class G>
struct SplitRows {
  using Part = typename G::Part;
  static constexpr int kLanes = 256;
  G g;
  const CsrPiece* pieces;
  const Part* chunk_parts;
  std::int64_t slabs;  ///< of so many columns that a row has
  int shift;

  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const CsrPiece row = pieces[index / slabs];
    if (row.row >= g.rows) return;
    const std::int64_t begin = index % slabs << shift;
    const int groups = kLanes >> shift, columns = 1 << shift, count = static_cast<int>(row.count);
    Part* const parts = static_cast<Part*>(team.shared());  // [groups x columns]
    team.each([&](int lane) {
      const std::int64_t c = begin + (lane & (columns - 1));
      const Part* const from = chunk_parts + row.first * g.width + c;
      Part total{};
      if (c < g.width) {
        GALENA_UNROLL_4
        for (int k = lane >> shift; k < count; k += groups) g.join(total, from[k * g.width]);
      }
      parts[lane] = total;
    });
    team.sync();
    team.each([&](int lane) {
      if (lane >= columns || begin + lane >= g.width) return;
      Part total{};
      for (int group = 0; group < groups && group < count; ++group) g.join(total, parts[group * columns + lane]);
      g.template finish<1>(row.row, begin + lane, &total);
    });
  }
};

/// 2^this many lanes hold a row of so many vectors, or its first 32.
inline int shift_for(std::int64_t vectors) {
  int shift = 0;
  while (shift < 5 && (std::int64_t{1} << shift) < vectors) ++shift;
  return shift;
}

/// The last join, of what chunks have left: [chunks x width].
template <class M, class G>
void join_chunks(const DeviceCsr& csr, const G& g, const typename G::Part* chunk_parts) {
  const int shift = shift_for(g.width);
  const std::int64_t slabs = (g.width + (std::int64_t{1} << shift) - 1) >> shift;
  using Split = SplitRows<G>;
  M::template blocks<Split::kLanes>(
      csr.count(DeviceCsr::kSplitRows) * slabs, Split::kLanes * sizeof(typename G::Part),
      Split{g, pieces_data(csr.pieces) + csr.first[DeviceCsr::kSplitRows], chunk_parts, slabs, shift});
}

template <class M, int V, int N, class G>
void launch_rows(const DeviceCsr& csr, const G& g, int shift) {
  using Part = typename G::Part;
  const std::int64_t chunks = csr.count(DeviceCsr::kChunks), blocks = chunks + csr.count(DeviceCsr::kLongRows);
  const std::int64_t shorts = csr.count(DeviceCsr::kShortRows);
  const Tensor scratch_parts =
      chunks > 0 ? scratch(chunks, g.width * static_cast<std::int64_t>(sizeof(Part)), DType::u8) : Tensor();
  auto* const parts = reinterpret_cast<Part*>(device_data_or_null<std::uint8_t>(&scratch_parts));
  M::mixed(blocks, kMixedLanes * V * N * sizeof(Part), ((shorts << shift) + 31) / 32, 0,
           PieceRows<G, V, N>{g, pieces_data(csr.pieces) + csr.first[DeviceCsr::kChunks], chunks, blocks,
                              blocks + shorts, parts, shift});
  if (chunks > 0) join_chunks<M>(csr, g, parts);
}

}  // namespace galena::ops::gpu
