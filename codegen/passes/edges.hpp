#pragma once
// Walking each edge once, for both of its ends.

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// A plan that goes through all neighbours v1 of each v0, and there adds products of |N(v0)|, |N(v1)| and |N(v0) & N(v1)|,
/// meets each edge from both ends and makes the same intersection twice. With v1 > v0 it is met once:
///   sum over v1 in N(v0) of f(v0, v1) = sum over v1 in N(v0) > v0 of f(v0, v1) + f(v1, v0).
/// The loop is then also one that others have (merge.hpp). Works on plans without tables (before marks and counters);
/// others are left as they are.
void walk_edges_once(Plan& plan);

}  // namespace galena::codegen
