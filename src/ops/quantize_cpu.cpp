// Rows coded, decoded and summed in parallel, each by one thread.

#include "src/ops/quantize_cpu.hpp"

#include <cmath>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "galena/error.hpp"
#include "src/ops/codec.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/random_lanes.hpp"

namespace galena::ops::cpu {
namespace {

/// One thread's buffers.
struct Workspace {
  std::vector<float> row;
  std::vector<std::uint32_t> ids, blocks;
  std::vector<std::uint16_t> draws;

  explicit Workspace(std::int64_t cols)
      : row(static_cast<std::size_t>(cols)),
        ids(static_cast<std::size_t>(blocks_of(cols))),
        blocks(ids.size()),
        draws(ids.size() * kLanes) {
    for (std::size_t b = 0; b < blocks.size(); ++b) blocks[b] = static_cast<std::uint32_t>(b);
  }
  const std::uint16_t* draw(const RandomKey& key, VertexId id) {
    std::fill(ids.begin(), ids.end(), id);
    random_lanes(key, ids.data(), blocks.data(), static_cast<std::int64_t>(ids.size()), draws.data());
    return draws.data();
  }
};

template <class T>
double squared_norm(const T* x, std::int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < n; ++c) sum += static_cast<double>(x[c]) * static_cast<double>(x[c]);
  return sum;
}

template <class T>
[[noreturn]] void fail_row(const T* x, std::int64_t n, VertexId id, int bits) {
  const double limit = bits == 32 ? std::numeric_limits<T>::max() : kLargestCoded;
  std::int64_t c = 0;
  while (c < n && std::fabs(static_cast<double>(x[c])) <= limit) ++c;
  throw InputError("pack_rows: feature " + std::to_string(c) + " of vertex " + std::to_string(id) + " is " +
                   std::to_string(static_cast<double>(x[c])) + "; expected a finite number" +
                   (bits == 32 ? "" : " of at most 1.6e38") +
                   " (a diverging run: lower the learning rate; or check the features)");
}

/// A row as it is. Returns whether all of it is finite.
template <class T>
bool copy_row(const T* x, std::int64_t n, std::uint8_t* out) {
  std::memcpy(out, x, static_cast<std::size_t>(n) * sizeof(T));
  bool finite = true;
  for (std::int64_t c = 0; c < n; ++c) finite &= std::isfinite(x[c]);
  return finite;
}

template <class T>
const float* as_floats(const T* x, std::int64_t n, Workspace& space) {
  if constexpr (std::is_same_v<T, float>) return x;
  for (std::int64_t c = 0; c < n; ++c) space.row[static_cast<std::size_t>(c)] = static_cast<float>(x[c]);
  return space.row.data();
}

/// Codes row r from x. Returns its variance.
template <class T>
double pack_row(const T* x, VertexId id, const RandomKey& key, PackedRows& out, std::size_t r, Workspace& space) {
  const int bits = out.bits[r];
  std::uint8_t* to = out.bytes.data() + out.offset[r];
  out.zero[r] = 0;
  out.scale[r] = 1;
  if (bits == 32) {
    if (!copy_row(x, out.cols, to)) fail_row(x, out.cols, id, bits);
    return 0;
  }
  const float* row = as_floats(x, out.cols, space);
  const RowRange range = range_of(row, out.cols);
  if (!range.finite || range.low < -kLargestCoded || range.high > kLargestCoded) fail_row(x, out.cols, id, bits);
  RowParameters parameters{0, 1};
  if (bits <= 8) parameters = parameters_of(range, bits);
  out.zero[r] = parameters.zero;
  out.scale[r] = parameters.scale;
  return encode_row(row, out.cols, bits, parameters, space.draw(key, id), to);
}

}  // namespace

