// Dropout (N. Srivastava et al., JMLR 15, 2014), drawn by name: an element's draw is 16 bits of Philox at (key, global
// row id, column), eight columns a block. So a mask needs no memory: the backward pass draws it again, and ranks agree
// about a row that several of them hold. p is rounded to t / 65536 and kept elements are multiplied by
// 65536 / (65536 - t): the expectation is exact for the rounded p.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "src/ops/check.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/pointwise.hpp"
#include "src/ops/random_lanes.hpp"

namespace galena::ops {
namespace {

struct Rate {
  std::uint32_t threshold;  ///< a draw below it drops the element
  double factor;            ///< of those that are kept
};

Rate rate_of(double p) {
  if (!(p >= 0 && p <= 1)) fail("dropout", "the rate is " + std::to_string(p) + "; expected 0 to 1");
  auto threshold = static_cast<std::uint32_t>(std::lround(p * 65536));
  if (p < 1) threshold = std::min(threshold, 65535U);
  return {threshold, threshold < 65536 ? 65536.0 / (65536 - threshold) : 0};
}

/// The draws of some rows, or of some nonzeros, before they are used.
struct Draws {
  std::vector<std::uint32_t> ids, blocks;
  std::vector<std::uint16_t> lanes;

  void add(std::uint32_t id, std::uint32_t block) {
    ids.push_back(id);
    blocks.push_back(block);
  }
  void draw(const RandomKey& key) {
    lanes.resize(ids.size() * kLanes);
    random_lanes(key, ids.data(), blocks.data(), static_cast<std::int64_t>(ids.size()), lanes.data());
  }
  void clear() {
    ids.clear();
    blocks.clear();
  }
};

/// Draws are made for about this many blocks at a time, which stay in the first cache.
constexpr std::int64_t kBatch = 512;

template <class T, bool kRelu>
void dense(const Tensor& x, const Rate& rate, const RandomKey& key, const VertexId* ids, const Tensor& y,
           bool accumulate) {
  const T *from = x.data<T>(), factor = static_cast<T>(rate.factor);
  T* to = y.data<T>();
  const std::int64_t cols = x.cols(), blocks = blocks_of(cols),
                     batch = std::max<std::int64_t>(1, kBatch / std::max<std::int64_t>(1, blocks));
  parallel_ranges(x.rows(), cols, [=](std::int64_t begin, std::int64_t end) {
    Draws draws;
    for (std::int64_t first = begin; first < end; first += batch) {
      const std::int64_t last = std::min(end, first + batch);
      draws.clear();
      for (std::int64_t i = first; i < last; ++i) {
        for (std::int64_t b = 0; b < blocks; ++b) {
          draws.add(ids != nullptr ? ids[i] : static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(b));
        }
      }
      draws.draw(key);
      for (std::int64_t i = first; i < last; ++i) {
        const std::uint16_t* u = draws.lanes.data() + (i - first) * blocks * kLanes;
        const T* in = from + i * cols;
        T* out = to + i * cols;
        for (std::int64_t c = 0; c < cols; ++c) {
          const bool dropped = u[c] < rate.threshold || (kRelu && !(in[c] > 0));
          out[c] = (dropped ? T{0} : factor * in[c]) + (accumulate ? out[c] : T{0});
        }
      }
    }
  });
}

template <class T>
void sparse(const SparseMatrix& x, const Rate& rate, const RandomKey& key, const VertexId* ids, std::int64_t rows,
            const Tensor& values) {
  const SparseStructure& structure = x.structure();
  const T *from = x.values().data<T>(), factor = static_cast<T>(rate.factor);
  T* to = values.data<T>();
  const std::int64_t mean = x.nonzeros() / std::max<std::int64_t>(1, x.rows());
  parallel_ranges(rows, mean, [&, from, to, factor](std::int64_t begin, std::int64_t end) {
    Draws draws;
    for (std::int64_t i = begin; i < end; ++i) {
      const EdgeOffset first = structure.indptr[static_cast<std::size_t>(i)];
      const EdgeOffset last = structure.indptr[static_cast<std::size_t>(i) + 1];
      draws.clear();
      for (EdgeOffset k = first; k < last; ++k) {
        draws.add(ids != nullptr ? ids[i] : static_cast<std::uint32_t>(i),
                  static_cast<std::uint32_t>(structure.indices[k] / kLanes));
      }
      draws.draw(key);
      for (EdgeOffset k = first; k < last; ++k) {
        const std::uint16_t u = draws.lanes[(k - first) * kLanes + structure.indices[k] % kLanes];
        to[k] = u < rate.threshold ? T{0} : factor * from[k];
      }
    }
  });
}

}  // namespace

void dropout(const Tensor& x, double p, const RandomKey& key, const VertexId* ids, const Tensor& y, bool accumulate) {
  check_like("dropout", "y", y, x);
  const Rate rate = rate_of(p);
  with_float("dropout", x.dtype(), [&]<class T>(T) { dense<T, false>(x, rate, key, ids, y, accumulate); });
}

void relu_dropout(const Tensor& x, double p, const RandomKey& key, const VertexId* ids, const Tensor& y) {
  check_like("relu_dropout", "y", y, x);
  const Rate rate = rate_of(p);
  with_float("relu_dropout", x.dtype(), [&]<class T>(T) { dense<T, true>(x, rate, key, ids, y, false); });
}

void relu_dropout_backward(const Tensor& y, double p, const Tensor& dy, const Tensor& dx, bool accumulate) {
  check_like("relu_dropout_backward", "dy", dy, y);
  check_like("relu_dropout_backward", "dx", dx, y);
  const double kept = rate_of(p).factor;
  with_float("relu_dropout_backward", y.dtype(), [&]<class T>(T) {
    const T *result = y.data<T>(), *gradient = dy.data<T>(), factor = static_cast<T>(kept);
    T* const to = dx.data<T>();
    parallel_ranges(y.size(), 1, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        to[k] = (result[k] > 0 ? factor * gradient[k] : T{0}) + (accumulate ? to[k] : T{0});
      }
    });
  });
}

SparseMatrix dropout(const SparseMatrix& x, double p, const RandomKey& key, const VertexId* ids, std::int64_t rows) {
  if (rows < 0 || rows > x.rows()) {
    fail("dropout", std::to_string(rows) + " rows asked for; the matrix has " + std::to_string(x.rows()));
  }
  const Rate rate = rate_of(p);
  const Tensor values = x.values().clone();
  with_float("dropout", values.dtype(), [&]<class T>(T) { sparse<T>(x, rate, key, ids, rows, values); });
  return x.with_values(values);
}

}  // namespace galena::ops
