#include "src/mine/algebra/row_machine.hpp"

#include <algorithm>

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
      needed_(program.rows.size()),
      values_(program.rows.size()) {
  for (const codegen::RowSum& sum : program.sums)
    if (program.stage_of(sum.factors) == stage) {
      sums_.push_back(&sum);
      if (sum.factors.empty()) alone_.push_back(&sum);
    }
  for (std::size_t t = 0; t < program.tables.size(); ++t)
    if (!program.tables[t].factors.empty() && program.tables[t].stage == stage) made_tables_.push_back(t);
  for (const codegen::RowSum* sum : sums_) need(sum->factors);
  for (const std::size_t t : made_tables_) need(program.tables[t].factors);
  for (std::size_t i = 0; i < program.rows.size(); ++i) {
    if (needed_[i] == 0) continue;
    values_[i].at.assign(program.rows[i].dense ? vertices : max_degree, 0);
    if (program.rows[i].dense) values_[i].support.resize(std::size_t{vertices} + 1);
  }
  if (!looks_inside_) return;
  inner_ = std::make_unique<RowMachine>(program.local.front(), 0, max_degree, max_degree, nullptr);
  inner_results_.resize(static_cast<std::size_t>(program.local.front().results));
  if (!program.local.front().uses(Row::Kind::common)) return;
  inner_bits_ = std::make_unique<BitRows>();
  inner_->bits_ = inner_bits_.get();
}

std::uint64_t RowMachine::bytes() const {
  std::uint64_t total = inner_ ? inner_->bytes() : 0;
  for (const Values& v : values_) total += v.at.size() * sizeof(std::uint64_t) + v.support.size() * sizeof(vid);
  return total;
}

void RowMachine::need(int row) {
  if (row < 0 || needed_[static_cast<std::size_t>(row)] != 0) return;
  needed_[static_cast<std::size_t>(row)] = 1;
  need(program_.rows[static_cast<std::size_t>(row)].a);
  need(program_.rows[static_cast<std::size_t>(row)].b);
}

void RowMachine::need(const std::vector<RowFactor>& factors) {
  for (const RowFactor& factor : factors) {
    looks_inside_ = looks_inside_ || factor.kind == RowFactor::Kind::local;
    if (factor.kind == RowFactor::Kind::table || factor.kind == RowFactor::Kind::local) continue;
    need(factor.a);
    need(factor.b);
  }
}

void RowMachine::run(const rt::GraphView& graph, vid x, TableValues& tables, std::vector<rt::i128>& results) {
  graph_ = &graph;
  tables_ = &tables;
  x_ = x;
  if (near(false).second == 0) return count_alone(1, results);
  for (std::size_t i = 0; i < program_.rows.size(); ++i)
    if (needed_[i] != 0) make(program_.rows[i], values_[i]);
  if (looks_inside_) look_inside();
  for (const codegen::RowSum* sum : sums_)
    results[static_cast<std::size_t>(sum->target)] += static_cast<rt::i128>(product(sum->factors)) * sum->coefficient;
  for (const std::size_t t : made_tables_)
    tables[t][x] = static_cast<std::uint64_t>(product(program_.tables[t].factors));
  for (std::size_t i = 0; i < program_.rows.size(); ++i) {
    if (needed_[i] == 0 || !program_.rows[i].dense) continue;
    Values& v = values_[i];
    for (std::size_t k = 0; k < v.size; ++k) v.at[v.support[k]] = 0;
    v.size = 0;
  }
}

/// At vertices without neighbours, where every factor is zero; neighbourhoods have many. Tables begin as zeros.
void RowMachine::count_alone(std::uint64_t vertices, std::vector<rt::i128>& results) const {
  for (const codegen::RowSum* sum : alone_)
    results[static_cast<std::size_t>(sum->target)] += static_cast<rt::i128>(vertices) * sum->coefficient;
}

