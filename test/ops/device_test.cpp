// Each kernel for GPUs against the CPU's, on the same inputs. Draws agree bit for bit.

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "src/base/random.hpp"
#include "src/ops/attention.hpp"
#include "src/ops/check.hpp"
#include "src/ops/device/machine.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/gemm.hpp"
#include "src/ops/loss.hpp"
#include "src/ops/norm.hpp"
#include "test/ops/device_support.hpp"

using namespace galena;
using galena::test::check_same;
using galena::test::check_twin;
using galena::test::copied;
using galena::test::kTypes;
using galena::test::largest_of;
using galena::test::OnBoth;
using galena::test::random_csr;
using galena::test::random_tensor;
using galena::test::Tensors;

namespace {

/// Rows of every bin: empty ones, short ones, one of all columns.
ops::CsrArrays skewed(std::int64_t rows, std::int64_t cols) {
  ops::CsrArrays csr;
  csr.rows = rows;
  csr.cols = cols;
  base::RandomStream random(7, 1);
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::uint64_t keep = i % 5 == 0 ? 0 : i == 3 ? 1000 : i % 7 == 0 ? 200 : i % 11 == 0 ? 40 : 4;  // of 1000
    for (std::int64_t j = 0; j < cols; ++j)
      if (random.below(1000) < keep) csr.indices.push_back(static_cast<VertexId>(j));
    csr.indptr.push_back(csr.indices.size());
  }
  return csr;
}

}  // namespace

TEST_CASE("maps over elements are the CPU's") {
  GALENA_NEEDS_DEVICE();
  for (const DType type : kTypes) {
    const Tensor a = random_tensor(37, 19, type, 1, -3, 3), b = random_tensor(37, 19, type, 2),
                 y = random_tensor(37, 19, type, 3);
    for (const auto f :
         {ops::Activation::identity, ops::Activation::relu, ops::Activation::leaky_relu, ops::Activation::elu,
          ops::Activation::sigmoid, ops::Activation::tanh, ops::Activation::gelu}) {
      check_twin(
          {a, y}, [=](const Tensors& t) { ops::activate(f, t[0], t[1], 0.3); }, 8);
      for (const bool add : {false, true})
        check_twin(
            {a, b, y}, [=](const Tensors& t) { ops::activate_backward(f, t[0], t[1], t[2], add, 0.3); }, 8);
    }
    check_twin(
        {a, y}, [](const Tensors& t) { ops::axpby(0.7, t[0], 1.3, t[1]); }, 2);
    check_twin(
        {a, Tensor::full(37, 19, std::nan(""), type)}, [](const Tensors& t) { ops::axpby(2, t[0], 0, t[1]); }, 0);
    check_twin(
        {a, b, y}, [](const Tensors& t) { ops::multiply(t[0], t[1], t[2], true); }, 2);
    check_twin(
        {random_tensor(1, 19, type, 4), y}, [](const Tensors& t) { ops::add_row(t[0], t[1]); }, 0);
    check_twin(
        {random_tensor(37, 1, type, 5), a, y}, [](const Tensors& t) { ops::scale_rows(t[0], t[1], t[2], true); }, 2);
    check_twin(
        {Tensor::full(1, 1, 0.5, DType::f64), a}, [](const Tensors& t) { ops::scale_by(t[0], t[1]); }, 0);
    check_twin(
        {a, random_tensor(37, 5, type, 6), random_tensor(37, 24, type, 7)},
        [](const Tensors& t) { ops::concat_columns(t[0], t[1], t[2]); }, 0);
    check_twin(
        {random_tensor(37, 24, type, 7), a, random_tensor(37, 5, type, 6)},
        [](const Tensors& t) { ops::split_columns(t[0], t[1], t[2], true); }, 0);
    check_twin(
        {a}, [](const Tensors& t) { t[0].slice(3, 9).fill(1.5); }, 0);
  }
}

TEST_CASE("rows that lie for packs and rows that do not are mapped alike") {
  GALENA_NEEDS_DEVICE();
  const std::vector<VertexId> rows{4, 0, ops::kNoRow, 9};
  const Tensor there = ops::to_device(reinterpret_cast<const std::int32_t*>(rows.data()), rows.size());
  for (const DType type : kTypes)
    for (const std::int64_t d : {1, 4, 6, 8, 300})
      for (const std::int64_t skipped : {0, 1}) {  // rows of the same length, off by an element
        CAPTURE(d, skipped);
        const std::int64_t n = 10;
        const auto random = [&](std::int64_t count, std::int64_t cols, std::uint64_t seed) {
          return random_tensor(count * cols + skipped, 1, type, seed);
        };
        const auto part = [&](const Tensor& x, std::int64_t count) {
          return x.slice(skipped, x.rows()).reshape(count, (x.rows() - skipped) / count);
        };
        const Tensors t{random(n, d, 1), random(1, d, 2),     random_tensor(n, 1, type, 3),
                        random(n, d, 4), random(n, 2 * d, 5), random(4, d, 6)};
        check_twin(
            t,
            [&](const Tensors& u) {
              const Tensor x = part(u[0], n), y = part(u[3], n), wide = part(u[4], n);
              ops::add_row(part(u[1], 1), x);
              ops::scale_rows(u[2], x, y, true);
              ops::concat_columns(x, y, wide);
              ops::split_columns(wide, y, x, true);
              ops::relu_dropout_backward(x, 0.5, y, x, true);
              ops::dropout(x, 0.3, {11, 3, 5}, nullptr, y, true);
            },
            4);
        const OnDevice here(Device::cuda);
        const Tensors u = copied(t, Device::cuda);
        const Tensor x = part(u[0], n), few = part(u[5], 4), before = x.to(Device::cpu);
        ops::device_ops().gather_rows(x, ops::device_data<VertexId>(there), few);
        ops::device_ops().scatter_add_rows(few, ops::device_data<VertexId>(there), x);
        const Tensor after = x.to(Device::cpu), taken = few.to(Device::cpu);
        CHECK(largest_of(taken.slice(2, 3)) == 0);
        for (std::int64_t i = 0; i < n; ++i)
          for (std::int64_t c = 0; c < d; ++c)
            CHECK(after.item(i, c) == (i == 4 || i == 0 || i == 9 ? 2 : 1) * before.item(i, c));
      }
}

