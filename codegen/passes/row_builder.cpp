#include "codegen/passes/row_builder.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace galena::codegen {

namespace {

using Mask = std::uint32_t;
constexpr Mask bit(int v) { return Mask{1} << v; }

template <class F>
void each(Mask set, F&& f) {
  for (; set != 0; set &= set - 1) f(std::countr_zero(set));
}

template <class T>
int intern(std::vector<T>& all, T item) {
  const auto found = std::find(all.begin(), all.end(), item);
  if (found != all.end()) return static_cast<int>(found - all.begin());
  all.push_back(std::move(item));
  return static_cast<int>(all.size()) - 1;
}

}  // namespace

Mask component(const Pattern& pattern, Mask within, int v) {
  Mask reached = bit(v);
  for (Mask fresh = reached; fresh != 0;) {
    Mask next = 0;
    each(fresh, [&](int u) { next |= pattern.neighbors(u); });
    fresh = next & within & ~reached;
    reached |= fresh;
  }
  return reached;
}

Pattern induced_part(const Pattern& pattern, Mask vertices) {
  std::vector<int> names(static_cast<std::size_t>(pattern.size()));
  int size = 0;
  each(vertices, [&](int v) { names[static_cast<std::size_t>(v)] = size++; });
  std::vector<std::pair<int, int>> edges;
  for (const Pattern::Edge& e : pattern.edges())
    if ((vertices & bit(e.u)) != 0 && (vertices & bit(e.v)) != 0)
      edges.emplace_back(names[static_cast<std::size_t>(e.u)], names[static_cast<std::size_t>(e.v)]);
  return {size, edges};
}

/// A component of the pattern without its root while it is taken apart.
struct RowBuilder::Core {
  const Pattern& pattern;
  int root;
  Mask alive;
  std::vector<std::vector<int>> weights;  ///< by vertex: tables
  std::vector<int> pairs;                 ///< by vertex: adjacent pairs between it and the root

  Core(const Pattern& p, int x, Mask part)
      : pattern(p),
        root(x),
        alive(part),
        weights(static_cast<std::size_t>(p.size())),
        pairs(static_cast<std::size_t>(p.size())) {}
  [[nodiscard]] Mask around(int v) const { return pattern.neighbors(v) & alive; }
  [[nodiscard]] bool at_root(int v) const { return pattern.adjacent(v, root); }
  [[nodiscard]] bool is_tree() const {
    int ends = 0;
    each(alive, [&](int v) { ends += std::popcount(around(v)); });
    return ends == 2 * (std::popcount(alive) - 1);
  }
};

int RowBuilder::row(Row row) {
  row.below = rules_.below;
  return intern(program_.rows, row);
}

int RowBuilder::table(VertexTable table) { return intern(program_.tables, std::move(table)); }

std::optional<std::vector<RowFactor>> RowBuilder::at_root(const Pattern& pattern, int root) {
  std::vector<RowFactor> factors;
  Mask left = ((bit(pattern.size() - 1) << 1) - 1) & ~bit(root);
  while (left != 0) {
    const Mask part = component(pattern, left, std::countr_zero(left));
    left &= ~part;
    auto factor = component_factor(pattern, root, part);
    if (!factor) return std::nullopt;
    factors.push_back(std::move(*factor));
  }
  std::sort(factors.begin(), factors.end());
  return factors;
}

/// The table that counts, by vertex, the pattern held there by its root; negative for a pattern of one vertex.
std::optional<int> RowBuilder::table_at(const Pattern& pattern, int root) {
  if (pattern.size() == 1) return -1;
  auto factors = at_root(pattern, root);
  if (!factors) return std::nullopt;
  if (factors->size() == 1 && factors->front().kind == RowFactor::Kind::table) return factors->front().a;
  VertexTable made;
  made.factors = std::move(*factors);
  made.stage = program_.stage_of(made.factors);
  return table(std::move(made));
}

