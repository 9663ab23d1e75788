#pragma once
// Expressions of the generated text: bounds, atoms, conditions, sums.

#include <string>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

std::string vertex_name(int depth);
std::string set_name(int id);
/// The smallest (largest) of the vertices in `mask`.
std::string least_of(Mask mask);
std::string greatest_of(Mask mask);
/// One matched vertex's attribute, a constant, or a whole condition.
std::string condition_text(const Condition& condition);
/// `known` is a mark to ask, where the atom has one.
std::string atom_text(const Atom& atom);
std::string labels_text(int id);
/// An i128 expression for the sum's value.
std::string sum_text(const Sum& sum, bool checked);

}  // namespace galena::codegen
