#include "test/nn/support.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "src/base/random.hpp"
#include "src/nn/node.hpp"

namespace galena::test {
namespace {

ops::CsrArrays csr_of(int rows, int cols, const std::set<std::pair<int, int>>& entries) {
  ops::CsrArrays csr;
  csr.rows = rows;
  csr.cols = cols;
  csr.indptr.assign(static_cast<std::size_t>(rows) + 1, 0);
  for (const auto& [row, col] : entries) {
    ++csr.indptr[static_cast<std::size_t>(row) + 1];
    csr.indices.push_back(static_cast<VertexId>(col));
  }
  for (std::size_t i = 1; i < csr.indptr.size(); ++i) csr.indptr[i] += csr.indptr[i - 1];
  return csr;
}

}  // namespace

nn::GraphView with_halo(int n, int inner, const Edges& edges, bool directed) {
  std::set<std::pair<int, int>> all;  // (to, from)
  for (const auto& [from, to] : edges) {
    all.emplace(to, from);
    if (!directed) all.emplace(from, to);
  }
  std::set<std::pair<int, int>> local, local_t, outer, outer_t;
  std::vector<std::uint32_t> in(static_cast<std::size_t>(n)), out(static_cast<std::size_t>(n));
  for (const auto& [to, from] : all) {
    ++in[static_cast<std::size_t>(to)];
    ++out[static_cast<std::size_t>(from)];
    if (to >= inner) continue;
    if (from < inner) {
      local.emplace(to, from);
      local_t.emplace(from, to);
    } else {
      outer.emplace(to, from - inner);
      outer_t.emplace(from - inner, to);
    }
  }
  nn::GraphView view;
  view.inner = inner;
  view.halo = n - inner;
  view.global_vertices = n;
  view.local = csr_of(inner, inner, local);
  if (directed) view.local_t = csr_of(inner, inner, local_t);
  view.outer = csr_of(inner, n - inner, outer);
  view.outer_t = csr_of(n - inner, inner, outer_t);
  for (int v = 0; v < n; ++v) (v < inner ? view.ids : view.halo_ids).push_back(static_cast<VertexId>(100 + v));
  view.in_degree.assign(in.begin(), in.begin() + inner);
  view.out_degree.assign(out.begin(), out.begin() + inner);
  view.halo_out_degree.assign(out.begin() + inner, out.end());
  return view;
}

nn::GraphView one_rank(int n, const Edges& edges, bool directed) { return with_halo(n, n, edges, directed); }

Edges random_edges(int n, int count, std::uint64_t seed, bool directed) {
  base::RandomStream random(seed, 1);
  Edges edges;
  const auto pick = [&] { return static_cast<int>(random.below(static_cast<std::uint64_t>(n - 1))); };
  while (static_cast<int>(edges.size()) < count) {
    const int u = pick(), v = pick();
    if (u != v && (directed || u < v)) edges.emplace_back(u, v);
  }
  return edges;
}

nn::GraphView hypergraph_view(int n, const Members& hyperedges, const std::vector<float>& weights) {
  const int m = static_cast<int>(hyperedges.size());
  std::set<std::pair<int, int>> by_edge, by_vertex;
  nn::GraphView there;
  auto back = std::make_shared<nn::GraphView>();
  std::vector<std::uint32_t> degrees(static_cast<std::size_t>(n)), sizes(static_cast<std::size_t>(m));
  for (int e = 0; e < m; ++e)
    for (const int v : hyperedges[static_cast<std::size_t>(e)]) {
      by_edge.emplace(e, v);
      by_vertex.emplace(v, e);
      ++degrees[static_cast<std::size_t>(v)];
      ++sizes[static_cast<std::size_t>(e)];
    }
  const auto fill = [](nn::GraphView& view, int rows, int cols, const auto& entries, const auto& transposed) {
    view.inner = view.global_vertices = cols;
    view.local = csr_of(rows, cols, entries);
    view.local_t = csr_of(cols, rows, transposed);
    view.outer = csr_of(rows, 0, {});
    view.outer_t = csr_of(0, rows, {});
    for (int k = 0; k < cols; ++k) view.ids.push_back(static_cast<VertexId>(k));
  };
  fill(there, m, n, by_edge, by_vertex);
  fill(*back, n, m, by_vertex, by_edge);
  there.out_degree = back->in_degree = degrees;
  there.in_degree = back->out_degree = sizes;
  back->weights = weights;
  there.back = back;
  return there;
}

Members odd_hyperedges() {
  return {{0, 1, 2}, {}, {3}, {2, 4, 5, 6}, {2, 4, 5, 6}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {8, 9}, {1, 7}, {}};
}

Tensor random_tensor(std::int64_t rows, std::int64_t cols, std::uint64_t seed, DType dtype) {
  base::RandomStream random(seed, 2);
  Tensor result = Tensor::empty(rows, cols, DType::f64);
  for (double& value : result.span<double>()) value = 2 * random.uniform() - 1;
  return result.to(dtype);
}

SparseMatrix random_sparse(std::int64_t rows, std::int64_t cols, std::uint64_t seed, DType dtype) {
  base::RandomStream random(seed, 3);
  std::vector<EdgeOffset> indptr{0};
  std::vector<std::uint32_t> indices;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t c = 0; c < cols; ++c)
      if (random.below(3) == 0) indices.push_back(static_cast<std::uint32_t>(c));
    indptr.push_back(indices.size());
  }
  const Tensor values = random_tensor(static_cast<std::int64_t>(indices.size()), 1, seed + 1, dtype);
  return SparseMatrix::from_csr(rows, cols, std::move(indptr), std::move(indices), values);
}

