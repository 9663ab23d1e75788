#pragma once
// What an interpreted plan knows at a point of its loops: the vertices that are bound, the sets and rows of bits that
// are made of them, and which conditions hold.

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "codegen/interpret/interpreter.hpp"
#include "codegen/passes/step_cost.hpp"
#include "codegen/plan/walk.hpp"
#include "codegen/runtime/bits.h"
#include "codegen/runtime/dispatch.hpp"

namespace galena::codegen {

/// With a meter each step is charged to it.
template <bool kMetered>
class Bindings {
 protected:
  using Bits = rt::Bits;
  using Local = rt::Local;
  using Span = rt::Span;
  using vid = rt::vid;

  Bindings(const Plan& plan, rt::Worker& worker, Meter* meter)
      : plan_(plan),
        w_(worker),
        g_(*worker.graph),
        ops_(rt::set_ops()),
        meter_(meter),
        sets_(plan.sets.size()),
        bits_(plan.sets.size()),
        locals_(plan.locals.size()) {
    home_.fill(-1);
  }

  void charge(double ns) {
    if constexpr (kMetered) meter_->total += ns;
  }

  [[nodiscard]] Span adjacency(vid v) const {
    return {g_.indices + g_.indptr[v], static_cast<vid>(g_.indptr[v + 1] - g_.indptr[v])};
  }

  /// The tightest of several bounds, as an interval (low, high) of ids.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> interval(const Bounds& bounds) const {
    std::int64_t low = -1;
    std::int64_t high = g_.n;
    for (Mask m = bounds.above; m != 0; m &= m - 1)
      low = std::max<std::int64_t>(low, v_[static_cast<std::size_t>(__builtin_ctz(m))]);
    for (Mask m = bounds.below; m != 0; m &= m - 1)
      high = std::min<std::int64_t>(high, v_[static_cast<std::size_t>(__builtin_ctz(m))]);
    return {low, high};
  }

  Span trim(Span s, const Bounds& bounds) {
    if (bounds.empty()) return s;
    const auto [low, high] = interval(bounds);
    if (high < static_cast<std::int64_t>(g_.n)) {
      s.n = high <= 0 ? 0 : ops_.lower(s, static_cast<vid>(high));
      charge(step_cost::kSearch);
    }
    if (low >= 0) {
      const vid at = ops_.lower(s, static_cast<vid>(low) + 1);
      s = {s.p + at, s.n - at};
      charge(step_cost::kSearch);
    }
    return s;
  }

  /// How many of the columns are below v[depth], or up to it.
  [[nodiscard]] vid position(int depth, int columns, bool up_to) {
    const auto d = static_cast<std::size_t>(depth);
    if (home_[d] == columns) return at_[d] + (up_to ? 1 : 0);
    charge(step_cost::kSearch);
    return ops_.lower(sets_[static_cast<std::size_t>(columns)], v_[d] + (up_to ? 1 : 0));
  }

  Bits trim(Bits b, const Bounds& bounds, int columns) {
    for (Mask m = bounds.below; m != 0; m &= m - 1) b = rt::bits_below(b, position(__builtin_ctz(m), columns, false));
    for (Mask m = bounds.above; m != 0; m &= m - 1) b = rt::bits_from(b, position(__builtin_ctz(m), columns, true));
    return b;
  }

  void open(const LocalDef& def, std::size_t id) {
    Local& g = locals_[id];
    g = rt::local_graph(w_.locals + id * w_.local_capacity, w_.local_capacity,
                        sets_[static_cast<std::size_t>(def.rows)], sets_[static_cast<std::size_t>(def.columns)]);
    std::fill_n(g.tags, g.entries, 0U);
    if constexpr (kMetered)
      if (def.depth == 0) meter_->rows += cost_of_rows(g);
  }

  /// Of filling all; where there are many, by some of them, spread evenly: a meter must not take longer than the run.
  double cost_of_rows(const Local& g) const {
    constexpr vid kRows = 256;
    const vid looked_at = std::min(g.rows.n, kRows);
    double sum = 0;
    for (vid i = 0; i < looked_at; ++i) {
      const vid x = g.rows.p[static_cast<std::uint64_t>(i) * g.rows.n / looked_at];
      sum += step_cost::fill_row(g.columns.n, adjacency(x).n);
    }
    return looked_at == 0 ? 0 : sum * g.rows.n / looked_at;
  }

