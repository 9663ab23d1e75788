#include <set>

#include "galena/error.hpp"
#include "src/ops/pointwise.hpp"
#include "src/ops/random_lanes.hpp"
#include "test/ops/op_support.hpp"
#include "test/ops/reference.hpp"

using namespace galena;
using namespace galena::ops;
using namespace galena::test;

namespace {

const RandomKey kKey{12345678901234U, 7, RandomKey::make_stream(3, Purpose::dropout)};

std::vector<VertexId> numbered(std::int64_t n, VertexId first = 0) {
  std::vector<VertexId> ids;
  for (std::int64_t i = 0; i < n; ++i) ids.push_back(first + static_cast<VertexId>(i));
  return ids;
}

Tensor dropped(const Tensor& x, double p, const VertexId* ids, const RandomKey& key = kKey) {
  Tensor y = Tensor::full(x.rows(), x.cols(), 99, x.dtype());
  dropout(x, p, key, ids, y);
  return y;
}

/// The draw of one element, from its definition.
unsigned draw_of(VertexId id, std::int64_t c) {
  const auto block = kKey.draw(id, static_cast<std::uint32_t>(c / 8));
  return (block.at(static_cast<std::size_t>(c % 8 / 2)) >> (c % 2 == 0 ? 0 : 16)) & 0xffffU;
}

}  // namespace

TEST_CASE("random lanes: those of single draws, in any number") {
  for (const std::int64_t count : {0, 1, 5, 15, 16, 17, 64, 100}) {
    std::vector<std::uint32_t> ids, blocks;
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(count); ++i) {
      ids.push_back(i * 2654435761U);
      blocks.push_back(i / 3);
    }
    std::vector<std::uint16_t> lanes(static_cast<std::size_t>(8 * count) + 1, 4711);
    on_each_level([&] {
      random_lanes(kKey, ids.data(), blocks.data(), count, lanes.data());
      bool same = true;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        for (std::size_t k = 0; k < 8; ++k) {
          same &= lanes[8 * i + k] == draw_of(ids[i], static_cast<std::int64_t>(8 * blocks[i] + k));
        }
      }
      CHECK(same);
      CHECK(lanes.back() == 4711);
    });
  }
}

TEST_CASE("dropout: an element's fate is its named draw, at any width and type") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const std::int64_t cols : {1, 7, 8, 9, 33, 256}) {
      const Tensor x = random_tensor(50, cols, dtype, 1, 1, 2);
      const auto ids = numbered(50, 1000);
      const Tensor y = dropped(x, 0.3, ids.data());
      const auto threshold = static_cast<unsigned>(std::lround(0.3 * 65536));
      const double factor = 65536.0 / (65536 - threshold);
      for (std::int64_t i = 0; i < 50; ++i) {
        for (std::int64_t c = 0; c < cols; ++c) {
          const bool kept = draw_of(ids[static_cast<std::size_t>(i)], c) >= threshold;
          REQUIRE(y.item(i, c) == Approx(kept ? factor * x.item(i, c) : 0).epsilon(1e-6));
        }
      }
      const Tensor in_place = x.clone();
      dropout(in_place, 0.3, kKey, ids.data(), in_place);
      CHECK(same_bytes(in_place, y));
    }
  }
}

TEST_CASE("dropout: the mask follows the global id, whatever rows a rank holds") {
  const Tensor x = random_tensor(40, 20, DType::f32, 2);
  const Tensor whole = dropped(x, 0.5, nullptr);  // ids are row numbers
  CHECK(same_bytes(whole, dropped(x, 0.5, numbered(40).data())));
  const std::vector<VertexId> some{31, 2, 17};
  const Tensor part = Tensor::empty(3, 20), expected = Tensor::empty(3, 20);
  gather_rows(x, some, part);
  gather_rows(whole, some, expected);
  CHECK(same_bytes(dropped(part, 0.5, some.data()), expected));
}

TEST_CASE("dropout: keeps the expectation, independently by element, id, epoch and stream") {
  const Tensor x = Tensor::full(2000, 64, 1);
  for (const double p : {0.1, 0.5, 0.9}) {
    const Tensor y = dropped(x, p, nullptr);
    double sum = 0;
    for (const float v : y.span<float>()) sum += v;
    const double n = 2000 * 64, deviation = std::sqrt(p / (1 - p) / n);
    CHECK(std::fabs(sum / n - 1) < 4 * deviation);
  }
  const Tensor a = dropped(x, 0.5, nullptr);
  RandomKey other_epoch = kKey, other_stream = kKey, other_seed = kKey;
  ++other_epoch.epoch;
  ++other_stream.stream;
  other_seed.seed ^= std::uint64_t{1} << 40;
  for (const RandomKey& key : {other_epoch, other_stream, other_seed}) {
    const Tensor b = dropped(x, 0.5, nullptr, key);
    int agree = 0;
    for (std::size_t i = 0; i < a.span<float>().size(); ++i) agree += a.span<float>()[i] == b.span<float>()[i] ? 1 : 0;
    CHECK(std::fabs(agree / (2000.0 * 64) - 0.5) < 4 * 0.5 / std::sqrt(2000.0 * 64));
  }
}