nn::Var leaf(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  return nn::Var(random_tensor(rows, cols, seed), true);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.rows() == b.rows());
  REQUIRE(a.cols() == b.cols());
  double largest = 0;
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (std::int64_t c = 0; c < a.cols(); ++c) {
      const double difference = std::abs(a.item(i, c) - b.item(i, c));
      largest = std::isnan(difference) ? difference : std::max(largest, difference);
    }
  return largest;
}

nn::Var weighted_sum(const nn::Var& x, const Tensor& weights) {
  double sum = 0;
  for (std::int64_t k = 0; k < x.value().size(); ++k) sum += x.value().data<double>()[k] * weights.data<double>()[k];
  return nn::make_op("weighted_sum", Tensor::full(1, 1, sum, DType::f64), {x}, [x, weights](const Tensor& dy) {
    const nn::GradientSlot slot = x.grad_slot();
    for (std::int64_t k = 0; k < weights.size(); ++k) {
      double& to = slot.tensor.data<double>()[k];
      to = dy.item() * weights.data<double>()[k] + (slot.accumulate ? to : 0);
    }
  });
}

nn::Var weighted_sum(const nn::Var& x) { return weighted_sum(x, random_tensor(x.rows(), x.cols(), 77)); }

void check_gradients(const std::vector<nn::Var>& leaves, const std::function<nn::Var()>& f) {
  for (const nn::Var& x : leaves) x.node()->written = false;
  nn::backward(f());
  const nn::NoGrad guard;
  constexpr double kStep = 1e-5;
  for (std::size_t number = 0; number < leaves.size(); ++number) {
    const nn::Var& x = leaves[number];
    const Tensor numeric = Tensor::empty(x.rows(), x.cols(), DType::f64);
    double largest = 0;
    for (std::int64_t k = 0; k < x.value().size(); ++k) {
      double& element = x.value().data<double>()[k];
      const double before = element;
      const auto at = [&](double step) {
        element = before + step * kStep;
        return f().value().item();
      };
      // Central differences of fourth order: normalised rows have large third derivatives.
      const double slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * kStep);
      element = before;
      numeric.data<double>()[k] = slope;
      largest = std::max(largest, std::abs(slope));
    }
    CAPTURE(number, largest);
    CHECK(largest_difference(x.grad(), numeric) <= 1e-6 * std::max(largest, 1e-3));
  }
}

// --- FixedExchange

nn::ModelOptions small_model(const std::string& name) {
  nn::ModelOptions options;
  options.name = name;
  options.hidden = 4;
  options.heads = 2;
  options.output_heads = 2;
  options.dropout = 0.3;
  options.attention_dropout = 0.2;
  return options;
}

