#pragma once
// The passes of one query: its jobs, then its rows.

#include "galena/mine.hpp"
#include "src/mine/recipe.hpp"

namespace galena::mine {

/// The options for a pass (the number of a job, or of jobs for the rows): progress is that of all of them together, by
/// their estimates.
MineOptions of_pass(const MineOptions& options, const Recipe& recipe, std::size_t pass);

}  // namespace galena::mine
