// Rows coded, decoded and summed in parallel, each by one thread.

#include "src/ops/quantize_cpu.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "galena/error.hpp"
#include "src/ops/codec.hpp"
#include "src/ops/csr_rows.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/random_lanes.hpp"

namespace galena::ops::cpu {
namespace {

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
bool copy_row(const float* x, std::int64_t n, std::uint8_t* out) {
  std::memcpy(out, x, static_cast<std::size_t>(n) * sizeof(float));
  return codec_kernels().range(x, n).finite;
}
bool copy_row(const double* x, std::int64_t n, std::uint8_t* out) {
  std::memcpy(out, x, static_cast<std::size_t>(n) * sizeof(double));
  return std::all_of(x, x + n, [](double v) { return std::isfinite(v); });
}

const float* as_floats(const float* x, std::int64_t, std::vector<float>&) { return x; }
const float* as_floats(const double* x, std::int64_t n, std::vector<float>& buffer) {
  buffer.resize(static_cast<std::size_t>(n));
  std::transform(x, x + n, buffer.begin(), [](double v) { return static_cast<float>(v); });
  return buffer.data();
}

/// Asks for a row that will be coded soon: rows are chosen, so no CPU guesses where the next is.
template <class T>
void fetch_row(const T* x, std::int64_t n) {
  constexpr std::int64_t kLine = 64 / sizeof(T), kMost = 4096 / sizeof(T);
  for (std::int64_t c = 0; c < std::min(n, kMost); c += kLine) __builtin_prefetch(x + c);
}

/// Codes row r from x. Returns its variance.
template <class T>
double pack_row(const T* x, VertexId id, const std::uint16_t* draws, PackedRows& out, std::size_t r,
                std::vector<float>& buffer) {
  const int bits = out.bits[r];
  std::uint8_t* to = out.bytes.data() + out.offset[r];
  RowParameters parameters{0, 1};
  double variance = 0;
  if (bits == 32) {
    if (!copy_row(x, out.cols, to)) fail_row(x, out.cols, id, bits);
  } else {
    const float* row = as_floats(x, out.cols, buffer);
    const RowRange range = codec_kernels().range(row, out.cols);
    if (!range.finite || range.low < -kLargestCoded || range.high > kLargestCoded) fail_row(x, out.cols, id, bits);
    if (bits <= 8) parameters = parameters_of(range, bits);
    variance = codec_kernels().encode({row, out.cols, bits, parameters, draws, to});
  }
  out.zero[r] = parameters.zero;
  out.scale[r] = parameters.scale;
  return variance;
}

/// Where the draws of rows first .. are, and the row after the last that fits.
std::size_t draw_rows(const PackedRows& rows, std::span<const VertexId> ids, const RandomKey& key, std::size_t first,
                      std::size_t end, DrawBuffer& draws, std::vector<std::int64_t>& at) {
  const std::int64_t blocks = blocks_of(rows.cols);
  draws.clear();
  at.clear();
  for (; first < end && draws.fits(blocks); ++first) {
    at.push_back(rows.bits[first] == 32 ? 0 : draws.add_row(ids[first], blocks));
  }
  draws.draw(key);
  return first;
}

/// Bits of an element of row r.
int width_of(const PackedRows& rows, std::size_t r) {
  return rows.bits[r] == 32 && rows.exact == DType::f64 ? 64 : rows.bits[r];
}

void decode(const DecodeArgs<float>& args) { codec_kernels().decode_f32(args); }
void decode(const DecodeArgs<double>& args) { codec_kernels().decode_f64(args); }
void sum(const PackedSum<float>& g, std::int64_t begin, std::int64_t end) {
  packed_sum_kernels().sum_f32(g, begin, end);
}
void sum(const PackedSum<double>& g, std::int64_t begin, std::int64_t end) {
  packed_sum_kernels().sum_f64(g, begin, end);
}

}  // namespace

template <class T>
void pack_rows(const Tensor& x, std::span<const VertexId> index, std::span<const VertexId> ids, const RandomKey& key,
               PackedRows& out, std::span<double> variance, std::span<double> norm2) {
  constexpr std::size_t kAhead = 4;
  const auto row_of = [&](VertexId i) { return x.data<T>() + static_cast<std::int64_t>(i) * out.cols; };
  base::ErrorTrap trap;
  parallel_ranges(out.rows, 2 * out.cols, [&](std::int64_t begin, std::int64_t end) {
    trap.run(static_cast<std::uint64_t>(begin), [&] {
      DrawBuffer draws;
      std::vector<std::int64_t> at;
      std::vector<float> buffer;
      const auto last = static_cast<std::size_t>(end);
      for (auto first = static_cast<std::size_t>(begin), next = first; first < last; first = next) {
        next = draw_rows(out, ids, key, first, last, draws, at);
        for (std::size_t r = first; r < next; ++r) {
          const T* row = row_of(index[r]);
          fetch_row(row_of(index[std::min(r + kAhead, last - 1)]), out.cols);
          const double spread = pack_row(row, ids[r], draws.lanes(at[r - first]), out, r, buffer);
          if (!variance.empty()) variance[r] = spread;
          if (!norm2.empty()) norm2[r] = squared_norm(row, out.cols);
        }
      }
    });
  });
  trap.rethrow();
}

template <class T>
void unpack_rows(const PackedRows& packed, const Tensor& y) {
  parallel_ranges(packed.rows, packed.cols, [&](std::int64_t begin, std::int64_t end) {
    for (auto r = static_cast<std::size_t>(begin); r < static_cast<std::size_t>(end); ++r) {
      decode(DecodeArgs<T>{packed.bytes.data() + packed.offset[r],
                           packed.cols,
                           width_of(packed, r),
                           {packed.zero[r], packed.scale[r]},
                           y.data<T>() + static_cast<std::int64_t>(r) * packed.cols});
    }
  });
}

template <class T>
void spmm_packed(const Csr& csr, const Tensor* left, const Tensor* right, const PackedRows& packed, const Tensor& y) {
  std::vector<PackedNeighbour<T>, TensorAllocator<PackedNeighbour<T>>> rows(static_cast<std::size_t>(packed.rows));
  parallel_ranges(packed.rows, 4, [&](std::int64_t begin, std::int64_t end) {
    for (auto r = static_cast<std::size_t>(begin); r < static_cast<std::size_t>(end); ++r) {
      const T weight = right != nullptr ? right->data<T>()[r] : T{1};
      rows[r] = {packed.offset[r] * 256 + static_cast<std::uint64_t>(width_of(packed, r)),
                 weight * static_cast<T>(packed.scale[r]), weight * static_cast<T>(packed.zero[r])};
    }
  });
  const PackedSum<T> g{csr.indptr,          csr.indices, packed.rows,
                       packed.bytes.data(), rows.data(), left != nullptr ? left->data<T>() : nullptr,
                       y.data<T>(),         packed.cols};
  parallel_row_ranges(csr, y.rows(), packed.cols, [&](std::int64_t begin, std::int64_t end) { sum(g, begin, end); });
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