RandomModel::RandomModel(const nn::ModelOptions& options, std::int64_t in, std::int64_t out)
    : module(nn::make_model(options, in, out, store)) {
  store.seal();
  const Tensor noise = random_tensor(store.count(), 1, 12);
  std::int64_t k = 0;
  for (const auto& entry : store.parameters())
    for (double& value : entry.var.value().span<double>()) value += 0.3 * noise.data<double>()[k++];
}

std::vector<nn::Var> RandomModel::parameters() const {
  std::vector<nn::Var> all;
  for (const auto& entry : store.parameters()) all.push_back(entry.var);
  return all;
}

FixedExchange::FixedExchange(const nn::GraphView& view, Tensor rows) : halo_rows(std::move(rows)) {
  selection_.csr = view.outer.view();
  selection_.csr_t = view.outer_t.view();
  selection_.count = view.halo;
  selection_.version = nn::next_selection_version();
}

FixedExchange::FixedExchange(const nn::GraphView& view, Tensor rows, std::vector<VertexId> numbers,
                             std::vector<float> weights)
    : halo_rows(std::move(rows)), numbers_(std::move(numbers)), weights_(std::move(weights)) {
  std::map<VertexId, int> place;
  for (const VertexId number : numbers_) place.emplace(number, static_cast<int>(place.size()));
  std::set<std::pair<int, int>> entries, transposed;
  for (int i = 0; i < view.outer.rows; ++i)
    for (EdgeOffset k = view.outer.indptr[static_cast<std::size_t>(i)];
         k < view.outer.indptr[static_cast<std::size_t>(i) + 1]; ++k)
      if (const auto found = place.find(view.outer.indices[k]); found != place.end()) {
        entries.emplace(i, found->second);
        transposed.emplace(found->second, i);
      }
  const int count = static_cast<int>(numbers_.size());
  csr_ = csr_of(static_cast<int>(view.inner), count, entries);
  csr_t_ = csr_of(count, static_cast<int>(view.inner), transposed);
  selection_ = {csr_.view(), csr_t_.view(), count, numbers_.data(), weights_.data(), nn::next_selection_version()};
}

const nn::HaloSelection& FixedExchange::selection(std::uint32_t, int) { return selection_; }

void FixedExchange::begin_forward(std::uint32_t, int, const Tensor&) { log.emplace_back("begin_forward"); }

nn::HaloRows FixedExchange::finish_forward(std::uint32_t, bool) {
  log.emplace_back("finish_forward");
  if (numbers_.empty() && selection_.halo_numbers == nullptr) return {halo_rows, nullptr};
  const Tensor rows = Tensor::empty(selection_.count, halo_rows.cols(), halo_rows.dtype());
  for (std::int64_t k = 0; k < selection_.count; ++k) {
    const auto from = halo_rows.slice(numbers_[static_cast<std::size_t>(k)], numbers_[static_cast<std::size_t>(k)] + 1);
    std::copy_n(from.raw(), from.bytes(), rows.slice(k, k + 1).raw());
  }
  return {rows, nullptr};
}

void FixedExchange::begin_backward(std::uint32_t, const Tensor& arrived) {
  log.emplace_back("begin_backward");
  gradient = Tensor::zeros(halo_rows.rows(), halo_rows.cols(), halo_rows.dtype());
  for (std::int64_t k = 0; k < arrived.rows(); ++k) {
    const std::int64_t row = numbers_.empty() ? k : numbers_[static_cast<std::size_t>(k)];
    std::copy_n(arrived.slice(k, k + 1).raw(), arrived.slice(k, k + 1).bytes(), gradient.slice(row, row + 1).raw());
  }
}

void FixedExchange::finish_backward(std::uint32_t, const Tensor& dx) {
  log.emplace_back("finish_backward");
  if (!returned.defined()) return;
  for (std::int64_t k = 0; k < dx.size(); ++k) dx.data<double>()[k] += returned.data<double>()[k];
}

Tensor FixedExchange::gather_full(const Tensor&, int) {
  log.emplace_back("gather_full");
  return halo_rows;
}

}  // namespace galena::test
