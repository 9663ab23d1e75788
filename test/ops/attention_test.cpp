#include "src/ops/attention.hpp"

#include <cmath>

#include "galena/error.hpp"
#include "test/ops/reference.hpp"

using namespace galena;
using galena::test::random_csr;
using galena::test::random_tensor;
using ops::AttentionKind;

namespace {

struct Case {
  AttentionKind kind = AttentionKind::gat;
  int heads = 1;
  std::int64_t width = 1;
  bool self_loops = false, log_weight = false;
  double dropout = 0;
};
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const AttentionKind kind : {AttentionKind::gat, AttentionKind::gat_v2}) {
    for (const auto& [heads, width] : {std::pair{1, 1}, {1, 7}, {2, 16}, {3, 5}, {8, 8}, {1, 40}, {4, 33}, {17, 2}}) {
      for (const bool self : {false, true}) {
        cases.push_back({kind, heads, width, self, false, 0});
        cases.push_back({kind, heads, width, self, true, 0.4});
      }
    }
  }
  return cases;
}

std::string text(const Case& c) {
  return std::string(c.kind == AttentionKind::gat ? "GAT" : "GATv2") + ", " + std::to_string(c.heads) + " heads of " +
         std::to_string(c.width) + (c.self_loops ? ", self-loops" : "") + (c.log_weight ? ", weights, dropout" : "");
}

/// Inputs of an attention over the columns of one matrix.
struct Problem {
  Case c;
  ops::CsrArrays csr, csr_t;
  std::int64_t n = 0, m = 0;
  Tensor target, source, value, log_weight, a;
  std::vector<VertexId> row_ids, column_ids;
  double slope = 0.2;

  template <class T>
  static Problem make(const Case& c, ops::CsrArrays csr, std::int64_t n, std::int64_t m, double scale = 1) {
    Problem p{c, std::move(csr), {}, n, m, {}, {}, {}, {}, {}, {}, {}};
    p.csr_t = ops::transpose(p.csr.view());
    const std::int64_t d = c.heads * c.width, terms = c.kind == AttentionKind::gat ? c.heads : d;
    p.target = random_tensor<T>(n, terms, 1, -scale, scale);
    p.source = random_tensor<T>(m, terms, 2, -scale, scale);
    for (T& x : p.source.span<T>()) x = std::round(x * 64) / 64;
    for (T& x : p.target.span<T>()) x = std::round(x * 64) / 64 + T{1} / 256;  // sums stay off the bend at 0
    p.value = c.kind == AttentionKind::gat ? random_tensor<T>(m, d, 3) : p.source;
    p.a = random_tensor<T>(1, d, 4);
    if (c.log_weight) p.log_weight = random_tensor<T>(m, 1, 5, 0, 2);
    for (std::int64_t i = 0; i < p.csr.rows; ++i) p.row_ids.push_back(static_cast<VertexId>(1000 + 3 * i));
    for (std::int64_t j = 0; j < p.csr.cols; ++j) p.column_ids.push_back(static_cast<VertexId>(1000 + 3 * j));
    return p;
  }
  [[nodiscard]] ops::AttentionBlock block() const {
    return {csr.view(), source,     value,          log_weight,       c.self_loops,
            c.dropout,  {77, 0, 0}, row_ids.data(), column_ids.data()};
  }
  [[nodiscard]] ops::AttentionState run() const {
    ops::AttentionState state = ops::attention_begin(n, c.heads, c.width, target.dtype());
    ops::attention_accumulate(c.kind, block(), target, a, slope, state);
    ops::attention_finish(state);
    return state;
  }
  [[nodiscard]] std::vector<std::int64_t> neighbours(std::int64_t i) const {
    std::vector<std::int64_t> all;
    for (EdgeOffset k = csr.indptr[static_cast<std::size_t>(i)]; k < csr.indptr[static_cast<std::size_t>(i) + 1]; ++k) {
      if (csr.indices[k] < m) all.push_back(csr.indices[k]);
    }
    if (c.self_loops) all.push_back(i);
    return all;
  }
  /// score(i, j, h), by the header's formulas.
  [[nodiscard]] long double score(std::int64_t i, std::int64_t j, int h) const {
    const auto leaky = [&](double x) { return static_cast<long double>(x > 0 ? x : slope * x); };
    const long double extra = log_weight.defined() ? static_cast<long double>(log_weight.item(j)) : 0;
    if (c.kind == AttentionKind::gat) return leaky(target.item(i, h) + source.item(j, h)) + extra;
    long double sum = extra;
    for (std::int64_t x = h * c.width; x < (h + 1) * c.width; ++x) {
      sum += static_cast<long double>(a.item(0, x)) * leaky(target.item(i, x) + source.item(j, x));
    }
    return sum;
  }
};

