#pragma once
// What tests of kernels share: random inputs, a dense reference in long double that carries the size of its terms, and
// the comparison of the two.

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <span>
#include <vector>

#include "galena/tensor.hpp"
#include "src/base/isa.hpp"
#include "src/base/level.hpp"
#include "src/ops/csr.hpp"
#include "test/ops/op_support.hpp"

namespace galena::test {

template <class T>
Tensor random_tensor(std::int64_t rows, std::int64_t cols, std::uint32_t seed, double low = -1, double high = 1) {
  return random_tensor(rows, cols, kDType<T>, seed, low, high);
}

/// About `degree` columns a row; every seventh row is empty; row 1 has all columns where `hub`.
inline ops::CsrArrays random_csr(std::int64_t rows, std::int64_t cols, std::int64_t degree, std::uint32_t seed,
                                 bool hub = false) {
  std::mt19937 random(seed);
  ops::CsrArrays csr;
  csr.rows = rows;
  csr.cols = cols;
  for (std::int64_t i = 0; i < rows; ++i) {
    std::set<VertexId> row;
    const bool all = hub && i == 1;
    const std::int64_t wanted =
        all || cols == 0 || i % 7 == 3 ? 0 : static_cast<std::int64_t>(random()) % (2 * degree + 1);
    for (std::int64_t k = 0; k < wanted; ++k)
      row.insert(static_cast<VertexId>(random() % static_cast<std::uint64_t>(cols)));
    for (std::int64_t j = 0; all && j < cols; ++j) csr.indices.push_back(static_cast<VertexId>(j));
    csr.indices.insert(csr.indices.end(), row.begin(), row.end());
    csr.indptr.push_back(csr.indices.size());
  }
  return csr;
}

/// A dense matrix whose elements are sums; `magnitude` is the sum of their terms' absolute values.
struct Sums {
  std::int64_t rows = 0, cols = 0;
  std::vector<long double> value, magnitude;
  Sums(std::int64_t rows_, std::int64_t cols_)
      : rows(rows_), cols(cols_), value(static_cast<std::size_t>(rows * cols)), magnitude(value.size()) {}
  void add(std::int64_t i, std::int64_t c, long double term) {
    const auto at = static_cast<std::size_t>(i * cols + c);
    value[at] += term;
    magnitude[at] += std::abs(term);
  }
};

/// Each element within the bound of a sum of so many rounded terms, whatever their order.
template <class T>
void check_sums(const Tensor& got, const Sums& want, std::int64_t terms) {
  REQUIRE(got.rows() == want.rows);
  REQUIRE(got.cols() == want.cols);
  const long double unit =
      static_cast<long double>(std::numeric_limits<T>::epsilon()) * static_cast<long double>(terms + 4);
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < want.value.size(); ++i) {
    const auto x = static_cast<long double>(got.span<T>()[i]);
    const bool close = std::abs(x - want.value[i]) <= unit * want.magnitude[i];
    if (!close && wrong++ == 0) {
      UNSCOPED_INFO("element " << i << " is " << x << ", expected " << want.value[i]);
    }
  }
  CHECK(wrong == 0);
}

/// Calls f on each instruction set that this CPU has, and goes back to what was in use.
template <class F>
void on_each_level(F&& f) {
  const base::Isa before = base::kernel_level();
  for (const base::Isa level : {base::Isa::scalar, base::Isa::avx2, base::Isa::avx512}) {
    if (!base::cpu_has(level)) continue;
    base::set_kernel_level(level);
    INFO("instruction set " << base::name_of(level));
    f();
  }
  base::set_kernel_level(before);
}

}  // namespace galena::test
