#include "src/ops/csr.hpp"

#include <algorithm>
#include <utility>

#include "src/ops/transpose.hpp"
#include "test/ops/reference.hpp"

using namespace galena;

namespace {

/// All (row, column) pairs in order.
std::vector<std::pair<VertexId, VertexId>> pairs(const ops::Csr& csr) {
  std::vector<std::pair<VertexId, VertexId>> all;
  for (std::int64_t i = 0; i < csr.rows; ++i) {
    for (EdgeOffset k = csr.indptr[i]; k < csr.indptr[i + 1]; ++k) {
      all.emplace_back(static_cast<VertexId>(i), csr.indices[k]);
    }
  }
  return all;
}

void check_transpose(const ops::CsrArrays& csr) {
  auto swapped = pairs(csr.view());
  for (auto& [i, j] : swapped) std::swap(i, j);
  std::sort(swapped.begin(), swapped.end());
  const ops::CsrArrays t = ops::transpose(csr.view());
  CHECK(t.rows == csr.cols);
  CHECK(t.cols == csr.rows);
  CHECK(t.indptr.size() == static_cast<std::size_t>(csr.cols) + 1);
  CHECK(pairs(t.view()) == swapped);
}

}  // namespace

TEST_CASE("the transpose has the pairs swapped, in order", "[csr]") {
  check_transpose({});
  check_transpose(test::random_csr(0, 7, 3, 1));
  check_transpose(test::random_csr(7, 0, 3, 1));
  check_transpose(test::random_csr(1, 1, 3, 1));
  check_transpose(test::random_csr(200, 50, 6, 2, true));
  check_transpose(test::random_csr(50, 900, 6, 3, true));
}

TEST_CASE("a transpose by several threads is the same", "[csr]") {
  const ops::CsrArrays csr = test::random_csr(20000, 3000, 20, 4, true);
  const auto transpose = [&](int count) {
    const test::Threads threads(count);
    return ops::transpose(csr.view());
  };
  const ops::CsrArrays one = transpose(1), three = transpose(3);
  CHECK(one.indptr == three.indptr);
  CHECK(one.indices == three.indices);
  check_transpose(csr);
}

TEST_CASE("positions lead back to the entries", "[csr]") {
  const ops::CsrArrays csr = test::random_csr(300, 80, 5, 5);
  std::vector<EdgeOffset> indptr, position;
  std::vector<VertexId> indices;
  ops::transpose_into(csr.view(), indptr, indices, &position);
  REQUIRE(position.size() == csr.indices.size());
  std::int64_t wrong = 0;
  for (std::int64_t j = 0; j < csr.cols; ++j) {
    for (EdgeOffset t = indptr[static_cast<std::size_t>(j)]; t < indptr[static_cast<std::size_t>(j) + 1]; ++t) {
      const EdgeOffset k = position[t];
      wrong += csr.indices[k] != static_cast<VertexId>(j);
      wrong += k < csr.indptr[indices[t]] || k >= csr.indptr[indices[t] + std::size_t{1}];
    }
  }
  CHECK(wrong == 0);
}
