// Rows count walks, for the most part: row[y] <= factor * (walks of some length from x to y). How many walks start
// at a vertex is known exactly, and is far below max_degree^length where few vertices have many neighbours.

#include "src/mine/algebra/bounds.hpp"

#include <algorithm>
#include <vector>

namespace galena::mine {

using codegen::Row;
using codegen::RowFactor;
using codegen::RowProgram;
using rt::vid;

namespace {

constexpr double kLimit = 9.2e18;  ///< 2^63, and a little less

/// Most walks of each length from a vertex, as far as asked for: counted, by a pass over the graph for each length, or
/// max_degree^length.
class Walks {
 public:
  enum class Known { counted, by_degree };
  Walks(const rt::GraphView& graph, Known known)
      : graph_(graph), known_(known), at_(known == Known::counted ? graph.n : 0, 1.0) {}

  double from(int length) {
    while (static_cast<int>(most_.size()) <= length) extend();
    return most_[static_cast<std::size_t>(length)];
  }
  /// Between two vertices: the last step is given.
  double between(int length) { return length < 2 ? 1 : from(length - 1); }

 private:
  void extend() {
    if (known_ == Known::by_degree) return most_.push_back(most_.back() * std::max<double>(1, graph_.max_degree));
    std::vector<double> next(graph_.n);
    for (vid v = 0; v < graph_.n; ++v)
      for (std::uint64_t i = graph_.indptr[v]; i < graph_.indptr[v + 1]; ++i) next[v] += at_[graph_.indices[i]];
    at_ = std::move(next);
    most_.push_back(std::max(1.0, graph_.n == 0 ? 0 : *std::max_element(at_.begin(), at_.end())));
  }

  const rt::GraphView& graph_;
  Known known_;
  std::vector<double> at_;
  std::vector<double> most_{1};
};

/// At most factor * walks of this length, between x and y for a row's entry, from x for a number at x.
struct Bound {
  double factor = 1;
  int length = 0;
  double most = 1;  ///< no value exceeds this either
};

class Bounds {
 public:
  Bounds(const RowProgram& program, Walks& walks) : program_(program), walks_(walks) {
    if (!program.local.empty()) {
      const Bounds inner(program.local.front(), walks);
      fits_ = inner.fits_;
      local_ = inner.results_;
    }
    // A table may be made of rows, and a row of tables that stand before it.
    rows_.resize(program.rows.size());
    tables_.resize(program.tables.size());
    known_rows_.resize(program.rows.size());
    known_tables_.resize(program.tables.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) check(row(static_cast<int>(i)).most);
    for (std::size_t i = 0; i < tables_.size(); ++i) check(table(static_cast<int>(i)).most);
    results_.resize(static_cast<std::size_t>(program.results));
    for (const codegen::RowSum& sum : program.sums)
      results_[static_cast<std::size_t>(sum.target)] +=
          static_cast<double>(sum.coefficient) * walks_.from(1) * product(sum.factors).most;
  }

  [[nodiscard]] bool fit() const { return fits_; }

 private:
  void check(double value) { fits_ = fits_ && value < kLimit; }

  Bound row(int i) {
    const auto at = static_cast<std::size_t>(i);
    if (known_rows_[at] == 0) rows_[at] = make(program_.rows[at]);
    known_rows_[at] = 1;
    return rows_[at];
  }
  Bound table(int i) {
    const auto at = static_cast<std::size_t>(i);
    if (known_tables_[at] == 0) tables_[at] = make(program_.tables[at]);
    known_tables_[at] = 1;
    return tables_[at];
  }

  Bound make(const Row& r) {
    const double degree = walks_.from(1);
    switch (r.kind) {
      case Row::Kind::neighbors: return {1, 1, 1};
      case Row::Kind::push:
      case Row::Kind::pull: return one_step(row(r.a), degree);
      case Row::Kind::gather: return row(r.a);
      case Row::Kind::product: return times(row(r.a), row(r.b), [&](int k) { return walks_.between(k); });
      case Row::Kind::weigh: {
        const Bound a = row(r.a);
        const double most = table(r.table).most;
        return {a.factor * most, a.length, a.most * most};
      }
      case Row::Kind::common: return {1, 2, degree};
      case Row::Kind::diamonds: return {degree, 2, degree * degree};
    }
    return {};
  }

  Bound one_step(Bound a, double degree) {
    const int length = a.length + 1;
    return {a.factor, length, std::min(a.most * degree, a.factor * walks_.between(length))};
  }

  Bound make(const codegen::VertexTable& t) {
    if (!t.factors.empty()) return product(t.factors);
    if (t.spread < 0) return {1, 1, walks_.from(1)};
    const Bound a = table(t.spread);
    return {a.factor, a.length + 1, std::min(a.most * walks_.from(1), a.factor * walks_.from(a.length + 1))};
  }

  Bound value(const RowFactor& f) {
    switch (f.kind) {
      case RowFactor::Kind::table: return table(f.a);
      case RowFactor::Kind::dot: return f.c < 0 ? dot(row(f.a), f.b < 0 ? Bound{} : row(f.b)) : dot_of_three(f);
      case RowFactor::Kind::pull_dot:
      case RowFactor::Kind::edge_dot: {
        const Bound reached = one_step(row(f.b), walks_.from(1));
        check(reached.most);
        return dot(row(f.a), reached);
      }
      case RowFactor::Kind::diamond_dot: {
        const double degree = walks_.from(1);
        check(2 * degree * row(f.a).most);
        return dot(row(f.a), {2 * degree, 2, 2 * degree * degree});
      }
      case RowFactor::Kind::local: break;
    }
    double most = 1;
    for (const int i : f.local) most *= local_[static_cast<std::size_t>(i)];
    return {most, 0, most};
  }

  /// The sum over y of a[y] b[y].
  Bound dot(const Bound& a, const Bound& b) {
    const double factor = a.factor * b.most;
    return {factor, a.length, factor * walks_.from(a.length)};
  }

  /// a[y] b[y] is multiplied in 64 bits.
  Bound dot_of_three(const RowFactor& f) {
    const Bound two = times(row(f.a), row(f.b), [&](int k) { return walks_.between(k); });
    check(two.most);
    return dot(two, row(f.c));
  }

  Bound product(const std::vector<RowFactor>& factors) {
    Bound result;
    for (const RowFactor& f : factors) result = times(result, value(f), [&](int k) { return walks_.from(k); });
    return result;
  }

  /// Either may give the walks.
  template <class F>
  static Bound times(const Bound& a, const Bound& b, F&& walks) {
    const Bound by_a{a.factor * b.most, a.length, a.most * b.most};
    const Bound by_b{b.factor * a.most, b.length, a.most * b.most};
    return by_a.factor * walks(by_a.length) <= by_b.factor * walks(by_b.length) ? by_a : by_b;
  }

  const RowProgram& program_;
  Walks& walks_;
  bool fits_ = true;
  std::vector<Bound> rows_, tables_;
  std::vector<char> known_rows_, known_tables_;
  std::vector<double> results_, local_;
};

}  // namespace

bool rows_fit(const RowProgram& program, const rt::GraphView& graph) {
  for (const Walks::Known known : {Walks::Known::by_degree, Walks::Known::counted}) {
    Walks walks(graph, known);
    if (Bounds(program, walks).fit()) return true;
  }
  return false;
}

}  // namespace galena::mine