void RowMachine::make(const Row& row, Values& out) {
  switch (row.kind) {
    case Row::Kind::neighbors: std::fill_n(out.at.begin(), near(row.below).second, 1); break;
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
                                                        out.support.data(), out.size);
  }
}

void RowMachine::push_far(const Values& a, bool below, Values& out) {
  for (std::size_t k = 0; k < a.size; ++k)
    out.size = (below ? scatter<true> : scatter<false>)(*graph_, x_, a.support[k], a.at[a.support[k]], out.at.data(),
                                                        out.support.data(), out.size);
}

void RowMachine::pull(const Values& a, bool below, Values& out) {
  const auto [around, d] = near(below);
  if (a.size == 0) {
    std::fill_n(out.at.begin(), d, 0);
    return;
  }
  for (std::size_t i = 0; i < d; ++i) {
    const vid* first = graph_->indices + graph_->indptr[around[i]];
    const vid* z = graph_->indices + graph_->indptr[around[i] + 1];
    std::uint64_t sum = 0;
    if (below)
      while (z != first && *--z > x_) sum += a.at[*z];
    else
      while (z != first) sum += a.at[*--z];
    out.at[i] = sum;
  }
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

/// Twice for each pair c < d, both orders.
void RowMachine::diamonds(Values& out) {
  if (!triangles_->any_at(x_)) return;
  const auto [around, degree] = near(false);
  for (std::size_t i = 0; i < degree; ++i) {
    const vid c = around[i];
    const vid* at = graph_->indices + graph_->indptr[c] + graph_->split[c];
    const vid* end = graph_->indices + graph_->indptr[c + 1];
    const auto joined = triangles_->of_arc(graph_->indptr[x_] + i);
    for (auto d = std::upper_bound(joined.begin(), joined.end(), c); d != joined.end(); ++d) {
      at = std::lower_bound(at, end, *d);
      for (const vid y : triangles_->of_arc(static_cast<std::uint64_t>(at - graph_->indices))) {
        const std::uint64_t old = out.at[y];
        out.support[out.size] = y;
        out.size += old == 0 ? 1 : 0;
        out.at[y] = old + 2;
      }
    }
  }
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
  for (vid v = 0; v < view.n; ++v) inner_->run(view, v, no_tables_, inner_results_);
}

u128 RowMachine::product(const std::vector<RowFactor>& factors) const {
  u128 result = 1;
  for (const RowFactor& factor : factors)
    if ((result *= value(factor)) == 0) break;
  return result;
}

u128 RowMachine::value(const RowFactor& factor) const {
  switch (factor.kind) {
    case RowFactor::Kind::table: return (*tables_)[static_cast<std::size_t>(factor.a)][x_];
    case RowFactor::Kind::dot: return dot(factor);
    case RowFactor::Kind::edge_dot: return edge_dot(factor);
    case RowFactor::Kind::local: break;
  }
  u128 result = 1;
  for (const int i : factor.local) result *= static_cast<u128>(inner_results_[static_cast<std::size_t>(i)]);
  return result;
}

u128 RowMachine::dot(const RowFactor& factor) const {
  const Values& a = values(factor.a);
  const Values& b = factor.b < 0 ? a : values(factor.b);
  u128 sum = 0;
  if (row(factor.a).dense) {
    const Values& fewer = a.size <= b.size ? a : b;
    for (std::size_t k = 0; k < fewer.size; ++k) {
      const vid y = fewer.support[k];
      sum += static_cast<u128>(a.at[y]) * (factor.b < 0 ? 1 : b.at[y]);
    }
    return sum;
  }
  const std::size_t d = near(row(factor.a).below).second;
  for (std::size_t i = 0; i < d; ++i) sum += static_cast<u128>(a.at[i]) * (factor.b < 0 ? 1 : b.at[i]);
  return sum;
}

u128 RowMachine::edge_dot(const RowFactor& factor) const {
  const Values& a = values(factor.a);
  const Values& b = values(factor.b);
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
