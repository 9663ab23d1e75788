#pragma once
// What the steps of a row program would touch on a graph.

#include "codegen/passes/row_program.hpp"
#include "codegen/runtime/abi.h"

namespace galena::mine {

/// Arcs and wedges exactly; the rest from a seeded sample of roots and arcs. Infinite where triangle lists would
/// take more memory than is sensible: no program then uses them.
codegen::RowCosts row_costs(const rt::GraphView& graph);

}  // namespace galena::mine
