#pragma once
// What tests of aggregates share: hypergraphs with every odd case in them, and a reference by the definition.

#include <string>
#include <vector>

#include "galena/hypergraph.hpp"
#include "src/hypergraph/aggregate.hpp"
#include "test/ops/reference.hpp"

namespace galena::test {

struct NamedHypergraph {
  std::string name;
  Hypergraph hypergraph;
};

inline Hypergraph make_hypergraph(std::uint64_t vertices, const std::vector<std::vector<VertexId>>& lists) {
  HypergraphArrays arrays;
  arrays.num_vertices = vertices;
  for (const auto& list : lists) {
    arrays.members.insert(arrays.members.end(), list.begin(), list.end());
    arrays.indptr.push_back(arrays.members.size());
  }
  return Hypergraph::from_arrays(std::move(arrays));
}

/// Hyperedges with 0 .. 2 * mean members; every ninth repeats the one before, every seventh vertex is in none, and
/// hyperedge 2 has all others where `giant`.
inline Hypergraph random_hypergraph(std::uint64_t vertices, std::int64_t edges, std::uint32_t mean, std::uint32_t seed,
                                    bool giant = false) {
  std::mt19937 random(seed);
  std::vector<std::vector<VertexId>> lists;
  for (std::int64_t e = 0; e < edges; ++e) {
    if (e % 9 == 8) {
      lists.push_back(lists.back());
      continue;
    }
    std::set<VertexId> members;
    const auto wanted = static_cast<std::uint32_t>(random() % (2 * mean + 1));
    for (std::uint32_t k = 0; k < wanted; ++k) members.insert(static_cast<VertexId>(random() % vertices));
    for (VertexId v = 0; giant && e == 2 && v < vertices; ++v) members.insert(v);
    std::erase_if(members, [](VertexId v) { return v % 7 == 3; });
    lists.emplace_back(members.begin(), members.end());
  }
  return make_hypergraph(vertices, lists);
}

/// Small ones with empty, singleton, repeated and giant hyperedges, isolated and twin vertices, and none of anything.
inline std::vector<NamedHypergraph> odd_hypergraphs() {
  return {
      {"nothing", make_hypergraph(0, {})},
      {"one vertex", make_hypergraph(1, {})},
      {"one vertex, one hyperedge", make_hypergraph(1, {{0}})},
      {"no hyperedges", make_hypergraph(5, {})},
      {"empty hyperedges", make_hypergraph(4, {{}, {1, 2}, {}})},
      {"singletons and repeats", make_hypergraph(6, {{0}, {0}, {1, 2, 4}, {1, 2, 4}, {4}, {1, 2, 4}})},
      {"all in one", make_hypergraph(40, {[] {
                                       std::vector<VertexId> all(40);
                                       for (VertexId v = 0; v < 40; ++v) all[v] = v;
                                       return all;
                                     }()})},
      {"twins", make_hypergraph(9, {{0, 1, 2, 3, 5}, {0, 1, 2, 3}, {0, 1, 2, 3, 4, 5}, {4, 5, 6}, {6, 8}})},
      {"random", random_hypergraph(50, 40, 5, 1)},
      {"random with a giant", random_hypergraph(60, 30, 4, 2, true)},
  };
}

/// Dense factors of one product, each present or not.
template <class T>
struct Factors {
  Tensor left, edge, right;
  Factors(const hyper::Layout& layout, bool present)
      : left(random_tensor<T>(layout.rows(), 1, 11)),
        edge(random_tensor<T>(layout.edges(), 1, 12)),
        right(random_tensor<T>(layout.cols(), 1, 13)),
        present_(present) {}
  [[nodiscard]] hyper::Scale scale() const { return present_ ? hyper::Scale{&left, &edge, &right} : hyper::Scale{}; }

 private:
  bool present_;
};

inline long double factor(const Tensor* factors, std::int64_t at) {
  return factors == nullptr ? 1 : static_cast<long double>(factors->item(at));
}

/// Hyperedges' rows of H^T diag(factors) x over the first x.rows() vertices.
inline Sums reference_edges(const hyper::Layout& layout, const Tensor* factors, const Tensor& x) {
  Sums rows(layout.edges(), x.cols());
  const ops::Csr& csr = layout.by_edge();
  for (std::int64_t e = 0; e < layout.edges(); ++e) {
    for (EdgeOffset k = csr.indptr[e]; k < csr.indptr[e + 1]; ++k) {
      const std::int64_t v = csr.indices[k];
      for (std::int64_t c = 0; v < x.rows() && c < x.cols(); ++c) {
        rows.add(e, c, factor(factors, v) * static_cast<long double>(x.item(v, c)));
      }
    }
  }
  return rows;
}

/// diag(left) H S rows: [count x width].
inline Sums reference_vertices(const hyper::Layout& layout, const Tensor* left, const Tensor* edge, const Sums& rows,
                               std::int64_t count) {
  Sums y(count, rows.cols);
  const ops::Csr& csr = layout.by_edge();
  for (std::int64_t e = 0; e < layout.edges(); ++e) {
    for (EdgeOffset k = csr.indptr[e]; k < csr.indptr[e + 1]; ++k) {
      const std::int64_t v = csr.indices[k];
      if (v >= count) continue;
      const long double weight = factor(left, v) * factor(edge, e);
      for (std::int64_t c = 0; c < rows.cols; ++c) {
        const auto from = static_cast<std::size_t>(e * rows.cols + c), to = static_cast<std::size_t>(v * rows.cols + c);
        y.value[to] += weight * rows.value[from];
        y.magnitude[to] += std::abs(weight) * rows.magnitude[from];
      }
    }
  }
  return y;
}

/// Terms that meet in one element, at most.
inline std::int64_t most_terms(const hyper::Layout& layout) {
  std::int64_t most = 0;
  for (const ops::Csr* csr : {&layout.by_edge(), &layout.by_vertex()}) {
    std::int64_t longest = 0;
    for (std::int64_t i = 0; i < csr->rows; ++i) {
      longest = std::max(longest, static_cast<std::int64_t>(csr->indptr[i + 1] - csr->indptr[i]));
    }
    most += longest;
  }
  return most;
}

}  // namespace galena::test
