#pragma once
// One loop nest for several patterns: what their plans have in common runs once.

#include <vector>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// Merges plans that have no tables or buffers yet (before the passes of assist.hpp). Blocks
/// reached through equal loops become one; equal sets, tests and sizes in them are shared.
/// InternalError where the outermost loops filter differently (labels, degrees, conditions).
/// Outputs keep their order: those of plans[0] first.
Plan merge(const std::vector<Plan>& plans);

/// Whether two plans have a loop below the root in common, which one walk could do for both.
bool share_a_loop(const Plan& a, const Plan& b);

}  // namespace galena::codegen
