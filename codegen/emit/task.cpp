// A plan as source text: control flow only. Every operation is a call to a primitive of
// codegen/runtime, which is compiled and tested on its own; the interpreter runs the same
// plan and is this text's oracle.
//
// On a GPU a team of lanes runs this text together: what it says is the same in all lanes, and the
// primitives share out the work. Only within x.lanes(), and where x.apart() and x.apart_rows() choose so, has each lane
// rounds of its own; a sum outside of them counts once for the team, but for sizes of which each lane has a part
// (sizes_in_parts()). The loops over v0, v1 and v2 may end early there: what was left of them was given to other teams
// (x.give()).

#include "codegen/emit/task.hpp"

#include <algorithm>
#include <vector>

#include "codegen/emit/expressions.hpp"
#include "codegen/emit/lanes.hpp"
#include "codegen/emit/text.hpp"
#include "codegen/plan/walk.hpp"

namespace galena::codegen {

namespace {

std::string num(std::uint64_t n) { return std::to_string(n); }

class Emitter {
 public:
  explicit Emitter(const Plan& plan)
      : plan_(plan), loops_(static_cast<std::size_t>(plan.max_depth) + 1), parts_(sizes_in_parts(plan)) {}

  std::string task(const std::string& name) {
    for (std::size_t i = 0; i < plan_.labels.size() && !plan_.labels_given; ++i) label_set(i);
    text_.line("template <class X, class C>");
    text_.open("GALENA_DEVICE static void " + name + "(X& x, const C& c)");
    text_.line("i128 a[" + num(std::max<std::size_t>(1, plan_.outputs.size())) + "] = {};");
    for (std::size_t i = 0; i < plan_.labels.size() && plan_.labels_given; ++i)
      text_.line("const Labels kLabels" + num(i) + " = x.given(" + num(plan_.labels[i].labels.front()) + ");");
    if (!plan_.checked) text_.line("using Product [[maybe_unused]] = typename X::Product;");
    for (std::size_t i = 0; i < plan_.counters.size(); ++i)
      text_.line("uint32_t* const c" + num(i) + " = x.counter(" + num(i) + ");");
    for (std::size_t i = 0; i < plan_.marks.size(); ++i)
      text_.line("[[maybe_unused]] uint8_t* const k" + num(i) + " = x.mark(" + num(i) + ");");
    text_.line("Slice q0 = roots(x.g, c);");
    text_.open("for (uint64_t i0 = q0.begin; i0 < q0.end; ++i0)");
    text_.line("const vid v0 = (vid)i0;");
    loops_[0] = &plan_.root;
    text_.line("if (x.stopped()) return x.abort();");
    text_.line("if (x.wanted()) x.give(c, i0, q0);");
    if (of_images(plan_)) text_.line("if (!x.undecided(v0)) continue;");
    filters(plan_.root);
    block(plan_.root.body);
    if (of_images(plan_)) text_.line("next:;");
    flush_local();
    text_.close();
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i) text_.line("x.flush(" + num(i) + ", a[" + num(i) + "]);");
    text_.close();
    return text_.take();
  }

 private:
  void label_set(std::size_t i) {
    const LabelSet& set = plan_.labels[i];
    std::string values;
    for (const Label label : set.labels) values += (values.empty() ? "" : ", ") + num(label) + "u";
    if (values.empty()) values = "0u";
    const std::string id = num(i);
    text_.line("GALENA_DEVICE static const uint32_t kLabelList" + id + "[] = {" + values + "};");
    text_.line("GALENA_DEVICE static const Labels kLabels" + id + " = {kLabelList" + id + ", " +
               num(set.labels.size()) + ", " + (set.kind == LabelSet::Kind::none_of ? "1" : "0") + "};");
  }

  void flush_local() {
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
      if (plan_.outputs[i].kind != Output::Kind::local) continue;
      text_.line("x.flush_local(v0, a[" + num(i) + "]);");
      text_.line("a[" + num(i) + "] = 0;");
    }
  }