std::optional<RowFactor> RowBuilder::component_factor(const Pattern& pattern, int root, Mask part) {
  const Mask held = pattern.neighbors(root) & part;
  if (std::popcount(held) == 1 && rules_.tables()) {
    const int u = std::countr_zero(held);
    const auto inner = table_at(induced_part(pattern, part), std::popcount(part & (bit(u) - 1)));
    if (!inner) return std::nullopt;
    VertexTable spread;
    spread.spread = *inner;
    if (*inner >= 0) {
      const VertexTable& source = program_.tables[static_cast<std::size_t>(*inner)];
      spread.stage = source.stage + (source.factors.empty() ? 0 : 1);
    }
    return RowFactor{RowFactor::Kind::table, table(std::move(spread)), -1, {}, -1};
  }
  Core core(pattern, root, part);
  if (!peel(core)) return std::nullopt;
  pair_off(core);
  if (!core.is_tree()) return std::nullopt;
  const RowMark before = mark_of(program_);
  std::optional<std::pair<int, Pulls>> best;
  double least = std::numeric_limits<double>::infinity();
  each(core.alive, [&](int y) {
    for (const Pulls pulls : {Pulls::kept, Pulls::within}) {
      const auto factor = root_factor(core, y, pulls);
      const double cost = factor ? added_cost(program_, before, {*factor}, costs_, rules_.depth) : least;
      take_back(program_, before);
      if (cost >= least) continue;
      least = cost;
      best = {y, pulls};
    }
  });
  if (!best) return std::nullopt;
  return root_factor(core, best->first, best->second);
}

/// Turns what hangs at a single vertex, away from the root, into tables.
bool RowBuilder::peel(Core& core) {
  for (;;) {
    Mask largest = 0;
    int at = -1;
    each(core.alive, [&](int v) {
      Mask hanging = 0;
      for (Mask left = core.alive & ~bit(v); left != 0;) {
        const Mask part = component(core.pattern, left, std::countr_zero(left));
        left &= ~part;
        if ((part & core.pattern.neighbors(core.root)) == 0) hanging |= part;
      }
      if (std::popcount(hanging) <= std::popcount(largest)) return;
      largest = hanging;
      at = v;
    });
    if (at < 0) return true;
    if (!rules_.tables()) return std::popcount(core.pattern.neighbors(core.root) & core.alive) == 1;
    const Mask piece = largest | bit(at);
    const auto made = table_at(induced_part(core.pattern, piece), std::popcount(piece & (bit(at) - 1)));
    if (!made) return false;
    core.weights[static_cast<std::size_t>(at)].push_back(*made);
    core.alive &= ~largest;
  }
}

/// Two adjacent vertices that have only each other, the root and one vertex b become a row of b.
void RowBuilder::pair_off(Core& core) {
  if (!rules_.tables() || core.is_tree()) return;
  for (int c = 0; c < core.pattern.size(); ++c)
    for (int d = c + 1; d < core.pattern.size(); ++d) {
      const Mask two = bit(c) | bit(d);
      if ((core.alive & two) != two || !core.pattern.adjacent(c, d) || !core.at_root(c) || !core.at_root(d)) continue;
      const Mask b = core.around(c) & ~bit(d);
      if (std::popcount(b) != 1 || (core.around(d) & ~bit(c)) != b) continue;
      const auto plain = [&](int v) {
        return core.weights[static_cast<std::size_t>(v)].empty() && core.pairs[static_cast<std::size_t>(v)] == 0;
      };
      if (!plain(c) || !plain(d)) continue;
      ++core.pairs[static_cast<std::size_t>(std::countr_zero(b))];
      core.alive &= ~two;
    }
}

int RowBuilder::push(int a) { return row({Row::Kind::push, a, -1, -1, true}); }
/// What push(a) has at neighbours: in a neighbourhood, of plain neighbours, there are rows of bits to tell.
int RowBuilder::at_neighbors(int a) {
  const bool pushed = std::any_of(program_.rows.begin(), program_.rows.end(),
                                  [a](const Row& r) { return r.kind == Row::Kind::push && r.a == a; });
  const bool plain = program_.rows[static_cast<std::size_t>(a)].kind == Row::Kind::neighbors;
  return plain && !pushed && rules_.depth > 0 && !rules_.below ? row({Row::Kind::common}) : gather(push(a));
}

