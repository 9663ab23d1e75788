#pragma once
// The models that make_model() chooses from. Options are checked, and input_dropout is a rate.

#include <memory>
#include <string>

#include "galena/nn.hpp"

namespace galena::nn {

/// Layers of one kind (stack_layer.hpp), one after the other.
std::unique_ptr<Module> make_stack(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                   ParameterStore& store);
/// The same with pre-norm residual blocks, each with a feed-forward network.
std::unique_ptr<Module> make_residual_stack(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                            ParameterStore& store);
/// alldeepsets allsettransformer.
std::unique_ptr<Module> make_allset(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                    ParameterStore& store);
/// HyperGCN around a stack of its layers.
std::unique_ptr<Module> make_hypergcn(const ModelOptions& options, std::unique_ptr<Module> layers);
/// GCNII and UniGCNII.
std::unique_ptr<Module> make_gcnii(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                   ParameterStore& store);
/// How many hops a layer of the model takes: 0 where it hears nobody, 2 in a hypergraph.
int hops_of_a_layer(const std::string& model);
/// Throws InputError where a model of hypergraphs meets a graph, or one of graphs a hypergraph.
void check_structure(const Context& ctx, const ModelOptions& options);
void check_structure(bool hypergraph, const ModelOptions& options);

}  // namespace galena::nn
