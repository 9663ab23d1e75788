#pragma once
// Whether the numbers of a row program fit 64 bits on a graph.

#include "codegen/passes/row_program.hpp"
#include "codegen/runtime/abi.h"

namespace galena::mine {

/// True where no row, table or sum over a neighbourhood can reach 2^63 on this graph.
bool rows_fit(const codegen::RowProgram& program, const rt::GraphView& graph);

}  // namespace galena::mine