TEST_CASE("sums of columns add many rows in one order") {
  GALENA_NEEDS_DEVICE();
  for (const DType type : kTypes)
    for (const std::int64_t cols : {1, 4, 41, 256, 1100})
      for (const std::int64_t rows : {0, 1, 31, 33, 2000}) {
        CAPTURE(cols, rows);
        check_twin(
            {random_tensor(rows, cols, type, 1), random_tensor(1, cols, type, 2)},
            [](const Tensors& t) { ops::column_sums(t[0], t[1], true); }, type == DType::f32 ? 4 : 400);
      }
  check_twin(
      {random_tensor(100000, 1, DType::f64, 1), random_tensor(1, 1, DType::f64, 2)},
      [](const Tensors& t) { ops::column_sums(t[0], t[1]); }, 1e4);
}

TEST_CASE("tensors move between memories and types") {
  GALENA_NEEDS_DEVICE();
  const Tensor x = random_tensor(11, 7, DType::f64, 1, -1e3, 1e3), there = x.to(Device::cuda);
  CHECK(there.device() == Device::cuda);
  CHECK(test::largest_difference(there.to(Device::cpu), x) == 0);
  CHECK(there.item(3, 4) == x.item(3, 4));
  for (const DType type : {DType::f32, DType::bf16}) {
    CHECK(test::largest_difference(there.to(type).to(Device::cpu), x.to(type)) == 0);
    CHECK(test::largest_difference(there.to(type).to(DType::f32).to(Device::cpu), x.to(type).to(DType::f32)) == 0);
  }
  CHECK_THROWS_WITH(there.data<double>(), test::contains("in a GPU's memory"));
}

TEST_CASE("gathered rows go where they came from") {
  GALENA_NEEDS_DEVICE();
  const std::vector<VertexId> rows{4, 0, 9};
  const Tensor x = random_tensor(10, 6, DType::f32, 1), part = random_tensor(3, 6, DType::f32, 2);
  const Tensor there = ops::to_device(reinterpret_cast<const std::int32_t*>(rows.data()), rows.size());
  const std::span<const VertexId> copy(ops::device_data<VertexId>(there), rows.size());
  check_same(
      {x, part}, [&](const Tensors& t) { ops::gather_rows(t[0], rows, t[1]); },
      [&](const Tensors& t) { ops::gather_rows(t[0], copy, t[1]); }, 0);
  check_same(
      {part, x}, [&](const Tensors& t) { ops::scatter_add_rows(t[0], rows, t[1]); },
      [&](const Tensors& t) { ops::scatter_add_rows(t[0], copy, t[1]); }, 0);
}

TEST_CASE("sums over neighbours: all bins, widths and weights") {
  GALENA_NEEDS_DEVICE();
  const OnBoth graph(skewed(90, 5000));  // some rows are long, some split
  const ops::Csr csr = graph.view();
  for (const DType type : kTypes)
    for (const std::int64_t d : {1, 2, 3, 4, 7, 16, 41, 64, 130, 256, 520, 1030}) {
      const bool few = d > 200;
      const std::int64_t n = few ? 20 : 77, m = d % 2 == 0 ? csr.cols : 3000;
      const Tensor x = random_tensor(m, d, type, 1), y = random_tensor(n, d, type, 2);
      const Tensors t{x, y, random_tensor(n, 1, type, 3), random_tensor(m, 1, type, 4), random_tensor(n, 1, type, 5)};
      CAPTURE(d);
      check_twin(
          t, [&](const Tensors& u) { ops::spmm(csr, {}, u[0], u[1]); }, 200);
      check_twin(
          t,
          [&](const Tensors& u) {
            ops::spmm(csr, {&u[2], &u[3], &u[4]}, u[0], u[1], true);
          },
          200);
    }
}