/// The factor of dropout that the kernel uses, found by asking it: one neighbour at a time with value 1.
double keep_factor(const Problem& p, std::int64_t i, std::int64_t j, int h) {
  if (p.c.dropout == 0) return 1;
  ops::CsrArrays csr;
  csr.rows = csr.cols = 1;
  csr.indptr = {0, 1};
  csr.indices = {0};
  Problem one = Problem::make<double>({AttentionKind::gat, p.c.heads, 1, false, false, p.c.dropout}, csr, 1, 1);
  one.value.fill(1);
  one.row_ids = {p.row_ids[static_cast<std::size_t>(i)]};
  one.column_ids = {p.column_ids[static_cast<std::size_t>(j)]};
  return one.run().y.item(0, h);
}

/// Softmax of all scores at once, in long double.
template <class T>
void check_forward(const Problem& p, double tolerance) {
  const ops::AttentionState state = p.run();
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < p.n; ++i) {
    const std::vector<std::int64_t> all = p.neighbours(i);
    for (int h = 0; h < p.c.heads; ++h) {
      long double largest = -INFINITY, sum = 0;
      for (const std::int64_t j : all) largest = std::max(largest, p.score(i, j, h));
      for (const std::int64_t j : all) sum += std::exp(p.score(i, j, h) - largest);
      const double log_sum = state.sum.item(i, h);
      wrong += all.empty() ? log_sum != -INFINITY
                           : !(std::abs(log_sum - static_cast<double>(largest + std::log(sum))) <= tolerance);
      std::vector<long double> weights;
      for (const std::int64_t j : all) {
        weights.push_back(std::exp(p.score(i, j, h) - largest) / sum *
                          static_cast<long double>(keep_factor(p, i, j, h)));
      }
      for (std::int64_t c = h * p.c.width; c < (h + 1) * p.c.width; ++c) {
        long double want = 0;
        for (std::size_t k = 0; k < all.size(); ++k)
          want += weights[k] * static_cast<long double>(p.value.item(all[k], c));
        wrong += !(std::abs(state.y.item(i, c) - static_cast<double>(want)) <= tolerance);
      }
    }
  }
  INFO(text(p.c));
  CHECK(wrong == 0);
}

struct Gradients {
  Tensor target, a, source, value;
};

Gradients gradients(const Problem& p, const ops::AttentionState& state, const Tensor& dy) {
  const auto like = [](const Tensor& x) { return Tensor::zeros(x.rows(), x.cols(), x.dtype()); };
  Gradients g{like(p.target), like(p.a), like(p.source), like(p.value)};
  g.source.fill(5);  // written, whatever was there
  g.value.fill(5);
  ops::attention_backward(p.c.kind, p.block(), p.csr_t.view(), p.target, p.a, p.slope, state, dy, g.target, g.a,
                          g.source, g.value);
  return g;
}

/// Columns begin .. end - 1 of a problem as one of its own.
Problem part(const Problem& p, std::int64_t begin, std::int64_t end) {
  Problem q = p;
  q.csr = {};
  q.csr.rows = p.csr.rows;
  q.csr.cols = end - begin;
  for (std::int64_t i = 0; i < p.csr.rows; ++i) {
    for (EdgeOffset k = p.csr.indptr[static_cast<std::size_t>(i)]; k < p.csr.indptr[static_cast<std::size_t>(i) + 1];
         ++k) {
      const std::int64_t j = p.csr.indices[k];
      if (j >= begin && j < end) q.csr.indices.push_back(static_cast<VertexId>(j - begin));
    }
    q.csr.indptr.push_back(q.csr.indices.size());
  }
  q.csr_t = ops::transpose(q.csr.view());
  q.m = end - begin;
  q.source = p.source.slice(begin, end);
  q.value = p.c.kind == AttentionKind::gat ? p.value.slice(begin, end) : q.source;
  if (p.log_weight.defined()) q.log_weight = p.log_weight.slice(begin, end);
  q.column_ids.assign(p.column_ids.begin() + begin, p.column_ids.begin() + end);
  q.c.self_loops = p.c.self_loops && begin == 0;
  return q;
}

}  // namespace

TEMPLATE_TEST_CASE("attention equals the softmax of all scores", "[attention]", float, double) {
  const double tolerance = std::is_same_v<TestType, float> ? 2e-6 : 1e-14;
  test::on_each_level([&] {
    for (const Case& c : all_cases()) {
      check_forward<TestType>(Problem::make<TestType>(c, random_csr(20, 20, 5, 1, true), 20, 20), tolerance);
      check_forward<TestType>(Problem::make<TestType>(c, random_csr(20, 20, 5, 1, true), 9, 13), tolerance);
    }
  });
}