  void fill(std::uint32_t* out, const Local& g, vid at, int local) {
    const Span list = adjacency(g.rows.p[at]);
    if constexpr (kMetered) {
      const bool for_v0 = plan_.locals[static_cast<std::size_t>(local)].depth == 0;
      (for_v0 ? meter_->filled : meter_->total) += step_cost::fill_row(g.columns.n, list.n);
    }
    ops_.fill_row(out, g.columns, list);
  }

  /// The row of v[vertex], until the next one is asked for.
  Bits row(int local, int vertex) {
    const Local& g = locals_[static_cast<std::size_t>(local)];
    const vid at = at_[static_cast<std::size_t>(vertex)];
    const vid entry = rt::entry_of(g, at);
    std::uint32_t* const bits = rt::row_at(g, entry);
    if (g.tags[entry] != at + 1) {
      fill(bits, g, at, local);
      g.tags[entry] = at + 1;
    }
    return {bits, 0, g.columns.n};
  }

  void define_bits(const SetDef& def, std::size_t id, vid* out) {
    const Local& g = locals_[static_cast<std::size_t>(def.local)];
    const int columns = plan_.locals[static_cast<std::size_t>(def.local)].columns;
    const bool all = def.a == columns;
    Bits b = row(def.local, def.vertex);
    const Bits a =
        trim(all ? Bits{nullptr, 0, g.columns.n} : bits_[static_cast<std::size_t>(def.a)], def.bounds, columns);
    bits_[id] = {out, a.begin, a.end};
    charge(step_cost::combine_bits(static_cast<double>(a.end - a.begin)));
    const bool both = def.op == SetDef::Op::intersect;
    if (!all) {
      (both ? ops_.both : ops_.without)(out, a.p, b.p, a.begin, a.end);
    } else if (both && rt::is_whole(g)) {
      bits_[id].p = b.p;
    } else {
      for (vid word = 0; word < g.stride; ++word) out[word] = both ? b.p[word] : ~b.p[word];
    }
  }

  [[nodiscard]] Span use(const SetUse& use) { return trim(sets_[static_cast<std::size_t>(use.set)], use.bounds); }

  void define(const SetDef& def, std::size_t id) {
    vid* out = def.slot >= 0 ? w_.slots + static_cast<std::uint64_t>(def.slot) * w_.slot_capacity : nullptr;
    if (def.local >= 0) return define_bits(def, id, out);
    if (def.op == SetDef::Op::adjacency) {
      sets_[id] = out == nullptr ? trim(adjacency(v_[static_cast<std::size_t>(def.vertex)]), def.bounds)
                                 : filtered_adjacency(def, out);
      return;
    }
    const Span a = trim(sets_[static_cast<std::size_t>(def.a)], def.bounds);
    const Span b = trim(sets_[static_cast<std::size_t>(def.b)], def.bounds);
    charge(step_cost::intersect(a.n, b.n));
    sets_[id] = {out, def.op == SetDef::Op::intersect ? ops_.isect(out, a, b) : ops_.diff(out, a, b)};
  }

  /// The labels of a set, or all but those.
  struct LabelList {
    const Label* p;
    std::uint32_t n;
    bool negated;
  };
  [[nodiscard]] LabelList labels(int id) const {
    const LabelSet& set = plan_.labels[static_cast<std::size_t>(id)];
    if (plan_.labels_given) return {w_.images->labels + set.labels.front(), 1, false};
    return {set.labels.data(), static_cast<std::uint32_t>(set.labels.size()), set.kind == LabelSet::Kind::none_of};
  }
  [[nodiscard]] bool allowed(int id, Label label) const {
    if (plan_.labels_given) return *labels(id).p == label;
    return plan_.labels[static_cast<std::size_t>(id)].contains(label);
  }

