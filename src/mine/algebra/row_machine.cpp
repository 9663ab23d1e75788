#include "src/mine/algebra/row_machine.hpp"

#include <algorithm>
#include <array>

namespace galena::mine {

using codegen::Row;
using codegen::RowFactor;
using rt::u128;
using rt::vid;

RowMachine::RowMachine(const codegen::RowProgram& program, int stage, vid vertices, vid max_degree,
                       const TriangleLists* triangles)
    : program_(program),
      triangles_(triangles),
      vertices_(vertices),
      products_(1),
      needed_(program.rows.size()),
      values_(program.rows.size()) {
  for (const codegen::RowSum& sum : program.sums)
    if (program.stage_of(sum.factors) == stage) {
      sums_.push_back({product(sum.factors), &sum});
      if (sum.factors.empty()) alone_.push_back(&sum);
    }
  for (std::size_t t = 0; t < program.tables.size(); ++t)
    if (!program.tables[t].factors.empty() && program.tables[t].stage == stage)
      made_tables_.emplace_back(t, product(program.tables[t].factors));
  factor_values_.resize(factors_.size());
  product_values_.assign(products_.size(), 1);
  for (std::size_t i = 0; i < program.rows.size(); ++i) {
    if (needed_[i] == 0) continue;
    values_[i].at.assign(program.rows[i].dense ? vertices : max_degree,
                         program.rows[i].kind == Row::Kind::neighbors ? 1 : 0);
    if (!program.rows[i].dense) continue;
    values_[i].capacity = std::size_t{vertices} + 1;
    values_[i].support = std::make_unique_for_overwrite<vid[]>(values_[i].capacity);
  }
  if (!looks_inside_) return;
  inner_ = std::make_unique<RowMachine>(program.local.front(), 0, max_degree, max_degree, nullptr);
  inner_results_.resize(static_cast<std::size_t>(program.local.front().results));
  if (!program.local.front().uses(Row::Kind::common)) return;
  inner_bits_ = std::make_unique<BitRows>();
  inner_->bits_ = inner_bits_.get();
}

std::uint64_t RowMachine::bytes() const {
  std::uint64_t total = (inner_ ? inner_->bytes() : 0) + (inner_bits_ ? inner_bits_->bytes() : 0);
  for (const Values& v : values_) total += v.at.size() * sizeof(std::uint64_t) + v.capacity * sizeof(vid);
  return total;
}

void RowMachine::need(int row) {
  if (row < 0 || needed_[static_cast<std::size_t>(row)] != 0) return;
  needed_[static_cast<std::size_t>(row)] = 1;
  need(program_.rows[static_cast<std::size_t>(row)].a);
  need(program_.rows[static_cast<std::size_t>(row)].b);
}

/// Its number among this stage's.
std::size_t RowMachine::factor(const RowFactor& factor) {
  const auto known =
      std::find_if(factors_.begin(), factors_.end(), [&](const RowFactor* other) { return *other == factor; });
  if (known != factors_.end()) return static_cast<std::size_t>(known - factors_.begin());
  looks_inside_ = looks_inside_ || factor.kind == RowFactor::Kind::local;
  if (factor.kind != RowFactor::Kind::table && factor.kind != RowFactor::Kind::local)
    for (const int row : {factor.a, factor.b, factor.c}) need(row);
  factors_.push_back(&factor);
  return factors_.size() - 1;
}

/// Products that begin alike share what they begin with.
std::size_t RowMachine::product(const std::vector<RowFactor>& factors) {
  std::size_t at = 0;
  for (const RowFactor& each : factors) {
    const std::size_t by = factor(each);
    const auto known = std::find_if(products_.begin() + 1, products_.end(),
                                    [&](const Product& p) { return p.of == at && p.factor == by; });
    if (known == products_.end()) {
      products_.push_back({at, by});
      at = products_.size() - 1;
    } else {
      at = static_cast<std::size_t>(known - products_.begin());
    }
  }
  return at;
}

void RowMachine::run(const rt::GraphView& graph, vid x, TableValues& tables) {
  graph_ = &graph;
  tables_ = &tables;
  x_ = x;
  if (near(false).second == 0) {
    ++vertices_alone_;
    return;
  }
  for (std::size_t i = 0; i < program_.rows.size(); ++i) {
    if (needed_[i] == 0) continue;
    values_[i].none = nothing_to_make(program_.rows[i]);
    if (!values_[i].none) make(program_.rows[i], values_[i]);
  }
  if (looks_inside_) look_inside();
  multiply_out();
  for (Sum& sum : sums_) sum.total += product_values_[sum.product];
  for (const auto& [table, product] : made_tables_)
    tables[table][x] = static_cast<std::uint64_t>(product_values_[product]);
  for (Values& v : values_) {
    for (std::size_t k = 0; k < v.size; ++k) v.at[v.support[k]] = 0;
    v.size = 0;
  }
}

void RowMachine::multiply_out() {
  for (std::size_t i = 0; i < factors_.size(); ++i) factor_values_[i] = value(*factors_[i]);
  for (std::size_t i = 1; i < products_.size(); ++i)
    product_values_[i] = product_values_[products_[i].of] * factor_values_[products_[i].factor];
}

void RowMachine::add_to(std::vector<rt::i128>& results) {
  for (Sum& sum : sums_) {
    results[static_cast<std::size_t>(sum.sum->target)] += static_cast<rt::i128>(sum.total) * sum.sum->coefficient;
    sum.total = 0;
  }
  count_alone(vertices_alone_, results);
  vertices_alone_ = 0;
}

/// At vertices without neighbours, where every factor is zero; neighbourhoods have many. Tables begin as zeros.
void RowMachine::count_alone(std::uint64_t vertices, std::vector<rt::i128>& results) const {
  for (const codegen::RowSum* sum : alone_)
    results[static_cast<std::size_t>(sum->target)] += static_cast<rt::i128>(vertices) * sum->coefficient;
}

/// Whether what the row is made of is zero.
bool RowMachine::nothing_to_make(const Row& row) const {
  if (row.kind == Row::Kind::neighbors) return near(row.below).second == 0;
  return (row.a >= 0 && values(row.a).none) || (row.b >= 0 && values(row.b).none);
}

void RowMachine::make(const Row& row, Values& out) {
  switch (row.kind) {
    case Row::Kind::neighbors: return;  // ones from the beginning
    case Row::Kind::push:
      if (this->row(row.a).dense)
        push_far(values(row.a), row.below, out);
      else
        push_near(values(row.a), row.below, out);
      break;
    case Row::Kind::pull: pull(values(row.a), row.below, out); break;
    case Row::Kind::gather: {
      const auto [around, d] = near(row.below);
      for (std::size_t i = 0; i < d; ++i) out.at[i] = values(row.a).at[around[i]];
      break;
    }
    case Row::Kind::product: multiply(values(row.a), values(row.b), row, out); break;
    case Row::Kind::weigh: weigh(values(row.a), (*tables_)[static_cast<std::size_t>(row.table)], row, out); break;
    case Row::Kind::common: bits_->common(x_, out.at.data()); break;
    case Row::Kind::diamonds: diamonds(out); break;
  }
  out.none = row.dense ? out.size == 0 : !any(out.at.data(), near(row.below).second);
}

bool RowMachine::any(const std::uint64_t* values, std::size_t n) {
  std::uint64_t together = 0;
  for (std::size_t i = 0; i < n; ++i) together |= values[i];
  return together != 0;
}

std::pair<const vid*, std::size_t> RowMachine::near(bool below) const {
  const std::uint64_t begin = graph_->indptr[x_] + (below ? graph_->split[x_] : 0);
  return {graph_->indices + begin, static_cast<std::size_t>(graph_->indptr[x_ + 1] - begin)};
}

namespace {

/// row[z] += c for the neighbours z of y; those after x alone if `below`. Returns the support's new size.
template <bool below>
std::size_t scatter(const rt::GraphView& g, vid x, vid y, std::uint64_t c, std::uint64_t* row, vid* support,
                    std::size_t size) {
  const vid* first = g.indices + g.indptr[y];
  for (const vid* z = g.indices + g.indptr[y + 1]; z != first;) {
    --z;
    if (below && *z <= x) break;
    const std::uint64_t old = row[*z];
    support[size] = *z;
    size += old == 0 ? 1 : 0;
    row[*z] = old + c;
  }
  return size;
}

}  // namespace

void RowMachine::push_near(const Values& a, bool below, Values& out) {
  const auto [around, d] = near(below);
  for (std::size_t i = 0; i < d; ++i) {
    if (a.at[i] == 0) continue;
    out.size = (below ? scatter<true> : scatter<false>)(*graph_, x_, around[i], a.at[i], out.at.data(),
                                                        out.support.get(), out.size);
  }
}

void RowMachine::push_far(const Values& a, bool below, Values& out) {
  for (std::size_t k = 0; k < a.size; ++k)
    out.size = (below ? scatter<true> : scatter<false>)(*graph_, x_, a.support[k], a.at[a.support[k]], out.at.data(),
                                                        out.support.get(), out.size);
}

void RowMachine::pull(const Values& a, bool below, Values& out) {
  const auto [around, d] = near(below);
  for (std::size_t i = 0; i < d; ++i) out.at[i] = sum_around(around[i], below, a);
}

void RowMachine::multiply(const Values& a, const Values& b, const Row& row, Values& out) {
  if (!row.dense) {
    const std::size_t d = near(row.below).second;
    for (std::size_t i = 0; i < d; ++i) out.at[i] = a.at[i] * b.at[i];
    return;
  }
  const Values& fewer = a.size <= b.size ? a : b;
  for (std::size_t k = 0; k < fewer.size; ++k) {
    const vid y = fewer.support[k];
    out.at[y] = a.at[y] * b.at[y];
    out.support[out.size] = y;
    out.size += out.at[y] != 0 ? 1 : 0;
  }
}

void RowMachine::weigh(const Values& a, const std::vector<std::uint64_t>& table, const Row& row, Values& out) {
  if (!row.dense) {
    const auto [around, d] = near(row.below);
    for (std::size_t i = 0; i < d; ++i) out.at[i] = a.at[i] * table[around[i]];
    return;
  }
  for (std::size_t k = 0; k < a.size; ++k) {
    const vid y = a.support[k];
    out.at[y] = a.at[y] * table[y];
    out.support[out.size] = y;
    out.size += out.at[y] != 0 ? 1 : 0;
  }
}

/// found(vertices adjacent to both c and d) for each pair c < d of adjacent neighbours of x. These lists lie anywhere, so
/// they are asked for some ahead.
template <class F>
void RowMachine::for_triangles(F&& found) const {
  if (!triangles_->any_at(x_)) return;
  std::array<std::uint64_t, kAhead> edges;
  std::size_t count = 0;
  const auto visit = [&] {
    for (std::size_t i = 0; i < count; ++i) triangles_->ask_for_list(edges[i]);
    for (std::size_t i = 0; i < count; ++i) found(triangles_->of_edge(edges[i]));
    count = 0;
  };
  const auto [around, degree] = near(false);
  for (std::size_t i = 0; i < degree; ++i) {
    const vid c = around[i];
    const vid* const first = graph_->indices + graph_->indptr[c] + graph_->split[c];
    const vid* const end = graph_->indices + graph_->indptr[c + 1];
    const vid* at = first;
    const auto joined = triangles_->of_arc(graph_->indptr[x_] + i);
    for (auto d = std::upper_bound(joined.begin(), joined.end(), c); d != joined.end(); ++d) {
      at = std::lower_bound(at, end, *d);
      edges[count] = triangles_->edge(c, static_cast<std::uint64_t>(at - first));
      triangles_->ask_for(edges[count]);
      if (++count == kAhead) visit();
    }
  }
  visit();
}

/// Twice for each pair c < d, both orders.
void RowMachine::diamonds(Values& out) {
  for_triangles([&](const auto& thirds) {
    for (const vid y : thirds) {
      const std::uint64_t old = out.at[y];
      out.support[out.size] = y;
      out.size += old == 0 ? 1 : 0;
      out.at[y] = old + 2;
    }
  });
}

u128 RowMachine::diamond_dot(const RowFactor& factor) const {
  const std::uint64_t* const a = values(factor.a).at.data();
  u128 total = 0;
  for_triangles([&](const auto& thirds) {
    std::uint64_t sum = 0;
    if (!factor.twice) {
      for (const vid y : thirds) sum += a[y];
    } else {
      const vid* y = thirds.data() + thirds.size();
      while (*--y != x_) sum += 2 * a[*y];  // x is there
      sum += a[x_];
    }
    total += sum;
  });
  return total * 2;
}

void RowMachine::look_inside() {
  std::fill(inner_results_.begin(), inner_results_.end(), 0);
  if (triangles_ != nullptr && !triangles_->any_at(x_)) return inner_->count_alone(near(false).second, inner_results_);
  if (!inside_) inside_ = std::make_unique<Neighborhood>(*graph_, vertices_);
  if (triangles_ != nullptr)
    inside_->move_to(x_, *triangles_);
  else
    inside_->move_to(x_);
  const rt::GraphView& view = inside_->view();
  if (inner_bits_ != nullptr) inner_bits_->make(view);
  for (vid v = 0; v < view.n; ++v) inner_->run(view, v, no_tables_);
  inner_->add_to(inner_results_);
}

u128 RowMachine::value(const RowFactor& factor) const {
  switch (factor.kind) {
    case RowFactor::Kind::table: return (*tables_)[static_cast<std::size_t>(factor.a)][x_];
    case RowFactor::Kind::dot: return dot(factor);
    case RowFactor::Kind::pull_dot: return pull_dot(factor);
    case RowFactor::Kind::edge_dot: return edge_dot(factor);
    case RowFactor::Kind::diamond_dot: return diamond_dot(factor);
    case RowFactor::Kind::local: break;
  }
  u128 result = 1;
  for (const int i : factor.local) result *= static_cast<u128>(inner_results_[static_cast<std::size_t>(i)]);
  return result;
}

u128 RowMachine::dot(const RowFactor& factor) const {
  const Values* rows[] = {&values(factor.a), nullptr, nullptr};
  std::size_t n = 1;
  for (const int i : {factor.b, factor.c})
    if (i >= 0) rows[n++] = &values(i);
  for (std::size_t i = 0; i < n; ++i)
    if (rows[i]->none) return 0;
  const std::uint64_t* const a = rows[0]->at.data();
  const std::uint64_t* const b = n > 1 ? rows[1]->at.data() : nullptr;
  const std::uint64_t* const c = n > 2 ? rows[2]->at.data() : nullptr;
  const auto sum_over = [&](std::size_t count, auto&& place) {
    u128 sum = 0;
    if (c != nullptr)
      for (std::size_t k = 0; k < count; ++k) sum += static_cast<u128>(a[place(k)] * b[place(k)]) * c[place(k)];
    else if (b != nullptr)
      for (std::size_t k = 0; k < count; ++k) sum += static_cast<u128>(a[place(k)]) * b[place(k)];
    else
      for (std::size_t k = 0; k < count; ++k) sum += a[place(k)];
    return sum;
  };
  if (!row(factor.a).dense) return sum_over(near(row(factor.a).below).second, [](std::size_t k) { return k; });
  const Values& fewest =
      **std::min_element(rows, rows + n, [](const Values* p, const Values* q) { return p->size < q->size; });
  return sum_over(fewest.size, [at = fewest.support.get()](std::size_t k) { return at[k]; });
}

u128 RowMachine::pull_dot(const RowFactor& factor) const {
  const Values& a = values(factor.a);
  const Values& b = values(factor.b);
  if (a.none || b.none) return 0;
  const bool below = row(factor.a).below;
  const auto [around, d] = near(below);
  u128 total = 0;
  for (std::size_t i = 0; i < d; ++i)
    if (a.at[i] != 0) total += static_cast<u128>(a.at[i]) * sum_around(around[i], below, b);
  return total;
}

/// Over the neighbours of y, those after x where `below`.
std::uint64_t RowMachine::sum_around(vid y, bool below, const Values& a) const {
  const vid* first = graph_->indices + graph_->indptr[y];
  const vid* z = graph_->indices + graph_->indptr[y + 1];
  std::uint64_t sum = 0;
  if (below)
    while (z != first && *--z > x_) sum += a.at[*z];
  else
    while (z != first) sum += a.at[*--z];
  return sum;
}

u128 RowMachine::edge_dot(const RowFactor& factor) const {
  const Values& a = values(factor.a);
  const Values& b = values(factor.b);
  if (a.none || b.none) return 0;
  const bool same = factor.a == factor.b;  // then each edge once, from its smaller end, and twice that
  u128 total = 0;
  for (std::size_t k = 0; k < a.size; ++k) {
    const vid y = a.support[k];
    const std::uint64_t begin = graph_->indptr[y] + (same ? graph_->split[y] : 0);
    std::uint64_t sum = 0;
    for (std::uint64_t p = begin; p < graph_->indptr[y + 1]; ++p) sum += b.at[graph_->indices[p]];
    total += static_cast<u128>(a.at[y]) * sum;
  }
  return same ? total * 2 : total;
}

}  // namespace galena::mine
