#pragma once
// Counting pairs from their other end.

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// A leaf loop that adds |S and N(v)| over v in A counts the joined pairs (x, v) of S x A, which
/// a loop over x in S that adds |A and N(x)| counts too, with S instead of A to walk:
///   sum over v in A \ E of |S and N(v)| = sum over x in S of |A and N(x)|
///                                         - sum over e in E and A of |S and N(e)|.
/// Terms that also multiply by something that depends on v stay where they are. In a house, S are
/// the roofs over an edge and A the neighbours of its end: few against many.
/// Works on plans without tables (before marks and counters).
void swap_ends(Plan& plan);

}  // namespace galena::codegen
