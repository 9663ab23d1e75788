#pragma once
// Which kernels are generated at build time.

#include <vector>

#include "codegen/passes/planner.hpp"

namespace galena::codegen::builtin {

/// The best few plans, for a typical graph, of each named pattern of up to 5 vertices.
/// Distinct texts only.
std::vector<Plan> catalogue();

}  // namespace galena::codegen::builtin
