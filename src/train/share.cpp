#include "src/train/share.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "galena/error.hpp"

namespace galena::train {
namespace {

std::span<const VertexId> row(const ops::Csr& csr, VertexId v) {
  return {csr.indices + csr.indptr[v], csr.indices + csr.indptr[v + 1]};
}

// One kind of rows of all ranks: vertices, or hyperedges.
struct Side {
  std::span<const std::uint32_t> part_of;
  std::vector<std::uint32_t> depth;  // hops to the nearest target; `deepest` for farther ones
  [[nodiscard]] VertexId size() const { return static_cast<VertexId>(part_of.size()); }
};

// What a hop's messages go along, of all ranks: row i of `in` is whom target i hears, row j of `out` who hears source j.
struct Relation {
  ops::Csr in, out;
  const Side& source;
  const Side& target;
  bool symmetric;  // in an undirected graph, in = out
};

void check_parts(std::span<const std::uint32_t> part_of, std::uint64_t size, const char* of, int ranks) {
  if (part_of.size() != size)
    throw InputError(fmt::format("partition of {} vertices for a {} of {}", part_of.size(), of, size));
  for (const std::uint32_t part : part_of)
    if (part >= static_cast<std::uint32_t>(ranks))
      throw InputError(fmt::format("partition names part {}; there are {} (0 to {})", part, ranks, ranks - 1));
}

// Depths from the targets of sides[0], against the direction of messages; every hop changes sides where there are two.
// in[s]: whom side s hears.
void find_depths(std::span<Side> sides, std::span<const ops::Csr> in, const ShareOptions& options) {
  if (options.hops < 0) {
    for (Side& side : sides) side.depth.assign(side.size(), 0);
    return;
  }
  const auto limit = static_cast<std::uint32_t>(options.hops);
  for (Side& side : sides) side.depth.assign(side.size(), limit + 1);
  std::vector<VertexId> front(options.targets.begin(), options.targets.end()), next;
  for (const VertexId v : front) sides[0].depth[v] = 0;
  for (std::uint32_t d = 1; d <= limit && !front.empty(); ++d) {
    Side& reached = sides[d % sides.size()];
    next.clear();
    for (const VertexId v : front)
      for (const VertexId j : row(in[(d - 1) % sides.size()], v))
        if (reached.depth[j] > d) {
          reached.depth[j] = d;
          next.push_back(j);
        }
    std::swap(front, next);
  }
}

// A rank's own rows by depth, then by id.
std::vector<VertexId> inner_order(const Side& side, std::uint32_t rank) {
  std::vector<VertexId> order;
  for (VertexId v = 0; v < side.size(); ++v)
    if (side.part_of[v] == rank) order.push_back(v);
  std::stable_sort(order.begin(), order.end(), [&](VertexId a, VertexId b) { return side.depth[a] < side.depth[b]; });
  return order;
}

// A boundary vertex is needed by a rank at the hops before the shallowest of that rank's rows that hear it.
struct Boundary {
  std::uint32_t owner, need;
  VertexId id;
  auto operator<=>(const Boundary&) const = default;
};

// Of each rank, the rows of a side that it owns, increasing.
class Owned {
 public:
  Owned(const Side& side, int ranks) : first_(static_cast<std::size_t>(ranks) + 1), rows_(side.size()) {
    for (const std::uint32_t part : side.part_of) ++first_[part + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    auto next = first_;
    for (VertexId v = 0; v < side.size(); ++v) rows_[next[side.part_of[v]]++] = v;
  }
  [[nodiscard]] std::span<const VertexId> of(std::uint32_t rank) const {
    return std::span(rows_).subspan(first_[rank], first_[rank + 1] - first_[rank]);
  }

 private:
  std::vector<std::size_t> first_;
  std::vector<VertexId> rows_;
};

// Finds the halos of ranks, one after another.
class Halos {
 public:
  Halos(const Relation& relation, int ranks)
      : relation_(relation), targets_(relation.target, ranks), need_(relation.source.size(), kNone) {}

  // Sources that `rank` needs of other ranks, in the order of its halo.
  std::vector<Boundary> of(std::uint32_t rank) {
    const auto& owner = relation_.source.part_of;
    std::vector<Boundary> halo;
    for (const VertexId i : targets_.of(rank))
      for (const VertexId j : row(relation_.in, i)) {
        if (owner[j] == rank) continue;
        if (need_[j] == kNone) halo.push_back({owner[j], 0, j});
        need_[j] = std::min(need_[j], relation_.target.depth[i] + 1);
      }
    for (Boundary& b : halo) b.need = std::exchange(need_[b.id], kNone);
    std::sort(halo.begin(), halo.end());
    return halo;
  }

