#pragma once
// Local graphs: sets that are cut out of one list again and again become rows of bits over it.

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// A set A and N(v), or A without N(v), of depth `from` or deeper, where A is a list C that stands still or bits over
/// it and v is drawn from a list R (or bits over it), is an AND with a row of the local graph of R over C; so is the
/// size of one. Sets that something needs as a list stay lists. Works on plans without tables and buffers.
void add_locals(Plan& plan, int from);

}  // namespace galena::codegen
