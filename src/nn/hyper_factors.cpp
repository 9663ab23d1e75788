#include "src/nn/hyper_factors.hpp"

#include <fmt/format.h>

#include <cmath>

#include "src/nn/cache.hpp"

namespace galena::nn {
namespace {

/// The column kept under this name, made on the first call.
template <class Make>
Tensor kept(const GraphView& view, const std::string& name, DType dtype, const Make& make) {
  auto& columns = cache_of(view).columns;
  const auto found = columns.find({name, dtype});
  if (found != columns.end()) return found->second;
  const std::vector<double> values = make();
  const Tensor column = Tensor::from<double>(static_cast<std::int64_t>(values.size()), 1, values).to(dtype);
  return columns.emplace(std::pair{name, dtype}, column).first->second;
}

/// By element, 0 where it is 0.
template <class Number>
std::vector<double> powers(const std::vector<Number>& numbers, double exponent) {
  std::vector<double> result;
  result.reserve(numbers.size());
  for (const Number number : numbers) result.push_back(number > 0 ? std::pow(number, exponent) : 0);
  return result;
}

/// Adds to each row's sum the values of its columns.
void add_columns(const ops::CsrArrays& csr, const std::vector<double>& values, std::vector<double>& sums) {
  for (std::size_t i = 0; i < sums.size(); ++i)
    for (EdgeOffset k = csr.indptr[i]; k < csr.indptr[i + 1]; ++k) sums[i] += values[csr.indices[k]];
}

/// Each row's sum over all its columns, those of other ranks too.
std::vector<double> row_sums(const GraphView& view, const std::vector<double>& inner, const std::vector<double>& halo) {
  std::vector<double> sums(view.in_degree.size(), 0);
  add_columns(view.local, inner, sums);
  add_columns(view.outer, halo, sums);
  return sums;
}

/// W / |e|.
std::vector<double> weight_by_size(const GraphView& back) {
  std::vector<double> result = powers(back.out_degree, -1);
  for (std::size_t e = 0; e < back.weights.size(); ++e) result[e] *= back.weights[e];
  return result;
}

/// A vertex's hyperedges, counted by weight.
std::vector<double> weighted_degrees(const GraphView& back) {
  if (back.weights.empty() && back.halo_weights.empty()) return {back.in_degree.begin(), back.in_degree.end()};
  return row_sums(back, {back.weights.begin(), back.weights.end()},
                  {back.halo_weights.begin(), back.halo_weights.end()});
}

Tensor weighted_edge(const GraphView& back, DType dtype) {
  return kept(back, "W / |e|", dtype, [&] { return weight_by_size(back); });
}

/// (|e| sum of d_j over e)^-1/2, which is (mean of d_j)^-1/2 / |e|.
std::vector<double> mean_degree_factor(const GraphView& view) {
  const auto doubles = [](const auto& degrees) { return std::vector<double>(degrees.begin(), degrees.end()); };
  std::vector<double> products = row_sums(view, doubles(view.out_degree), doubles(view.halo_out_degree));
  for (std::size_t e = 0; e < products.size(); ++e) products[e] *= view.in_degree[e];
  return powers(products, -0.5);
}

}  // namespace

HyperedgeStep hgnn_step(const Context& ctx, DType dtype) {
  const GraphView& back = ctx.graph(1);
  const Tensor root = kept(back, "weighted d^-1/2", dtype, [&] { return powers(weighted_degrees(back), -0.5); });
  return {root, weighted_edge(back, dtype), root};
}

HyperedgeStep hgnnp_step(const Context& ctx, DType dtype) {
  const GraphView& back = ctx.graph(1);
  const Tensor inverse = kept(back, "weighted d^-1", dtype, [&] { return powers(weighted_degrees(back), -1); });
  return {inverse, weighted_edge(back, dtype), {}};
}

HyperedgeStep unigcn_step(const Context& ctx, DType dtype) {
  const GraphView &there = ctx.graph(0), &back = ctx.graph(1);
  return {kept(back, "d^-1/2", dtype, [&] { return powers(back.in_degree, -0.5); }),
          kept(there, "mean d^-1/2 / |e|", dtype, [&] { return mean_degree_factor(there); }),
          {}};
}

HyperedgeStep mean_step(const Context& ctx, DType dtype) {
  const GraphView& there = ctx.graph(0);
  return {{}, kept(there, "1 / |e|", dtype, [&] { return powers(there.in_degree, -1); }), {}};
}

HalfStep hnhn_step(const Context& ctx, int hop, double exponent, DType dtype) {
  const GraphView& view = ctx.graph(hop);
  const auto inner = [&] { return powers(view.out_degree, exponent); };
  const auto sums = [&] { return powers(row_sums(view, inner(), powers(view.halo_out_degree, exponent)), -1); };
  return {kept(view, fmt::format("1 / sum d^{}", exponent), dtype, sums),
          kept(view, fmt::format("d^{}", exponent), dtype, inner)};
}

}  // namespace galena::nn
