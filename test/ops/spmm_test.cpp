#include "src/ops/spmm.hpp"

#include "galena/error.hpp"
#include "test/ops/reference.hpp"

using namespace galena;
using galena::test::check_sums;
using galena::test::random_csr;
using galena::test::random_tensor;
using galena::test::Sums;

namespace {

constexpr std::int64_t kWidths[] = {1,  2,  3,  4,  5,   7,   8,   9,   12,  15,  16,  17,  24,  31,  32,  33,  40, 41,
                                    47, 48, 63, 64, 100, 112, 128, 130, 176, 129, 255, 256, 257, 271, 272, 400, 600};

struct Options {
  bool left = false, right = false, diagonal = false, accumulate = false;
};
constexpr Options kOptions[] = {{false, false, false, false}, {true, false, false, false}, {false, true, false, false},
                                {false, false, true, false},  {true, true, true, false},   {false, false, false, true},
                                {true, true, true, true},     {false, true, false, true}};

/// Rows 0 .. n - 1 over columns 0 .. m - 1, by the definition.
template <class T>
void check_spmm(const ops::CsrArrays& csr, std::int64_t n, std::int64_t m, std::int64_t d, const Options& o) {
  const Tensor x = random_tensor<T>(m, d, 1), y = random_tensor<T>(n, d, 2);
  const Tensor left = random_tensor<T>(n, 1, 3), right = random_tensor<T>(m, 1, 4),
               diagonal = random_tensor<T>(n, 1, 5);
  Sums want(n, d);
  std::int64_t most = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const EdgeOffset first = csr.indptr[static_cast<std::size_t>(i)],
                     last = csr.indptr[static_cast<std::size_t>(i) + 1];
    most = std::max(most, static_cast<std::int64_t>(last - first));
    for (std::int64_t c = 0; c < d; ++c) {
      if (o.accumulate) want.add(i, c, y.at<T>(i, c));
      if (o.diagonal && i < m)
        want.add(i, c, static_cast<long double>(diagonal.at<T>(i, 0)) * static_cast<long double>(x.at<T>(i, c)));
    }
    for (EdgeOffset k = first; k < last; ++k) {
      const std::int64_t j = csr.indices[k];
      if (j >= m) continue;
      long double weight = 1;
      if (o.left) weight *= static_cast<long double>(left.at<T>(i, 0));
      if (o.right) weight *= static_cast<long double>(right.at<T>(j, 0));
      for (std::int64_t c = 0; c < d; ++c) want.add(i, c, weight * static_cast<long double>(x.at<T>(j, c)));
    }
  }
  const ops::SpmmScale scale{o.left ? &left : nullptr, o.right ? &right : nullptr, o.diagonal ? &diagonal : nullptr};
  ops::spmm(csr.view(), scale, x, y, o.accumulate);
  INFO(n << " rows, " << m << " columns, width " << d << ", left " << o.left << ", right " << o.right << ", diagonal "
         << o.diagonal << ", added " << o.accumulate);
  check_sums<T>(y, want, most);
}

}  // namespace

TEMPLATE_TEST_CASE("sums over neighbours equal their definition at every width", "[spmm]", float, double) {
  const ops::CsrArrays csr = random_csr(60, 50, 6, 1, true);
  test::on_each_level([&] {
    for (const std::int64_t d : kWidths) {
      for (const Options& options : kOptions) check_spmm<TestType>(csr, 50, 50, d, options);
    }
  });
}

TEMPLATE_TEST_CASE("sums over neighbours of prefixes", "[spmm]", float, double) {
  const ops::CsrArrays csr = random_csr(60, 50, 6, 1, true);
  test::on_each_level([&] {
    for (const std::int64_t d : {1, 16, 41, 128}) {
      for (const auto& [n, m] : {std::pair{60, 50}, {60, 20}, {20, 50}, {20, 20}, {1, 1}, {0, 50}, {60, 0}, {0, 0}}) {
        check_spmm<TestType>(csr, n, m, d, {true, true, false, false});
        check_spmm<TestType>(csr, n, m, d, {false, false, true, true});
      }
    }
    check_spmm<TestType>(random_csr(0, 0, 1, 1), 0, 0, 16, {});
    check_spmm<TestType>(random_csr(9, 0, 1, 1), 9, 0, 16, {});
    check_spmm<TestType>(random_csr(9, 9, 1, 1), 9, 9, 0, {});
  });
}

