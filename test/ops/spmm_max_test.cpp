#include <algorithm>

#include "galena/error.hpp"
#include "src/ops/spmm.hpp"
#include "test/ops/reference.hpp"

using namespace galena;
using galena::test::random_csr;
using galena::test::random_tensor;

namespace {

/// By sorting each row's values: the largest, of equal ones that of the lowest column.
template <class T>
void check_max(const ops::CsrArrays& csr, std::int64_t n, std::int64_t m, std::int64_t d) {
  const Tensor x = random_tensor<T>(m, d, 1), y = Tensor::full(n, d, 99, x.dtype());
  for (T& value : x.span<T>()) value = std::round(value * 8);  // ties
  const Tensor arg = Tensor::full(n, d, 99, DType::i32);
  ops::spmm_max(csr.view(), x, y, arg);
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t c = 0; c < d; ++c) {
      std::vector<std::pair<T, std::int64_t>> all;
      for (EdgeOffset k = csr.indptr[static_cast<std::size_t>(i)]; k < csr.indptr[static_cast<std::size_t>(i) + 1];
           ++k) {
        if (csr.indices[k] < m) all.emplace_back(-x.at<T>(csr.indices[k], c), csr.indices[k]);
      }
      const auto best = all.empty() ? std::pair<T, std::int64_t>{T{0}, -1} : *std::min_element(all.begin(), all.end());
      wrong += y.at<T>(i, c) != -best.first || arg.at<std::int32_t>(i, c) != best.second;
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("the largest neighbour by feature", "[spmm]", float, double) {
  const ops::CsrArrays csr = random_csr(60, 50, 6, 1, true);
  for (const std::int64_t d : {1, 2, 15, 16, 17, 100}) {
    check_max<TestType>(csr, 60, 50, d);
    check_max<TestType>(csr, 25, 30, d);
    check_max<TestType>(csr, 60, 0, d);
  }
}

TEST_CASE("the gradient of the largest neighbour goes to it alone", "[spmm]") {
  const ops::CsrArrays csr = random_csr(60, 50, 6, 1, true), csr_t = ops::transpose(csr.view());
  const std::int64_t n = 40, m = 45, d = 5;
  const Tensor x = random_tensor<double>(m, d, 1), weight = random_tensor<double>(n, d, 2);
  const Tensor y = Tensor::zeros(n, d, DType::f64), arg = Tensor::zeros(n, d, DType::i32);
  const auto loss = [&] {
    ops::spmm_max(csr.view(), x, y, arg);
    return test::dot(weight, y);
  };
  loss();
  const Tensor dx = Tensor::full(m, d, 3, DType::f64);  // added to
  ops::spmm_max_backward(csr_t.view(), arg, weight, dx);
  for (double& gradient : dx.span<double>()) gradient -= 3;
  test::check_gradient(x, dx, loss);
}

TEST_CASE("the largest neighbour does not depend on threads", "[spmm]") {
  const ops::CsrArrays csr = random_csr(3000, 3000, 40, 3, true), csr_t = ops::transpose(csr.view());
  const Tensor x = random_tensor<float>(3000, 40, 1);
  test::check_any_threads([&] {
    const Tensor y = Tensor::zeros(3000, 40), arg = Tensor::zeros(3000, 40, DType::i32);
    Tensor dx = Tensor::zeros(3000, 40);
    ops::spmm_max(csr.view(), x, y, arg);
    ops::spmm_max_backward(csr_t.view(), arg, y, dx);
    return dx;
  });
}
