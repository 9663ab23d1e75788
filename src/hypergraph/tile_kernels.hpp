#pragma once
// The inner loops of the fused aggregate: sums of rows of a slab of columns. Plain pointers: kernels see no library
// types.

#include <cstdint>

#include "src/base/level.hpp"

namespace galena::hyper {

/// Rows that follow each other, each a sum of `length` others.
struct RowGroup {
  std::uint32_t rows = 0, length = 0;
  bool scaled = false;  ///< whether the factors are for them
  bool final = false;   ///< whether their targets are not asked for again
};

/// What happens to what a row held.
enum class Held { dropped, added_to, scaled_too };

/// Which rows are in no near cache, so that they are fetched before their turn.
enum class Far { none, from, to };

/// to[t] = factor * sum_k weight[s_k] * from[s_k] for the rows of groups; `added_to`: to[t] + that; `scaled_too`:
/// factor * (to[t] + sum).
template <class T>
struct RowSums {
  const RowGroup* groups = nullptr;
  std::uint64_t group_count = 0;
  const std::uint32_t* target = nullptr;      ///< by row
  const std::uint32_t* target_end = nullptr;  ///< of the last
  const std::uint32_t* source = nullptr;      ///< rows' sources
  const std::uint32_t* source_end = nullptr;  ///< of the last
  const std::uint32_t* factor_at = nullptr;   ///< by row
  const T* factor = nullptr;                  ///< or null: 1
  const T* weight = nullptr;                  ///< by source, or null: 1
  const T* from = nullptr;
  std::int64_t from_stride = 0;
  T* to = nullptr;
  std::int64_t to_stride = 0;
  std::int64_t width = 0;
  Held held = Held::dropped;
  Far far = Far::none;
  bool stream = false;  ///< final rows go past the caches: `to` and its stride are aligned to 64 bytes, as is the width
};

/// to[t_k] += weight[r] * from[r] for the targets t_k of each row r of groups.
template <class T>
struct RowPushes {
  const RowGroup* groups = nullptr;
  std::uint64_t group_count = 0;
  const std::uint32_t* row = nullptr;
  const std::uint32_t* row_end = nullptr;  ///< of the last
  const std::uint32_t* target = nullptr;   ///< rows' targets
  const T* weight = nullptr;               ///< by row, or null: 1
  const T* from = nullptr;
  std::int64_t from_stride = 0;
  T* to = nullptr;
  std::int64_t to_stride = 0;
  std::int64_t width = 0;
};

/// out[at[i]] = <a[i], b[i]>, unless a is null; then b[i] *= factor[at[i]].
template <class T>
struct RowDots {
  const T* a = nullptr;
  T* b = nullptr;
  std::int64_t rows = 0, stride = 0, width = 0;
  const std::uint32_t* at = nullptr;
  const T* factor = nullptr;  ///< or null: 1
  T* out = nullptr;
};

struct TileKernels {
  void (*sums_f32)(const RowSums<float>& g);
  void (*sums_f64)(const RowSums<double>& g);
  void (*pushes_f32)(const RowPushes<float>& g);
  void (*pushes_f64)(const RowPushes<double>& g);
  void (*dots_f32)(const RowDots<float>& g);
  void (*dots_f64)(const RowDots<double>& g);
};
GALENA_KERNELS(TileKernels, tile_kernels)

}  // namespace galena::hyper
