#pragma once
// Is a matched vertex an element of a candidate set? Often the pattern decides.

#include "codegen/passes/candidates.hpp"

namespace galena::codegen {

struct Membership {
  enum class Answer { no, yes, depends };
  Answer answer = Answer::yes;
  std::vector<Atom> atoms;  ///< for `depends`: v[i] is in the set where all of these hold
};

/// Whether v[i] satisfies `need` (it may: it is a matched vertex like any other). A set that is
/// counted, not walked, contains matched vertices unless something rules them out: a published
/// code generator forgets that the neighbours of v1 without those of v0 contain v0 itself.
Membership membership(Plan& plan, const Pattern& pattern, const OrderRelation& order, const Requirement& need, int i);

}  // namespace galena::codegen