  Span filtered_adjacency(const SetDef& def, vid* out) {
    const vid v = v_[static_cast<std::size_t>(def.vertex)];
    const Span all = adjacency(v);
    Span s = trim(all, def.bounds);
    charge(step_cost::kFilter * s.n);
    if (def.elabel >= 0) {
      const LabelList set = labels(def.elabel);
      const std::uint32_t* arcs = g_.elabels + g_.indptr[v] + (s.p - all.p);
      s = {out, ops_.filter_elabel(out, s, arcs, set.p, set.n, set.negated)};
    }
    if (def.vlabel >= 0) {
      const LabelList set = labels(def.vlabel);
      s = {out, ops_.filter_vlabel(out, s, g_.vlabels, set.p, set.n, set.negated)};
    }
    return s;
  }

  [[nodiscard]] bool joined(vid x, vid y, int edge_labels) const {
    const Span s = adjacency(y);
    const vid at = ops_.lower(s, x);
    if (at >= s.n || s.p[at] != x) return false;
    return edge_labels < 0 || allowed(edge_labels, g_.elabels[g_.indptr[y] + at]);
  }

  bool holds(const Atom& atom) {
    const vid x = v_[static_cast<std::size_t>(atom.x)];
    const vid y = v_[static_cast<std::size_t>(atom.y)];
    charge(atom.mark >= 0 ? step_cost::kLookup : step_cost::kSearch);
    switch (atom.kind) {
      case Atom::Kind::less: return x < y;
      case Atom::Kind::label: return allowed(atom.labels, g_.vlabels[x]);
      case Atom::Kind::adjacent:
      case Atom::Kind::nonadjacent: break;
    }
    const bool is = atom.mark >= 0 ? w_.marks[static_cast<std::uint64_t>(atom.mark) * w_.n_padded + x] != 0
                                   : joined(x, y, atom.labels);
    return is == (atom.kind == Atom::Kind::adjacent);
  }

  [[nodiscard]] bool holds_all(const std::vector<Atom>& atoms) {
    return std::all_of(atoms.begin(), atoms.end(), [this](const Atom& atom) { return holds(atom); });
  }

  [[nodiscard]] std::int64_t value(const Condition::Term& term) const {
    switch (term.kind) {
      case Condition::Term::Kind::degree: return adjacency(v_[static_cast<std::size_t>(term.vertex)]).n;
      case Condition::Term::Kind::label: return g_.vlabels[v_[static_cast<std::size_t>(term.vertex)]];
      case Condition::Term::Kind::constant: break;
    }
    return term.value;
  }

  [[nodiscard]] bool compare(const Condition& c) const {
    const std::int64_t left = value(c.left);
    const std::int64_t right = value(c.right);
    switch (c.op) {
      case Condition::Operator::eq: return left == right;
      case Condition::Operator::ne: return left != right;
      case Condition::Operator::lt: return left < right;
      case Condition::Operator::le: return left <= right;
      case Condition::Operator::gt: return left > right;
      case Condition::Operator::ge: break;
    }
    return left >= right;
  }

  [[nodiscard]] bool satisfied(const Condition& c) const {
    const auto ok = [this](const Condition& child) { return satisfied(child); };
    switch (c.kind) {
      case Condition::Kind::all: return std::all_of(c.children.begin(), c.children.end(), ok);
      case Condition::Kind::any: return std::any_of(c.children.begin(), c.children.end(), ok);
      case Condition::Kind::negation: return !satisfied(c.children.front());
      case Condition::Kind::compare: break;
    }
    return compare(c);
  }

  /// Whether the set has fewer elements than it needs.
  [[nodiscard]] bool few(std::size_t set) const {
    const auto least = static_cast<vid>(plan_.sets[set].least);
    return plan_.sets[set].local < 0 ? sets_[set].n < least : rt::fewer_than(least, bits_[set]);
  }

  const Plan& plan_;
  rt::Worker& w_;
  const rt::GraphView& g_;
  const rt::SetOps& ops_;
  Meter* meter_;
  std::array<vid, kMaxPatternVertices> v_{};
  std::array<int, kMaxPatternVertices> home_{};  ///< by depth: the list in which v has a known position ...
  std::array<vid, kMaxPatternVertices> at_{};    ///< ... and that position
  std::vector<Span> sets_;
  std::vector<Bits> bits_;  ///< of the sets that are rows of bits
  std::vector<Local> locals_;
};

}  // namespace galena::codegen