TEST_CASE("dropout: rates 0 and 1, and those that are none") {
  const Tensor x = random_tensor(5, 9, DType::f64, 3);
  CHECK(same_bytes(dropped(x, 0, nullptr), x));
  CHECK(largest_difference(dropped(x, 1, nullptr), Tensor::zeros(5, 9, DType::f64)) == 0);
  CHECK(largest_difference(dropped(Tensor::full(50, 40, 1), 1 - 1e-9, nullptr), Tensor::zeros(50, 40)) == 0);
  for (const double p : {-0.1, 1.1, std::nan("")}) {
    CHECK_THROWS_AS(dropped(x, p, nullptr), InputError);
    CHECK_THROWS_WITH(dropped(x, p, nullptr), contains("expected 0 to 1"));
  }
  CHECK(dropped(Tensor::zeros(0, 4), 0.5, nullptr).rows() == 0);
  CHECK(dropped(Tensor::zeros(4, 0), 0.5, nullptr).cols() == 0);
}

TEST_CASE("dropout: what is dropped is 0, even where it is infinite or NaN") {
  const Tensor x = Tensor::full(1, 64, std::numeric_limits<double>::infinity());
  const Tensor y = dropped(x, 0.5, nullptr);
  for (const float v : y.span<float>()) CHECK_FALSE(std::isnan(v));
}

TEST_CASE("dropout: its backward pass is itself, by finite differences") {
  const Tensor x = random_tensor(6, 11, DType::f64, 4), weight = random_tensor(6, 11, DType::f64, 5);
  const auto ids = numbered(6, 3);
  check_gradient(x, dropped(weight, 0.4, ids.data()), [&] { return dot(weight, dropped(x, 0.4, ids.data())); });
  const Tensor more = Tensor::full(6, 11, 2, DType::f64), once = dropped(weight, 0.4, ids.data());
  dropout(weight, 0.4, kKey, ids.data(), more, true);
  axpby(-1, once, 1, more);
  CHECK(largest_difference(more, Tensor::full(6, 11, 2, DType::f64)) < 1e-15);
}

TEST_CASE("dropout: a sparse matrix draws what its dense form does") {
  base::RandomStream random(9, 9);
  const std::int64_t rows = 60, cols = 300;
  std::vector<EdgeOffset> indptr{0};
  std::vector<std::uint32_t> indices;
  std::vector<float> values;
  for (std::int64_t i = 0; i < rows; ++i) {
    std::set<std::uint32_t> columns;
    for (std::uint64_t k = random.below(40); k > 0; --k) {
      columns.insert(static_cast<std::uint32_t>(random.below(static_cast<std::uint64_t>(cols))));
    }
    for (const std::uint32_t c : columns) {
      indices.push_back(c);
      values.push_back(static_cast<float>(1 + random.uniform()));
    }
    indptr.push_back(indices.size());
  }
  const auto nonzeros = static_cast<std::int64_t>(indices.size());
  const auto x = SparseMatrix::from_csr(rows, cols, indptr, indices, Tensor::from<float>(nonzeros, 1, values));
  const auto ids = numbered(rows, 77);
  for (const DType dtype : {DType::f32, DType::f64}) {
    const SparseMatrix typed = x.to(dtype);
    const SparseMatrix y = dropout(typed, 0.5, kKey, ids.data(), rows);
    CHECK(same_bytes(y.dense(), dropped(typed.dense(), 0.5, ids.data())));
    const SparseMatrix some = dropout(typed, 0.5, kKey, ids.data(), 20);
    CHECK(same_bytes(some.dense().head(20), y.dense().head(20)));
    CHECK(same_bytes(some.dense().slice(20, rows), typed.dense().slice(20, rows)));
  }
  CHECK_THROWS_WITH(dropout(x, 0.5, kKey, ids.data(), rows + 1), contains("61 rows asked for; the matrix has 60"));
}

TEST_CASE("dropout after ReLU in one pass: what two give; NaN is not hidden") {
  const Tensor x = random_tensor(30, 37, DType::f32, 7), y = Tensor::empty(30, 37), rectified = Tensor::empty(30, 37);
  x.at<float>(3, 3) = std::nanf("");
  const auto ids = numbered(30, 5);
  relu_dropout(x, 0.5, kKey, ids.data(), y);
  activate(Activation::relu, x, rectified);
  const Tensor expected = dropped(rectified, 0.5, ids.data());
  const bool kept = draw_of(8, 3) >= 32768;
  CHECK(std::isnan(y.at<float>(3, 3)) == kept);
  y.at<float>(3, 3) = expected.at<float>(3, 3) = 0;
  CHECK(same_bytes(y, expected));
}

TEST_CASE("dropout: every instruction set draws the same") {
  const Tensor x = random_tensor(300, 21, DType::f64, 8);
  std::vector<Tensor> results;
  on_each_level([&] { results.push_back(dropped(x, 0.3, nullptr)); });
  for (const Tensor& y : results) CHECK(same_bytes(y, results[0]));
}

TEST_CASE("dropout: the same on any number of threads") {
  const Tensor x = random_tensor(3000, 50, DType::f32, 6);
  check_any_threads([&] { return dropped(x, 0.5, nullptr); });
}
