#include "codegen/interpret/interpreter.hpp"

#include <algorithm>

#include "codegen/passes/step_cost.hpp"
#include "codegen/plan/walk.hpp"
#include "codegen/runtime/bits.h"
#include "codegen/runtime/chunk.h"
#include "codegen/runtime/dispatch.hpp"

namespace galena::codegen {

namespace {

using rt::Bits;
using rt::i128;
using rt::Local;
using rt::Span;
using rt::vid;
namespace cost = step_cost;

/// One run over one chunk. Every visit returns false when the run is to end early.
template <bool kMetered>
class Run {
 public:
  Run(const Plan& plan, rt::Worker& worker, const rt::Chunk& chunk, Meter* meter)
      : plan_(plan),
        w_(worker),
        g_(*worker.graph),
        chunk_(chunk),
        ops_(rt::set_ops()),
        meter_(meter),
        sets_(plan.sets.size()),
        bits_(plan.sets.size()),
        locals_(plan.locals.size()),
        sizes_(plan.sizes.size()),
        tests_(plan.tests.size()),
        increments_(plan.counters.size()),
        found_(plan.counters.size()),
        acc_(plan.outputs.size()),
        images_(of_images(plan)) {
    home_.fill(-1);
  }

  void go() {
    const rt::Slice vertices = rt::roots(g_, chunk_);
    for (std::uint64_t v = vertices.begin; v < vertices.end; ++v) {
      if (images_ && !rt::undecided(*w_.images, static_cast<vid>(v))) continue;
      matched_ = false;
      if (!try_vertex(plan_.root, static_cast<vid>(v)) && !matched_) return abort();
      flush_local(static_cast<vid>(v));
    }
    for (std::size_t i = 0; i < acc_.size(); ++i)
      if (__builtin_add_overflow(w_.acc[i], acc_[i], &w_.acc[i])) w_.overflow = 1;
  }

 private:
  void abort() { w_.aborted = 1; }

  void charge(double ns) {
    if constexpr (kMetered) meter_->total += ns;
  }

  [[nodiscard]] bool stopped() const {
    if constexpr (kMetered)
      if (meter_->limit > 0 && meter_->total > meter_->limit) return true;
    return rt::raised(w_.stop);
  }

  void flush_local(vid v) {
    for (std::size_t i = 0; i < acc_.size(); ++i) {
      if (plan_.outputs[i].kind != Output::Kind::local || acc_[i] == 0) continue;
      w_.add_local(&w_, v, acc_[i]);
      acc_[i] = 0;
    }
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
      charge(cost::kSearch);
    }
    if (low >= 0) {
      const vid at = ops_.lower(s, static_cast<vid>(low) + 1);
      s = {s.p + at, s.n - at};
      charge(cost::kSearch);
    }
    return s;
  }

  /// How many of the columns are below v[depth], or up to it.
  [[nodiscard]] std::uint64_t position(int depth, int columns, bool up_to) {
    const auto d = static_cast<std::size_t>(depth);
    if (home_[d] == columns) return at_[d] + (up_to ? 1 : 0);
    charge(cost::kSearch);
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
      for (vid i = 0; def.depth == 0 && i < g.rows.n; ++i)
        meter_->rows += cost::fill_row(g.columns.n, adjacency(g.rows.p[i]).n);
  }

  void fill(std::uint32_t* out, const Local& g, std::uint64_t at, int local) {
    const Span list = adjacency(g.rows.p[at]);
    if (plan_.locals[static_cast<std::size_t>(local)].depth > 0) charge(cost::fill_row(g.columns.n, list.n));
    ops_.fill_row(out, g.columns, list);
  }