namespace {

/// Pieces as they lie on the device.
std::vector<ops::CsrPiece> pieces_of(const ops::DeviceCsr& csr, ops::DeviceCsr::Kind kind) {
  const Tensor all = csr.pieces.to(Device::cpu);
  std::vector<ops::CsrPiece> pieces(static_cast<std::size_t>(csr.count(kind)));
  if (!pieces.empty())
    std::memcpy(static_cast<void*>(pieces.data()), all.data<std::int64_t>() + 2 * csr.first[kind],
                pieces.size() * sizeof(ops::CsrPiece));
  return pieces;
}

/// Rows of these many nonzeros, each of the first columns.
ops::CsrArrays of_degrees(const std::vector<VertexId>& degrees, std::int64_t cols) {
  ops::CsrArrays csr;
  csr.rows = static_cast<std::int64_t>(degrees.size());
  csr.cols = cols;
  for (const VertexId degree : degrees) {
    for (VertexId j = 0; j < degree; ++j) csr.indices.push_back(j);
    csr.indptr.push_back(csr.indices.size());
  }
  return csr;
}

}  // namespace

TEST_CASE("rows go to a device by their number of nonzeros, the longest in chunks") {
  GALENA_NEEDS_DEVICE();
  using Kind = ops::DeviceCsr;
  const ops::CsrArrays csr = of_degrees({3, 300, 16, 64, 0, 65, 256, 9, 33, 1024}, 3000);
  const auto there = ops::to_device(csr.view());
  const auto rows = [&](Kind::Kind kind) {
    std::vector<VertexId> numbers;
    for (const ops::CsrPiece& piece : pieces_of(*there, kind)) numbers.push_back(piece.row);
    return numbers;
  };
  CHECK(rows(Kind::kSplitRows) == std::vector<VertexId>{1, 9});
  CHECK(rows(Kind::kChunks) == std::vector<VertexId>{1, 1, 9, 9, 9, 9});
  CHECK(rows(Kind::kLongRows) == std::vector<VertexId>{5, 6});
  CHECK(rows(Kind::kShortRows) == std::vector<VertexId>{3, 8, 2, 7, 0, 4});
  const auto chunks = pieces_of(*there, Kind::kChunks);
  CHECK((chunks[1].first == 3 + 150 && chunks[1].count == 150 && chunks[5].count == 256));
  const auto split = pieces_of(*there, Kind::kSplitRows);
  CHECK((split[1].first == 2 && split[1].count == 4));
  const auto others = ops::to_device(csr.view(), {false, true, true, false, false, false, false, false, false, false});
  CHECK(others->count(Kind::kChunks) == 4);
  CHECK(others->count(Kind::kShortRows) == 5);
}

TEST_CASE("parts of a structure take each other's place, their split rows too") {
  GALENA_NEEDS_DEVICE();
  const ops::CsrArrays whole = of_degrees({3, 1600, 16, 70, 0, 2000}, 2500);
  const auto room = ops::CsrRoom::parts_of(whole.view(), 6, 2500);
  const auto place = ops::make_room(room);
  const Tensor x = random_tensor(2500, 20, DType::f32, 1), y = random_tensor(6, 20, DType::f32, 2);
  for (const auto& degrees : std::vector<std::vector<VertexId>>{
           {3, 1600, 16, 70, 0, 2000}, {0, 0, 0, 0, 0, 0}, {1, 1025, 9, 65, 0, 64}, {2, 7, 0, 1, 0, 1700}}) {
    ops::CsrArrays part = of_degrees(degrees, 2500);
    ops::to_device(part.view(), ops::lay_out(part.view(), room), *place);
    part.on_device = place;
    for (const std::int64_t m : {2500, 1300})
      check_twin(
          {x.head(m), y.head(m == 2500 ? 6 : 5)},
          [&](const Tensors& t) { ops::spmm(part.view(), {}, t[0], t[1], true); }, 200);
  }
  const ops::CsrArrays more = of_degrees({1600, 1600, 2000, 1, 0, 0}, 2500);
  CHECK_THROWS_AS(ops::lay_out(more.view(), room), InternalError);
}

TEST_CASE("what is not summed does not spoil a sum") {
  GALENA_NEEDS_DEVICE();
  const OnBoth graph(of_degrees({1, 2, 3, 5, 7, 65, 67, 1027}, 2000));
  const Tensor x = Tensor::full(2000, 12, std::nan(""), DType::f32);
  for (const std::int64_t limit : {1027, 66, 6, 4}) {
    const Tensor part = x.clone();
    part.head(limit).copy_from(random_tensor(limit, 12, DType::f32, 1));
    const Tensor y = random_tensor(8, 12, DType::f32, 2);
    check_twin(
        {part.head(limit), y}, [&](const Tensors& t) { ops::spmm(graph.view(), {}, t[0], t[1]); }, 100);
    const OnDevice there(Device::cuda);
    const Tensor all = part.to(Device::cuda), got = y.to(Device::cuda);
    ops::spmm(graph.view(), {}, all, got);  // rows from the limit on are NaN
    const Tensor sums = got.to(Device::cpu);
    for (std::int64_t i = 0; i < 8; ++i)
      CHECK(std::isnan(sums.item(i, 3)) ==
            (static_cast<std::int64_t>(graph.csr.indptr[i + 1] - graph.csr.indptr[i]) > limit));
  }
}

