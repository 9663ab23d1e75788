#pragma once
// Options of galena train that were given and say nothing to what is trained.

#include "apps/train_options.hpp"

namespace galena::cli {

/// A note for each: "--heads says nothing to hgnn; it is for gat, gatv2, unigat, allsettransformer"; "--momentum counts
/// only with --optimizer sgd". And one where the data has weights of hyperedges that the model does not read.
void note_unused_options(const CLI::App& app, const TrainCommand& command, const NodeDataset& data,
                         const Common& common);

}  // namespace galena::cli
