#pragma once
// Programs that count homomorphisms a vertex at a time, without walking the matches.
//
// A program runs once for every vertex x of the graph, the root. Rows are vectors that belong to the root:
// row[y] counts the ways to place a part of a pattern that is held at x and at y. Programs of many patterns
// share rows.

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace galena::codegen {

struct Row {
  enum class Kind {
    neighbors,  ///< 1 at each neighbour of x
    push,       ///< row[y] = sum of a[z] over the z adjacent to y
    pull,       ///< the same, only at neighbours of x; a is dense
    gather,     ///< a dense row a, only at neighbours of x
    product,    ///< a[y] * b[y], both dense or both not
    weigh,      ///< a[y] * table[y]
    common,     ///< common neighbours of x and y, at neighbours of x; only in neighbourhoods
    diamonds,   ///< row[y] = pairs of adjacent vertices (c, d), both adjacent to x and to y
  };
  Kind kind = Kind::neighbors;
  int a = -1, b = -1;  ///< rows
  int table = -1;
  bool dense = false;  ///< has entries at all vertices; else at neighbours of x
  bool below = false;  ///< sees only vertices numbered after x
  auto operator<=>(const Row&) const = default;
};

/// A number at the root; its value is at most max_degree^(vertices placed).
struct RowFactor {
  enum class Kind {
    table,        ///< table[x]
    dot,          ///< sum over y of a[y] * b[y] * c[y], of those there are
    pull_dot,     ///< sum over neighbours y of x of a[y] * the sum of b[z] over the z adjacent to y; b is dense
    edge_dot,     ///< sum over ordered pairs of adjacent y, z of a[y] * b[z], both dense
    diamond_dot,  ///< sum over y of a[y] * diamonds[y], as they are found; a is dense
    local,        ///< homomorphisms of these patterns into the graph that x's neighbours induce, multiplied
  };
  Kind kind = Kind::dot;
  int a = -1, b = -1;      ///< rows; of `table` the table
  std::vector<int> local;  ///< of the local program's results
  int c = -1;              ///< a row
  bool twice = false;      ///< of diamond_dot: y after x alone, twice, and x itself; over all x that is the same sum
  bool operator==(const RowFactor&) const = default;
  bool operator<(const RowFactor& other) const {
    return std::tie(kind, a, b, local, c, twice) <
           std::tie(other.kind, other.a, other.b, other.local, other.c, other.twice);
  }
};

/// A number for each vertex.
struct VertexTable {
  int spread = -1;                 ///< the sum of this table over a vertex's neighbours; of 1 where negative
  std::vector<RowFactor> factors;  ///< where not empty: their product at the vertex instead
  int stage = 0;  ///< of the pass that makes it (spread tables are made before the pass of their stage)
  bool operator==(const VertexTable&) const = default;
};

/// result[target] += coefficient * sum over x of the product of the factors.
struct RowSum {
  std::vector<RowFactor> factors;
  std::int64_t coefficient = 1;
  int target = 0;
};

struct RowProgram {
  std::vector<Row> rows;  ///< operands come first
  std::vector<VertexTable> tables;
  std::vector<RowSum> sums;
  int results = 0;
  std::vector<RowProgram> local;  ///< none or one: runs in every neighbourhood (of this graph, itself perhaps one)

  /// Passes over the graph.
  [[nodiscard]] int stages() const;
  [[nodiscard]] int stage_of_row(int row) const;
  [[nodiscard]] int stage_of(const std::vector<RowFactor>& factors) const;
  [[nodiscard]] bool uses(Row::Kind kind) const;
  [[nodiscard]] bool uses(RowFactor::Kind kind) const;
};

/// Work of the steps on a graph, in elements touched, summed over all roots.
struct RowCosts {
  double arcs = 0;
  double wedges = 0;                                        ///< pairs (neighbour y of x, neighbour of y)
  double reach = 0;                                         ///< vertices at two steps
  double far = 0;                                           ///< their degrees
  double triangles = 0;                                     ///< pairs (neighbour y of x, common neighbour)
  double squares = 0;                                       ///< triples (neighbour y of x, common neighbour, another)
  double wedges_below = 0, reach_below = 0, far_below = 0;  ///< the same among vertices numbered after x
  double vertices = 0;                                      ///< roots with neighbours
  double fours = 0;  ///< quadruples (neighbour y of x, two common neighbours that are adjacent)
};

/// What the same steps cost in all neighbourhoods together.
RowCosts inside(const RowCosts& costs);

/// How much there was of a program, which only grows.
struct RowMark {
  std::size_t rows = 0, tables = 0, sums = 0;
  int results = 0;
  std::vector<RowMark> local;
};

RowMark mark_of(const RowProgram& program);
/// Takes back what was added since.
void take_back(RowProgram& program, const RowMark& mark);

/// Where diamonds serve a single sum they need not be a row: they are summed as they are found, and where that sum is
/// the same seen from x and from y, from one of both.
void sum_diamonds(RowProgram& program);

/// Estimated nanoseconds on one core of what was added since `mark`, and of these factors;
/// depth: of the neighbourhoods that it runs in.
double added_cost(const RowProgram& program, const RowMark& mark, const std::vector<RowFactor>& factors,
                  const RowCosts& costs, int depth);
/// Of all of it.
double row_cost(const RowProgram& program, const RowCosts& costs, int depth = 0);

/// A line a row, table and sum.
std::string print(const RowProgram& program);

}  // namespace galena::codegen
