#pragma once
// The plan: the one intermediate representation between a pattern and whatever runs it.
//
// A plan is a nest of loops. Depth d binds matched vertex v[d]; a Block holds what is
// computed once v[d] is known: candidate sets, marks and counters, set sizes, sums of
// products of sizes, matches to report, and deeper loops. Values are in static single
// assignment form: each set, size and test is defined once, at the earliest depth at
// which its operands are known, and used there or deeper. There is no recursion and no
// allocation, so that the same plan can be interpreted, written out as C++ or as CUDA.
//
// Vertex numbers in a plan are depths, not pattern vertices; Output::order maps back.

#include <cstdint>
#include <string>
#include <vector>

#include "galena/pattern.hpp"

namespace galena::codegen {

/// A set of depths, one bit each.
using Mask = std::uint32_t;
constexpr Mask bit(int i) { return Mask{1} << i; }
/// Depths 0..k-1, for k up to 32.
constexpr Mask first(int k) { return k >= 32 ? ~Mask{0} : bit(k) - 1; }
/// The deepest of a nonempty set.
constexpr int deepest(Mask m) { return 31 - __builtin_clz(m); }

/// Keeps x with x < v[i] for each i in `below` and x > v[i] for each i in `above`.
struct Bounds {
  Mask below = 0, above = 0;
  bool operator==(const Bounds&) const = default;
  [[nodiscard]] bool empty() const { return (below | above) == 0; }
};

/// A set and the bounds still to be applied where it is used.
struct SetUse {
  int set = -1;  ///< index in Plan::sets; -1 in a Loop means every vertex of the graph
  Bounds bounds;
  bool operator==(const SetUse&) const = default;
};

/// A candidate set: a sorted list, or where `local` says so a row of bits.
struct SetDef {
  enum class Op {
    adjacency,  ///< neighbours of v[vertex], filtered by edge and vertex label where given
    intersect,  ///< a and the neighbours of v[vertex] (or set b where those are filtered)
    subtract,   ///< a without the neighbours of v[vertex]
  };
  Op op = Op::adjacency;
  int depth = 0;          ///< defined in a block of this depth
  int vertex = 0;         ///< whose neighbours
  int a = -1;             ///< left operand of intersect and subtract
  int b = -1;             ///< right operand: the adjacency set of v[vertex]
  int elabel = -1;        ///< adjacency: index in Plan::labels of the arcs kept
  int vlabel = -1;        ///< adjacency: index in Plan::labels of the vertices kept
  Bounds bounds;          ///< applied to the result
  int slot = -1;          ///< buffer it is written to; -1: a view of the graph's own array
  int least = 0;          ///< with fewer elements the rest of its block does nothing
  /// Where >= 0, the set is bits over the columns of locals[local], `a` is those columns or bits over them, and the
  /// neighbours of v[vertex] are one of its rows.
  int local = -1;
};

/// A local graph: for each x of the list `rows`, which elements of the list `columns` are neighbours of x, as a row of
/// bits. It lives while the block of `depth` runs; a row is filled when it is first asked for.
struct LocalDef {
  int depth = 0;
  int rows = -1, columns = -1;  ///< sets
};

/// marks[x] = 1 for x in the set, while the block of `depth` runs. For tests of adjacency, and for sizes.
struct MarkDef {
  int depth = 0;
  SetUse set;
};

/// counters[y] = |set intersected with the neighbours of y| for y within `bounds`,
/// while the block of `depth` runs. Built by walking the neighbours of the set.
struct CounterDef {
  int depth = 0;
  SetUse set;
  Bounds bounds;
};

/// A condition on matched vertices that can be true or false.
struct Atom {
  enum class Kind {
    adjacent,     ///< v[x] and v[y] are joined, by an edge with label in `labels` if >= 0
    nonadjacent,  ///< v[x] and v[y] are not joined
    label,        ///< the label of v[x] is in `labels`
    less,         ///< v[x] < v[y]
  };
  Kind kind = Kind::adjacent;
  int x = 0, y = 0;
  int labels = -1;
  int mark = -1;  ///< adjacent, nonadjacent: the mark of v[y]'s neighbours, if there is one
  bool operator==(const Atom&) const = default;
};

/// 1 where all atoms hold, else 0.
struct TestDef {
  int depth = 0;
  std::vector<Atom> atoms;
};

/// The size of a set that is not built where that can be avoided.
struct SizeDef {
  int depth = 0;
  SetUse a;
  int b = -1;             ///< adjacency set to intersect with (or subtract); -1: the size of a alone
  Bounds b_bounds;        ///< applied to b: the same as to a, since x is in both
  bool subtract = false;  ///< |a| - |a and b| instead of |a and b|
  int counter = -1;       ///< where >= 0, |a and b| is counters[counter][v[vertex]]
  int vertex = -1;        ///< whose neighbours b are
  int local = -1;         ///< where >= 0, they are its row of v[vertex], and a is its columns or bits over them
  int mark = -1;          ///< where >= 0, marks set a without the bounds of its use: |a and b| may be counted by it
  /// 1 or 2: the sum over all y of the counter, or of its square, instead of a size; a is unused.
  int moment = 0;
};

/// (size - minus - number of true tests)
struct Factor {
  int size = -1;
  int minus = 0;
  std::vector<int> tests;
  auto operator<=>(const Factor&) const = default;
};

/// coefficient * product of factors
struct Term {
  std::int64_t coefficient = 1;
  std::vector<Factor> factors;
};

/// What a block adds to an output for each time it runs.
struct Sum {
  int output = 0;
  std::vector<Term> terms;
};

struct Loop;

/// What is done once v[depth] is bound, in the order of the members.
struct Block {
  int depth = 0;
  std::vector<int> sets, locals, marks, counters, tests, sizes;
  std::vector<Sum> sums;
  std::vector<int> emits;  ///< outputs that report v[0..depth]; an image: that v[0] is one
  std::vector<Loop> loops;
};

/// Binds v[body.depth] to each x of `from` that passes every filter.
struct Loop {
  SetUse from;
  int vlabel = -1;              ///< label filter still to apply
  Mask except = 0;              ///< x differs from v[i]
  std::vector<Atom> checks;     ///< adjacency that `from` does not already ensure; x is Atom::x
  std::vector<int> conditions;  ///< indices in Plan::conditions, over v[0..depth]
  VertexId min_degree = 0;
  Block body;
};

/// One number (or list) the plan computes.
struct Output {
  enum class Kind {
    count,
    list,
    exists,
    local,
    image,  ///< which vertices are images of the one at depth 0: the rest of a root's nest is left at its first match
  };
  Kind kind = Kind::count;
  std::string name;
  std::uint64_t divisor = 1;              ///< the sum is this many times the count of instances
  std::vector<int> order;                 ///< order[d] is the pattern vertex bound at depth d
  std::vector<std::string> restrictions;  ///< for the printer
};

struct Plan {
  std::vector<SetDef> sets;
  std::vector<LocalDef> locals;
  std::vector<MarkDef> marks;
  std::vector<CounterDef> counters;
  std::vector<TestDef> tests;
  std::vector<SizeDef> sizes;
  std::vector<LabelSet> labels;
  bool labels_given = false;          ///< each label set is a number: of a label that a run is given (rt::ImageTask)
  std::vector<Condition> conditions;  ///< vertices are depths
  std::vector<Output> outputs;
  Loop root;             ///< over every vertex; its body has depth 0
  int max_depth = 0;     ///< deepest loop
  int slots = 0;         ///< buffers a worker needs
  bool checked = false;  ///< sums may leave 128 bits on this graph: check each step
};

/// The plan as text: stable, readable, one line a step; golden tests hold it.
std::string print(const Plan& plan);

/// Throws InternalError where a value is used before its definition, out of its scope or
/// index range, or a slot is overwritten while in use.
void verify(const Plan& plan);

/// A 64-bit hash of everything that matters to running it.
std::uint64_t fingerprint(const Plan& plan);

}  // namespace galena::codegen
