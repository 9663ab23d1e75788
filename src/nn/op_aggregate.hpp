#pragma once
// Parts of aggregate() that others use.

#include "src/nn/cache.hpp"
#include "src/nn/gradient.hpp"

namespace galena::nn {

/// Throws InputError unless x has the rows its hop asks for.
void check_aggregated(const char* op, const Context& ctx, const Var& x);
/// Throws InputError where self-loops are asked for in a hypergraph, whose rows and columns are not the same things.
void check_loops(const char* op, const Context& ctx, bool self_loops);
/// Whether x is features as they were given, dense: aggregate() computes once what follows from them.
bool is_constant(const Var& x);
/// Whether aggregating x and then multiplying it to `out` columns is less work than the other way round.
bool aggregate_first(const Var& x, std::int64_t out);
/// The largest neighbour by feature.
Var aggregate_max(Context& ctx, const Var& x, Aggregation how);
/// y[i] (+)= sum over rows of csr, with a diagonal for those rows that x has.
void spmm_with_diagonal(const ops::Csr& csr, const ops::SpmmScale& scale, const Tensor& x, const Tensor& y,
                        bool accumulate);

}  // namespace galena::nn
