#include "src/ops/gemm.hpp"

#include <thread>

#include "galena/error.hpp"
#include "test/ops/reference.hpp"

using namespace galena;
using galena::test::check_sums;
using galena::test::contains;
using galena::test::random_tensor;
using galena::test::Sums;

namespace {

struct Shape {
  std::int64_t n, k, m;
};
constexpr Shape kShapes[] = {{0, 3, 4},  {3, 0, 4},    {3, 4, 0},    {1, 1, 1},      {2, 3, 4},
                             {17, 9, 5}, {64, 64, 64}, {193, 33, 7}, {1000, 16, 40}, {5000, 12, 9}};

/// One of the three products: op(a) [n x k] * op(b) [k x m].
struct Product {
  const char* name;
  void (*run)(const Tensor&, const Tensor&, const Tensor&, bool);
  bool transpose_a, transpose_b;
};
const Product kProducts[] = {{"matmul", ops::matmul, false, false},
                             {"matmul_nt", ops::matmul_nt, false, true},
                             {"matmul_tn", ops::matmul_tn, true, false}};

template <class T>
T element(const Tensor& x, bool transposed, std::int64_t i, std::int64_t j) {
  return transposed ? x.at<T>(j, i) : x.at<T>(i, j);
}

template <class T>
void check_product(const Product& product, const Shape& s, bool accumulate) {
  const Tensor a = product.transpose_a ? random_tensor<T>(s.k, s.n, 1) : random_tensor<T>(s.n, s.k, 1);
  const Tensor b = product.transpose_b ? random_tensor<T>(s.m, s.k, 2) : random_tensor<T>(s.k, s.m, 2);
  const Tensor c = random_tensor<T>(s.n, s.m, 3);
  Sums want(s.n, s.m);
  for (std::int64_t i = 0; i < s.n; ++i) {
    for (std::int64_t j = 0; j < s.m; ++j) {
      if (accumulate) want.add(i, j, c.at<T>(i, j));
      for (std::int64_t x = 0; x < s.k; ++x) {
        want.add(i, j,
                 static_cast<long double>(element<T>(a, product.transpose_a, i, x)) *
                     static_cast<long double>(element<T>(b, product.transpose_b, x, j)));
      }
    }
  }
  product.run(a, b, c, accumulate);
  INFO(product.name << " " << s.n << " x " << s.k << " x " << s.m << (accumulate ? ", added" : ""));
  check_sums<T>(c, want, s.k);
}

template <class T>
SparseMatrix random_sparse(std::int64_t rows, std::int64_t cols, std::int64_t degree) {
  ops::CsrArrays csr = test::random_csr(rows, cols, degree, 11);
  const auto nonzeros = static_cast<std::int64_t>(csr.indices.size());
  return SparseMatrix::from_csr(rows, cols, csr.indptr, csr.indices, random_tensor<T>(nonzeros, 1, 12));
}

/// Sparse times dense, or its transpose, over the first `rows` rows.
template <class T>
void check_sparse(const SparseMatrix& s, std::int64_t rows, std::int64_t m, bool transposed, bool accumulate) {
  const Tensor in = random_tensor<T>(transposed ? rows : s.cols(), m, 13);
  const Tensor c = random_tensor<T>(transposed ? s.cols() : rows, m, 14);
  Sums want(c.rows(), m);
  const Tensor dense = s.dense();
  for (std::int64_t i = 0; accumulate && i < c.size(); ++i)
    want.add(i / m, i % m, c.span<T>()[static_cast<std::size_t>(i)]);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < s.cols(); ++j) {
      const auto value = static_cast<long double>(dense.at<T>(i, j));
      if (value == 0) continue;
      for (std::int64_t x = 0; x < m; ++x) {
        if (transposed) {
          want.add(j, x, value * static_cast<long double>(in.at<T>(i, x)));
        } else {
          want.add(i, x, value * static_cast<long double>(in.at<T>(j, x)));
        }
      }
    }
  }
  (transposed ? ops::sparse_matmul_tn : ops::sparse_matmul)(s, in, c, accumulate);
  INFO(s.rows() << " x " << s.cols() << ", first " << rows << " rows, width " << m << (transposed ? ", transposed" : "")
                << (accumulate ? ", added" : ""));
  check_sums<T>(c, want, s.rows() + s.cols());
}

}  // namespace

TEMPLATE_TEST_CASE("dense products equal the triple loop", "[gemm]", float, double) {
  test::on_each_level([] {
    for (const Product& product : kProducts) {
      for (const Shape& shape : kShapes) {
        check_product<TestType>(product, shape, false);
        check_product<TestType>(product, shape, true);
      }
    }
  });
}

TEMPLATE_TEST_CASE("products over many rows are summed in chunks", "[gemm]", float, double) {
  check_product<TestType>(kProducts[2], {5, 70000, 3}, false);
  check_product<TestType>(kProducts[2], {5, 70000, 3}, true);
}

