#include "src/nn/hyper_extremal.hpp"

#include <algorithm>
#include <cmath>

#include "src/nn/op_aggregate.hpp"
#include "src/ops/check.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_graph.hpp"
#include "src/ops/random_key.hpp"

namespace galena::nn {
namespace {

constexpr VertexId kNobody = ~VertexId{0};
constexpr std::size_t kSelectionsKept = 16;

/// Global ids of a hyperedge's extremal vertices.
struct Ends {
  VertexId high = kNobody, low = kNobody;
  [[nodiscard]] bool have(VertexId v) const { return v == high || v == low; }
};

double edge_weight(std::uint32_t size) { return size < 2 ? 0 : 1 / (2.0 * size - 3); }

/// The incidences of a structure that are of extremal vertices, and their transpose.
struct Incidences {
  ops::CsrArrays csr, csr_t;
};

template <class Keep>
Incidences filtered(const ops::Csr& csr, const Keep& keep) {
  Incidences result;
  result.csr.rows = csr.rows;
  result.csr.cols = csr.cols;
  for (std::int64_t i = 0; i < csr.rows; ++i) {
    for (EdgeOffset k = csr.indptr[i]; k < csr.indptr[i + 1]; ++k)
      if (keep(static_cast<std::size_t>(i), csr.indices[k])) result.csr.indices.push_back(csr.indices[k]);
    result.csr.indptr.push_back(result.csr.indices.size());
  }
  result.csr_t = ops::transpose(result.csr.view());
  if (csr.on_device == nullptr) return result;
  result.csr.on_device = ops::to_device(result.csr.view());
  result.csr_t.on_device = ops::to_device(result.csr_t.view());
  return result;
}

}  // namespace

struct Extremes {
  std::shared_ptr<Var::Value> features;  ///< held, so that its address stays its name
  std::uint64_t seed = 0;
  std::vector<Ends> inner, halo;  ///< of own hyperedges and of those in the second view's halo
  Incidences local;               ///< own hyperedges x own vertices
  Tensor edge;                    ///< [own hyperedges x 1] w_e
  Tensor root, self;              ///< [own vertices x 1] D^-1/2; 1 - sum of w_e where v is extremal

