#pragma once
// galena train --plan: what training would cost, before it runs.

#include "apps/train_options.hpp"

namespace galena::cli {

/// Prints a table, or with common.json an object, of galena::plan_training() for what was asked for, else for
/// parts 1, 2, 4, 8, boundary rates 1 and 0.1, and 32, 8, 4 and 2 bits.
void print_plan(const TrainCommand& command, const NodeDataset& data, const Common& common);

}  // namespace galena::cli