TEST_CASE("maxima over neighbours and their gradients") {
  GALENA_NEEDS_DEVICE();
  const OnBoth graph(skewed(70, 300));
  const OnBoth transposed(ops::transpose(graph.csr.view()));
  for (const DType type : kTypes)
    for (const std::int64_t m : {300, 120}) {
      const Tensor x = random_tensor(m, 9, type, 1), dy = random_tensor(60, 9, type, 2),
                   dx = random_tensor(m, 9, type, 3);
      x.slice(40, 41).copy_from(x.slice(20, 21));  // equals
      check_twin(
          {x, random_tensor(60, 9, type, 4), dy, dx},
          [&](const Tensors& t) {
            const Tensor arg = Tensor::empty(60, 9, DType::i32);
            ops::spmm_max(graph.view(), t[0], t[1], arg);
            ops::spmm_max_backward(transposed.view(), arg, t[2], t[3]);
          },
          32);
    }
}

TEST_CASE("rows stored in bf16 are summed in f32") {
  GALENA_NEEDS_DEVICE();
  const OnBoth graph(skewed(60, 900));
  for (const std::int64_t d : {5, 6, 8, 12, 96, 264, 520}) {
    const Tensor x = random_tensor(900, d, DType::f32, 1).to(DType::bf16), y = random_tensor(60, d, DType::f32, 2);
    check_same(
        {x.to(DType::f32), y}, [&](const Tensors& t) { ops::spmm(graph.view(), {}, t[0], t[1]); },
        [&](const Tensors& t) { ops::device_ops().spmm(graph.view(), {}, t[0].to(DType::bf16), t[1], false); }, 100);
  }
}

TEST_CASE("sparse features times dense weights, and their transpose") {
  GALENA_NEEDS_DEVICE();
  for (const DType type : kTypes) {
    ops::CsrArrays csr = skewed(50, 300);
    const auto nonzeros = static_cast<std::int64_t>(csr.indices.size());
    const SparseMatrix s =
        SparseMatrix::from_csr(50, 300, csr.indptr, csr.indices, random_tensor(nonzeros, 1, type, 1));
    const SparseMatrix there = s.to(Device::cuda);
    const Tensor w = random_tensor(300, 16, type, 2), y = random_tensor(50, 16, type, 3);
    check_same(
        {w, y}, [&](const Tensors& t) { ops::sparse_matmul(s, t[0], t[1]); },
        [&](const Tensors& t) { ops::sparse_matmul(there, t[0], t[1]); }, 50);
    const Tensor part = y.head(31);
    check_same(
        {part, w}, [&](const Tensors& t) { ops::sparse_matmul_tn(s, t[0], t[1], true); },
        [&](const Tensors& t) { ops::sparse_matmul_tn(there, t[0], t[1], true); }, 50);
    const std::vector<VertexId> ids(50, 77);
    const Tensor device_ids = ops::to_device(reinterpret_cast<const std::int32_t*>(ids.data()), ids.size());
    const ops::RandomKey key{5, 6, 7};
    const Tensor want = ops::dropout(s, 0.4, key, ids.data(), 50).values();
    const Tensor got = ops::dropout(there, 0.4, key, ops::device_data<VertexId>(device_ids), 50).values();
    CHECK(test::largest_difference(got.to(Device::cpu), want) == 0);
  }
}

TEST_CASE("products of sampled rows") {
  GALENA_NEEDS_DEVICE();
  const OnBoth graph(skewed(60, 200));
  for (const DType type : kTypes) {
    const Tensor a = random_tensor(60, 12, type, 1), b = random_tensor(200, 12, type, 2);
    const Tensor e = Tensor::zeros(static_cast<std::int64_t>(graph.view().nonzeros()), 3, type);
    check_twin(
        {a, b, e}, [&](const Tensors& t) { ops::sddmm(graph.view(), t[0], t[1], 3, t[2]); }, 16);
  }
}

TEST_CASE("dense products with their epilogues") {
  GALENA_NEEDS_DEVICE();
  for (const DType type : kTypes) {
    const Tensor a = random_tensor(130, 33, type, 1), b = random_tensor(33, 17, type, 2),
                 c = random_tensor(130, 17, type, 3), bias = random_tensor(1, 17, type, 4);
    check_twin(
        {a, b, c}, [](const Tensors& t) { ops::matmul(t[0], t[1], t[2]); }, 60);
    check_twin(
        {a, b, c}, [](const Tensors& t) { ops::matmul(t[0], t[1], t[2], true); }, 60);
    check_twin(
        {c, b, a}, [](const Tensors& t) { ops::matmul_nt(t[0], t[1], t[2], true); }, 60);
    check_twin(
        {a, c, b}, [](const Tensors& t) { ops::matmul_tn(t[0], t[1], t[2]); }, 200);
    check_twin(
        {a, b, bias, c}, [](const Tensors& t) { ops::matmul_bias(t[0], t[1], t[2], t[3]); }, 60);
    const auto relu = [](const Tensors& t) {
      ops::matmul_bias(t[0], t[1], t[2], t[3]);
      ops::activate(ops::Activation::relu, t[3], t[3]);
    };
    check_same(
        {a, b, bias, c}, relu,
        [](const Tensors& t) { ops::device_ops().gemm(t[0], t[1], t[3], {.relu = true, .bias = &t[2]}); }, 60);
  }
  const Tensor none = Tensor::zeros(0, 4, DType::f32), w = random_tensor(0, 3, DType::f32, 1);
  check_twin(
      {none, w, random_tensor(4, 3, DType::f32, 2)}, [](const Tensors& t) { ops::matmul_tn(t[0], t[1], t[2]); }, 0);
}

