#pragma once
// The models that make_model() chooses from. Options are checked, and input_dropout is a rate.

#include <memory>

#include "galena/nn.hpp"

namespace galena::nn {

/// Layers of one kind, one after the other: gcn sage gat gatv2 gin mlp.
std::unique_ptr<Module> make_stack(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                   ParameterStore& store);
/// The same with pre-norm residual blocks, each with a feed-forward network.
std::unique_ptr<Module> make_residual_stack(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                            ParameterStore& store);
std::unique_ptr<Module> make_gcnii(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                   ParameterStore& store);

}  // namespace galena::nn
