// For a pair of vertices x, y let C be their common neighbours, c = |C|, and let a 3-path be an edge (a, b) with a next
// to x and b next to y, a != y, b != x. Per pair: the number m of 3-paths, those with a in C, b in C or both, and how
// many pairs of 3-paths share no vertex, follow from numbers that one walk around y gives for all x:
//   f(v) = 3-paths with a = v = codegree(v, y) - [xy], g(v) = those with b = v = codegree(v, x) - [xy];
//   disjoint pairs = (m over 2) - sum over v of (f over 2) + (g over 2) - sum over C of f g + edges within C,
// since two 3-paths meet in a, in b, or in one's a and the other's b, and only reversed ones in two of these.
// Nothing here is a sum over quotients or homomorphisms.

#include "bench/mine/pairs.hpp"

#include <array>

#include "src/base/threads.hpp"

namespace galena::bench {

namespace {

__extension__ typedef __int128 Wide;

/// Sums over ordered pairs (x, y); all of them, and the adjacent ones.
struct Sums {
  struct Of {
    Wide disjoint = 0;               ///< pairs of 3-paths
    std::array<Wide, 4> with_two{};  ///< a 3-path and j paths of two edges
    std::array<Wide, 6> only_two{};  ///< j paths of two edges
  } any, adjacent;

  void add(const Sums& other) {
    for (auto [to, from] : {std::pair{&any, &other.any}, std::pair{&adjacent, &other.adjacent}}) {
      to->disjoint += from->disjoint;
      for (std::size_t j = 0; j < to->with_two.size(); ++j) to->with_two[j] += from->with_two[j];
      for (std::size_t j = 0; j < to->only_two.size(); ++j) to->only_two[j] += from->only_two[j];
    }
  }
};

Wide choose(Wide n, int k) {
  Wide result = n < k ? 0 : 1;
  for (int i = 0; i < k; ++i) result = result * (n - i) / (i + 1);
  return result;
}

/// By arc: the common neighbours of its ends.
std::vector<std::vector<VertexId>> common_neighbours(const Graph& g) {
  std::vector<std::vector<VertexId>> common(g.indices().size());
  std::vector<char> near(g.num_vertices());
  for (VertexId u = 0; u < g.num_vertices(); ++u) {
    for (const VertexId v : g.neighbors(u)) near[v] = 1;
    EdgeOffset arc = g.indptr()[u];
    for (const VertexId v : g.neighbors(u)) {
      for (const VertexId w : g.neighbors(v))
        if (near[w] != 0) common[arc].push_back(w);
      ++arc;
    }
    for (const VertexId v : g.neighbors(u)) near[v] = 0;
  }
  return common;
}

/// What is kept for each x while y stands.
struct Around {
  std::int64_t codegree = 0;
  std::int64_t steps = 0, squares = 0;  ///< sums of codegree(v, y), and of its squares, over x's neighbours v != y
  std::int64_t from_y = 0, from_x = 0;  ///< sums over v in C of triangles on vy and on vx
  std::int64_t both = 0;                ///< sum over C of their product
  std::int64_t inside = 0;              ///< edges within C
};

class Walker {
 public:
  Walker(const Graph& g, const std::vector<std::vector<VertexId>>& common)
      : g_(g), common_(common), around_(g.num_vertices()), near_(g.num_vertices()) {}

  void add(VertexId y, Sums& sums) {
    for (const VertexId v : g_.neighbors(y)) near_[v] = 1;
    common_steps(y);
    three_steps(y);
    inner_edges(y);
    for (const VertexId x : touched_)
      if (x != y) pair(x, sums);
    for (const VertexId x : touched_) around_[x] = {};
    for (const VertexId v : g_.neighbors(y)) near_[v] = 0;
    touched_.clear();
  }

