#pragma once
// Parts of aggregate() that others use.

#include "src/nn/cache.hpp"
#include "src/nn/gradient.hpp"

namespace galena::nn {

/// Throws InputError unless x has the rows its hop asks for.
void check_aggregated(const char* op, const Context& ctx, const Var& x);
/// Throws InputError where self-loops are asked for in a hypergraph, whose rows and columns are not the same things.
void check_loops(const char* op, const Context& ctx, bool self_loops);
/// Whether x is features as they were given, dense: with the context's savings, aggregate() computes once what follows
/// from them.
bool is_constant(const Context& ctx, const Var& x);
/// Whether aggregating x and then multiplying it to `out` columns is less work than the other way round; always, where
/// x is dense, without the context's savings.
bool aggregate_first(const Context& ctx, const Var& x, std::int64_t out);
/// (A x) W + b, where `smooth` applies a linear map A to rows. Multiplies first where that makes rows narrower.
template <class Smooth>
Var smooth_and_multiply(Context& ctx, Var x, const Var& weight, const Var& bias, const Smooth& smooth) {
  if (aggregate_first(ctx, x, weight.cols())) {
    x = smooth(ctx, x);
    return linear(x, weight, bias);
  }
  x = linear(needed_rows(ctx, x), weight);
  x = smooth(ctx, x);
  return bias.defined() ? add_row(std::move(x), bias) : x;
}
/// The largest neighbour by feature.
Var aggregate_max(Context& ctx, const Var& x, Aggregation how);
/// y[i] (+)= sum over rows of csr, with a diagonal for those rows that x has.
void spmm_with_diagonal(const ops::Csr& csr, const ops::SpmmScale& scale, const Tensor& x, const Tensor& y,
                        bool accumulate);

}  // namespace galena::nn