TEMPLATE_TEST_CASE("attention over more neighbours than a tile", "[attention]", float, double) {
  const double tolerance = std::is_same_v<TestType, float> ? 1e-5 : 1e-13;
  test::on_each_level([&] {
    check_forward<TestType>(
        Problem::make<TestType>({AttentionKind::gat, 2, 3}, random_csr(3, 3000, 5, 1, true), 3, 3000), tolerance);
    check_forward<TestType>(
        Problem::make<TestType>({AttentionKind::gat_v2, 2, 3, true}, random_csr(3, 3000, 5, 1, true), 3, 3000),
        tolerance);
  });
}

TEMPLATE_TEST_CASE("attention with large scores stays finite", "[attention]", float, double) {
  test::on_each_level([&] {
    const Problem p =
        Problem::make<TestType>({AttentionKind::gat, 2, 4, true}, random_csr(20, 20, 5, 1, true), 20, 20, 1e4);
    const ops::AttentionState state = p.run();
    const Gradients g = gradients(p, state, random_tensor<TestType>(20, 8, 9));
    for (const Tensor& x : {state.y, state.sum, g.target, g.source, g.value}) {
      for (const TestType e : x.template span<TestType>()) CHECK(std::isfinite(e));
    }
  });
}

TEST_CASE("rows without neighbours", "[attention]") {
  ops::CsrArrays csr;
  csr.rows = csr.cols = 2;
  csr.indptr = {0, 0, 1};
  csr.indices = {0};
  for (const AttentionKind kind : {AttentionKind::gat, AttentionKind::gat_v2}) {
    const Problem p = Problem::make<double>({kind, 2, 3}, csr, 2, 2);
    const ops::AttentionState state = p.run();
    for (std::int64_t c = 0; c < 6; ++c) {
      CHECK(state.y.item(0, c) == 0);
      CHECK(state.y.item(1, c) == p.value.item(0, c));
    }
    CHECK(state.sum.item(0, 1) == -INFINITY);
    const Gradients g = gradients(p, state, random_tensor<double>(2, 6, 9));
    for (const double x : g.target.span<double>()) CHECK(std::abs(x) < 1e-15);
    for (std::int64_t c = 0; c < g.value.cols(); ++c) CHECK(g.value.item(1, c) == (kind == AttentionKind::gat ? 0 : 5));
    for (std::int64_t c = 0; c < g.source.cols(); ++c) CHECK(g.source.item(1, c) == 0);
  }
}

TEST_CASE("attention's gradients equal differences", "[attention]") {
  test::on_each_level([] {
    for (const Case& c : all_cases()) {
      if (c.heads * c.width > 64) continue;
      const Problem p = Problem::make<double>(c, random_csr(12, 14, 4, 2, true), 9, 11);
      const Tensor dy = random_tensor<double>(9, c.heads * c.width, 9);
      const Gradients g = gradients(p, p.run(), dy);
      const auto loss = [&] { return test::dot(dy, p.run().y); };
      INFO(text(c));
      test::check_gradient(p.target, g.target, loss);
      test::check_gradient(p.source, g.source, loss);
      if (c.kind == AttentionKind::gat) test::check_gradient(p.value, g.value, loss);
      if (c.kind == AttentionKind::gat_v2) test::check_gradient(p.a, g.a, loss);
    }
  });
}

TEST_CASE("blocks merge to the whole, in value and gradient", "[attention]") {
  for (const Case& c : all_cases()) {
    const Problem p = Problem::make<double>(c, random_csr(30, 40, 8, 3, true), 25, 38);
    const Problem local = part(p, 0, 27), halo = part(p, 27, 38);
    const ops::AttentionState whole = p.run();
    const ops::AttentionState state = ops::attention_begin(25, c.heads, c.width, DType::f64);
    ops::attention_accumulate(c.kind, local.block(), p.target, p.a, p.slope, state);
    ops::attention_accumulate(c.kind, halo.block(), p.target, p.a, p.slope, state);
    ops::attention_finish(state);
    const Tensor dy = random_tensor<double>(25, c.heads * c.width, 9);
    const Gradients want = gradients(p, whole, dy), one = gradients(local, state, dy),
                    other = gradients(halo, state, dy);
    double worst = 0;
    const auto compare = [&](double x, double y) { worst = std::max(worst, std::abs(x - y)); };
    for (std::int64_t i = 0; i < 25; ++i) {
      for (std::int64_t x = 0; x < state.y.cols(); ++x) compare(state.y.item(i, x), whole.y.item(i, x));
      for (std::int64_t x = 0; x < p.target.cols(); ++x) {
        compare(one.target.item(i, x) + other.target.item(i, x), want.target.item(i, x));
      }
    }
    for (std::int64_t j = 0; j < 38; ++j) {
      const Gradients& g = j < 27 ? one : other;
      const std::int64_t row = j < 27 ? j : j - 27;
      for (std::int64_t x = 0; x < p.source.cols(); ++x) compare(g.source.item(row, x), want.source.item(j, x));
      if (c.kind == AttentionKind::gat_v2) continue;
      for (std::int64_t x = 0; x < p.value.cols(); ++x) compare(g.value.item(row, x), want.value.item(j, x));
    }
    INFO(text(c));
    CHECK(worst < 1e-12);
  }
}

