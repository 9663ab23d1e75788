#pragma once
// The inner loops of steps that choose or weigh: maxima and attention. Plain pointers: kernels see no library types.

#include <cstdint>

#include "src/hypergraph/tile_kernels.hpp"

namespace galena::hyper {

/// Rows to be made of others, as in RowSums.
template <class T>
struct RowSet {
  const RowGroup* groups = nullptr;
  std::uint64_t group_count = 0;
  const std::uint32_t* target = nullptr;  ///< by row
  const std::uint32_t* source = nullptr;  ///< rows' sources
  const T* from = nullptr;                ///< rows of `width` elements, as all others here
  T* to = nullptr;
  std::int64_t width = 0;
  bool merged = false;  ///< with what `to` holds
};

/// to[t][c] = max_k weight[s_k] * from[s_k][c]; arg[t][c] = number_of[s_k] of the first that has it, -1 and 0 where there
/// is none.
template <class T>
struct RowMaxima {
  RowSet<T> rows;
  const T* weight = nullptr;                 ///< by source, or null: 1
  const std::uint32_t* number_of = nullptr;  ///< by source, or null: the source itself
  std::int32_t* arg = nullptr;
};

/// to[t][c] = factor[t] * sum_k weight[s_k] * from[s_k][c] over those with arg[s_k][c] = number_at[row]; `merged` adds.
template <class T>
struct RowChoices {
  RowSet<T> rows;
  const T* weight = nullptr;                 ///< by source, or null: 1
  const T* factor = nullptr;                 ///< by target, or null: 1
  const std::uint32_t* number_at = nullptr;  ///< by row
  const std::int32_t* arg = nullptr;         ///< by source
};

/// Running softmax over a vertex's hyperedges: largest[t], total[t] by head, and to[t] not yet divided.
template <class T>
struct RowSoftmax {
  RowSet<T> rows;
  std::int64_t heads = 1;
  const T* score = nullptr;  ///< by source and head
  T *largest = nullptr, *total = nullptr;
};

/// Its gradient towards hyperedges' rows: `rows.to`[t] = sum_k alpha g[s_k], and by head slope_sum[t] = sum_k alpha *
/// (<g[s_k], h[t]> - mean[s_k]), with alpha = exp(score[t] - log_sum[s_k]) and g[s] = weight[s] * from[s].
template <class T>
struct RowSoftmaxGradient {
  RowSet<T> rows;
  std::int64_t heads = 1;
  const T* weight = nullptr;                    ///< by source, or null: 1
  const T* score = nullptr;                     ///< by target and head
  const T* h = nullptr;                         ///< by target
  const T *log_sum = nullptr, *mean = nullptr;  ///< by source and head
  T* slope_sum = nullptr;                       ///< by target and head
};

template <class T>
struct ChoiceTable {
  void (*maxima)(const RowMaxima<T>& g);
  void (*choices)(const RowChoices<T>& g);
  void (*softmax)(const RowSoftmax<T>& g);
  void (*softmax_gradient)(const RowSoftmaxGradient<T>& g);
};
struct ChoiceKernels {
  ChoiceTable<float> f32;
  ChoiceTable<double> f64;
};
GALENA_KERNELS(ChoiceKernels, choice_kernels)

}  // namespace galena::hyper