  /// Where set `id` is walked by the loop at depth k and bounded by v[k], the bound is a position.
  [[nodiscard]] bool walked_by(int id, Mask bound) const {
    if (bound == 0 || (bound & (bound - 1)) != 0) return false;
    const int k = deepest(bound);
    if (k > plan_.max_depth) return false;
    const Loop* loop = loops_[static_cast<std::size_t>(k)];
    return loop != nullptr && loop->from.set == id && loop->from.bounds.empty();
  }

  std::string trimmed(const std::string& base, int id, const Bounds& bounds) const {
    if (walked_by(id, bounds.below) && bounds.above == 0)
      return "head(" + base + ", i" + num(static_cast<std::uint64_t>(deepest(bounds.below))) + ")";
    if (walked_by(id, bounds.above) && bounds.below == 0)
      return "from(" + base + ", i" + num(static_cast<std::uint64_t>(deepest(bounds.above))) + " + 1)";
    std::string s = base;
    if (bounds.below != 0) s = "below(" + s + ", " + least_of(bounds.below) + ")";
    if (bounds.above != 0) s = "above(" + s + ", " + greatest_of(bounds.above) + ")";
    return s;
  }

  /// A stretch of the adjacency of v[vertex]; a bound by v[vertex] itself is a stored position.
  static std::string adjacency(int vertex, Bounds bounds) {
    const std::string v = vertex_name(vertex);
    std::string s = "x.adj(" + v + ")";
    if (bounds.below & bit(vertex)) {
      s = "x.adj_below(" + v + ")";
      bounds.below &= ~bit(vertex);
    } else if (bounds.above & bit(vertex)) {
      s = "x.adj_above(" + v + ")";
      bounds.above &= ~bit(vertex);
    }
    if (bounds.below != 0) s = "below(" + s + ", " + least_of(bounds.below) + ")";
    if (bounds.above != 0) s = "above(" + s + ", " + greatest_of(bounds.above) + ")";
    return s;
  }

  [[nodiscard]] std::string used(int id, const Bounds& bounds) const {
    const SetDef& def = plan_.sets[static_cast<std::size_t>(id)];
    if (is_view(def) && def.bounds.empty()) return adjacency(def.vertex, bounds);
    return trimmed(set_name(id), id, bounds);
  }
  [[nodiscard]] std::string used(const SetUse& use) const { return used(use.set, use.bounds); }

  void set(int id) {
    const SetDef& def = plan_.sets[static_cast<std::size_t>(id)];
    if (def.local >= 0) return bit_set(id);
    const std::string declare = "const Span " + set_name(id) + " = ";
    const std::string slot = "x.slot(" + std::to_string(def.slot) + ")";
    if (is_view(def)) {
      if (def.bounds.empty()) return;  // named by its expression
      text_.line(declare + adjacency(def.vertex, def.bounds) + ";");
    } else if (def.op == SetDef::Op::adjacency) {
      const std::string e = def.elabel >= 0 ? ", &" + labels_text(def.elabel) : ", nullptr";
      const std::string v = def.vlabel >= 0 ? ", &" + labels_text(def.vlabel) : ", nullptr";
      text_.line(declare + "x.filtered(" + slot + ", " + vertex_name(def.vertex) + ", " +
                 adjacency(def.vertex, def.bounds) + e + v + ");");
    } else {
      const char* op = def.op == SetDef::Op::intersect ? "isect" : "diff";
      text_.line(declare + "x." + op + "(" + slot + ", " + used(def.a, def.bounds) + ", " + used(def.b, def.bounds) +
                 ");");
    }
    require(id, set_name(id) + ".n");
  }

  /// With so few elements the rest of the block does nothing.
  void require(int set, const std::string& n) {
    const int least = plan_.sets[static_cast<std::size_t>(set)].least;
    if (least > 0) text_.line("if (" + n + (least == 1 ? " == 0" : " < " + std::to_string(least)) + ") " + skip_ + ";");
  }