TEST_CASE("attention dropout keeps its share, and differs between heads, ends and seeds", "[attention]") {
  const double p = 0.3;
  ops::CsrArrays csr = random_csr(400, 100, 1, 1);
  csr.indptr = {0};
  csr.indices.clear();
  for (VertexId i = 0; i < 400; ++i) {
    for (VertexId j = 0; j < 100; ++j) csr.indices.push_back(j);
    csr.indptr.push_back(csr.indices.size());
  }
  Problem problem = Problem::make<double>({AttentionKind::gat, 9, 1, false, false, p}, csr, 400, 100);
  problem.target.fill(0);
  problem.source.fill(0);
  problem.value.fill(100);
  const Tensor y = problem.run().y;  // a mean of 100 factors, times 100
  const double keep = 1 - std::lround(p * 65536) / 65536.0;
  double sum = 0;
  for (const double x : y.span<double>()) sum += x * keep / 100;  // kept of 100, by row and head
  const double cells = 400 * 9 * 100, sigma = std::sqrt(p * (1 - p) / cells);
  CHECK(std::abs(sum / (400 * 9) - keep) < 4 * sigma);
  double variance = 0;
  for (const double x : y.span<double>()) variance += std::pow(x * keep - 100 * keep, 2) / (400 * 9);
  CHECK(variance == Approx(100 * p * (1 - p)).epsilon(0.1));  // rows and heads are independent
  ops::AttentionBlock other = problem.block();
  other.dropout_key = {78, 0, 0};
  const ops::AttentionState state = ops::attention_begin(400, 9, 1, DType::f64);
  ops::attention_accumulate(AttentionKind::gat, other, problem.target, problem.a, 0.2, state);
  ops::attention_finish(state);
  CHECK_FALSE(test::same_bytes(state.y, y));
}

TEMPLATE_TEST_CASE("attention does not depend on threads", "[attention]", float, double) {
  test::on_each_level([] {
    for (const AttentionKind kind : {AttentionKind::gat, AttentionKind::gat_v2}) {
      const Problem p =
          Problem::make<TestType>({kind, 4, 16, true, true, 0.5}, random_csr(1500, 1500, 20, 4, true), 1400, 1500);
      const ops::AttentionState state = p.run();
      const Tensor dy = random_tensor<TestType>(1400, 64, 9);
      test::check_any_threads([&] { return p.run().y; });
      test::check_any_threads([&] { return gradients(p, state, dy).target; });
      test::check_any_threads([&] { return gradients(p, state, dy).source; });
      test::check_any_threads([&] { return gradients(p, state, dy).value; });
      test::check_any_threads([&] { return gradients(p, state, dy).a; });
    }
  });
}

TEST_CASE("attention refuses what does not fit", "[attention]") {
  const Problem p = Problem::make<float>({AttentionKind::gat, 2, 3}, random_csr(5, 5, 2, 1), 5, 5);
  const ops::AttentionState state = ops::attention_begin(5, 2, 3, DType::f32);
  const auto run = [&](const ops::AttentionBlock& block, const Tensor& target) {
    ops::attention_accumulate(AttentionKind::gat, block, target, p.a, 0.2, state);
  };
  CHECK_THROWS_AS(run(p.block(), Tensor::zeros(5, 3)), InputError);
  ops::AttentionBlock block = p.block();
  block.value = Tensor::zeros(5, 5);
  CHECK_THROWS_AS(run(block, p.target), InputError);
  block = p.block();
  block.dropout = 1;
  CHECK_THROWS_AS(run(block, p.target), InputError);
  block.dropout = 0.5;
  block.row_ids = nullptr;
  CHECK_THROWS_AS(run(block, p.target), InputError);
  block = p.block();
  block.csr.rows = 4;
  CHECK_THROWS_AS(run(block, p.target), InputError);
}