 private:
  static constexpr std::uint32_t kNone = ~0U;
  const Relation& relation_;
  Owned targets_;
  std::vector<std::uint32_t> need_;  // by source; kNone between calls
};

// The hops at which a row at this depth still matters: hop h needs depth <= hops - h.
std::uint32_t count_at_hop(std::span<const Boundary> run, int hops, int hop) {
  const auto limit = static_cast<std::uint32_t>(hops - hop);
  const auto last = std::partition_point(run.begin(), run.end(), [&](const Boundary& b) { return b.need <= limit; });
  return static_cast<std::uint32_t>(last - run.begin());
}

double inverse_root(std::uint64_t degree) { return 1 / std::sqrt(static_cast<double>(degree + 1)); }

// sum over the rank's rows i that hear j of (d_i d_j)^-1: what noise in row j does to GCN's sums.
float importance_of(const Relation& relation, VertexId j, std::uint32_t rank) {
  double sum = 0;
  for (const VertexId i : row(relation.out, j)) {
    if (relation.target.part_of[i] != rank) continue;
    const double weight = inverse_root(row(relation.in, i).size()) * inverse_root(row(relation.out, j).size());
    sum += weight * weight;
  }
  return static_cast<float>(sum);
}

// Channels of the runs of one halo, of equal owner; `number` gives a row's number at the end that asks.
template <class Number>
std::vector<Route> routes_of(const Relation& relation, std::span<const Boundary> halo, std::uint32_t receiver, int hops,
                             const Number& number) {
  std::vector<Route> routes;
  for (std::size_t begin = 0; begin < halo.size();) {
    std::size_t end = begin;
    while (end < halo.size() && halo[end].owner == halo[begin].owner) ++end;
    const auto run = halo.subspan(begin, end - begin);
    Route route;
    route.peer = static_cast<int>(run[0].owner);
    for (std::size_t k = 0; k < run.size(); ++k) {
      route.rows.push_back(number(begin + k, run[k].id));
      route.ids.push_back(run[k].id);
      route.importance.push_back(importance_of(relation, run[k].id, receiver));
    }
    for (int hop = 0; hop < hops; ++hop) route.hop_count.push_back(count_at_hop(run, hops, hop));
    routes.push_back(std::move(route));
    begin = end;
  }
  return routes;
}

// Rows of the rank's targets, split into columns of its own and in the halo, each increasing.
void fill_structure(const Relation& relation, std::span<const VertexId> targets, std::span<const VertexId> number,
                    Share& share) {
  nn::GraphView& view = share.view;
  const auto rank = static_cast<std::uint32_t>(share.rank);
  view.local.rows = view.outer.rows = static_cast<std::int64_t>(targets.size());
  view.local.cols = view.inner;
  view.outer.cols = view.halo;
  for (const VertexId v : targets) {
    const auto local = view.local.indices.size(), outer = view.outer.indices.size();
    for (const VertexId j : row(relation.in, v))
      (relation.source.part_of[j] == rank ? view.local : view.outer).indices.push_back(number[j]);
    std::sort(view.local.indices.begin() + static_cast<std::ptrdiff_t>(local), view.local.indices.end());
    std::sort(view.outer.indices.begin() + static_cast<std::ptrdiff_t>(outer), view.outer.indices.end());
    view.local.indptr.push_back(view.local.indices.size());
    view.outer.indptr.push_back(view.outer.indices.size());
  }
  view.outer_t = ops::transpose(view.outer.view());
  if (!relation.symmetric) view.local_t = ops::transpose(view.local.view());
}

std::vector<std::uint32_t> degrees_of(const ops::Csr& csr, std::span<const VertexId> ids) {
  std::vector<std::uint32_t> degrees;
  degrees.reserve(ids.size());
  for (const VertexId v : ids) degrees.push_back(static_cast<std::uint32_t>(row(csr, v).size()));
  return degrees;
}

// All of a share but hop_rows and back.
Share cut(const Relation& relation, int ranks, int rank, int hops) {
  Share share;
  share.rank = rank;
  share.ranks = ranks;
  nn::GraphView& view = share.view;
  view.global_vertices = relation.source.size();
  view.ids = inner_order(relation.source, static_cast<std::uint32_t>(rank));
  view.inner = static_cast<std::int64_t>(view.ids.size());
  std::vector<VertexId> number(relation.source.size());  // of inner and halo rows, each from 0
  for (std::size_t k = 0; k < view.ids.size(); ++k) number[view.ids[k]] = static_cast<VertexId>(k);

  Halos halos(relation, ranks);
  for (int other = 0; other < ranks; ++other) {
    const auto halo = halos.of(static_cast<std::uint32_t>(other));
    share.total_boundary += halo.size();
    if (other == rank) {
      for (const Boundary& b : halo) view.halo_ids.push_back(b.id);
      share.receives = routes_of(relation, halo, static_cast<std::uint32_t>(other), hops,
                                 [](std::size_t k, VertexId) { return static_cast<VertexId>(k); });
      continue;
    }
    std::vector<Boundary> mine;  // those of the other's halo that I own
    std::copy_if(halo.begin(), halo.end(), std::back_inserter(mine),
                 [&](const Boundary& b) { return b.owner == static_cast<std::uint32_t>(rank); });
    for (Route& route : routes_of(relation, mine, static_cast<std::uint32_t>(other), hops,
                                  [&](std::size_t, VertexId v) { return number[v]; })) {
      route.peer = other;
      share.sends.push_back(std::move(route));
    }
  }
  view.halo = static_cast<std::int64_t>(view.halo_ids.size());
  for (std::size_t k = 0; k < view.halo_ids.size(); ++k) number[view.halo_ids[k]] = static_cast<VertexId>(k);
  const auto targets = inner_order(relation.target, static_cast<std::uint32_t>(rank));
  fill_structure(relation, targets, number, share);
  view.in_degree = degrees_of(relation.in, targets);
  view.out_degree = degrees_of(relation.out, view.ids);
  view.halo_out_degree = degrees_of(relation.out, view.halo_ids);
  return share;
}

// The rank's rows at each hop of a pruned pass, each hop's of its own side.
std::vector<std::int64_t> rows_by_hop(std::span<const Side> sides, std::uint32_t rank, int hops) {
  std::vector<std::int64_t> rows;
  for (int hop = 0; hop <= hops; ++hop) {
    const Side& side = sides[static_cast<std::size_t>(hop) % sides.size()];
    std::int64_t count = 0;
    for (VertexId v = 0; v < side.size(); ++v)
      if (side.part_of[v] == rank && side.depth[v] <= static_cast<std::uint32_t>(hops - hop)) ++count;
    rows.push_back(count);
  }
  return rows;
}

}  // namespace

Share build_share(const Graph& graph, std::span<const std::uint32_t> part_of, int ranks, int rank,
                  const ShareOptions& options) {
  check_parts(part_of, graph.num_vertices(), "graph", ranks);
  const auto n = static_cast<std::int64_t>(graph.num_vertices());
  const ops::Csr out{n, n, graph.indptr().data(), graph.indices().data()};
  ops::CsrArrays reversed;
  if (graph.directed()) reversed = ops::transpose(out);
  const ops::Csr in = graph.directed() ? reversed.view() : out;
  Side vertices{part_of, {}};
  find_depths({&vertices, 1}, {&in, 1}, options);
  Share share = cut({in, out, vertices, vertices, !graph.directed()}, ranks, rank, std::max(options.hops, 0));
  share.hop_rows = rows_by_hop({&vertices, 1}, static_cast<std::uint32_t>(rank), options.hops);
  return share;
}

Share build_share(const Hypergraph& hypergraph, std::span<const std::uint32_t> part_of, int ranks, int rank,
                  const ShareOptions& options) {
  const std::size_t n = hypergraph.num_vertices(), m = hypergraph.num_hyperedges();
  check_parts(part_of, n + m, "hypergraph whose vertices and hyperedges are", ranks);
  if (options.hops % 2 == 1)
    throw InputError(
        fmt::format("{} hops to the loss in a hypergraph, where every second one ends at vertices; "
                    "Module::hops() must be even",
                    options.hops));
  const auto rows = static_cast<std::int64_t>(n), cols = static_cast<std::int64_t>(m);
  const ops::Csr members{cols, rows, hypergraph.edge_indptr().data(), hypergraph.edge_members().data()};
  const ops::Csr edges{rows, cols, hypergraph.vertex_indptr().data(), hypergraph.vertex_edges().data()};
  std::vector<Side> sides{{part_of.first(n), {}}, {part_of.subspan(n), {}}};
  const std::vector<ops::Csr> heard{edges, members};
  find_depths(sides, heard, options);
  const int hops = std::max(options.hops, 0);
  Share share = cut({members, edges, sides[0], sides[1], false}, ranks, rank, hops);
  const auto back = std::make_shared<Share>(cut({edges, members, sides[1], sides[0], false}, ranks, rank, hops));
  if (const std::span<const float> weights = hypergraph.edge_weights(); !weights.empty()) {
    const auto weight = [&](HyperedgeId e) { return weights[e]; };
    std::ranges::transform(back->view.ids, std::back_inserter(back->view.weights), weight);
    std::ranges::transform(back->view.halo_ids, std::back_inserter(back->view.halo_weights), weight);
  }
  share.back = back;
  share.view.back = std::shared_ptr<const nn::GraphView>(back, &back->view);
  share.hop_rows = rows_by_hop(sides, static_cast<std::uint32_t>(rank), options.hops);
  return share;
}

}  // namespace galena::train