  [[nodiscard]] bool is_bits(int id) const { return id >= 0 && plan_.sets[static_cast<std::size_t>(id)].local >= 0; }
  [[nodiscard]] int columns_of(int local) const { return plan_.locals[static_cast<std::size_t>(local)].columns; }
  static std::string local_name(int id) { return "g" + std::to_string(id); }
  static std::string position_name(int depth) { return "h" + std::to_string(depth); }

  /// How many of the columns are below v[depth], or up to it.
  [[nodiscard]] std::string position(int depth, int columns, bool up_to) const {
    if (has_position(depth, columns)) return position_name(depth) + (up_to ? " + 1" : "");
    return "lower(" + used(columns, {}) + ", " + vertex_name(depth) + (up_to ? " + 1" : "") + ")";
  }
  [[nodiscard]] bool has_position(int depth, int list) const {
    const Loop* loop = loops_[static_cast<std::size_t>(depth)];
    return loop != nullptr && home_of(plan_, *loop) == list;
  }

  [[nodiscard]] std::string trimmed_bits(std::string b, const Bounds& bounds, int columns) const {
    for (int i = 0; i < kMaxPatternVertices; ++i) {
      if (bounds.below & bit(i)) b = "bits_below(" + b + ", " + position(i, columns, false) + ")";
      if (bounds.above & bit(i)) b = "bits_from(" + b + ", " + position(i, columns, true) + ")";
    }
    return b;
  }
  [[nodiscard]] std::string used_bits(const SetUse& use) const {
    return trimmed_bits(set_name(use.set), use.bounds, columns_of(plan_.sets[static_cast<std::size_t>(use.set)].local));
  }

  static std::string row(int local, int vertex) { return local_name(local) + ", " + position_name(vertex); }

  void bit_set(int id) {
    const SetDef& def = plan_.sets[static_cast<std::size_t>(id)];
    const int columns = columns_of(def.local);
    const bool both = def.op == SetDef::Op::intersect;
    const std::string slot = run_ + ".slot(" + std::to_string(def.slot) + "), ";
    std::string value;
    if (def.a == columns)
      value = trimmed_bits(run_ + (both ? ".kept_row(" : ".others(") + slot + row(def.local, def.vertex) + ")",
                           def.bounds, columns);
    else
      value = run_ + (both ? ".both(" : ".without(") + slot + used_bits({def.a, def.bounds}) + ", " + run_ + ".row(" +
              row(def.local, def.vertex) + "))";
    text_.line("const auto " + set_name(id) + " = " + value + ";");
    if (def.least == 1) text_.line("if (none_of(" + set_name(id) + ")) " + skip_ + ";");
    if (def.least > 1)
      text_.line("if (fewer_than(" + std::to_string(def.least) + ", " + set_name(id) + ")) " + skip_ + ";");
  }

  void local(int id) {
    const LocalDef& def = plan_.locals[static_cast<std::size_t>(id)];
    text_.line("const Local " + local_name(id) + " = x.local(" + std::to_string(id) + ", " + used(def.rows, {}) + ", " +
               used(def.columns, {}) + ");");
  }

  [[nodiscard]] std::string size_of_bits(int id) const {
    const SizeDef& def = plan_.sizes[static_cast<std::size_t>(id)];
    const std::string of = run_ + ".";
    const std::string end = is_part(id) ? "_part(" : "_n(";
    if (def.local < 0) return of + "ones" + end + used_bits(def.a) + ")";
    const std::string b = of + "row(" + row(def.local, def.vertex) + ")";
    if (!is_bits(def.a.set))
      return of + (def.subtract ? "zeros" : "ones") + end + trimmed_bits(b, def.a.bounds, def.a.set) + ")";
    return of + (def.subtract ? "without" : "both") + end + used_bits(def.a) + ", " + b + ")";
  }