  struct Selected {
    std::uint64_t version;
    std::shared_ptr<const Incidences> incidences;
  };
  mutable std::deque<Selected> selected;  ///< the latest few
};

namespace {

std::vector<double> projections(const Var& features, std::uint64_t seed) {
  const std::vector<double> direction = extremal_direction(seed, features.cols());
  std::vector<double> result(static_cast<std::size_t>(features.rows()), 0);
  const SparseMatrix* const sparse = features.sparse();
  const Tensor values = (sparse == nullptr ? features.value() : sparse->values()).to(Device::cpu);
  ops::with_float("hypergcn", features.dtype(), [&]<class T>(T) {
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (sparse == nullptr) {
        for (std::size_t c = 0; c < direction.size(); ++c)
          result[i] += direction[c] * values.data<T>()[i * direction.size() + c];
        continue;
      }
      const SparseStructure& s = sparse->structure();
      for (EdgeOffset k = s.indptr[i]; k < s.indptr[i + 1]; ++k)
        result[i] += direction[s.indices[k]] * values.data<T>()[k];
    }
  });
  return result;
}

Tensor column_of(const std::vector<double>& values, DType dtype) {
  return Tensor::from<double>(static_cast<std::int64_t>(values.size()), 1, values).to(dtype);
}

/// Largest and smallest projection of a hyperedge's members, and whose; of equal ones, the larger and the smaller id.
struct Range {
  std::pair<double, VertexId> high{-INFINITY, 0}, low{INFINITY, kNobody};
  void add(double projection, VertexId v) {
    high = std::max(high, std::pair(projection, v));
    low = std::min(low, std::pair(projection, v));
  }
};

/// Of own hyperedges, whose members may be other ranks' vertices.
std::vector<Ends> inner_ends(Context& ctx, const std::vector<double>& projection) {
  const GraphView& view = ctx.graph(0);
  Tensor halo;
  if (ctx.exchange() != nullptr) halo = ctx.exchange()->gather_full(column_of(projection, DType::f64), 0);
  std::vector<Ends> result;
  for (std::size_t e = 0; e < view.in_degree.size(); ++e) {
    Range range;
    for (EdgeOffset k = view.local.indptr[e]; k < view.local.indptr[e + 1]; ++k)
      range.add(projection[view.local.indices[k]], view.ids[view.local.indices[k]]);
    for (EdgeOffset k = view.outer.indptr[e]; k < view.outer.indptr[e + 1]; ++k)
      range.add(halo.item(view.outer.indices[k]), view.halo_ids[view.outer.indices[k]]);
    result.push_back(view.in_degree[e] < 2 ? Ends{} : Ends{range.high.second, range.low.second});
  }
  return result;
}

/// Of other ranks' hyperedges that own vertices are in: their owners tell.
std::vector<Ends> halo_ends(Context& ctx, const std::vector<Ends>& inner) {
  if (ctx.exchange() == nullptr) return {};
  const Tensor ids = Tensor::empty(static_cast<std::int64_t>(inner.size()), 2, DType::f64);
  for (std::int64_t e = 0; e < ids.rows(); ++e) {
    ids.at<double>(e, 0) = inner[static_cast<std::size_t>(e)].high;
    ids.at<double>(e, 1) = inner[static_cast<std::size_t>(e)].low;
  }
  const Tensor halo = ctx.exchange()->gather_full(ids, 1);
  std::vector<Ends> result;
  for (std::int64_t e = 0; e < halo.rows(); ++e)
    result.push_back({static_cast<VertexId>(halo.item(e, 0)), static_cast<VertexId>(halo.item(e, 1))});
  return result;
}

/// Adds what one block of a vertex's incidences gives to its degree and to the weight where it is extremal.
void add_incidences(const ops::CsrArrays& csr, std::size_t v, VertexId id, const std::vector<std::uint32_t>& sizes,
                    const std::vector<Ends>& ends, double& degree, double& extremal) {
  for (EdgeOffset k = csr.indptr[v]; k < csr.indptr[v + 1]; ++k) {
    const std::uint32_t size = sizes[csr.indices[k]];
    const bool is_end = ends[csr.indices[k]].have(id);
    degree += edge_weight(size) * (is_end ? size - 1.0 : 2);
    if (is_end) extremal += edge_weight(size);
  }
}

void fill_factors(const Context& ctx, DType dtype, Extremes& extremes) {
  const GraphView &view = ctx.graph(0), &back = ctx.graph(1);
  std::vector<double> edge, root, self;
  for (const std::uint32_t size : view.in_degree) edge.push_back(edge_weight(size));
  for (std::size_t v = 0; v < view.ids.size(); ++v) {
    double degree = 1, extremal = 0;
    add_incidences(back.local, v, view.ids[v], back.out_degree, extremes.inner, degree, extremal);
    add_incidences(back.outer, v, view.ids[v], back.halo_out_degree, extremes.halo, degree, extremal);
    root.push_back(1 / std::sqrt(degree));
    self.push_back(1 - extremal);
  }
  extremes.edge = column_of(edge, dtype);
  extremes.root = column_of(root, dtype);
  extremes.self = column_of(self, dtype);
}

// --- sums over the incidences of extremal vertices

std::shared_ptr<const Incidences> select(const Context& ctx, const Extremes& extremes, int hop,
                                         const HaloSelection& selection) {
  const auto found = std::find_if(extremes.selected.begin(), extremes.selected.end(),
                                  [&](const auto& s) { return s.version == selection.version; });
  if (found != extremes.selected.end()) return found->incidences;
  ops::not_while_recording("incidences of extremal vertices by this epoch's sample");
  const GraphView& view = ctx.graph(0);
  const auto number = [&](VertexId k) { return selection.halo_numbers != nullptr ? selection.halo_numbers[k] : k; };
  const auto to_edges = [&](std::size_t e, VertexId k) { return extremes.inner[e].have(view.halo_ids[number(k)]); };
  const auto to_vertices = [&](std::size_t v, VertexId k) { return extremes.halo[number(k)].have(view.ids[v]); };
  auto made = std::make_shared<const Incidences>(hop % 2 == 0 ? filtered(selection.csr, to_edges)
                                                              : filtered(selection.csr, to_vertices));
  extremes.selected.push_back({selection.version, made});
  if (extremes.selected.size() > kSelectionsKept) extremes.selected.pop_front();
  return made;
}

/// aggregate(x, sum) over the incidences of extremal vertices.
Var sum_of_extremal(Context& ctx, const Var& x, const std::shared_ptr<const Extremes>& extremes) {
  check_aggregated("hypergcn", ctx, x);
  const int hop = x.hop();
  HaloExchange* const exchange = ctx.exchange();
  const std::uint32_t call = ctx.next_exchange();
  const Incidences& local = extremes->local;
  const bool to_edges = hop % 2 == 0;
  const Tensor y = Tensor::empty(ctx.rows(hop + 1), x.cols(), x.dtype());
  std::shared_ptr<const Incidences> halo;
  Tensor weight;
  if (exchange != nullptr) exchange->begin_forward(call, hop, x.value());
  ops::spmm((to_edges ? local.csr : local.csr_t).view(), {}, x.value(), y);
  if (exchange != nullptr) {
    const HaloRows rows = exchange->finish_forward(call, false);
    const HaloSelection& selection = exchange->selection(call, hop);
    halo = select(ctx, *extremes, hop, selection);
    weight = halo_factors_of(ctx.graph(hop), Aggregation::sum(), x.dtype(), selection)->right;
    ops::spmm(halo->csr.view(), {nullptr, or_null(weight), nullptr}, rows.dense, y, true);
  }
  const auto backward = [=, x = x.gradient_only()](const Tensor& dy) {
    if (exchange != nullptr) {
      const Tensor dhalo = Tensor::empty(halo->csr.cols, dy.cols(), dy.dtype());
      ops::spmm(halo->csr_t.view(), {or_null(weight), nullptr, nullptr}, dy, dhalo);
      exchange->begin_backward(call, dhalo);
    }
    const GradientSlot slot = x.grad_slot();
    const ops::CsrArrays& transposed = to_edges ? extremes->local.csr_t : extremes->local.csr;
    ops::spmm(transposed.view(), {}, dy, slot.tensor, slot.accumulate);
    if (exchange != nullptr) exchange->finish_backward(call, slot.tensor);
  };
  return make_op("sum_of_extremal", y, {x}, backward, hop + 1);
}

}  // namespace

