#pragma once
#include "src/nn/gradient.hpp"

namespace galena::nn {

/// The same elements in another shape. No copy.
inline Var reshape(const Var& x, std::int64_t rows, std::int64_t cols) {
  return make_op("reshape", x.value().reshape(rows, cols), {x},
                 [x = x.gradient_only()](const Tensor& dy) { pass_on(x, dy.reshape(x.rows(), x.cols())); });
}

}  // namespace galena::nn
