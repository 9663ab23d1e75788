#pragma once

#include "src/hypergraph/pipeline.hpp"

namespace galena::hyper {

/// Throws InputError where arguments do not fit. Returns the width of y.
std::int64_t check_pipeline(const char* op, const Layout& layout, const Pipeline& pipeline, const Scale& scale,
                            const Tensor& x, const Tensor& y);
void check_gradients(const Pipeline& pipeline, const Layout& layout, const Tensor& x, const Tensor& y,
                     const PipelineState& state, const Tensor& dy, const PipelineGradients& gradients);

/// As aggregate() checks it.
void check_scale(const char* op, const Layout& layout, const Scale& scale, DType dtype);

}  // namespace galena::hyper
