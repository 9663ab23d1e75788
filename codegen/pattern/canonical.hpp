#pragma once
// Canonical form: the same for isomorphic patterns, different for others.
//
// Labels, edge labels, anti-edges and conditions (in normal form) count; names do not.

#include <string>
#include <vector>

#include "galena/pattern.hpp"

namespace galena::codegen {

struct CanonicalForm {
  std::vector<int> order;  ///< pattern.permuted(order) is the canonical pattern, names aside
  std::string code;        ///< bytes; equal if and only if the patterns are isomorphic
};

CanonicalForm canonical_form(const Pattern& pattern);

/// A key for dictionaries.
std::string canonical_code(const Pattern& pattern);

bool isomorphic(const Pattern& a, const Pattern& b);

}  // namespace galena::codegen
