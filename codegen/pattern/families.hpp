#pragma once
// The table of named patterns.

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "galena/pattern.hpp"

namespace galena::codegen {

/// A named pattern, its numbers not yet given.
struct Family {
  const char* name;
  const char* parameter;    ///< "" or e.g. "k vertices"
  const char* description;  ///< with the limits of the numbers
  int min_arguments, max_arguments;
  int smallest, largest;                             ///< of each number
  Pattern (*build)(std::span<const int> arguments);  ///< null for a fixed shape or another name
  const char* shape;                                 ///< edge list "0-1 1-2", or for another name the name meant
};

/// In the order of preference for naming a motif.
std::span<const Family> families();

/// Whether named_pattern knows the name.
bool is_family(std::string_view name);

/// The names, for suggestions.
std::vector<std::string> family_names();

/// The pattern's vertices for "0-1 1-2": one more than the largest number.
Pattern from_shape(std::string_view shape);

}  // namespace galena::codegen