namespace {

Tensor magnitudes(const Tensor& x) {
  Tensor result = Tensor::empty(x.rows(), x.cols(), DType::f64);
  for (std::int64_t i = 0; i < x.rows(); ++i)
    for (std::int64_t c = 0; c < x.cols(); ++c) result.at<double>(i, c) = std::abs(x.item(i, c));
  return result;
}

/// The bits of a product on the device; with its factors rounded where `tf32`.
Tensor device_bits(const Tensors& inputs, const galena::test::Operation& product, bool tf32) {
  Tensors there;
  for (const Tensor& x : inputs) there.push_back(x.to(Device::cuda));
  const OnDevice here(Device::cuda);
  const ops::Tf32Products rounded(tf32);
  product(there);
  return there.back().to(Device::cpu);
}

}  // namespace

TEST_CASE("products of f32 are rounded to TF32 where that is asked for, and nowhere else") {
  GALENA_NEEDS_DEVICE();
  constexpr double kOne = 1.0 / 1024, kSums = 1e-5;  // of a factor, cut off; of sums in f32, and what is added
  const Tensor a = random_tensor(128, 64, DType::f32, 1), b = random_tensor(64, 96, DType::f32, 2),
               c = random_tensor(128, 96, DType::f32, 3), bias = random_tensor(1, 96, DType::f32, 4);
  const std::vector<std::pair<Tensors, galena::test::Operation>> products{
      {{a, b, c}, [](const Tensors& t) { ops::matmul(t[0], t[1], t[2]); }},
      {{a, b, c}, [](const Tensors& t) { ops::matmul(t[0], t[1], t[2], true); }},
      {{c, b, a}, [](const Tensors& t) { ops::matmul_nt(t[0], t[1], t[2], true); }},
      {{a, c, b}, [](const Tensors& t) { ops::matmul_tn(t[0], t[1], t[2]); }},
      {{a, b, bias, c}, [](const Tensors& t) { ops::matmul_bias(t[0], t[1], t[2], t[3]); }}};
  for (std::size_t k = 0; k < products.size(); ++k) {
    CAPTURE(k);
    const auto& [inputs, product] = products[k];
    Tensors exact, bound;
    for (const Tensor& x : inputs) {
      exact.push_back(x.to(DType::f64));
      bound.push_back(magnitudes(x));
    }
    product(exact);
    product(bound);
    // With what was kept of the other way's choices at hand.
    const Tensor plain = device_bits(inputs, product, false), rounded = device_bits(inputs, product, true),
                 again = device_bits(inputs, product, false), twice = device_bits(inputs, product, true);
    double of_plain = 0, of_rounded = 0;
    for (std::int64_t i = 0; i < plain.rows(); ++i)
      for (std::int64_t j = 0; j < plain.cols(); ++j) {
        const double most = bound.back().item(i, j), want = exact.back().item(i, j);
        of_plain = std::max(of_plain, std::abs(plain.item(i, j) - want) / most);
        of_rounded = std::max(of_rounded, std::abs(rounded.item(i, j) - want) / most);
      }
    CHECK(of_plain <= kSums);
    CHECK(of_rounded <= 2 * kOne + kOne * kOne + kSums);
    CHECK(of_rounded > kSums);
    CHECK(galena::test::largest_difference(again, plain) == 0);
    CHECK(galena::test::largest_difference(twice, rounded) == 0);
    Tensors wide;
    for (const Tensor& x : inputs) wide.push_back(x.to(DType::f64));
    CHECK(galena::test::largest_difference(device_bits(wide, product, true), device_bits(wide, product, false)) == 0);
  }
}

TEST_CASE("a sum reads rows in bf16 with all of a sum's factors, on a device alone") {
  GALENA_NEEDS_DEVICE();
  const OnBoth graph(skewed(60, 900));
  for (const std::int64_t d : {5, 16}) {
    const Tensor x = random_tensor(700, d, DType::f32, 1).to(DType::bf16), y = random_tensor(60, d, DType::f32, 2),
                 left = random_tensor(60, 1, DType::f32, 3), right = random_tensor(900, 1, DType::f32, 4);
    for (const bool add : {false, true})
      check_same(
          {x.to(DType::f32), left, right, y},
          [&](const Tensors& t) {
            ops::spmm(graph.view(), {&t[1], &t[2], &t[1]}, t[0], t[3], add);
          },
          [&](const Tensors& t) {
            ops::spmm(graph.view(), {&t[1], &t[2], &t[1]}, t[0].to(DType::bf16), t[3], add);
          },
          100);
    CHECK_THROWS_WITH(ops::spmm(graph.csr.view(), {}, x, y), galena::test::contains("y is"));
  }
}