template <class T>
void pack_rows(const Tensor& x, std::span<const VertexId> index, std::span<const VertexId> ids, const RandomKey& key,
               PackedRows& out, std::span<double> variance, std::span<double> norm2) {
  base::ErrorTrap trap;
  parallel_ranges(out.rows, 4 * out.cols, [&](std::int64_t begin, std::int64_t end) {
    Workspace space(out.cols);
    trap.run(static_cast<std::uint64_t>(begin), [&] {
      for (auto r = static_cast<std::size_t>(begin); r < static_cast<std::size_t>(end); ++r) {
        const T* row = x.data<T>() + static_cast<std::int64_t>(index[r]) * out.cols;
        const double spread = pack_row(row, ids[r], key, out, r, space);
        if (!variance.empty()) variance[r] = spread;
        if (!norm2.empty()) norm2[r] = squared_norm(row, out.cols);
      }
    });
  });
  trap.rethrow();
}

template <class T>
void unpack_rows(const PackedRows& packed, const Tensor& y) {
  parallel_ranges(packed.rows, packed.cols, [&](std::int64_t begin, std::int64_t end) {
    for (auto r = static_cast<std::size_t>(begin); r < static_cast<std::size_t>(end); ++r) {
      const std::uint8_t* from = packed.bytes.data() + packed.offset[r];
      T* to = y.data<T>() + static_cast<std::int64_t>(r) * packed.cols;
      if (packed.bits[r] == 32 && packed.exact == DType::f64) {
        std::memcpy(to, from, static_cast<std::size_t>(packed.cols) * sizeof(double));
      } else {
        decode_row(from, packed.cols, packed.bits[r], {packed.zero[r], packed.scale[r]}, to);
      }
    }
  });
}

template <class T>
void spmm_packed(const Csr& csr, const Tensor* left, const Tensor* right, const PackedRows& packed, const Tensor& y) {
  const std::int64_t cols = packed.cols;
  const auto edges = static_cast<std::int64_t>(csr.nonzeros());
  const std::int64_t cost = (1 + edges / std::max<std::int64_t>(1, csr.rows)) * cols;
  parallel_ranges(y.rows(), cost, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> sum(static_cast<std::size_t>(cols)), exact(sum.size());
    for (std::int64_t i = begin; i < end; ++i) {
      std::fill(sum.begin(), sum.end(), T{0});
      double offset = 0;  // what the rows' zeros add to every feature
      for (EdgeOffset k = csr.indptr[i]; k < csr.indptr[i + 1]; ++k) {
        const std::size_t j = csr.indices[k];
        if (j >= static_cast<std::size_t>(packed.rows)) break;
        const T weight = right != nullptr ? right->data<T>()[j] : T{1};
        const std::uint8_t* from = packed.bytes.data() + packed.offset[j];
        if (packed.bits[j] == 32 && packed.exact == DType::f64) {
          std::memcpy(exact.data(), from, exact.size() * sizeof(T));
          for (std::size_t c = 0; c < exact.size(); ++c) sum[c] += weight * exact[c];
          continue;
        }
        accumulate_row(from, cols, packed.bits[j], weight * static_cast<T>(packed.scale[j]), sum.data());
        offset += static_cast<double>(weight) * static_cast<double>(packed.zero[j]);
      }
      const T factor = left != nullptr ? left->data<T>()[i] : T{1};
      T* out = y.data<T>() + i * cols;
      for (std::int64_t c = 0; c < cols; ++c) {
        out[c] += factor * (sum[static_cast<std::size_t>(c)] + static_cast<T>(offset));
      }
    }
  });
}

#define GALENA_INSTANTIATE(T)                                                                                       \
  template void pack_rows<T>(const Tensor&, std::span<const VertexId>, std::span<const VertexId>, const RandomKey&, \
                             PackedRows&, std::span<double>, std::span<double>);                                    \
  template void unpack_rows<T>(const PackedRows&, const Tensor&);                                                   \
  template void spmm_packed<T>(const Csr&, const Tensor*, const Tensor*, const PackedRows&, const Tensor&);
GALENA_INSTANTIATE(float)
GALENA_INSTANTIATE(double)
#undef GALENA_INSTANTIATE

}  // namespace galena::ops::cpu
