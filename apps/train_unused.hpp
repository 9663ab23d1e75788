#pragma once
// Options of galena train that were given and say nothing to the model.

#include "apps/cli.hpp"

namespace galena::cli {

/// A note for each: "--heads says nothing to hgnn; it is for gat, gatv2, unigat, allsettransformer".
void note_unused_options(const CLI::App& command, const std::string& model, const Common& common);

}  // namespace galena::cli
