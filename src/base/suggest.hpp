#pragma once
// "Did you mean ...?" for names that do not exist.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace galena::base {

/// Fewest insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, ignoring case.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `name`, or "" if none is near (at most a third of the letters differ).
std::string closest(std::string_view name, std::span<const std::string> candidates);

/// "; did you mean 'house'?" or "".
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace galena::base
