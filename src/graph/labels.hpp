#pragma once
// Labels as they are written: integers, or decimal numbers that are then numbered.

#include <string>
#include <string_view>
#include <vector>

#include "galena/graph.hpp"
#include "galena/io.hpp"

namespace galena::detail {

/// Whether `word` can be a label: a finite decimal number.
bool is_label(std::string_view word);

/// Integers below 2^32 are the labels themselves. Where one word is another number (a similarity, a negative
/// class), all are numbered 0, 1, ... in increasing order of their values: only equality matters to a pattern.
/// Every word must be a label. `of` is "vertex" or "edge", for LoadOptions::numbered.
std::vector<Label> encode_labels(const std::vector<std::string_view>& words, const std::string& of,
                                 const LoadOptions& options);

}  // namespace galena::detail
