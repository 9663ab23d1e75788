#pragma once
// The inner loops of attention, over a row's neighbours or a column's. Plain pointers: kernels see no library types.

#include <cstdint>

#include "src/base/level.hpp"

namespace galena::ops {

/// One direction of a block: "rows" are those of `indptr` (targets going forward, sources in the transpose) and have
/// `own` score terms; "others" are what `indices` names.
template <class T>
struct AttentionArgs {
  const std::uint64_t* indptr = nullptr;
  const std::uint32_t* indices = nullptr;
  std::int64_t limit = 0;  ///< only indices below take part
  bool bounded = false;    ///< whether there may be others
  std::int64_t loops = 0;  ///< rows below have themselves as a neighbour too
  int heads = 1;
  std::int64_t width = 0;  ///< of a head
  bool v2 = false;
  T slope{};
  const T* own = nullptr;          ///< terms of scores by row [heads] or, v2, [heads * width]
  const T* other = nullptr;        ///< the same of the others
  const T* a = nullptr;            ///< v2: [heads * width]
  const T* log_weight = nullptr;   ///< by column, or null
  bool columns_are_others = true;  ///< else rows are the columns of the block: the transpose
  const T* value = nullptr;        ///< rows of heads * width, by other; in the transpose: dy
  // Forward: running state by row.
  T *maximum = nullptr, *sum = nullptr, *y = nullptr;
  // Backward: by target.
  const T* log_sum = nullptr;              ///< log-sum-exp [heads]
  const T* inner = nullptr;                ///< <dy, y> [heads]
  const T* own_value = nullptr;            ///< by row: dy, in the transpose the value
  T *d_own = nullptr, *d_value = nullptr;  ///< d_value: transpose only
  double* d_a = nullptr;                   ///< v2, by targets only: [heads * width], added to
  T* d_a_row = nullptr;                    ///< scratch of that size
  /// factor[k * heads + h] of attention dropout for (row, others[k]); null: none.
  void (*draw)(const void* context, std::int64_t row, const std::uint32_t* others, std::int64_t count,
               T* factor) = nullptr;
  const void* draw_context = nullptr;
};

/// Neighbours are taken in tiles of so many scores.
inline constexpr std::int64_t kAttentionTile = 1024;

struct AttentionKernels {
  void (*forward_f32)(const AttentionArgs<float>& g, std::int64_t begin, std::int64_t end);
  void (*forward_f64)(const AttentionArgs<double>& g, std::int64_t begin, std::int64_t end);
  void (*backward_f32)(const AttentionArgs<float>& g, std::int64_t begin, std::int64_t end);
  void (*backward_f64)(const AttentionArgs<double>& g, std::int64_t begin, std::int64_t end);
};
GALENA_KERNELS(AttentionKernels, attention_kernels)

}  // namespace galena::ops
