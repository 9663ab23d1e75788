#pragma once
// Layers of hypergraph models, vertices at hop h -> h + 2.

#include "src/nn/stack_layer.hpp"

namespace galena::nn {

/// [n x in] -> [n x out]: hgnn hgnnp unigcn unisage unigin unigat hypergcn hnhn.
Layer make_hyper_layer(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
                       std::int64_t out, bool last);

}  // namespace galena::nn