  /// Whether the position of v[depth] is asked for in the block or its loops.
  [[nodiscard]] bool asks_position(const Block& b, int depth, int home) const {
    const auto bounded = [&](const Bounds& bounds, int columns) {
      return columns == home && ((bounds.below | bounds.above) & bit(depth)) != 0;
    };
    for (const int s : b.sets) {
      const SetDef& def = plan_.sets[static_cast<std::size_t>(s)];
      if (def.local >= 0 && (def.vertex == depth || bounded(def.bounds, columns_of(def.local)))) return true;
    }
    for (const int n : b.sizes) {
      const SizeDef& def = plan_.sizes[static_cast<std::size_t>(n)];
      if (def.local >= 0 && def.vertex == depth) return true;
      if (def.local >= 0 && bounded(def.a.bounds, columns_of(def.local))) return true;
      if (is_bits(def.a.set) &&
          bounded(def.a.bounds, columns_of(plan_.sets[static_cast<std::size_t>(def.a.set)].local)))
        return true;
    }
    return std::any_of(b.loops.begin(), b.loops.end(), [&](const Loop& l) {
      return (is_bits(l.from.set) && bounded(l.from.bounds, home_of(plan_, l))) || asks_position(l.body, depth, home);
    });
  }

  void require_view(int id) {
    const SetDef& def = plan_.sets[static_cast<std::size_t>(id)];
    if (is_view(def) && def.bounds.empty()) require(id, "x.degree(" + vertex_name(def.vertex) + ")");
  }

  void tables(const Block& block, bool raise) {
    for (const int m : block.marks) {
      text_.line((raise ? "x.mark_in(" : "x.mark_out(") + num(static_cast<std::uint64_t>(m)) + ", " +
                 used(plan_.marks[static_cast<std::size_t>(m)].set) + ");");
    }
    for (const int id : block.counters) counter(id, raise);
  }

  void counter(int id, bool raise) {
    const CounterDef& def = plan_.counters[static_cast<std::size_t>(id)];
    const std::string c = num(static_cast<std::uint64_t>(id));
    const std::string low = def.bounds.above != 0 ? "(uint64_t)" + greatest_of(def.bounds.above) + " + 1" : "0";
    const std::string high = def.bounds.below != 0 ? least_of(def.bounds.below) : "x.g.n";
    const std::string arguments = "c" + c + ", " + used(def.set) + ", " + low + ", " + high;
    if (!raise) {
      text_.line("x.clear(" + arguments + ", w" + c + ");");
    } else if (summed(id)) {
      text_.line("i128 f" + c + " = 0;");
      text_.line("const uint64_t w" + c + " = x.raise_summing(" + arguments + ", f" + c + ");");
    } else {
      text_.line("const uint64_t w" + c + " = x.raise(" + arguments + ");");
    }
  }

  [[nodiscard]] bool summed(int counter) const {
    return std::any_of(plan_.sizes.begin(), plan_.sizes.end(),
                       [counter](const SizeDef& size) { return size.moment > 0 && size.counter == counter; });
  }

  void block(const Block& b) {
    if (b.depth == 0 && b.loops.empty()) text_.line("if (!owns(x.g, c, v0)) continue;");
    for (const int s : b.sets) {
      require_view(s);
      set(s);
    }
    for (const int l : b.locals) local(l);
    tables(b, true);
    for (const int t : b.tests) test(t);
    for (const int s : b.sizes) size(s);
    results(b);
    for (std::size_t l = 0; l < b.loops.size(); ++l) {
      if (b.depth < 2) number_[static_cast<std::size_t>(b.depth)] = num(l);
      loop(b.loops[l]);
    }
    tables(b, false);
  }

  void test(int id) {
    std::string all;
    for (const Atom& atom : plan_.tests[static_cast<std::size_t>(id)].atoms)
      all += (all.empty() ? "" : " && ") + atom_text(atom);
    text_.line("const int64_t t" + num(static_cast<std::uint64_t>(id)) + " = " + all + ";");
  }

