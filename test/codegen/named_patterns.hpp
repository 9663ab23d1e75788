#pragma once
// The patterns that have names.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "codegen/pattern/canonical.hpp"
#include "galena/error.hpp"
#include "galena/pattern.hpp"

namespace galena::test {

/// A pattern of up to `most` vertices of every family of names, one an isomorphism class.
inline std::vector<std::pair<std::string, Pattern>> named_patterns(int most = 6) {
  const std::vector<std::vector<int>> arguments{{}, {5}, {4}, {3}, {2}, {2, 3}, {3, 2}, {2, 2, 2}, {1, 2, 2}};
  std::vector<std::pair<std::string, Pattern>> found;
  std::set<std::string> seen;
  for (const PatternFamily& family : pattern_families()) {
    for (const std::vector<int>& argument : arguments) {
      try {
        Pattern pattern = named_pattern(family.name, argument);
        if (pattern.size() > most) continue;
        if (seen.insert(codegen::canonical_code(pattern)).second) found.emplace_back(family.name, std::move(pattern));
        break;
      } catch (const InputError&) {  // the family takes other arguments
      }
    }
  }
  return found;
}

}  // namespace galena::test
