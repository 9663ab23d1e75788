#include "src/train/share.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "galena/error.hpp"

namespace galena::train {
namespace {

// The whole graph in both directions, and the depth of each vertex.
struct Whole {
  const Graph& graph;
  std::span<const std::uint32_t> part_of;
  ops::Csr out, in;
  ops::CsrArrays reversed;  // of a directed graph
  std::vector<std::uint32_t> depth;
  std::uint32_t deepest = 0;  // depths run from 0 to deepest
};

ops::Csr view_of(const Graph& graph) {
  const auto n = static_cast<std::int64_t>(graph.num_vertices());
  return {n, n, graph.indptr().data(), graph.indices().data()};
}

std::span<const VertexId> row(const ops::Csr& csr, VertexId v) {
  return {csr.indices + csr.indptr[v], csr.indices + csr.indptr[v + 1]};
}

Whole look_at(const Graph& graph, std::span<const std::uint32_t> part_of, int ranks, const ShareOptions& options) {
  if (part_of.size() != graph.num_vertices())
    throw InputError(fmt::format("partition of {} vertices for a graph of {}", part_of.size(), graph.num_vertices()));
  for (const std::uint32_t part : part_of)
    if (part >= static_cast<std::uint32_t>(ranks))
      throw InputError(fmt::format("partition names part {}; there are {} (0 to {})", part, ranks, ranks - 1));
  Whole whole{.graph = graph, .part_of = part_of, .out = view_of(graph), .in = {}, .reversed = {}, .depth = {}};
  if (graph.directed()) {
    whole.reversed = ops::transpose(whole.out);
    whole.in = whole.reversed.view();
  } else {
    whole.in = whole.out;
  }
  if (options.hops >= 0) {
    whole.deepest = static_cast<std::uint32_t>(options.hops) + 1;
    whole.depth = hops_to_targets(graph, whole.in, options.targets, static_cast<std::uint32_t>(options.hops));
  } else {
    whole.depth.assign(graph.num_vertices(), 0);
  }
  return whole;
}

// Inner vertices by depth, then by id.
std::vector<VertexId> inner_order(const Whole& whole, std::uint32_t rank) {
  std::vector<VertexId> order;
  for (VertexId v = 0; v < whole.graph.num_vertices(); ++v)
    if (whole.part_of[v] == rank) order.push_back(v);
  std::stable_sort(order.begin(), order.end(), [&](VertexId a, VertexId b) { return whole.depth[a] < whole.depth[b]; });
  return order;
}

// A boundary vertex is needed by a rank at the hops before the shallowest of that rank's vertices that hear it.
struct Boundary {
  std::uint32_t owner, need;
  VertexId id;
  auto operator<=>(const Boundary&) const = default;
};

// Vertices that `rank` needs of other ranks, in the order of its halo.
std::vector<Boundary> halo_of(const Whole& whole, std::uint32_t rank) {
  std::vector<std::uint32_t> need(whole.graph.num_vertices(), ~0U);
  std::vector<Boundary> halo;
  for (VertexId i = 0; i < whole.graph.num_vertices(); ++i) {
    if (whole.part_of[i] != rank) continue;
    for (const VertexId j : row(whole.in, i)) {
      if (whole.part_of[j] == rank) continue;
      if (need[j] == ~0U) halo.push_back({whole.part_of[j], 0, j});
      need[j] = std::min(need[j], whole.depth[i] + 1);
    }
  }
  for (Boundary& b : halo) b.need = need[b.id];
  std::sort(halo.begin(), halo.end());
  return halo;
}

// The hops at which a vertex at this depth still matters: hop h needs depth <= hops - h.
std::uint32_t count_at_hop(std::span<const Boundary> run, int hops, int hop) {
  const auto limit = static_cast<std::uint32_t>(hops - hop);
  const auto last = std::partition_point(run.begin(), run.end(), [&](const Boundary& b) { return b.need <= limit; });
  return static_cast<std::uint32_t>(last - run.begin());
}

double inverse_root(std::uint64_t degree) { return 1 / std::sqrt(static_cast<double>(degree + 1)); }

// sum over the rank's vertices i that hear j of (d_i d_j)^-1: what noise in row j does to GCN's sums.
float importance_of(const Whole& whole, VertexId j, std::uint32_t rank) {
  double sum = 0;
  for (const VertexId i : row(whole.out, j)) {
    if (whole.part_of[i] != rank) continue;
    const double weight = inverse_root(row(whole.in, i).size()) * inverse_root(row(whole.out, j).size());
    sum += weight * weight;
  }
  return static_cast<float>(sum);
}

// Channels of the runs of one halo, of equal owner; `number` gives a row's number at the end that asks.
template <class Number>
std::vector<Route> routes_of(const Whole& whole, std::span<const Boundary> halo, std::uint32_t receiver, int hops,
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
      route.importance.push_back(importance_of(whole, run[k].id, receiver));
    }
    for (int hop = 0; hop < hops; ++hop) route.hop_count.push_back(count_at_hop(run, hops, hop));
    routes.push_back(std::move(route));
    begin = end;
  }
  return routes;
}