TEMPLATE_TEST_CASE("a hub's neighbours are summed in chunks", "[spmm]", float, double) {
  const ops::CsrArrays csr = random_csr(4, 100'000, 50, 2, true);
  test::on_each_level([&] {
    for (const std::int64_t d : {1, 17, 64}) {
      check_spmm<TestType>(csr, 4, 100'000, d, {true, true, true, true});
      check_spmm<TestType>(csr, 4, 60'000, d, {});
      check_spmm<TestType>(csr, 4, 10, d, {});
    }
  });
}

TEMPLATE_TEST_CASE("sums over neighbours do not depend on threads", "[spmm]", float, double) {
  const ops::CsrArrays csr = random_csr(3000, 70'000, 40, 3, true);
  test::on_each_level([&] {
    for (const std::int64_t d : {16, 40, 130}) {
      const Tensor x = random_tensor<TestType>(70'000, d, 1), right = random_tensor<TestType>(70'000, 1, 2);
      test::check_any_threads([&] {
        Tensor y = Tensor::zeros(3000, d, x.dtype());
        ops::spmm(csr.view(), {nullptr, &right, nullptr}, x, y);
        return y;
      });
    }
  });
}

TEMPLATE_TEST_CASE("a larger x than the caches gives the same sums", "[spmm]", float, double) {
  const std::int64_t n = 300'000, d = 48;
  const ops::CsrArrays csr = random_csr(300, n, 2000, 4);
  check_spmm<TestType>(csr, 300, n, d, {true, true, false, false});
  check_spmm<TestType>(csr, 250, n - 7, d, {false, false, true, true});
}

TEST_CASE("the transpose is the adjoint", "[spmm]") {
  const ops::CsrArrays csr = random_csr(400, 300, 9, 5, true), csr_t = ops::transpose(csr.view());
  const std::int64_t d = 24;
  const Tensor x = random_tensor<double>(300, d, 1), v = random_tensor<double>(400, d, 2);
  const Tensor left = random_tensor<double>(400, 1, 3), right = random_tensor<double>(300, 1, 4);
  const Tensor ax = Tensor::zeros(400, d, DType::f64), atv = Tensor::zeros(300, d, DType::f64);
  ops::spmm(csr.view(), {&left, &right, nullptr}, x, ax);
  ops::spmm(csr_t.view(), {&right, &left, nullptr}, v, atv);
  CHECK(test::dot(v, ax) == Approx(test::dot(atv, x)).epsilon(1e-12));
}

TEMPLATE_TEST_CASE("sampled products of rows", "[spmm]", float, double) {
  const ops::CsrArrays csr = random_csr(40, 30, 5, 6, true);
  for (const auto& [heads, width] : {std::pair{1, 1}, {1, 17}, {3, 5}, {8, 8}, {2, 0}}) {
    const std::int64_t d = heads * width;
    const Tensor a = random_tensor<TestType>(40, d, 1), b = random_tensor<TestType>(30, d, 2);
    const auto nonzeros = static_cast<std::int64_t>(csr.indices.size());
    const Tensor e = Tensor::zeros(nonzeros, heads, kDType<TestType>);
    Sums want(nonzeros, heads);
    std::int64_t k = 0;
    for (std::int64_t i = 0; i < 40; ++i) {
      for (; k < static_cast<std::int64_t>(csr.indptr[static_cast<std::size_t>(i) + 1]); ++k) {
        const std::int64_t j = csr.indices[static_cast<std::size_t>(k)];
        for (std::int64_t c = 0; c < d; ++c) {
          want.add(k, c / width,
                   static_cast<long double>(a.at<TestType>(i, c)) * static_cast<long double>(b.at<TestType>(j, c)));
        }
      }
    }
    ops::sddmm(csr.view(), a, b, heads, e);
    check_sums<TestType>(e, want, width);
  }
}

TEST_CASE("sums of shapes that do not fit are refused", "[spmm]") {
  const ops::CsrArrays csr = random_csr(6, 5, 2, 1);
  const Tensor x = Tensor::zeros(5, 4), y = Tensor::zeros(6, 4), short_factor = Tensor::zeros(4, 1);
  const ops::Csr view = csr.view();
  CHECK_THROWS_AS(ops::spmm(view, {}, x, Tensor::zeros(7, 4)), InputError);
  CHECK_THROWS_AS(ops::spmm(view, {}, Tensor::zeros(6, 4), y), InputError);
  CHECK_THROWS_AS(ops::spmm(view, {}, x, Tensor::zeros(6, 3)), InputError);
  CHECK_THROWS_AS(ops::spmm(view, {}, x, Tensor::zeros(6, 4, DType::f64)), InputError);
  CHECK_THROWS_AS(ops::spmm(view, {&short_factor, nullptr, nullptr}, x, y), InputError);
  CHECK_THROWS_AS(ops::spmm(view, {nullptr, &short_factor, nullptr}, x, y), InputError);
  CHECK_THROWS_AS(ops::spmm(view, {nullptr, nullptr, &y}, x, y), InputError);
  CHECK_THROWS_AS(ops::spmm(view, {}, Tensor::zeros(5, 4, DType::i32), Tensor::zeros(6, 4, DType::i32)), InputError);
  CHECK_THROWS_AS(ops::sddmm(view, y, x, 3, Tensor::zeros(1, 3)), InputError);
}