TEST_CASE("dropout draws the CPU's bits") {
  GALENA_NEEDS_DEVICE();
  std::vector<VertexId> ids(40);
  for (std::size_t k = 0; k < ids.size(); ++k) ids[k] = static_cast<VertexId>(1000 - 3 * k);
  const Tensor there = ops::to_device(reinterpret_cast<const std::int32_t*>(ids.data()), ids.size());
  const auto* const device_ids = ops::device_data<VertexId>(there);
  const ops::RandomKey key{11, 3, 5};
  for (const DType type : kTypes)
    for (const std::int64_t cols : {1, 8, 13, 64}) {
      const Tensor x = random_tensor(40, cols, type, 1), y = random_tensor(40, cols, type, 2);
      for (const bool add : {false, true}) {
        check_same(
            {x, y}, [&](const Tensors& t) { ops::dropout(t[0], 0.3, key, ids.data(), t[1], add); },
            [&](const Tensors& t) { ops::dropout(t[0], 0.3, key, device_ids, t[1], add); }, add ? 1 : 0);
      }
      check_same(
          {x, y}, [&](const Tensors& t) { ops::relu_dropout(t[0], 0.6, key, ids.data(), t[1]); },
          [&](const Tensors& t) { ops::relu_dropout(t[0], 0.6, key, device_ids, t[1]); }, 0);
      check_twin(
          {x, y}, [&](const Tensors& t) { ops::dropout(t[0], 1, key, nullptr, t[1]); }, 0);
      check_twin(
          {x, y, x}, [&](const Tensors& t) { ops::relu_dropout_backward(t[0], 0.6, t[1], t[2], true); }, 1);
    }
}

TEST_CASE("normalisations by row") {
  GALENA_NEEDS_DEVICE();
  for (const DType type : kTypes)
    for (const std::int64_t d : {1, 5, 70}) {
      Tensor x = random_tensor(23, d, type, 1, 4, 6);
      x.slice(3, 4).fill(0);
      const Tensor y = random_tensor(23, d, type, 2), dy = random_tensor(23, d, type, 3),
                   one = random_tensor(23, 1, type, 4), gamma = random_tensor(1, d, type, 5),
                   beta = random_tensor(1, d, type, 6);
      check_twin(
          {x, y, one}, [](const Tensors& t) { ops::l2_norm(t[0], t[1], t[2]); }, 4);
      const auto there_and_back = [](const Tensors& t) {
        ops::l2_norm(t[0], t[1], t[2]);
        ops::l2_norm_backward(t[1], t[2], t[3], t[4], true);
      };
      check_twin({x, y, one, dy, y}, there_and_back, 16);
      const auto layer = [](const Tensors& t) {
        ops::layer_norm(t[0], t[1], t[2], 1e-5, t[3], t[4], t[5]);
        ops::layer_norm_backward(t[0], t[1], t[4], t[5], t[6], t[7], t[8], t[9], true);
      };
      check_twin({x, gamma, beta, y, one, one, dy, y, gamma, beta}, layer, 400);
    }
}

TEST_CASE("normalisation by column, in training and after it") {
  GALENA_NEEDS_DEVICE();
  for (const DType type : kTypes)
    for (const std::int64_t d : {1, 8, 13, 300})
      for (const bool training : {false, true}) {
        CAPTURE(name_of(type), d, training);
        const std::int64_t n = 203;
        // x, running mean and variance, gamma, beta, dy; y, dx, and sums of dy and dy * xhat
        const Tensors t{
            random_tensor(n, d, type, 1, 4, 6), random_tensor(1, d, type, 2, 4, 6), random_tensor(1, d, type, 3, 1, 2),
            random_tensor(1, d, type, 4),       random_tensor(1, d, type, 5),       random_tensor(n, d, type, 6),
            random_tensor(n, d, type, 7),       random_tensor(n, d, type, 8),       Tensor::zeros(1, 2 * d, type)};
        const auto on_cpu = [&](const Tensors& u) {
          std::vector<double> mean, rstd, sums(static_cast<std::size_t>(2 * d));
          for (std::int64_t c = 0; c < d; ++c) {
            double m = u[1].item(0, c), v = u[2].item(0, c);
            if (training) {
              m = v = 0;
              for (std::int64_t i = 0; i < n; ++i) m += u[0].item(i, c) / n;
              for (std::int64_t i = 0; i < n; ++i) v += (u[0].item(i, c) - m) * (u[0].item(i, c) - m) / n;
            }
            mean.push_back(m);
            rstd.push_back(1 / std::sqrt(v + 1e-5));
          }
          ops::batch_norm_apply(u[0], mean, rstd, u[3], u[4], u[6]);
          ops::batch_norm_backward_sums(u[0], mean, rstd, u[5], sums);
          u[8].copy_from(Tensor::from<double>(1, 2 * d, sums).to(type));
          if (!training) std::fill(sums.begin(), sums.end(), 0.0);
          ops::batch_norm_backward_apply(u[0], mean, rstd, u[3], u[5], sums, n, u[7], true);
        };
        const auto on_device = [&](const Tensors& u) {
          const ops::DeviceOps& device = ops::device_ops();
          const Tensor stats = Tensor::empty(3, d, DType::f64), moments = Tensor::empty(1, 2 * d + 1, DType::f64);
          const Tensor mean = u[1].clone(), var = u[2].clone(), sums = Tensor::empty(1, 2 * d, DType::f64);
          if (training) {
            device.batch_moments(u[0], mean, moments.reshape(2 * d + 1, 1).slice(0, 2 * d).reshape(1, 2 * d));
            moments.reshape(2 * d + 1, 1).slice(2 * d, 2 * d + 1).fill(static_cast<double>(n));
            device.batch_statistics(moments, 0.1, 1e-5, mean, var, stats);
          } else {
            device.running_statistics(mean, var, 1e-5, stats);
          }
          device.batch_norm_apply(u[0], stats, u[3], u[4], u[6]);
          device.batch_norm_backward_sums(u[0], stats, u[5], sums, {}, {});
          device.batch_norm_backward(u[0], stats, u[3], u[5], training ? &sums : nullptr, u[7], true);
          u[8].copy_from(sums.to(type));
        };
        check_same(t, on_cpu, on_device, type == DType::f32 ? 8 : 2000);
      }
}

