// Sums, maxima, products and attention where one row has 20,000 nonzeros and all others none to five, or one column has: what
// is cut in many chunks, joined, and beside it rows that share a warp.

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "src/base/random.hpp"
#include "src/ops/attention.hpp"
#include "src/ops/spmm.hpp"
#include "test/ops/device_support.hpp"

using namespace galena;
using galena::test::check_same;
using galena::test::check_twin;
using galena::test::kTypes;
using galena::test::OnBoth;
using galena::test::random_tensor;
using galena::test::Tensors;

namespace {

constexpr std::int64_t kRows = 40, kHub = 7, kCols = 20000;

/// Row kHub has all columns; row 11 300 of them, which is split or not by where columns end.
ops::CsrArrays hub() {
  ops::CsrArrays csr;
  csr.rows = kRows;
  csr.cols = kCols;
  base::RandomStream random(3, 1);
  for (std::int64_t i = 0; i < csr.rows; ++i) {
    std::set<VertexId> row;
    const std::int64_t wanted = i == kHub ? kCols : i == 11 ? 300 : i % 6;
    while (static_cast<std::int64_t>(row.size()) < wanted)
      row.insert(static_cast<VertexId>(i == kHub ? row.size() : random.below(static_cast<std::uint64_t>(kCols))));
    csr.indices.insert(csr.indices.end(), row.begin(), row.end());
    csr.indptr.push_back(csr.indices.size());
  }
  return csr;
}

struct Heads {
  int heads;
  std::int64_t width;
};

}  // namespace

TEST_CASE("hub: sums over neighbours") {
  GALENA_NEEDS_DEVICE();
  const OnBoth graph(hub());
  for (const DType type : kTypes)
    for (const std::int64_t d : {1, 20, 132}) {
      if (type == DType::f64 && d > 100) continue;
      CAPTURE(d);
      for (const std::int64_t m : {kCols, std::int64_t{5000}})
        check_twin(
            {random_tensor(m, d, type, 1), random_tensor(kRows, d, type, 2), random_tensor(kRows, 1, type, 3),
             random_tensor(m, 1, type, 4)},
            [&](const Tensors& t) {
              ops::spmm(graph.view(), {&t[2], &t[3]}, t[0], t[1], true);
            },
            400);
    }
  const Tensor x = random_tensor(kCols, 24, DType::f32, 1).to(DType::bf16), y = random_tensor(kRows, 24, DType::f32, 2);
  check_same(
      {x.to(DType::f32), y}, [&](const Tensors& t) { ops::spmm(graph.view(), {}, t[0], t[1]); },
      [&](const Tensors& t) { ops::device_ops().spmm(graph.view(), {}, t[0].to(DType::bf16), t[1], false); }, 400);
}

TEST_CASE("hub: maxima and their gradients") {
  GALENA_NEEDS_DEVICE();
  const ops::CsrArrays arrays = hub();
  const OnBoth row(arrays), column(ops::transpose(arrays.view()));
  for (const DType type : kTypes)
    for (const std::int64_t d : {1, 4, 9, 130}) {
      if (type == DType::f64 && d > 100) continue;
      CAPTURE(d);
      const auto maxima = [](const OnBoth& graph, const OnBoth& back) {
        return [&](const Tensors& t) {
          const Tensor arg = Tensor::empty(t[1].rows(), t[1].cols(), DType::i32);
          ops::spmm_max(graph.view(), t[0], t[1], arg);
          ops::spmm_max_backward(back.view(), arg, t[2], t[3]);
          t[4].copy_from(arg.to(Device::cpu).to(t[4].dtype()));
        };
      };
      for (const std::int64_t m : {kCols, std::int64_t{3000}}) {
        Tensor x = random_tensor(m, d, type, 1);
        for (std::int64_t j = 100; j + 9 < m; j += 700) x.slice(j, j + 9).fill(2);  // equals, in several chunks
        const auto of = [&](std::int64_t n, std::uint32_t seed) { return random_tensor(n, d, type, seed); };
        check_twin({x, of(kRows, 2), of(kRows, 3), of(m, 4), of(kRows, 5)}, maxima(row, column), 32);
        check_twin({of(kRows, 6), of(m, 7), of(m, 8), of(kRows, 9), of(m, 10)}, maxima(column, row), 400);
      }
    }
}

