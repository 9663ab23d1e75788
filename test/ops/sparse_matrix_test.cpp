#include "galena/error.hpp"
#include "test/ops/reference.hpp"

using namespace galena;
using galena::test::contains;

namespace {

SparseMatrix make(std::int64_t rows, std::int64_t cols, std::vector<EdgeOffset> indptr,
                  std::vector<std::uint32_t> indices) {
  const auto nonzeros = static_cast<std::int64_t>(indices.size());
  return SparseMatrix::from_csr(rows, cols, std::move(indptr), std::move(indices),
                                test::random_tensor<float>(nonzeros, 1, 3));
}

}  // namespace

TEST_CASE("a sparse matrix has its other direction", "[sparse]") {
  const SparseMatrix s = make(3, 4, {0, 2, 2, 5}, {1, 3, 0, 1, 2});
  CHECK(s.nonzeros() == 5);
  CHECK(s.structure().t_indptr == std::vector<EdgeOffset>{0, 1, 3, 4, 5});
  CHECK(s.structure().t_indices == std::vector<std::uint32_t>{2, 0, 2, 2, 0});
  CHECK(s.structure().t_position == std::vector<EdgeOffset>{2, 0, 3, 4, 1});
  const Tensor dense = s.dense();
  CHECK(dense.item(0, 3) == s.values().item(1));
  CHECK(dense.item(1, 1) == 0);
  CHECK(dense.item(2, 2) == s.values().item(4));
}

TEST_CASE("other values, another type, other rows", "[sparse]") {
  const SparseMatrix s = make(3, 4, {0, 2, 2, 5}, {1, 3, 0, 1, 2});
  const SparseMatrix twos = s.with_values(Tensor::full(5, 1, 2, DType::f64));
  CHECK(twos.dense().item(2, 0) == 2);
  CHECK(&twos.structure() == &s.structure());
  CHECK(s.to(DType::f64).values().item(3) == s.values().item(3));
  const std::vector<VertexId> order{2, 1, 2, 0};
  const SparseMatrix gathered = s.gather_rows(order);
  CHECK(gathered.rows() == 4);
  const Tensor from = s.dense(), to = gathered.dense();
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t j = 0; j < 4; ++j) {
      CHECK(to.item(i, j) == from.item(order[static_cast<std::size_t>(i)], j));
    }
  }
  CHECK_THROWS_AS(s.gather_rows(std::vector<VertexId>{3}), InputError);
}

TEST_CASE("an empty sparse matrix", "[sparse]") {
  CHECK(SparseMatrix().rows() == 0);
  const SparseMatrix s = make(0, 4, {0}, {});
  CHECK(s.nonzeros() == 0);
  CHECK(s.structure().t_indptr.size() == 5);
  CHECK(s.gather_rows({}).cols() == 4);
}

TEST_CASE("a malformed sparse matrix is refused", "[sparse]") {
  CHECK_THROWS_AS(make(-1, 4, {0}, {}), InputError);
  CHECK_THROWS_AS(make(1, std::int64_t{1} << 33, {0, 0}, {}), InputError);
  CHECK_THROWS_WITH(make(2, 4, {0, 1}, {0}), contains("indptr has 2 elements; expected 3"));
  CHECK_THROWS_AS(make(2, 4, {0, 2, 1}, {0}), InputError);
  CHECK_THROWS_AS(make(2, 4, {1, 1, 1}, {0}), InputError);
  CHECK_THROWS_AS(make(2, 4, {0, 1, 3}, {0, 1}), InputError);
  CHECK_THROWS_WITH(make(2, 4, {0, 1, 3}, {0, 1, 4}), contains("row 1 has column 4"));
  CHECK_THROWS_WITH(make(2, 4, {0, 1, 3}, {0, 2, 2}), contains("row 1 has column 2 after column 2"));
  CHECK_THROWS_AS(SparseMatrix::from_csr(1, 1, {0, 1}, {0}, Tensor::zeros(2, 1)), InputError);
  CHECK_THROWS_AS(SparseMatrix::from_csr(1, 1, {0, 1}, {0}, Tensor::zeros(1, 1, DType::i32)), InputError);
}