TEST_CASE("losses and their gradients") {
  GALENA_NEEDS_DEVICE();
  const std::vector<VertexId> rows{0, 5, 6, 30};
  const Tensor device_rows = ops::to_device(reinterpret_cast<const std::int32_t*>(rows.data()), rows.size());
  const std::span<const VertexId> there(ops::device_data<VertexId>(device_rows), rows.size());
  for (const DType type : kTypes)
    for (const std::int64_t classes : {2, 7, 50}) {
      std::vector<std::int32_t> labels(31);
      for (std::size_t k = 0; k < labels.size(); ++k)
        labels[k] = static_cast<std::int32_t>(k) % static_cast<std::int32_t>(classes);
      std::vector<std::uint8_t> targets(31 * static_cast<std::size_t>(classes));
      for (std::size_t k = 0; k < targets.size(); ++k) targets[k] = k % 3 == 0;
      const Tensor device_labels = ops::to_device(labels.data(), labels.size());
      const Tensor device_targets = ops::to_device(targets.data(), targets.size());
      const Tensors t{random_tensor(31, classes, type, 1, -30, 30), random_tensor(31, classes, type, 2),
                      Tensor::zeros(1, 1, DType::f64)};
      check_same(
          t, [&](const Tensors& u) { u[2].copy_from(ops::softmax_cross_entropy_loss(u[0], labels, rows, 0.25, u[1])); },
          [&](const Tensors& u) {
            const std::span<const std::int32_t> l(ops::device_data<std::int32_t>(device_labels), labels.size());
            u[2].copy_from(ops::softmax_cross_entropy_loss(u[0], l, there, 0.25, u[1]));
          },
          type == DType::f32 ? 8 : 32, type);  // f32: exponentials are floats, and CUDA's are not the CPU's to the bit
      check_same(
          t, [&](const Tensors& u) { u[2].copy_from(ops::binary_cross_entropy_loss(u[0], targets, rows, 0.25, u[1])); },
          [&](const Tensors& u) {
            const std::span<const std::uint8_t> l(ops::device_data<std::uint8_t>(device_targets), targets.size());
            u[2].copy_from(ops::binary_cross_entropy_loss(u[0], l, there, 0.25, u[1]));
          },
          32);
    }
}

TEST_CASE("the largest of each row, the first of equals") {
  GALENA_NEEDS_DEVICE();
  for (const DType dtype : {DType::f32, DType::f64})
    for (const std::int64_t cols : {1, 2, 7, 47}) {
      Tensor x = Tensor::empty(333, cols, dtype);
      base::RandomStream random(cols, 1);
      std::vector<std::int64_t> want;
      for (std::int64_t i = 0; i < x.rows(); ++i) {
        std::vector<double> row;
        for (std::int64_t c = 0; c < cols; ++c) row.push_back(static_cast<double>(random.below(9)) - 4);
        ops::with_float("test", dtype, [&]<class T>(T) {
          for (std::int64_t c = 0; c < cols; ++c) x.at<T>(i, c) = static_cast<T>(row[static_cast<std::size_t>(c)]);
        });
        want.push_back(std::ranges::max_element(row) - row.begin());
      }
      const Tensor here = ops::argmax_rows(x), there = ops::argmax_rows(x.to(Device::cuda)).to(Device::cpu);
      for (std::int64_t i = 0; i < x.rows(); ++i) {
        CHECK(here.item(i, 0) == static_cast<double>(want[static_cast<std::size_t>(i)]));
        CHECK(there.item(i, 0) == here.item(i, 0));
      }
    }
}

TEST_CASE("steps of optimizers") {
  GALENA_NEEDS_DEVICE();
  for (const DType type : kTypes) {
    const Tensors t{random_tensor(100, 1, type, 1), random_tensor(100, 1, type, 2), random_tensor(100, 1, type, 3),
                    random_tensor(100, 1, type, 4, 0, 1)};
    for (const bool decoupled : {false, true}) {
      const ops::AdamStep step{0.01, 0.9, 0.999, 1e-8, 5e-4, decoupled, 3};
      check_twin(
          t, [&](const Tensors& u) { ops::adam_step(step, u[0], u[1], u[2], u[3]); }, 4);
    }
    for (const double momentum : {0.0, 0.9}) {
      const ops::SgdStep step{0.1, momentum, 1e-3, momentum > 0};
      check_twin(
          t, [&](const Tensors& u) { ops::sgd_step(step, u[0], u[1], u[2]); }, 4);
    }
  }
}

