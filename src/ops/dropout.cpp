// Dropout (N. Srivastava et al., JMLR 15, 2014), drawn by name: an element's draw is 16 bits of Philox at (key, global
// row id, column), eight columns a block. So a mask needs no memory: the backward pass draws it again, and ranks agree
// about a row that several of them hold. p is rounded to t / 65536 and kept elements are multiplied by
// 65536 / (65536 - t): the expectation is exact for the rounded p.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "src/ops/check.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/map.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/pointwise.hpp"
#include "src/ops/random_lanes.hpp"

namespace galena::ops {
namespace {

struct Rate {
  bool all = false;             ///< p = 1: nothing is kept
  std::uint16_t threshold = 0;  ///< else a draw below it drops the element
  double factor = 0;            ///< of those that are kept
};

Rate rate_of(double p) {
  if (!(p >= 0 && p <= 1)) fail("dropout", "the rate is " + std::to_string(p) + "; expected 0 to 1");
  const auto threshold = static_cast<std::uint16_t>(std::min(std::lround(p * 65536), 65535L));
  if (p == 1) return {true, threshold, 0};
  return {false, threshold, 65536.0 / (65536 - threshold)};
}

void drop(const DropArgs<float>& args) { random_kernels().drop_f32(args); }
void drop(const DropArgs<double>& args) { random_kernels().drop_f64(args); }

template <class T>
void dense(const Tensor& x, const Rate& rate, const RandomKey& key, const VertexId* ids, const Tensor& y, bool relu,
           bool accumulate) {
  const std::int64_t cols = x.cols(), blocks = blocks_of(cols);
  const std::int64_t batch = std::max<std::int64_t>(1, DrawBuffer::kBlocks / std::max<std::int64_t>(1, blocks));
  parallel_ranges(x.rows(), cols, [&](std::int64_t begin, std::int64_t end) {
    DrawBuffer draws;
    for (std::int64_t first = begin; first < end; first += batch) {
      const std::int64_t last = std::min(end, first + batch);
      draws.clear();
      for (std::int64_t i = first; i < last; ++i) {
        draws.add_row(ids != nullptr ? ids[i] : static_cast<std::uint32_t>(i), blocks);
      }
      draws.draw(key);
      // Rows of whole blocks stand as densely as their draws: they are one.
      const std::int64_t together = cols % kLanes == 0 ? last - first : 1;
      for (std::int64_t i = first; i < last; i += together) {
        drop(DropArgs<T>{x.data<T>() + i * cols, draws.lanes((i - first) * blocks * kLanes), y.data<T>() + i * cols,
                         together * cols, rate.threshold, static_cast<T>(rate.factor), relu, accumulate});
      }
    }
  });
}

/// Rows begin .. end - 1 of a sparse matrix, whose nonzeros stand side by side.
template <class T>
void sparse_rows(const SparseMatrix& x, const Rate& rate, const RandomKey& key, const VertexId* ids, std::int64_t begin,
                 std::int64_t end, T* to) {
  const SparseStructure& s = x.structure();
  const T *from = x.values().data<T>(), factor = static_cast<T>(rate.factor);
  DrawBuffer draws;
  std::vector<std::int64_t> lane;
  EdgeOffset done = s.indptr[static_cast<std::size_t>(begin)];
  const auto finish = [&] {
    draws.draw(key);
    for (std::size_t k = 0; k < lane.size(); ++k, ++done) {
      to[done] = rate.all || *draws.lanes(lane[k]) < rate.threshold ? T{0} : factor * from[done];
    }
    draws.clear();
    lane.clear();
  };
  for (std::int64_t i = begin; i < end; ++i) {
    const std::uint32_t id = ids != nullptr ? ids[i] : static_cast<std::uint32_t>(i);
    for (EdgeOffset k = s.indptr[static_cast<std::size_t>(i)]; k < s.indptr[static_cast<std::size_t>(i) + 1]; ++k) {
      if (!draws.fits(1)) finish();
      lane.push_back(draws.add(id, static_cast<std::uint32_t>(s.indices[k] / kLanes)) + s.indices[k] % kLanes);
    }
  }
  finish();
}

template <class T>
void sparse(const SparseMatrix& x, const Rate& rate, const RandomKey& key, const VertexId* ids, std::int64_t rows,
            const Tensor& values) {
  T* to = values.data<T>();
  const std::int64_t mean = 4 * x.nonzeros() / std::max<std::int64_t>(1, x.rows());
  parallel_ranges(rows, mean,
                  [&](std::int64_t begin, std::int64_t end) { sparse_rows<T>(x, rate, key, ids, begin, end, to); });
}

}  // namespace

void dropout(const Tensor& x, double p, const RandomKey& key, const VertexId* ids, const Tensor& y, bool accumulate) {
  check_like("dropout", "y", y, x);
  const Rate rate = rate_of(p);
  if (on_device(x)) return device_ops().dropout(x, rate.threshold, rate.factor, key, ids, y, false, accumulate);
  with_float("dropout", x.dtype(), [&]<class T>(T) { dense<T>(x, rate, key, ids, y, false, accumulate); });
}

void relu_dropout(const Tensor& x, double p, const RandomKey& key, const VertexId* ids, const Tensor& y) {
  check_like("relu_dropout", "y", y, x);
  const Rate rate = rate_of(p);
  if (on_device(x)) return device_ops().dropout(x, rate.threshold, rate.factor, key, ids, y, true, false);
  with_float("relu_dropout", x.dtype(), [&]<class T>(T) { dense<T>(x, rate, key, ids, y, true, false); });
}

void relu_dropout_backward(const Tensor& y, double p, const Tensor& dy, const Tensor& dx, bool accumulate) {
  check_like("relu_dropout_backward", "dy", dy, y);
  check_like("relu_dropout_backward", "dx", dx, y);
  const double kept = rate_of(p).factor;
  if (on_device(y)) return device_ops().relu_dropout_backward(y, kept, dy, dx, accumulate);
  with_float("relu_dropout_backward", y.dtype(), [&]<class T>(T) {
    const T *result = y.data<T>(), *gradient = dy.data<T>(), factor = static_cast<T>(kept);
    map_elements<T>(y.size(), dx, accumulate,
                    [=](std::int64_t k) { return gradient[k] * (result[k] > 0 ? factor : T{0}); });
  });
}

SparseMatrix dropout(const SparseMatrix& x, double p, const RandomKey& key, const VertexId* ids, std::int64_t rows) {
  if (rows < 0 || rows > x.rows()) {
    fail("dropout", std::to_string(rows) + " rows asked for; the matrix has " + std::to_string(x.rows()));
  }
  const Rate rate = rate_of(p);
  const Tensor values = x.values().clone();
  if (on_device(values)) {
    device_ops().sparse_dropout(rows_view(x.structure()), x.values(), rate.threshold, rate.factor, key, ids, rows,
                                values);
    return x.with_values(values);
  }
  with_float("dropout", values.dtype(), [&]<class T>(T) { sparse<T>(x, rate, key, ids, rows, values); });
  return x.with_values(values);
}

}  // namespace galena::ops
