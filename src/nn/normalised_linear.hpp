#pragma once
#include "galena/nn.hpp"

namespace galena::nn {

/// linear(layer_norm(x, gamma, beta), weight, bias). Of a sparse x, which has no gradient, the normalised rows are never
/// made, which are dense: with mean m and reciprocal deviation r of a row,
///   ((x - m) r gamma + beta) W + b = r (x gamma W - m (gamma W summed over rows)) + beta W + b.
Var normalised_linear(const Var& x, const Var& gamma, const Var& beta, const Var& weight, const Var& bias,
                      double eps = 1e-5);

}  // namespace galena::nn
