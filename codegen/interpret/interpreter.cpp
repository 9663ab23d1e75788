#include "codegen/interpret/interpreter.hpp"

#include "codegen/interpret/bindings.hpp"
#include "codegen/runtime/chunk.h"

namespace galena::codegen {

namespace {

using rt::Bits;
using rt::i128;
using rt::Span;
using rt::vid;
namespace cost = step_cost;

/// One run over one chunk. Every visit returns false when the run is to end early.
template <bool kMetered>
class Run : private Bindings<kMetered> {
 public:
  Run(const Plan& plan, rt::Worker& worker, const rt::Chunk& chunk, Meter* meter)
      : Bindings<kMetered>(plan, worker, meter),
        chunk_(chunk),
        sizes_(plan.sizes.size()),
        tests_(plan.tests.size()),
        increments_(plan.counters.size()),
        found_(plan.counters.size()),
        acc_(plan.outputs.size()),
        images_(of_images(plan)) {}

  void go() {
    const rt::Slice vertices = rt::roots(g_, chunk_);
    for (std::uint64_t v = vertices.begin; v < vertices.end; ++v) {
      if (stopped()) return abort();
      if (images_ && !rt::undecided(*w_.images, static_cast<vid>(v))) continue;
      matched_ = false;
      if (!try_vertex(plan_.root, static_cast<vid>(v)) && !matched_) return abort();
      flush_local(static_cast<vid>(v));
    }
    for (std::size_t i = 0; i < acc_.size(); ++i)
      if (__builtin_add_overflow(w_.acc[i], acc_[i], &w_.acc[i])) w_.overflow = 1;
  }

 private:
  using Known = Bindings<kMetered>;
  using Known::adjacency;
  using Known::allowed;
  using Known::at_;
  using Known::bits_;
  using Known::charge;
  using Known::define;
  using Known::few;
  using Known::g_;
  using Known::holds_all;
  using Known::home_;
  using Known::interval;
  using Known::locals_;
  using Known::meter_;
  using Known::open;
  using Known::ops_;
  using Known::plan_;
  using Known::row;
  using Known::satisfied;
  using Known::sets_;
  using Known::trim;
  using Known::use;
  using Known::v_;
  using Known::w_;

  void abort() { w_.aborted = 1; }

  [[nodiscard]] bool stopped() const {
    if constexpr (kMetered)
      if (meter_->limit > 0 && meter_->limited() > meter_->limit) return true;
    return rt::raised(w_.stop);
  }

  void flush_local(vid v) {
    for (std::size_t i = 0; i < acc_.size(); ++i) {
      if (plan_.outputs[i].kind != Output::Kind::local || acc_[i] == 0) continue;
      w_.add_local(&w_, v, acc_[i]);
      acc_[i] = 0;
    }
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
      if (few(static_cast<std::size_t>(s))) return true;
    }
    for (const int l : block.locals) open(plan_.locals[static_cast<std::size_t>(l)], static_cast<std::size_t>(l));
    raise_tables(block);
    if constexpr (kMetered)
      if (block.depth == 0) meter_->outermost += meter_->total - before;
    const bool go_on = evaluate(block);
    if (go_on) clear_tables(block);
    return go_on;
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
    for (vid i = rt::next_bit(b, b.begin); i < b.end; i = rt::next_bit(b, i + 1)) {
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
      if (loop.from.set >= 0) at_[depth] = static_cast<vid>(s.p + i - sets_[static_cast<std::size_t>(loop.from.set)].p);
      const vid x = s.p != nullptr ? s.p[i] : static_cast<vid>(base + static_cast<std::int64_t>(i));
      if (!try_vertex(loop, x)) return false;
    }
    return true;
  }

  const rt::Chunk& chunk_;
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