TEST_CASE("what ranks have is added in their order, in double") {
  GALENA_NEEDS_DEVICE();
  for (const DType type : kTypes)
    for (const int rank : {0, 1, 3}) {
      const Tensor all = random_tensor(4, 300, type, 5, -1e6, 1e6);
      const OnDevice there(Device::cuda);
      const Tensor others = Tensor::empty(3, 300, type),
                   own = all.slice(rank, rank + 1).to(Device::cuda).reshape(300, 1);
      for (int r = 0; r < 4; ++r)
        if (r != rank) others.slice(r - (r > rank), r - (r > rank) + 1).copy_from(all.slice(r, r + 1));
      ops::device_ops().add_ranks(others, rank, own);
      const Tensor got = own.to(Device::cpu);
      for (std::int64_t c = 0; c < 300; ++c) {
        double sum = all.item(0, c);
        for (std::int64_t r = 1; r < 4; ++r) sum += all.item(r, c);
        CHECK(got.item(c, 0) == (type == DType::f32 ? static_cast<float>(sum) : sum));
      }
    }
}

TEST_CASE("attention and its gradients: heads of all widths, long rows, loops, sampled columns and dropout") {
  GALENA_NEEDS_DEVICE();
  struct Heads {
    int heads;
    std::int64_t width;
  };
  // Packs or not, several a lane, several ranges of heads, and heads that are too wide for a warp.
  const auto [heads, width] = GENERATE(values<Heads>(
      {{3, 5}, {1, 1}, {8, 8}, {1, 7}, {2, 41}, {4, 64}, {40, 4}, {1, 256}, {3, 132}, {2, 260}, {1, 97}, {1, 520}}));
  const std::int64_t n = 90, m = 150, d = heads * width;
  ops::CsrArrays csr;
  csr.rows = 100;
  csr.cols = 160;
  base::RandomStream random_bits(7, 2);
  for (std::int64_t i = 0; i < csr.rows; ++i) {  // row 3 is long, and so is column 5
    for (std::int64_t j = 0; j < csr.cols; ++j)
      if (i % 5 != 0 && (i == 3 || j == 5 || random_bits.below(1000) < (i % 7 == 0 ? 200 : 20)))
        csr.indices.push_back(static_cast<VertexId>(j));
    csr.indptr.push_back(csr.indices.size());
  }
  const OnBoth graph(std::move(csr));
  OnBoth transposed(ops::transpose(graph.csr.view()));
  std::vector<VertexId> ids(160);
  for (std::size_t k = 0; k < ids.size(); ++k) ids[k] = static_cast<VertexId>(5 * k + 2);
  const Tensor there = ops::to_device(reinterpret_cast<const std::int32_t*>(ids.data()), ids.size());
  for (const DType type : kTypes)
    for (const auto kind : {ops::AttentionKind::gat, ops::AttentionKind::gat_v2})
      for (const bool more : {false, true}) {
        CAPTURE(name_of(type), more, heads, width);
        const bool v2 = kind == ops::AttentionKind::gat_v2;
        const std::int64_t terms = v2 ? d : heads;
        const auto run = [&](const Tensors& t, const VertexId* names) {
          ops::AttentionBlock block;
          block.csr = graph.view();
          block.source = t[0];
          block.value = v2 ? t[0] : t[1];
          block.self_loops = more;
          if (more) {
            block.log_weight = t[2];
            block.dropout = 0.3;
            block.dropout_key = {99, 3, 17};
            block.row_ids = block.column_ids = names;
          }
          const ops::AttentionState state = ops::attention_begin(n, heads, width, type);
          ops::attention_accumulate(kind, block, t[3], t[4], 0.2, state);
          ops::attention_finish(state);
          t[5].copy_from(state.y);
          ops::attention_backward(kind, block, transposed.view(), t[3], t[4], 0.2, state, t[6], t[7], t[8], t[9],
                                  t[10]);
        };
        const auto random = [&](std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
          return random_tensor(rows, cols, type, seed);
        };
        const Tensors t{random(m, terms, 1), random(m, d, 2),      random(m, 1, 3), random(n, terms, 4),
                        random(1, d, 5),     random(n, d, 6),      random(n, d, 7), random(n, terms, 8),
                        random(1, d, 9),     random(m, terms, 10), random(m, d, 11)};
        check_same(
            t, [&](const Tensors& u) { run(u, ids.data()); },
            [&](const Tensors& u) { run(u, ops::device_data<VertexId>(there)); }, 400);
      }
}

TEST_CASE("attention of so many heads that a block's shared memory is large") {
  GALENA_NEEDS_DEVICE();
  constexpr int kHeads = 1000;
  const OnBoth graph(skewed(6, 30));
  const auto random = [](std::int64_t rows, std::uint64_t seed) {
    return random_tensor(rows, kHeads, DType::f64, seed);
  };
  check_twin(
      {random(30, 1), random(30, 2), random(6, 3), random(1, 4), random(6, 5)},
      [&](const Tensors& t) {
        ops::AttentionBlock block;
        block.csr = graph.view();
        block.source = t[0];
        block.value = t[1];
        const ops::AttentionState state = ops::attention_begin(6, kHeads, 1, DType::f64);
        ops::attention_accumulate(ops::AttentionKind::gat, block, t[2], t[3], 0.2, state);
        ops::attention_finish(state);
        t[4].copy_from(state.y);
      },
      400);
  CHECK_NOTHROW(ops::gpu::check_shared(100 << 10, 100 << 10));
  CHECK_THROWS_AS(ops::gpu::check_shared((100 << 10) + 1, 100 << 10), EnvironmentError);
  CHECK_THROWS_WITH(ops::gpu::check_shared((100 << 10) + 1, 100 << 10),
                    test::contains("needs 101 KiB of shared memory a block, and this GPU has 100"));
}
