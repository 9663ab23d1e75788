#pragma once
// How many elements a set must have for anything to come of it.

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// Raises SetDef::least: to a clique of five of which two vertices are known belong three more, that are distinct. Where
/// all neighbours of a vertex are not needed as a set of their own they are left: what is made of them is smaller.
void raise_least(Plan& plan);

}  // namespace galena::codegen