  void size(int id) {
    const SizeDef& def = plan_.sizes[static_cast<std::size_t>(id)];
    if (def.moment > 0) {
      const std::string c = std::to_string(def.counter);
      text_.line("const i128 n" + std::to_string(id) + " = " +
                 (def.moment == 2 ? "2 * f" + c + " + w" + c : "(i128)w" + c) + ";");
      return;
    }
    if (def.local >= 0 || is_bits(def.a.set)) {
      text_.line("const int64_t n" + std::to_string(id) + " = " + size_of_bits(id) + ";");
      return;
    }
    if (def.mark >= 0) return marked_size(id);
    const std::string a = used(def.a);
    std::string both = "(" + a + ").n";
    if (def.counter >= 0)
      both = "c" + num(static_cast<std::uint64_t>(def.counter)) + "[" + vertex_name(def.vertex) + "]";
    else if (def.b >= 0)
      both = (is_part(id) ? "x.isect_part(" : "x.isect_n(") + a + ", " + used(def.b, def.b_bounds) + ")";
    if (def.subtract && is_part(id))
      both = "x.once((int64_t)(" + a + ").n) - (int64_t)" + both;
    else if (def.subtract)
      both = "(int64_t)(" + a + ").n - (int64_t)" + both;
    text_.line("const int64_t n" + num(static_cast<std::uint64_t>(id)) + " = " + both + ";");
  }

  /// Looked up or merged, as the lengths are.
  void marked_size(int id) {
    const SizeDef& def = plan_.sizes[static_cast<std::size_t>(id)];
    const std::string n = std::to_string(id), whole = used(def.a.set, {}), a = used(def.a);
    text_.line("const Span m" + n + " = " + used(def.b, def.b_bounds) + ";");
    text_.line("const int64_t n" + n + " = " + (def.subtract ? "(int64_t)(" + a + ").n - " : "") +
               "(int64_t)(x.marks_pay(" + whole + ", m" + n + ") ? x.marked_n(" + std::to_string(def.mark) + ", m" + n +
               ") : x.isect_n(" + a + ", m" + n + "));");
  }

  void results(const Block& b) {
    if (b.sums.empty() && b.emits.empty()) return;
    const bool guarded = b.depth < 2;
    if (guarded) text_.open(b.depth == 0 ? "if (owns(x.g, c, v0))" : "if (owns_second(c))");
    for (const Sum& sum : b.sums) add(sum);
    for (const int output : b.emits) {
      if (of_images(plan_)) {
        image(output);
        continue;
      }
      std::string row;
      for (int d = 0; d <= b.depth; ++d) row += (d > 0 ? ", " : "") + vertex_name(d);
      text_.open();
      text_.line("const vid m[] = {" + row + "};");
      text_.line("if (x.emit(" + num(static_cast<std::uint64_t>(output)) + ", m, " +
                 num(static_cast<std::uint64_t>(b.depth) + 1) + ")) return x.abort();");
      text_.close();
    }
    if (guarded) text_.close();
  }

  /// One match is enough: on with the next root.
  void image(int output) {
    text_.line("if (x.image(" + num(static_cast<std::uint64_t>(output)) + ", v0)) return x.abort();");
    text_.line("goto next;");
  }

  void add(const Sum& sum) {
    const std::string output = std::to_string(sum.output), a = sums_ + "[" + output + "]";
    if (plan_.outputs[static_cast<std::size_t>(sum.output)].kind == Output::Kind::exists) {
      text_.line("if (" + sum_text(sum.terms, {.checked = plan_.checked}) + " > 0 && x.emit(" + output +
                 ", nullptr, 0)) return x.abort();");
      return;
    }
    SumStyle style{plan_.checked, is_narrow(plan_, sum.terms), [this](int size) { return is_part(size); }, once_};
    std::vector<Term> each, once;  // of what each lane has a part, and what counts once
    for (const Term& term : sum.terms) (has_part(term) || once_.empty() ? each : once).push_back(term);
    std::string value = each.empty() ? "" : sum_text(each, style);
    if (!once.empty() || value.empty())
      value += (value.empty() ? "" : " + ") + once_ + "(" + sum_text(once, style) + ")";
    text_.line(plan_.checked ? a + " = x.add(" + a + ", " + value + ");" : a + " += " + value + ";");
  }

