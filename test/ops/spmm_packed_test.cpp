#include <algorithm>

#include "galena/error.hpp"
#include "test/ops/packed_support.hpp"
#include "test/ops/reference.hpp"

using namespace galena;
using namespace galena::ops;
using namespace galena::test;

namespace {

/// Rows of 0, 1, 2, ... neighbours among `cols` columns.
CsrArrays random_csr(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  base::RandomStream random(seed, 4);
  CsrArrays csr{rows, cols, {0}, {}};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) {
      if (random.uniform() < static_cast<double>(i % 5) / 8) csr.indices.push_back(static_cast<VertexId>(j));
    }
    csr.indptr.push_back(csr.indices.size());
  }
  return csr;
}

/// y + left * A * right * decoded, in double.
Tensor naive(const CsrArrays& csr, const Tensor* left, const Tensor* right, const Tensor& decoded, const Tensor& y) {
  Tensor out = y.to(DType::f64).clone();
  for (std::int64_t i = 0; i < y.rows(); ++i) {
    for (std::int64_t c = 0; c < y.cols(); ++c) {
      double sum = 0;
      for (auto k = csr.indptr[static_cast<std::size_t>(i)]; k < csr.indptr[static_cast<std::size_t>(i) + 1]; ++k) {
        const std::int64_t j = csr.indices[k];
        if (j < decoded.rows()) sum += (right != nullptr ? right->item(j) : 1) * decoded.item(j, c);
      }
      out.at<double>(i, c) += (left != nullptr ? left->item(i) : 1) * sum;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("spmm_packed: what decoding and summing give, of every width and mixture of widths") {
  const CsrArrays csr = random_csr(23, 40, 1);
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor left = random_tensor(25, 1, dtype, 2), right = random_tensor(44, 1, dtype, 3);
    for (const std::int64_t cols : {1, 3, 8, 15, 16, 17, 31, 64, 65, 100, 256, 257, 1500}) {
      const Tensor x = random_tensor(40, cols, dtype, 4, -1, 2);
      for (const int bits : {0, 1, 2, 4, 8, 16, 32}) {
        const PackedRows packed = pack(x, bits == 0 ? mixed_bits(40) : same_bits(40, bits));
        const Tensor before = random_tensor(23, cols, dtype, 5);
        const Tensor expected = naive(csr, &left, &right, unpack(packed, dtype), before);
        INFO(name_of(dtype) << " width " << cols << ", " << bits << " bits");
        on_each_level([&] {
          const Tensor y = before.clone();
          spmm_packed(csr.view(), &left, &right, packed, y);
          CHECK(largest_difference(y, expected) < (dtype == DType::f32 ? 2e-5 : 1e-13));
        });
      }
    }
  }
}

TEST_CASE("spmm_packed: without factors, on fewer rows and columns than the matrix has, of nothing") {
  const CsrArrays csr = random_csr(30, 50, 6);
  const Tensor x = random_tensor(33, 20, DType::f32, 7);
  const PackedRows packed = pack(x, same_bits(33, 4));
  const Tensor y = Tensor::zeros(17, 20), zeros = y.clone();
  spmm_packed(csr.view(), nullptr, nullptr, packed, y);
  CHECK(largest_difference(y, naive(csr, nullptr, nullptr, unpack(packed), zeros)) < 1e-5);
  const PackedRows none = layout_rows(20, {});
  const Tensor same = y.clone();
  spmm_packed(csr.view(), nullptr, nullptr, none, same);
  CHECK(same_bytes(same, y));
  spmm_packed(csr.view(), nullptr, nullptr, packed, Tensor::zeros(0, 20));
  spmm_packed(csr.view(), nullptr, nullptr, layout_rows(0, same_bits(33, 4)), Tensor::zeros(17, 0));
}

TEST_CASE("spmm_packed: rows far from zero keep their digits, as their zeros are summed apart") {
  const CsrArrays csr = random_csr(20, 200, 8);
  const Tensor x = random_tensor(200, 40, DType::f32, 9, 1000, 1008);
  const PackedRows packed = pack(x, same_bits(200, 8));
  const Tensor y = Tensor::zeros(20, 40), zeros = y.clone();
  spmm_packed(csr.view(), nullptr, nullptr, packed, y);
  const Tensor expected = naive(csr, nullptr, nullptr, unpack(packed), zeros);
  CHECK(largest_difference(y, expected) < 2e-7 * 1008 * 200);
}

TEST_CASE("spmm_packed: the same on any number of threads") {
  const CsrArrays csr = random_csr(300, 200, 10);
  const PackedRows packed = pack(random_tensor(200, 65, DType::f32, 11), mixed_bits(200));
  check_any_threads([&] {
    const Tensor y = Tensor::zeros(300, 65);
    spmm_packed(csr.view(), nullptr, nullptr, packed, y);
    return y;
  });
}

TEST_CASE("spmm_packed: what does not fit is named") {
  const CsrArrays csr = random_csr(4, 5, 12);
  const PackedRows packed = pack(Tensor::zeros(5, 3), same_bits(5, 2));
  const Tensor y = Tensor::zeros(4, 3), short_factor = Tensor::zeros(3, 1);
  const auto run = [&](const Tensor* left, const Tensor* right, const Tensor& out) {
    spmm_packed(csr.view(), left, right, packed, out);
  };
  CHECK_THROWS_AS(run(&short_factor, nullptr, y), InputError);
  CHECK_THROWS_WITH(run(&short_factor, nullptr, y), contains("left is 3 x 1 f32; expected at least 4 x 1 f32"));
  CHECK_THROWS_WITH(run(nullptr, &short_factor, y), contains("right is 3 x 1 f32; expected at least 5 x 1 f32"));
  CHECK_THROWS_WITH(run(nullptr, nullptr, Tensor::zeros(4, 2)), contains("y is 4 x 2 f32; expected 4 x 3 f32"));
  CHECK_THROWS_WITH(run(nullptr, nullptr, Tensor::zeros(5, 3)), contains("the matrix is 4 x 5"));
}