  /// The row of v[vertex], until the next one is asked for.
  Bits row(int local, int vertex) {
    const Local& g = locals_[static_cast<std::size_t>(local)];
    const std::uint64_t at = at_[static_cast<std::size_t>(vertex)];
    const std::uint64_t entry = rt::entry_of(g, at);
    std::uint32_t* const bits = g.bits + entry * g.stride;
    if (g.tags[entry] != at + 1) {
      fill(bits, g, at, local);
      g.tags[entry] = static_cast<std::uint32_t>(at + 1);
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
    charge(cost::combine_bits(static_cast<double>(a.end - a.begin)));
    const bool both = def.op == SetDef::Op::intersect;
    if (!all) {
      (both ? ops_.both : ops_.without)(out, a.p, b.p, a.begin, a.end);
    } else if (both && rt::is_whole(g)) {
      bits_[id].p = b.p;
    } else {
      for (std::uint64_t word = 0; word < g.stride; ++word) out[word] = both ? b.p[word] : ~b.p[word];
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
    charge(cost::intersect(a.n, b.n));
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
    charge(cost::kFilter * s.n);
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
    charge(atom.mark >= 0 ? cost::kLookup : cost::kSearch);
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

  /// Binds v[depth] = x if it passes the loop's filters, and runs the body.
  bool try_vertex(const Loop& loop, vid x) {
    const int depth = loop.body.depth;
    charge(cost::kIteration);
    for (Mask m = loop.except; m != 0; m &= m - 1)
      if (v_[static_cast<std::size_t>(__builtin_ctz(m))] == x) return true;
    if (loop.min_degree > 0 && adjacency(x).n < loop.min_degree) return true;
    if (loop.vlabel >= 0 && !allowed(loop.vlabel, g_.vlabels[x])) return true;
    v_[static_cast<std::size_t>(depth)] = x;
    if (!holds_all(loop.checks)) return true;
    for (const int c : loop.conditions)
      if (!satisfied(plan_.conditions[static_cast<std::size_t>(c)])) return true;
    return run_block(loop.body);
  }

  bool run_block(const Block& block) {
    if (block.depth == 0 && block.loops.empty() && !rt::owns(g_, chunk_, v_[0])) return true;
    const double before = kMetered ? meter_->total : 0;
    for (const int s : block.sets) {
      const SetDef& def = plan_.sets[static_cast<std::size_t>(s)];
      define(def, static_cast<std::size_t>(s));
      if (def.required && empty(static_cast<std::size_t>(s))) return true;
    }
    for (const int l : block.locals) open(plan_.locals[static_cast<std::size_t>(l)], static_cast<std::size_t>(l));
    raise_tables(block);
    if constexpr (kMetered)
      if (block.depth == 0) meter_->outermost += meter_->total - before;
    const bool go_on = evaluate(block);
    if (go_on) clear_tables(block);
    return go_on;
  }

  [[nodiscard]] bool empty(std::size_t set) const {
    if (plan_.sets[set].local < 0) return sets_[set].n == 0;
    return rt::next_bit(bits_[set], bits_[set].begin) == bits_[set].end;
  }

  void raise_tables(const Block& block) {
    for (const int m : block.marks) {
      const Span s = use(plan_.marks[static_cast<std::size_t>(m)].set);
      ops_.mark_in(w_.marks + static_cast<std::uint64_t>(m) * w_.n_padded, s);
      charge(cost::kScatter * s.n);
    }
    for (const int c : block.counters) {
      const CounterDef& def = plan_.counters[static_cast<std::size_t>(c)];
      std::uint32_t* table = w_.counters + static_cast<std::uint64_t>(c) * w_.n_padded;
      const Span s = use(def.set);
      i128 increments = 0;
      i128 found = 0;
      for (vid i = 0; i < s.n; ++i) {
        const Span around = trim(adjacency(s.p[i]), def.bounds);
        increments += around.n;
        for (vid j = 0; j < around.n; ++j) found += table[around.p[j]]++;
        charge(cost::kScatterList + cost::kScatter * around.n);
      }
      increments_[static_cast<std::size_t>(c)] = increments;
      found_[static_cast<std::size_t>(c)] = found;
    }
  }

  void clear_tables(const Block& block) {
    for (const int m : block.marks)
      ops_.mark_out(w_.marks + static_cast<std::uint64_t>(m) * w_.n_padded,
                    use(plan_.marks[static_cast<std::size_t>(m)].set));
    for (const int c : block.counters) {
      const CounterDef& def = plan_.counters[static_cast<std::size_t>(c)];
      std::uint32_t* table = w_.counters + static_cast<std::uint64_t>(c) * w_.n_padded;
      const Span s = use(def.set);
      for (vid i = 0; i < s.n; ++i) ops_.count_out(table, trim(adjacency(s.p[i]), def.bounds));
    }
  }

  bool evaluate(const Block& block) {
    for (const int t : block.tests)
      tests_[static_cast<std::size_t>(t)] = holds_all(plan_.tests[static_cast<std::size_t>(t)].atoms) ? 1 : 0;
    for (const int s : block.sizes)
      sizes_[static_cast<std::size_t>(s)] = size_of(plan_.sizes[static_cast<std::size_t>(s)]);
    if (mine(block))
      for (const Sum& sum : block.sums)
        if (!add(sum)) return false;
    for (const int output : block.emits) {
      charge(cost::kEmit);
      if (images_ && mine(block)) return found_image(output);
      if (mine(block) && w_.emit(&w_, output, v_.data(), block.depth + 1) != 0) return false;
    }
    for (const Loop& loop : block.loops)
      if (!run_loop(loop, block.depth)) return false;
    return true;
  }

  /// One match is enough: ends this root's nest, or the run.
  bool found_image(int output) {
    matched_ = !rt::note_image(*w_.images, v_[0]) || w_.emit(&w_, output, nullptr, 0) == 0;
    return false;
  }

  /// Whether this chunk does what the block does once, apart from its loops.
  [[nodiscard]] bool mine(const Block& block) const {
    if (block.depth == 0) return rt::owns(g_, chunk_, v_[0]);
    return block.depth > 1 || chunk_.part == 0;
  }

  i128 size_of(const SizeDef& def) {
    if (def.moment > 0) {
      const i128 increments = increments_[static_cast<std::size_t>(def.counter)];
      return def.moment == 1 ? increments : 2 * found_[static_cast<std::size_t>(def.counter)] + increments;
    }
    if (def.local >= 0 || plan_.sets[static_cast<std::size_t>(def.a.set)].local >= 0) return size_of_bits(def);
    const Span a = use(def.a);
    std::int64_t both = a.n;
    if (def.counter >= 0) {
      both =
          w_.counters[static_cast<std::uint64_t>(def.counter) * w_.n_padded + v_[static_cast<std::size_t>(def.vertex)]];
      charge(cost::kLookup);
    } else if (def.b >= 0) {
      const Span b = trim(sets_[static_cast<std::size_t>(def.b)], def.b_bounds);
      const Span whole = sets_[static_cast<std::size_t>(def.a.set)];
      if (def.mark >= 0 && rt::marks_pay(ops_.merge_worth, g_.n, whole, b)) {
        both =
            static_cast<std::int64_t>(ops_.marked_n(w_.marks + static_cast<std::uint64_t>(def.mark) * w_.n_padded, b));
      } else {
        both = ops_.isect_n(a, b);
      }
      charge((def.mark >= 0 ? cost::intersect_marked : cost::intersect)(a.n, b.n));
    }
    return def.subtract ? a.n - both : both;
  }

  i128 size_of_bits(const SizeDef& def) {
    const int of = plan_.sets[static_cast<std::size_t>(def.a.set)].local;
    const int columns = plan_.locals[static_cast<std::size_t>(def.local >= 0 ? def.local : of)].columns;
    const bool all = def.a.set == columns;
    Bits b{};
    if (def.local >= 0) b = row(def.local, def.vertex);
    if (all) b = trim(b, def.a.bounds, columns);
    const Bits a = all ? b : trim(bits_[static_cast<std::size_t>(def.a.set)], def.a.bounds, columns);
    charge(cost::combine_bits(static_cast<double>(a.end - a.begin)));
    const vid both = ops_.both_n(a.p, def.local >= 0 ? b.p : a.p, a.begin, a.end);
    if (!def.subtract) return both;
    return all ? a.end - a.begin - both : ops_.without_n(a.p, b.p, a.begin, a.end);
  }

  bool add(const Sum& sum) {
    i128 total = 0;
    for (const Term& term : sum.terms) {
      i128 product = term.coefficient;
      for (const Factor& factor : term.factors) {
        i128 n = sizes_[static_cast<std::size_t>(factor.size)] - factor.minus;
        for (const int t : factor.tests) n -= tests_[static_cast<std::size_t>(t)];
        if (__builtin_mul_overflow(product, n, &product)) w_.overflow = 1;
      }
      if (__builtin_add_overflow(total, product, &total)) w_.overflow = 1;
    }
    charge(cost::kLookup);
    if (plan_.outputs[static_cast<std::size_t>(sum.output)].kind == Output::Kind::exists)
      return total <= 0 || w_.emit(&w_, sum.output, v_.data(), 0) == 0;
    i128& acc = acc_[static_cast<std::size_t>(sum.output)];
    if (__builtin_add_overflow(acc, total, &acc)) w_.overflow = 1;
    return true;
  }

  /// Goes through the set's bits; the part of them that `slice` of the range is.
  bool run_bits_loop(const Loop& loop, int outer) {
    const auto set = static_cast<std::size_t>(loop.from.set);
    const auto depth = static_cast<std::size_t>(loop.body.depth);
    const int columns = home_of(plan_, loop);
    Bits b = trim(bits_[set], loop.from.bounds, columns);
    charge(cost::walk_bits(static_cast<double>(b.end - b.begin)));
    if (outer == 1) {
      const rt::Slice slice = rt::slice_third(chunk_, b.end - b.begin);
      b = rt::bits_part(b, slice.begin, slice.end);
    }
    home_[depth] = columns;
    for (std::uint64_t i = rt::next_bit(b, b.begin); i < b.end; i = rt::next_bit(b, i + 1)) {
      if (stopped()) return false;
      at_[depth] = i;
      if (!try_vertex(loop, sets_[static_cast<std::size_t>(columns)].p[i])) return false;
    }
    return true;
  }

  bool run_loop(const Loop& loop, int outer) {
    if (loop.from.set >= 0 && plan_.sets[static_cast<std::size_t>(loop.from.set)].local >= 0)
      return run_bits_loop(loop, outer);
    const auto depth = static_cast<std::size_t>(loop.body.depth);
    home_[depth] = loop.from.set;
    Span s{nullptr, g_.n};
    std::int64_t base = 0;
    if (loop.from.set >= 0) {
      s = use(loop.from);
    } else {
      const auto [low, high] = interval(loop.from.bounds);
      base = low + 1;
      s.n = high > base ? static_cast<vid>(high - base) : 0;
    }
    rt::Slice slice{0, s.n};
    if (outer == 0) slice = rt::slice_second(g_, chunk_, v_[0], s.n);
    if (outer == 1) slice = rt::slice_third(chunk_, s.n);
    for (std::uint64_t i = slice.begin; i < slice.end; ++i) {
      if (stopped()) return false;
      if (loop.from.set >= 0)
        at_[depth] = static_cast<std::uint64_t>(s.p - sets_[static_cast<std::size_t>(loop.from.set)].p) + i;
      const vid x = s.p != nullptr ? s.p[i] : static_cast<vid>(base + static_cast<std::int64_t>(i));
      if (!try_vertex(loop, x)) return false;
    }
    return true;
  }

  const Plan& plan_;
  rt::Worker& w_;
  const rt::GraphView& g_;
  const rt::Chunk& chunk_;
  const rt::SetOps& ops_;
  Meter* meter_;
  std::array<vid, kMaxPatternVertices> v_{};
  std::array<int, kMaxPatternVertices> home_{};          ///< by depth: the list in which v has a known position ...
  std::array<std::uint64_t, kMaxPatternVertices> at_{};  ///< ... and that position
  std::vector<Span> sets_;
  std::vector<Bits> bits_;  ///< of the sets that are rows of bits
  std::vector<Local> locals_;
  std::vector<i128> sizes_;
  std::vector<int> tests_;
  std::vector<i128> increments_, found_;  ///< of each counter, where it is summed
  std::vector<i128> acc_;
  bool images_;           ///< the plan is one of images
  bool matched_ = false;  ///< then, whether this root's nest was left at a match
};

}  // namespace

Interpreter::Interpreter(const Plan& plan) : plan_(plan) {}
Interpreter::~Interpreter() = default;

void Interpreter::run(rt::Worker& worker, const rt::Chunk& chunk) const {
  Run<false>(plan_, worker, chunk, nullptr).go();
}

void Interpreter::run_metered(rt::Worker& worker, const rt::Chunk& chunk, Meter& meter) const {
  Run<true>(plan_, worker, chunk, &meter).go();
}

}  // namespace galena::codegen
