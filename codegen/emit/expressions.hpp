#pragma once
// Expressions of the generated text: bounds, atoms, conditions, sums.

#include <functional>
#include <string>
#include <vector>

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
/// How a sum is written.
struct SumStyle {
  bool checked = false;                ///< it may leave 128 bits: check each step
  bool narrow = false;                 ///< it is a Product (prim_cuda.h), else an i128
  std::function<bool(int)> is_part{};  ///< the sizes of which each lane has a part
  std::string once{};                  ///< what lanes have in common counts once by this call
};
std::string sum_text(const std::vector<Term>& terms, const SumStyle& style);

}  // namespace galena::codegen