  [[nodiscard]] bool is_part(int size) const { return parts_[static_cast<std::size_t>(size)]; }
  [[nodiscard]] bool has_part(const Term& term) const {
    return std::any_of(term.factors.begin(), term.factors.end(), [this](const Factor& f) { return is_part(f.size); });
  }

  void loop(const Loop& inner) {
    const int d = inner.body.depth;
    const std::string depth = num(static_cast<std::uint64_t>(d));
    loops_[static_cast<std::size_t>(d)] = &inner;
    const std::string list = "l" + depth;
    if (is_bits(inner.from.set)) return bits_loop(inner);
    if (const Nest nest = nest_of(plan_, inner, parts_, top_ >= 0 ? top_ : d); nest.local >= 0)
      return rows_loop(inner, nest);
    text_.open();
    text_.line("const auto " + list + " = " + (inner.from.set >= 0 ? used(inner.from) : everyone(inner.from.bounds)) +
               ";");
    std::string begin = "0";
    std::string end = list + ".n";
    in_lanes_ = looks_up_only(inner.body);
    if (d <= 2) {
      text_.line((in_lanes_ ? "const Slice q" : "Slice q") + depth + " = " +
                 (d == 1 ? "slice_second(x.g, c, v0, " + list + ".n, " + number_[0] + ");"
                         : "slice_third(c, " + list + ".n, " + number_[1] + ");"));
      begin = "q" + depth + ".begin";
      end = "q" + depth + ".end";
    }
    if (in_lanes_ && counts_rounds(inner)) {
      for (const Sum& sum : inner.body.sums)
        text_.line("a[" + std::to_string(sum.output) + "] += x.once((i128)(" + end + " - " + begin + ") * (" +
                   sum_text(sum.terms, {}) + "));");
      in_lanes_ = false;
      loops_[static_cast<std::size_t>(d)] = nullptr;
      return text_.close();
    }
    skip_ = in_lanes_ ? "return" : "continue";
    once_ = in_lanes_ ? "" : "x.once";
    if (in_lanes_)
      text_.open("x.lanes(" + begin + ", " + end + ", [&](uint64_t i" + depth + ")");
    else
      text_.open("for (uint64_t i" + depth + " = " + begin + "; i" + depth + " < " + end + "; ++i" + depth + ")");
    text_.line("[[maybe_unused]] const vid v" + depth + " = " + list + ".p[i" + depth + "];");
    if (inner.from.set >= 0 && asks_position(inner.body, d, inner.from.set))
      text_.line("const vid " + position_name(d) + " = (vid)(" + list + ".p - (" + used(inner.from.set, {}) +
                 ").p + i" + depth + ");");
    if (!in_lanes_) text_.line("if (x.stopped()) return x.abort();");
    if (!in_lanes_ && d <= 2) text_.line("if (x.wanted()) " + giving(d, "i" + depth) + ";");
    filters(inner);
    block(inner.body);
    text_.close(in_lanes_ ? "});" : "}");
    in_lanes_ = false;
    skip_ = "continue";
    once_ = "x.once";
    text_.close();
    loops_[static_cast<std::size_t>(d)] = nullptr;
  }

  /// Gives away from the loops down to depth d, which is at position `at`.
  [[nodiscard]] std::string giving(int d, const std::string& at) const {
    const std::string roots = "x.give(c, i0, q0, " + number_[0];
    return d == 1 ? roots + ", " + at + ", q1)" : roots + ", i1, q1, " + number_[1] + ", " + at + ", q2)";
  }

