#pragma once
// The arrays that galena train writes: predictions, logits, embeddings, weights.

#include "apps/train_options.hpp"

namespace galena::cli {

/// Throws EnvironmentError naming the first file asked for that cannot be written: better before training than after;
/// InputError where two options name the same file, of which one may be read.
void check_outputs(const TrainCommand& command);

/// Writes what was asked for. Row v is vertex v of the dataset. Throws InputError where the run has no such rows.
void write_outputs(const TrainCommand& command, const NodeData& data, const TrainResult& result);

/// Files of arrays in the folder of --weights that are none of these: of another run, most likely.
std::vector<std::string> strangers(const std::string& folder,
                                   const std::vector<std::pair<std::string, Tensor>>& weights);

}  // namespace galena::cli