TEMPLATE_TEST_CASE("what a product overwrites may be anything", "[gemm]", float, double) {
  const Tensor a = random_tensor<TestType>(4, 4, 1);
  const Tensor c = Tensor::full(4, 4, std::numeric_limits<double>::quiet_NaN(), kDType<TestType>);
  for (const Product& product : kProducts) {
    c.fill(std::numeric_limits<double>::quiet_NaN());
    product.run(a, a, c, false);
    for (const TestType x : c.template span<TestType>()) CHECK(std::isfinite(x));
  }
}

TEMPLATE_TEST_CASE("dense products do not depend on threads", "[gemm]", float, double) {
  for (const Product& product : kProducts) {
    const std::int64_t n = 9001, k = 65, m = 33;
    const Tensor a = random_tensor<TestType>(n, k, 1);
    const Tensor b = product.transpose_a   ? random_tensor<TestType>(n, m, 2)
                     : product.transpose_b ? random_tensor<TestType>(m, k, 2)
                                           : random_tensor<TestType>(k, m, 2);
    INFO(product.name);
    test::check_any_threads([&] {
      Tensor c = product.transpose_a ? Tensor::zeros(k, m, a.dtype()) : Tensor::zeros(n, m, a.dtype());
      product.run(a, b, c, false);
      return c;
    });
  }
}

TEST_CASE("several ranks multiply at once", "[gemm]") {
  const Tensor a = random_tensor<float>(4000, 64, 1), b = random_tensor<float>(64, 64, 2);
  const Tensor want = Tensor::zeros(4000, 64), want_tn = Tensor::zeros(64, 64);
  ops::matmul(a, b, want);
  ops::matmul_tn(a, want, want_tn);
  std::vector<std::thread> ranks;
  std::vector<int> wrong(4, 0);
  for (std::size_t r = 0; r < wrong.size(); ++r) {
    ranks.emplace_back([&, r] {
      for (int repeat = 0; repeat < 5; ++repeat) {
        const Tensor c = Tensor::zeros(4000, 64), t = Tensor::zeros(64, 64);
        ops::matmul(a, b, c);
        ops::matmul_tn(a, c, t);
        wrong[r] += test::same_bytes(c, want) && test::same_bytes(t, want_tn) ? 0 : 1;
      }
    });
  }
  for (std::thread& rank : ranks) rank.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

TEMPLATE_TEST_CASE("sparse products equal the dense ones", "[gemm]", float, double) {
  test::on_each_level([] {
    for (const auto& [rows, cols, degree] : {Shape{0, 5, 2}, {5, 0, 2}, {1, 1, 1}, {60, 200, 20}, {200, 60, 4}}) {
      const SparseMatrix s = random_sparse<TestType>(rows, cols, degree);
      for (const std::int64_t m : {0, 1, 2, 7, 15, 16, 17, 40, 64, 100, 129, 256, 257}) {
        for (const bool transposed : {false, true}) {
          check_sparse<TestType>(s, rows, m, transposed, false);
          check_sparse<TestType>(s, rows, m, transposed, true);
          check_sparse<TestType>(s, rows * 2 / 3, m, transposed, false);
        }
      }
    }
  });
}

TEMPLATE_TEST_CASE("sparse products do not depend on threads", "[gemm]", float, double) {
  const SparseMatrix s = random_sparse<TestType>(3000, 700, 30);
  const Tensor w = random_tensor<TestType>(700, 64, 1), g = random_tensor<TestType>(2500, 64, 2);
  test::check_any_threads([&] {
    Tensor c = Tensor::zeros(2500, 64, w.dtype());
    ops::sparse_matmul(s, w, c);
    return c;
  });
  test::check_any_threads([&] {
    Tensor c = Tensor::zeros(700, 64, w.dtype());
    ops::sparse_matmul_tn(s, g, c);
    return c;
  });
}

TEST_CASE("products of shapes that do not fit are refused", "[gemm]") {
  const Tensor a = Tensor::zeros(2, 3), b = Tensor::zeros(4, 5), c = Tensor::zeros(2, 5);
  CHECK_THROWS_WITH(ops::matmul(a, b, c), contains("matmul: b is 4 x 5 f32; expected 3 x 5 f32"));
  CHECK_THROWS_AS(ops::matmul_nt(a, b, c), InputError);
  CHECK_THROWS_AS(ops::matmul_tn(a, b, c), InputError);
  CHECK_THROWS_AS(ops::matmul(a, Tensor::zeros(3, 5, DType::f64), c), InputError);
  const SparseMatrix s = random_sparse<float>(2, 3, 1);
  CHECK_THROWS_AS(ops::sparse_matmul(s, Tensor::zeros(3, 5), Tensor::zeros(3, 5)), InputError);
  CHECK_THROWS_AS(ops::sparse_matmul(s, Tensor::zeros(4, 5), c), InputError);
  CHECK_THROWS_AS(ops::sparse_matmul_tn(s, c, Tensor::zeros(4, 5)), InputError);
}