// Rows of the inner vertices, split into columns within the part and in the halo, each increasing.
void fill_structure(const Whole& whole, std::span<const VertexId> number, Share& share) {
  nn::GraphView& view = share.view;
  const auto rank = static_cast<std::uint32_t>(share.rank);
  view.local.rows = view.local.cols = view.outer.rows = view.inner;
  view.outer.cols = view.halo;
  for (const VertexId v : view.ids) {
    const auto local = view.local.indices.size(), outer = view.outer.indices.size();
    for (const VertexId j : row(whole.in, v))
      (whole.part_of[j] == rank ? view.local : view.outer).indices.push_back(number[j]);
    std::sort(view.local.indices.begin() + static_cast<std::ptrdiff_t>(local), view.local.indices.end());
    std::sort(view.outer.indices.begin() + static_cast<std::ptrdiff_t>(outer), view.outer.indices.end());
    view.local.indptr.push_back(view.local.indices.size());
    view.outer.indptr.push_back(view.outer.indices.size());
  }
  view.outer_t = ops::transpose(view.outer.view());
  if (whole.graph.directed()) view.local_t = ops::transpose(view.local.view());
}

void fill_degrees(const Whole& whole, nn::GraphView& view) {
  for (const VertexId v : view.ids) {
    view.in_degree.push_back(static_cast<std::uint32_t>(row(whole.in, v).size()));
    view.out_degree.push_back(static_cast<std::uint32_t>(row(whole.out, v).size()));
  }
  for (const VertexId v : view.halo_ids) {
    view.halo_in_degree.push_back(static_cast<std::uint32_t>(row(whole.in, v).size()));
    view.halo_out_degree.push_back(static_cast<std::uint32_t>(row(whole.out, v).size()));
  }
}

}  // namespace

std::vector<std::uint32_t> hops_to_targets(const Graph& graph, const ops::Csr& in_neighbors,
                                           std::span<const VertexId> targets, std::uint32_t limit) {
  std::vector<std::uint32_t> depth(graph.num_vertices(), limit + 1);
  std::vector<VertexId> front(targets.begin(), targets.end()), next;
  for (const VertexId v : front) depth[v] = 0;
  for (std::uint32_t d = 1; d <= limit && !front.empty(); ++d) {
    next.clear();
    for (const VertexId v : front)
      for (const VertexId j : row(in_neighbors, v))
        if (depth[j] > d) {
          depth[j] = d;
          next.push_back(j);
        }
    std::swap(front, next);
  }
  return depth;
}

Share build_share(const Graph& graph, std::span<const std::uint32_t> part_of, int ranks, int rank,
                  const ShareOptions& options) {
  const Whole whole = look_at(graph, part_of, ranks, options);
  Share share;
  share.rank = rank;
  share.ranks = ranks;
  nn::GraphView& view = share.view;
  view.global_vertices = graph.num_vertices();
  view.ids = inner_order(whole, static_cast<std::uint32_t>(rank));
  view.inner = static_cast<std::int64_t>(view.ids.size());
  std::vector<VertexId> number(graph.num_vertices());  // of inner and halo vertices, each from 0
  for (std::size_t k = 0; k < view.ids.size(); ++k) number[view.ids[k]] = static_cast<VertexId>(k);

  const int hops = std::max(options.hops, 0);
  for (int other = 0; other < ranks; ++other) {
    const auto halo = halo_of(whole, static_cast<std::uint32_t>(other));
    share.total_boundary += halo.size();
    if (other == rank) {
      for (const Boundary& b : halo) view.halo_ids.push_back(b.id);
      share.receives = routes_of(whole, halo, static_cast<std::uint32_t>(other), hops,
                                 [](std::size_t k, VertexId) { return static_cast<VertexId>(k); });
      continue;
    }
    std::vector<Boundary> mine;  // those of the other's halo that I own
    std::copy_if(halo.begin(), halo.end(), std::back_inserter(mine),
                 [&](const Boundary& b) { return b.owner == static_cast<std::uint32_t>(rank); });
    for (Route& route : routes_of(whole, mine, static_cast<std::uint32_t>(other), hops,
                                  [&](std::size_t, VertexId v) { return number[v]; })) {
      route.peer = other;
      share.sends.push_back(std::move(route));
    }
  }
  view.halo = static_cast<std::int64_t>(view.halo_ids.size());
  for (std::size_t k = 0; k < view.halo_ids.size(); ++k) number[view.halo_ids[k]] = static_cast<VertexId>(k);
  fill_structure(whole, number, share);
  fill_degrees(whole, view);
  if (options.hops >= 0)
    for (int hop = 0; hop <= options.hops; ++hop)
      share.hop_rows.push_back(std::partition_point(view.ids.begin(), view.ids.end(),
                                                    [&](VertexId v) {
                                                      return whole.depth[v] <=
                                                             static_cast<std::uint32_t>(options.hops - hop);
                                                    }) -
                               view.ids.begin());
  return share;
}

}  // namespace galena::train