std::vector<double> extremal_direction(std::uint64_t seed, std::int64_t columns) {
  const ops::RandomKey key{seed, 0, ops::RandomKey::make_stream(0, ops::Purpose::other)};
  std::vector<double> direction;
  for (std::int64_t c = 0; c < columns; ++c)
    direction.push_back((key.draw(static_cast<std::uint32_t>(c), 0)[0] + 0.5) * 0x1p-31 - 1);
  return direction;
}

void find_extremes(Context& ctx, const Var& features) {
  auto& kept = cache_of(ctx.graph(0)).extremes;
  if (kept && kept->features == features.value_holder() && kept->seed == ctx.seed()) return;
  const GraphView& view = ctx.graph(0);
  if (features.rows() != view.inner)
    fail("hypergcn",
         "the features are " + shape_of(features) + "; expected all " + std::to_string(view.inner) + " vertices' rows");
  Extremes found;
  found.features = features.value_holder();
  found.seed = ctx.seed();
  {
    const OnDevice here(Device::cpu);  // once, and told vertex by vertex
    found.inner = inner_ends(ctx, projections(features, ctx.seed()));
    found.halo = halo_ends(ctx, found.inner);
  }
  const auto is_end = [&](std::size_t e, VertexId v) { return found.inner[e].have(view.ids[v]); };
  found.local = filtered(view.local_view(), is_end);
  fill_factors(ctx, features.dtype(), found);
  kept = std::make_shared<const Extremes>(std::move(found));
}

Var hypergcn_smooth(Context& ctx, const Var& x) {
  const std::shared_ptr<const Extremes> extremes = cache_of(ctx.graph(0)).extremes;
  if (!extremes) fail("hypergcn", "nobody has called find_extremes()");
  const Var scaled = scale_rows(needed_rows(ctx, x), Var(extremes->root)), edge(extremes->edge);
  const Var ends = sum_of_extremal(ctx, scaled, extremes);
  const Var mediators = add(aggregate(ctx, scaled, Aggregation::sum()), ends, 1, -1);
  Var y = aggregate(ctx, scale_rows(ends, edge), Aggregation::sum());
  y = add(std::move(y), sum_of_extremal(ctx, scale_rows(mediators, edge), extremes));
  y = add(std::move(y), scale_rows(self_rows(ctx, scaled), Var(extremes->self)));
  return scale_rows(y, Var(extremes->root));
}

}  // namespace galena::nn