 private:
  void common_steps(VertexId y) {
    for (const VertexId v : g_.neighbors(y))
      for (const VertexId x : g_.neighbors(v))
        if (around_[x].codegree++ == 0) touched_.push_back(x);
    for (const VertexId v : g_.neighbors(y)) {
      EdgeOffset arc = g_.indptr()[v];
      for (const VertexId x : g_.neighbors(v)) {
        const std::int64_t at_x = static_cast<std::int64_t>(common_[arc++].size()), at_y = around_[v].codegree;
        around_[x].from_y += at_y;
        around_[x].from_x += at_x;
        around_[x].both += at_x * at_y;
      }
    }
  }
  void three_steps(VertexId y) {
    const std::size_t middle = touched_.size();
    for (std::size_t i = 0; i < middle; ++i) {
      const VertexId v = touched_[i];
      if (v == y) continue;
      const std::int64_t k = around_[v].codegree;
      for (const VertexId x : g_.neighbors(v)) {
        if (around_[x].codegree == 0 && around_[x].steps == 0) touched_.push_back(x);
        around_[x].steps += k;
        around_[x].squares += k * k;
      }
    }
  }
  void inner_edges(VertexId y) {
    for (const VertexId u : g_.neighbors(y)) {
      EdgeOffset arc = g_.indptr()[u];
      for (const VertexId v : g_.neighbors(u)) {
        if (v > u && near_[v] != 0)
          for (const VertexId x : common_[arc]) ++around_[x].inside;
        ++arc;
      }
    }
  }
  void pair(VertexId x, Sums& sums) const {
    const Around& at = around_[x];
    const Wide edge = near_[x], c = at.codegree, ends = static_cast<Wide>(g_.degree(x)) - edge;
    const Wide m = at.steps - edge * ends;
    const Wide squares = at.squares - 2 * edge * at.steps + edge * ends;
    const Wide first = at.from_y - edge * c, last = at.from_x - edge * c, twice = 2 * at.inside;
    const Wide product = at.both - edge * (at.from_y + at.from_x) + edge * c;
    Sums::Of found;
    // The sums of (f over 2) and (g over 2) are equal over all ordered pairs: f twice.
    found.disjoint = choose(m, 2) - (squares - m) - product + at.inside;
    for (int j = 0; j < 4; ++j)
      found.with_two[static_cast<std::size_t>(j)] = (m - first - last + twice) * choose(c, j) +
                                                    (first + last - 2 * twice) * choose(c - 1, j) +
                                                    twice * choose(c - 2, j);
    for (int j = 0; j < 6; ++j) found.only_two[static_cast<std::size_t>(j)] = choose(c, j);
    Sums one;
    one.any = found;
    if (edge != 0) one.adjacent = found;
    sums.add(one);
  }

  const Graph& g_;
  const std::vector<std::vector<VertexId>>& common_;
  std::vector<Around> around_;
  std::vector<char> near_;
  std::vector<VertexId> touched_;
};

}  // namespace

std::vector<std::pair<std::string, Count>> count_by_pairs(const Graph& graph, int threads) {
  const auto common = common_neighbours(graph);
  Sums total;
  base::ErrorTrap trap;
#pragma omp parallel num_threads(threads)
  trap.run(0, [&] {
    Walker walker(graph, common);
    Sums own;
#pragma omp for schedule(dynamic, 16)
    for (std::int64_t y = 0; y < static_cast<std::int64_t>(graph.num_vertices()); ++y)
      walker.add(static_cast<VertexId>(y), own);
#pragma omp critical
    total.add(own);
  });
  trap.rethrow();
  const auto count = [](Wide ordered, int pairs) { return Count(static_cast<Count::Wide>(ordered / (2 * pairs))); };
  return {
      {"cycle(5)", count(total.any.with_two[1], 5)},
      {"house", count(total.adjacent.with_two[1], 1)},
      {"cycle(6)", count(total.any.disjoint, 3)},
      {"ladder(3)", count(total.adjacent.disjoint, 1)},
      {"K(2,4)", count(total.any.only_two[4], 1)},
      {"K(2,5)", count(total.any.only_two[5], 1)},
      {"theta(2,2,3)", count(total.any.with_two[2], 1)},
      {"0-1 0-2 1-2 0-3 1-3 0-4 4-5 5-1", count(total.adjacent.with_two[2], 1)},
      {"0-2 2-1 0-3 3-1 0-4 4-1 0-5 5-6 6-1", count(total.any.with_two[3], 1)},
      {"0-1 0-2 2-1 0-3 3-1 0-4 4-1 0-5 5-6 6-1", count(total.adjacent.with_two[3], 1)},
  };
}

}  // namespace galena::bench
