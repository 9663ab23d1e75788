#include "codegen/passes/row_program.hpp"

#include <algorithm>
#include <cmath>

namespace galena::codegen {

namespace {

// Nanoseconds an element, a list walked and a step at a root, measured on one core of an EPYC with rows that exceed
// the inner caches.
constexpr double kScatter = 2;
constexpr double kLoad = 1.2;
constexpr double kStep = 1.2;
constexpr double kList = 8;
constexpr double kRoot = 15;
constexpr double kDiamond = 10;   ///< to find the third vertices of an edge
constexpr double kCommon = 12;    ///< two rows of bits
constexpr double kInCache = 0.6;  ///< of these, where the rows are those of a neighbourhood

/// Entries of a row that may differ from zero, over all roots.
double support_of(const RowProgram& program, int row, const RowCosts& c) {
  const Row& r = program.rows[static_cast<std::size_t>(row)];
  if (!r.dense) return c.arcs;
  switch (r.kind) {
    case Row::Kind::diamonds: return std::min(c.reach, c.squares);
    case Row::Kind::product: return std::min(support_of(program, r.a, c), support_of(program, r.b, c));
    case Row::Kind::weigh: return support_of(program, r.a, c);
    default: return r.below ? c.reach_below : c.reach;
  }
}

/// Whether a row at neighbours is zero where these share no neighbour with x.
bool in_triangles_only(const RowProgram& program, int row) {
  if (row < 0) return false;
  const Row& r = program.rows[static_cast<std::size_t>(row)];
  switch (r.kind) {
    case Row::Kind::common: return true;
    case Row::Kind::weigh: return in_triangles_only(program, r.a);
    case Row::Kind::product: return in_triangles_only(program, r.a) || in_triangles_only(program, r.b);
    case Row::Kind::gather: {
      const Row& from = program.rows[static_cast<std::size_t>(r.a)];
      if (from.kind == Row::Kind::diamonds) return true;
      return from.kind == Row::Kind::push && !program.rows[static_cast<std::size_t>(from.a)].dense;
    }
    default: return false;
  }
}

double cost_of(const RowProgram& program, const Row& row, const RowCosts& c) {
  switch (row.kind) {
    case Row::Kind::neighbors: return 0;
    case Row::Kind::push: {
      const bool from_dense = program.rows[static_cast<std::size_t>(row.a)].dense;
      const double elements = from_dense ? (row.below ? c.far_below : c.far) : (row.below ? c.wedges_below : c.wedges);
      return elements * kScatter + support_of(program, row.a, c) * kList;
    }
    case Row::Kind::pull: return (row.below ? c.wedges_below : c.wedges) * kLoad + c.arcs * kList;
    case Row::Kind::gather: return c.arcs * kStep;
    case Row::Kind::product:
      if (row.dense) return std::min(support_of(program, row.a, c), support_of(program, row.b, c)) * kStep;
      return c.arcs * kStep;
    case Row::Kind::weigh: return support_of(program, row.a, c) * kStep;
    case Row::Kind::common: return c.arcs * kCommon;
    case Row::Kind::diamonds: return c.squares * kScatter / 2 + c.triangles * kDiamond;
  }
  return 0;
}

double cost_of(const RowProgram& program, const RowFactor& factor, const RowCosts& c) {
  if (factor.kind == RowFactor::Kind::table || factor.kind == RowFactor::Kind::local) return 0;
  double support = support_of(program, factor.a, c);
  if (factor.kind == RowFactor::Kind::dot) {
    for (const int row : {factor.b, factor.c})
      if (row >= 0) support = std::min(support, support_of(program, row, c));
    return support * kStep;
  }
  if (factor.kind == RowFactor::Kind::pull_dot) {
    const bool below = program.rows[static_cast<std::size_t>(factor.a)].below;
    const double asked = in_triangles_only(program, factor.a) ? std::min(1.0, c.triangles / c.arcs) : 1;
    return asked * ((below ? c.wedges_below : c.wedges) * kLoad + c.arcs * kList) + c.arcs * kStep;
  }
  if (factor.kind == RowFactor::Kind::diamond_dot)
    return c.squares * kLoad / (factor.twice ? 4 : 2) + c.triangles * kDiamond;
  const double elements = program.rows[static_cast<std::size_t>(factor.a)].below ? c.far_below : c.far;
  return elements * kLoad * (factor.a == factor.b ? 0.5 : 1) + support * kList;
}

double cost_of(const RowProgram& program, const std::vector<RowFactor>& factors, const RowCosts& c) {
  double total = 0;
  for (const RowFactor& factor : factors) total += cost_of(program, factor, c);
  return total;
}

std::string name(const RowFactor& factor) {
  const std::string a = std::to_string(factor.a), b = std::to_string(factor.b);
  switch (factor.kind) {
    case RowFactor::Kind::table: return "t" + a + "[x]";
    case RowFactor::Kind::dot:
      return "sum(r" + a + (factor.b < 0 ? "" : " * r" + b) + (factor.c < 0 ? "" : " * r" + std::to_string(factor.c)) +
             ")";
    case RowFactor::Kind::pull_dot: return "sum(r" + a + " * r" + b + " pulled)";
    case RowFactor::Kind::edge_dot: return "sum over edges(r" + a + " * r" + b + ")";
    case RowFactor::Kind::diamond_dot: return "sum(r" + a + " * diamonds)" + (factor.twice ? ", after x twice" : "");
    case RowFactor::Kind::local: break;
  }
  std::string text = "neighbourhood(";
  for (std::size_t i = 0; i < factor.local.size(); ++i)
    text += (i > 0 ? " * h" : "h") + std::to_string(factor.local[i]);
  return text + ")";
}

std::string name(const std::vector<RowFactor>& factors) {
  std::string text;
  for (const RowFactor& factor : factors) text += (text.empty() ? "" : " * ") + name(factor);
  return text.empty() ? "1" : text;
}

std::string name(const Row& row) {
  const std::string a = "r" + std::to_string(row.a);
  std::string text;
  switch (row.kind) {
    case Row::Kind::neighbors: text = "neighbours"; break;
    case Row::Kind::push: text = "push " + a; break;
    case Row::Kind::pull: text = "pull " + a + " to neighbours"; break;
    case Row::Kind::gather: text = a + " at neighbours"; break;
    case Row::Kind::product: text = a + " * r" + std::to_string(row.b); break;
    case Row::Kind::weigh: text = a + " * t" + std::to_string(row.table); break;
    case Row::Kind::common: text = "common neighbours at neighbours"; break;
    case Row::Kind::diamonds: text = "diamonds"; break;
  }
  return text + (row.below ? ", after x" : "");
}

}  // namespace

int RowProgram::stage_of_row(int row) const {
  if (row < 0) return 0;
  const Row& r = rows[static_cast<std::size_t>(row)];
  int stage = std::max(stage_of_row(r.a), stage_of_row(r.b));
  if (r.table >= 0) {
    const VertexTable& table = tables[static_cast<std::size_t>(r.table)];
    stage = std::max(stage, table.stage + (table.factors.empty() ? 0 : 1));
  }
  return stage;
}

int RowProgram::stage_of(const std::vector<RowFactor>& factors) const {
  int stage = 0;
  for (const RowFactor& factor : factors) {
    if (factor.kind == RowFactor::Kind::table) {
      const VertexTable& table = tables[static_cast<std::size_t>(factor.a)];
      stage = std::max(stage, table.stage + (table.factors.empty() ? 0 : 1));
    } else if (factor.kind != RowFactor::Kind::local) {
      stage = std::max({stage, stage_of_row(factor.a), stage_of_row(factor.b), stage_of_row(factor.c)});
    }
  }
  return stage;
}

int RowProgram::stages() const {
  int last = 0;
  for (const RowSum& sum : sums) last = std::max(last, stage_of(sum.factors));
  for (const VertexTable& table : tables) last = std::max(last, table.stage);
  return last + 1;
}

bool RowProgram::uses(Row::Kind kind) const {
  return std::any_of(rows.begin(), rows.end(), [kind](const Row& row) { return row.kind == kind; });
}

bool RowProgram::uses(RowFactor::Kind kind) const {
  const auto in = [kind](const auto& each) {
    return std::any_of(each.factors.begin(), each.factors.end(),
                       [kind](const RowFactor& factor) { return factor.kind == kind; });
  };
  return std::any_of(tables.begin(), tables.end(), in) || std::any_of(sums.begin(), sums.end(), in);
}

RowCosts inside(const RowCosts& c) {
  // Infinite: more than lists hold, whatever is asked of them.
  const auto denser = [](double inner, double outer) {
    return outer > 0 && std::isfinite(outer) ? 1 + inner / outer : 1;
  };
  RowCosts local;
  local.vertices = std::min(c.arcs, c.triangles);
  local.arcs = c.triangles;
  local.wedges = local.reach = c.squares;
  local.triangles = c.fours;
  local.wedges_below = local.reach_below = c.squares / 3;
  // A neighbourhood is dense: two steps reach most of it.
  local.far = c.squares * denser(c.triangles, c.arcs);
  local.squares = local.fours = c.fours * denser(c.fours, c.triangles);
  local.far_below = local.far / 5;
  return local;
}

namespace {

/// Whether row[y] of x is row[x] of y.
bool symmetric(const RowProgram& program, int row) {
  const Row& r = program.rows[static_cast<std::size_t>(row)];
  if (r.below) return false;
  if (r.kind == Row::Kind::product) return symmetric(program, r.a) && symmetric(program, r.b);
  if (r.kind != Row::Kind::push) return false;
  const Row& from = program.rows[static_cast<std::size_t>(r.a)];
  return from.kind == Row::Kind::neighbors && !from.below;
}

/// Calls f(factor, factors of its sum; 0 in a table) for those that are made of rows.
template <class F>
void for_factors(RowProgram& program, F&& f) {
  const auto each = [&](std::vector<RowFactor>& factors, std::size_t of_sum) {
    for (RowFactor& factor : factors)
      if (factor.kind != RowFactor::Kind::table && factor.kind != RowFactor::Kind::local) f(factor, of_sum);
  };
  for (VertexTable& table : program.tables) each(table.factors, 0);
  for (RowSum& sum : program.sums) each(sum.factors, sum.factors.size());
}

/// One that nothing is made of.
void remove_row(RowProgram& program, int row) {
  program.rows.erase(program.rows.begin() + row);
  const auto renumber = [row](int& i) { i -= i > row ? 1 : 0; };
  for (Row& each : program.rows)
    for (int* operand : {&each.a, &each.b}) renumber(*operand);
  for_factors(program, [&](RowFactor& factor, std::size_t) {
    for (int* operand : {&factor.a, &factor.b, &factor.c}) renumber(*operand);
  });
}

}  // namespace

void sum_diamonds(RowProgram& program) {
  const auto found = std::find_if(program.rows.begin(), program.rows.end(),
                                  [](const Row& row) { return row.kind == Row::Kind::diamonds; });
  if (found == program.rows.end()) return;
  const auto diamonds = static_cast<int>(found - program.rows.begin());
  for (const Row& row : program.rows)
    if (row.a == diamonds || row.b == diamonds) return;
  std::vector<RowFactor*> users;
  bool alone = false;
  for_factors(program, [&](RowFactor& factor, std::size_t of_sum) {
    if (factor.a != diamonds && factor.b != diamonds && factor.c != diamonds) return;
    users.push_back(&factor);
    alone = of_sum == 1;
  });
  if (users.size() != 1) return;
  RowFactor& factor = *users.front();
  if (factor.kind != RowFactor::Kind::dot || factor.b < 0 || factor.c >= 0 || factor.a == factor.b) return;
  const int other = factor.a == diamonds ? factor.b : factor.a;
  if (!program.rows[static_cast<std::size_t>(other)].dense) return;
  factor = {RowFactor::Kind::diamond_dot, other, -1, {}, -1, alone && symmetric(program, other)};
  remove_row(program, diamonds);
}

RowMark mark_of(const RowProgram& program) {
  RowMark mark{program.rows.size(), program.tables.size(), program.sums.size(), program.results, {}};
  for (const RowProgram& inner : program.local) mark.local.push_back(mark_of(inner));
  return mark;
}

void take_back(RowProgram& program, const RowMark& mark) {
  program.rows.resize(mark.rows);
  program.tables.resize(mark.tables);
  program.sums.resize(mark.sums);
  program.results = mark.results;
  program.local.resize(mark.local.size());
  for (std::size_t i = 0; i < mark.local.size(); ++i) take_back(program.local[i], mark.local[i]);
}

double added_cost(const RowProgram& program, const RowMark& mark, const std::vector<RowFactor>& factors,
                  const RowCosts& costs, int depth) {
  const std::size_t steps_at_roots = program.rows.size() - mark.rows + program.sums.size() - mark.sums;
  double total = static_cast<double>(steps_at_roots) * costs.vertices * kRoot;
  double steps = cost_of(program, factors, costs);
  for (std::size_t i = mark.rows; i < program.rows.size(); ++i) steps += cost_of(program, program.rows[i], costs);
  for (std::size_t i = mark.sums; i < program.sums.size(); ++i)
    steps += cost_of(program, program.sums[i].factors, costs);
  for (std::size_t i = mark.tables; i < program.tables.size(); ++i) {
    const VertexTable& table = program.tables[i];
    total += table.factors.empty() ? costs.arcs * kLoad : cost_of(program, table.factors, costs);
  }
  total += steps * (depth > 0 ? kInCache : 1);
  if (program.local.empty()) return total;
  // Lists give a vertex's neighbourhood; inside one, edges are looked for.
  const double entering = depth == 0 ? costs.triangles * kStep * 4 : costs.wedges * kStep + costs.triangles * kStep * 3;
  const bool entered = !mark.local.empty();
  return total + (entered ? 0 : entering) +
         added_cost(program.local.front(), entered ? mark.local.front() : RowMark{}, {}, inside(costs), depth + 1);
}

double row_cost(const RowProgram& program, const RowCosts& costs, int depth) {
  return added_cost(program, {}, {}, costs, depth);
}

namespace {

std::string lines(const RowProgram& program, const std::string& indent) {
  std::string text;
  for (std::size_t i = 0; i < program.tables.size(); ++i) {
    const VertexTable& table = program.tables[i];
    text += indent + "t" + std::to_string(i) + "[x] = ";
    if (!table.factors.empty())
      text += name(table.factors);
    else if (table.spread < 0)
      text += "degree";
    else
      text += "sum of t" + std::to_string(table.spread) + " over neighbours";
    text += "\n";
  }
  for (std::size_t i = 0; i < program.rows.size(); ++i)
    text += indent + "r" + std::to_string(i) + " = " + name(program.rows[i]) + "\n";
  for (const RowSum& sum : program.sums)
    text += indent + "h" + std::to_string(sum.target) + " += " + std::to_string(sum.coefficient) + " * " +
            name(sum.factors) + "\n";
  for (const RowProgram& inner : program.local)
    text += indent + "in each neighbourhood:\n" + lines(inner, indent + "  ");
  return text;
}

}  // namespace

std::string print(const RowProgram& program) { return lines(program, "  "); }

}  // namespace galena::codegen
