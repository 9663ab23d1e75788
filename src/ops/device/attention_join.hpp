#pragma once
// What chunks of a split row have left of attention, joined in their order: softmaxes that each have a maximum of their own,
// and sums of gradients.

#include <cmath>
#include <limits>

#include "src/ops/device/pieces.hpp"

namespace galena::ops::gpu {

/// Block by block: a head of a split row. It goes on from what earlier blocks have left.
template <class T>
struct JoinAttention {
  static constexpr int kLanes = 256;
  const CsrPiece* pieces;
  const T *chunk_y, *chunk_most, *chunk_sum;
  T *y, *maximum, *sum;
  std::int64_t rows, heads, width;
  int shift;  ///< 2^shift columns at once

  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const CsrPiece row = pieces[index / heads];
    if (row.row >= rows) return;
    const std::int64_t head = index % heads, at = std::int64_t{row.row} * heads + head;
    const T *const most_of = chunk_most + row.first * heads + head, *const sum_of =
                                                                        chunk_sum + row.first * heads + head;
    const T before = maximum[at], sum_before = sum[at];
    const T largest = team.max([&](int lane) {
      T most = before;
      for (std::int64_t k = lane; k < row.count; k += kLanes)
        most = most_of[k * heads] > most ? most_of[k * heads] : most;
      return most;
    });
    const T total = team.sum([&](int lane) {
      T part{};
      for (std::int64_t k = lane; k < row.count; k += kLanes)
        part += scale(most_of[k * heads], sum_of[k * heads], largest) * sum_of[k * heads];
      return part;
    });
    const T keeps = scale(before, sum_before, largest);
    for (std::int64_t c = 0; c < width; c += std::int64_t{1} << shift)
      columns(team, row, head, c, most_of, sum_of, largest, keeps);
    team.each([&](int lane) {
      if (lane != 0) return;
      maximum[at] = largest;
      sum[at] = keeps * sum_before + total;
    });
  }

 private:
  GALENA_KERNEL static T scale(T most, T its_sum, T largest) { return its_sum > 0 ? std::exp(most - largest) : T{0}; }
  /// Columns c, c + 1, ... of the head, whose groups take every g-th chunk.
  template <class Team>
  GALENA_KERNEL void columns(Team& team, const CsrPiece& row, std::int64_t head, std::int64_t c, const T* most_of,
                             const T* sum_of, T largest, T keeps) const {
    const int groups = kLanes >> shift, across = 1 << shift;
    const std::int64_t d = heads * width, first = head * width + c;
    T* const parts = static_cast<T*>(team.shared());  // [groups x columns]
    team.each([&](int lane) {
      const std::int64_t column = lane & (across - 1);
      T part{};
      if (c + column < width) {
        GALENA_UNROLL_4
        for (std::int64_t k = lane >> shift; k < row.count; k += groups)
          part += scale(most_of[k * heads], sum_of[k * heads], largest) * chunk_y[(row.first + k) * d + first + column];
      }
      parts[lane] = part;
    });
    team.sync();
    team.each([&](int lane) {
      if (lane >= across || c + lane >= width) return;
      T& to = y[std::int64_t{row.row} * d + first + lane];
      T all = keeps * to;
      for (int group = 0; group < groups && group < static_cast<int>(row.count); ++group)
        all += parts[group * across + lane];
      to = all;
    });
    team.sync();
  }
};

/// Sums that are added to rows of y, for join_chunks().
template <class T>
struct AddToRows {
  using Part = T;
  T* y;
  std::int64_t rows, width;
  GALENA_KERNEL void join(T& sum, const T& other) const { sum += other; }
  template <int V>
  GALENA_KERNEL void finish(std::int64_t i, std::int64_t c, const T* sum) const {
    static_assert(V == 1);
    y[i * width + c] += *sum;
  }
};

}  // namespace galena::ops::gpu