int RowBuilder::gather(int a) { return row({Row::Kind::gather, a}); }

int RowBuilder::multiply(std::vector<int> rows) {
  std::sort(rows.begin(), rows.end());
  int product = rows.front();
  for (std::size_t i = 1; i < rows.size(); ++i)
    product = row({Row::Kind::product, product, rows[i], -1, program_.rows[static_cast<std::size_t>(product)].dense});
  return product;
}

int RowBuilder::weigh(int a, const Core& core, int v) {
  std::vector<int> tables = core.weights[static_cast<std::size_t>(v)];
  std::sort(tables.begin(), tables.end());
  for (const int t : tables) a = row({Row::Kind::weigh, a, -1, t, program_.rows[static_cast<std::size_t>(a)].dense});
  return a;
}

/// What must be multiplied at v: the edge to the root, its pairs, and its children's messages.
std::optional<RowBuilder::Parts> RowBuilder::parts(const Core& core, int v, int parent, Pulls pulls) {
  Parts result;
  const bool held = core.at_root(v);
  for (int i = 0; i < core.pairs[static_cast<std::size_t>(v)]; ++i) {
    const int pairs = row({Row::Kind::diamonds, -1, -1, -1, true});
    result.rows.push_back(held ? gather(pairs) : pairs);
  }
  bool complete = true;
  each(core.around(v), [&](int child) {
    if (child == parent || !complete) return;
    const auto below = message(core, child, v);
    complete = below.has_value();
    if (!complete) return;
    const bool dense = program_.rows[static_cast<std::size_t>(*below)].dense;
    if (held && dense && pulls == Pulls::kept)
      result.rows.push_back(row({Row::Kind::pull, *below}));
    else if (dense)
      result.dense.push_back(*below);
    else
      result.rows.push_back(held ? at_neighbors(*below) : push(*below));
  });
  if (!complete) return std::nullopt;
  if (held && result.rows.empty()) result.rows.push_back(row({Row::Kind::neighbors}));
  if (result.rows.empty() && result.dense.empty()) return std::nullopt;  // free of the root: no row holds it
  return result;
}

std::optional<int> RowBuilder::message(const Core& core, int v, int parent) {
  auto found = parts(core, v, parent, Pulls::kept);
  if (!found) return std::nullopt;
  for (const int a : found->dense) found->rows.push_back(push(a));
  return weigh(multiply(found->rows), core, v);
}

std::optional<RowFactor> RowBuilder::root_factor(const Core& core, int y, Pulls pulls) {
  auto found = parts(core, y, -1, pulls);
  if (!found) return std::nullopt;
  if (pulls == Pulls::within) return pulled_factor(core, y, std::move(*found));
  int across = -1;  // the row at the far end of an edge that need not be pushed
  for (const int a : found->dense) {
    if (across < 0 && found->rows.size() + found->dense.size() > 1)
      across = a;
    else
      found->rows.push_back(push(a));
  }
  if (across >= 0) return RowFactor{RowFactor::Kind::edge_dot, weigh(multiply(found->rows), core, y), across, {}, -1};
  std::sort(found->rows.begin(), found->rows.end());
  found->rows.front() = weigh(found->rows.front(), core, y);
  RowFactor factor;
  factor.kind = RowFactor::Kind::dot;
  for (int* last : {&factor.b, &factor.c}) {
    if (found->rows.size() < 2) break;
    *last = found->rows.back();
    found->rows.pop_back();
  }
  factor.a = multiply(found->rows);
  return factor;
}

/// With one dense row, multiplied at neighbours as it is summed.
std::optional<RowFactor> RowBuilder::pulled_factor(const Core& core, int y, Parts found) {
  if (!core.at_root(y) || found.dense.size() != 1) return std::nullopt;
  const int ones = row({Row::Kind::neighbors}), at_y = weigh(multiply(found.rows), core, y);
  if (at_y != ones) return RowFactor{RowFactor::Kind::pull_dot, at_y, found.dense.front(), {}, -1};
  return RowFactor{RowFactor::Kind::dot, found.dense.front(), push(ones), {}, -1};  // the same sum, by its other end
}

}  // namespace galena::codegen