TEST_CASE("hub: a row's maximum is NaN where its first neighbour's is, and no later one's") {
  GALENA_NEEDS_DEVICE();
  const OnBoth graph(hub());
  for (const std::int64_t first : {0, 1, 256, 512, 19999}) {
    Tensor x = random_tensor(kCols, 5, DType::f32, 1);
    for (std::int64_t j = first; j < kCols; j += 128) x.slice(j, j + 1).fill(std::nan(""));
    const Tensor want = Tensor::empty(kRows, 5), want_arg = Tensor::empty(kRows, 5, DType::i32);
    ops::spmm_max(graph.view(), x, want, want_arg);
    const OnDevice scope(Device::cuda);
    const Tensor y = Tensor::empty(kRows, 5), arg = Tensor::empty(kRows, 5, DType::i32);
    ops::spmm_max(graph.view(), x.to(Device::cuda), y, arg);
    const Tensor got = y.to(Device::cpu), got_arg = arg.to(Device::cpu);
    for (std::int64_t i = 0; i < kRows; ++i)
      for (std::int64_t c = 0; c < 5; ++c) {
        CAPTURE(first, i, c);
        CHECK(got_arg.item(i, c) == want_arg.item(i, c));
        CHECK((got.item(i, c) == want.item(i, c) || (std::isnan(got.item(i, c)) && std::isnan(want.item(i, c)))));
      }
    CHECK(std::isnan(got.item(kHub, 0)) == (first == 0));
  }
}

TEST_CASE("hub: products of sampled rows, heads of all widths") {
  GALENA_NEEDS_DEVICE();
  const OnBoth graph(hub());
  const auto nonzeros = static_cast<std::int64_t>(graph.view().nonzeros());
  for (const DType type : kTypes)
    for (const auto& [heads, width] : {Heads{1, 1}, {1, 64}, {3, 4}, {8, 8}, {5, 7}, {40, 2}, {2, 150}}) {
      if (type == DType::f64 && heads * width > 100) continue;
      CAPTURE(heads, width);
      const int h = heads;
      check_twin(
          {random_tensor(kRows, heads * width, type, 1), random_tensor(kCols, heads * width, type, 2),
           random_tensor(nonzeros, heads, type, 3)},
          [&](const Tensors& t) { ops::sddmm(graph.view(), t[0], t[1], h, t[2]); }, 40);
    }
}

TEST_CASE("hub: attention and its gradients, the hub a target or a source") {
  GALENA_NEEDS_DEVICE();
  const auto [heads, width] = GENERATE(values<Heads>({{1, 7}, {8, 8}, {2, 132}}));
  const ops::CsrArrays arrays = hub();
  const OnBoth row(arrays), column(ops::transpose(arrays.view()));
  std::vector<VertexId> ids(kCols);
  for (std::size_t k = 0; k < ids.size(); ++k) ids[k] = static_cast<VertexId>(5 * k + 2);
  const Tensor there = ops::to_device(reinterpret_cast<const std::int32_t*>(ids.data()), ids.size());
  for (const bool of_row : {true, false})
    for (const auto kind : {ops::AttentionKind::gat, ops::AttentionKind::gat_v2}) {
      const bool v2 = kind == ops::AttentionKind::gat_v2, more = width != 8;
      if (width > 100 && v2 != of_row) continue;
      CAPTURE(heads, width, of_row, v2);
      const OnBoth &graph = of_row ? row : column, &back = of_row ? column : row;
      const std::int64_t all = 3000, n = of_row ? kRows : all, m = of_row ? all : kRows, d = heads * width;
      const std::int64_t terms = v2 ? d : heads;
      const auto run = [&](const Tensors& t, const VertexId* names) {
        ops::AttentionBlock block;
        block.csr = graph.view();
        block.source = t[0];
        block.value = v2 ? t[0] : t[1];
        block.self_loops = more && n <= m;
        if (more) {
          block.log_weight = t[10];
          block.dropout = 0.3;
          block.dropout_key = {99, 3, 17};
          block.row_ids = block.column_ids = names;
        }
        const ops::AttentionState state = ops::attention_begin(n, heads, width, DType::f32);
        for (int times = 0; times < 2; ++times)  // the second goes on from the first
          ops::attention_accumulate(kind, block, t[2], t[3], 0.2, state);
        ops::attention_finish(state);
        t[4].copy_from(state.y);
        ops::attention_backward(kind, block, back.view(), t[2], t[3], 0.2, state, t[5], t[6], t[7], t[8], t[9]);
      };
      const auto random = [&](std::int64_t rows, std::int64_t cols, std::uint32_t seed) {
        return random_tensor(rows, cols, DType::f32, seed);
      };
      const Tensors t{random(m, terms, 1), random(m, d, 2),  random(n, terms, 3), random(1, d, 4),
                      random(n, d, 5),     random(n, d, 6),  random(n, terms, 7), random(1, d, 8),
                      random(m, terms, 9), random(m, d, 10), random(m, 1, 11)};
      check_same(
          t, [&](const Tensors& u) { run(u, ids.data()); },
          [&](const Tensors& u) { run(u, ops::device_data<VertexId>(there)); }, 400);
    }
}
