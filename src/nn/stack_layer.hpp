#pragma once
// The layers that stacks are made of, by the name of the model: gcn sage gat gatv2 gin mlp, and those of
// hyper_layer.hpp.

#include <functional>
#include <string>

#include "galena/nn.hpp"

namespace galena::nn {

using Layer = std::function<Var(Context&, Var)>;

bool is_attention(const ModelOptions& options);
/// What follows a layer.
Activation stack_activation(const ModelOptions& options);
/// Columns between layers: `hidden`, of each head in GAT.
std::int64_t stack_width(const ModelOptions& options);
/// What Module::hops() says of such a stack.
int stack_hops(const ModelOptions& options);
/// The group of parameters of a stack's first layer.
std::string first_group(const ModelOptions& options);
/// [n x in] -> [n x out]. The last layer averages its heads where there are any; others have them side by side.
Layer make_layer(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
                 std::int64_t out, bool last, const std::string& group);

}  // namespace galena::nn