  /// A loop over the ones of a row of bits.
  void bits_loop(const Loop& inner) {
    const int d = inner.body.depth;
    const std::string depth = std::to_string(d), list = "l" + depth, i = position_name(d);
    const int columns = home_of(plan_, inner);
    loops_[static_cast<std::size_t>(d)] = &inner;
    text_.open();
    const std::string whole = used_bits(inner.from);
    if (const Nest nest = nest_of(plan_, inner, parts_, top_ >= 0 ? top_ : d); nest.local >= 0) {
      nest_loop(inner, whole, nest);
      loops_[static_cast<std::size_t>(d)] = nullptr;
      return text_.close();
    }
    if (d <= 2) {
      text_.line("const Bits b" + depth + " = " + whole + ";");
      text_.line("Slice q" + depth + " = slice_third(c, b" + depth + ".end - b" + depth + ".begin, " + number_[1] +
                 ");");
    }
    const std::string part = "bits_part(b" + depth + ", q" + depth + ".begin, q" + depth + ".end)";
    text_.line((d <= 2 ? "Bits " : "const Bits ") + list + " = " + (d <= 2 ? part : whole) + ";");
    text_.open("for (vid " + i + " = next_bit(" + list + ", " + list + ".begin); " + i + " < " + list + ".end; " + i +
               " = next_bit(" + list + ", " + i + " + 1))");
    text_.line("[[maybe_unused]] const vid v" + depth + " = (" + used(columns, {}) + ").p[" + i + "];");
    text_.line("if (x.stopped()) return x.abort();");
    if (d <= 2) {
      text_.open("if (x.wanted())");
      text_.line(giving(d, i + " - b" + depth + ".begin") + ";");
      text_.line(list + " = " + part + ";");
      text_.close();
    }
    filters(inner);
    block(inner.body);
    text_.close();
    text_.close();
    loops_[static_cast<std::size_t>(d)] = nullptr;
  }

  /// Whether each round of the loop adds the same.
  [[nodiscard]] bool counts_rounds(const Loop& l) const {
    const Block& b = l.body;
    return !plan_.checked && l.vlabel < 0 && l.except == 0 && l.checks.empty() && l.conditions.empty() &&
           l.min_degree == 0 && b.sets.empty() && b.tests.empty() && b.sizes.empty() && b.depth >= 2;
  }

  /// A loop over the rows of a local graph that begins a nest.
  void rows_loop(const Loop& inner, const Nest& nest) {
    const int d = inner.body.depth;
    const std::string depth = std::to_string(d), list = "l" + depth, i = "i" + depth;
    text_.open();
    text_.line("const auto " + list + " = " + used(inner.from) + ";");
    std::string begin = "0", end = list + ".n";
    if (d <= 2) {
      text_.line("Slice q" + depth + " = " +
                 (d == 1 ? "slice_second(x.g, c, v0, " + list + ".n, " + number_[0] + ");"
                         : "slice_third(c, " + list + ".n, " + number_[1] + ");"));
      begin = "q" + depth + ".begin";
      end = "q" + depth + ".end";
    }
    const std::string g = local_name(nest.local);
    text_.open("for (uint64_t " + i + " = " + begin + "; " + i + " < " + end + "; " + i + " += x.batch(" + g + "))");
    text_.line("if (x.stopped()) return x.abort();");
    if (d <= 2) text_.line("if (x.wanted()) " + giving(d, i) + ";");
    const std::string at = "(vid)(" + list + ".p - (" + used(inner.from.set, {}) + ").p + " + i + ")";
    rounds(inner, nest, "apart_rows", at + ", " + end + " - " + i);
    text_.close();
    text_.close();
    loops_[static_cast<std::size_t>(d)] = nullptr;
  }

  /// A loop over the ones of a row that is a nest, or of one.
  void nest_loop(const Loop& inner, const std::string& whole, const Nest& nest) {
    const int d = inner.body.depth;
    const std::string depth = std::to_string(d);
    std::string list = whole;
    if (d <= 2) {
      text_.line("const auto l" + depth + " = " + whole + ";");
      text_.line("const Slice q" + depth + " = slice_third(c, l" + depth + ".end - l" + depth + ".begin, " +
                 number_[1] + ");");
      list = "bits_part(l" + depth + ", q" + depth + ".begin, q" + depth + ".end)";
    }
    rounds(inner, nest, "apart", list);
  }

