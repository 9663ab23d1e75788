#pragma once
// What of a plan each lane of a GPU's team may do alone, and what it counts of a sum.

#include <vector>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// By size: whether it is only ever added, alone or times what all lanes have in common, in the block that defines it.
/// Then each lane adds what it found itself of it, and nobody needs the whole.
std::vector<bool> sizes_in_parts(const Plan& plan);

/// Whether 64 bits hold the sum where no list has 2^31 elements.
bool is_narrow(const Plan& plan, const std::vector<Term>& terms);

/// A nest of loops over the positions of one local graph that does nothing but combine and count its rows. Its rounds are
/// independent, so that each lane may run one alone (codegen/runtime/alone.h).
struct Nest {
  int local = -1;     ///< the local graph; -1: the loop is no such nest
  int levels = 0;     ///< loops
  bool flat = false;  ///< the outermost loop does nothing but run one loop: pairs of both may be shared out
  bool bare = false;  ///< no round makes a set, or asks for a row but its own
};

/// The nest that the loop is, if its list or columns are those of a local graph of the blocks around it. `top`: the depth
/// at which the nest begins that the loop is in, or its own.
Nest nest_of(const Plan& plan, const Loop& loop, const std::vector<bool>& parts, int top);

}  // namespace galena::codegen
