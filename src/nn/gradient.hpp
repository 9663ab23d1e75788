#pragma once
// How backward passes hand gradients on, and how values are cut.

#include "src/nn/node.hpp"

namespace galena::nn {

/// Adds factor * dy to the gradient of x; the last use of dy, whose memory x may take.
void pass_on(const Var& x, const Tensor& dy, double factor = 1);
/// The same for the first rows of x; the others' gradient is zero.
void pass_on_rows(const Var& x, const Tensor& dy, double factor = 1);
/// The same; dy stays as it is.
void add_rows(const Var& x, const Tensor& dy, double factor = 1);
/// The first rows as a value at `hop`. No copy.
Var first_rows(const Var& x, std::int64_t rows, int hop);

}  // namespace galena::nn