  /// Hands the rounds of a nest's loop over: to whom runs it, or rounds of it.
  void rounds(const Loop& inner, const Nest& nest, const std::string& how, const std::string& of) {
    const int d = inner.body.depth;
    const std::string depth = std::to_string(d), skip = skip_, once = once_, run = run_, sums = sums_;
    const std::string ended = "ended" + depth;
    text_.open("const bool " + ended + " = " + run + "." + how + "(Nest<" + std::to_string(nest.levels) + ", " +
               (nest.flat ? "true" : "false") + ", " + (nest.bare ? "true" : "false") + ">{}, " +
               local_name(nest.local) + ", " + of + ", " + sums + ", [&](vid " + position_name(d) +
               ", [[maybe_unused]] auto&& y" + depth + ", [[maybe_unused]] auto& b" + depth + ")");
    text_.line("[[maybe_unused]] const vid v" + depth + " = (" + used(home_of(plan_, inner), {}) + ").p[" +
               position_name(d) + "];");
    const int top = top_;
    if (top < 0) top_ = d;
    run_ = "y" + depth;
    sums_ = "b" + depth;
    skip_ = "return";
    once_ = run_ + ".once";
    filters(inner);
    block(inner.body);
    top_ = top;
    run_ = run;
    sums_ = sums;
    skip_ = skip;
    once_ = once;
    text_.close("});");
    text_.line("if (" + ended + ") return" + (run_ == "x" ? " x.abort();" : ";"));
  }

  /// A leaf that only reads tables: so soon over that its loop need not watch the stop flag, and that a
  /// lane can do a round alone.
  [[nodiscard]] bool looks_up_only(const Block& b) const {
    for (const Sum& sum : b.sums)
      if (plan_.outputs[static_cast<std::size_t>(sum.output)].kind == Output::Kind::exists) return false;
    for (const int s : b.sizes) {
      const SizeDef& size = plan_.sizes[static_cast<std::size_t>(s)];
      if (size.b >= 0 || (size.moment == 0 && is_bits(size.a.set))) return false;
    }
    for (const int s : b.sets)
      if (!is_view(plan_.sets[static_cast<std::size_t>(s)])) return false;
    return b.loops.empty() && b.emits.empty() && b.locals.empty() && b.marks.empty() && b.counters.empty();
  }

  /// Every vertex within bounds, as a list that is computed, not stored.
  static std::string everyone(const Bounds& bounds) {
    const std::string low = bounds.above != 0 ? "(uint64_t)" + greatest_of(bounds.above) + " + 1" : "0";
    const std::string high = bounds.below != 0 ? least_of(bounds.below) : "x.g.n";
    return "x.everyone(" + low + ", " + high + ")";
  }

  void filters(const Loop& l) {
    const std::string v = vertex_name(l.body.depth);
    const auto skip_if = [this](const std::string& what) { text_.line("if (" + what + ") " + skip_ + ";"); };
    for (int i = 0; i < l.body.depth; ++i)
      if (l.except & bit(i)) skip_if(v + " == " + vertex_name(i));
    if (l.min_degree > 0) skip_if("x.degree(" + v + ") < " + num(l.min_degree));
    if (l.vlabel >= 0) skip_if("!has_label(" + labels_text(l.vlabel) + ", x.vlabel(" + v + "))");
    for (const Atom& atom : l.checks) skip_if("!(" + atom_text(atom) + ")");
    for (const int c : l.conditions)
      skip_if("!(" + condition_text(plan_.conditions[static_cast<std::size_t>(c)]) + ")");
  }

  const Plan& plan_;
  std::vector<const Loop*> loops_;
  Text text_;
  std::string number_[2];          ///< of the loops under way at depths 1 and 2, among their blocks'
  std::string skip_ = "continue";  ///< goes on with the innermost loop's next round
  std::string once_ = "x.once";    ///< what all lanes have counts once by this call; empty where one lane is at it
  bool in_lanes_ = false;
  int top_ = -1;                        ///< where the nest under way begins
  std::string run_ = "x", sums_ = "a";  ///< who runs the text, and adds to what; others within a nest
  std::vector<bool> parts_;             ///< by size
};

}  // namespace

std::string emit_task(const Plan& plan, const std::string& task_name) { return Emitter(plan).task(task_name); }

}  // namespace galena::codegen
