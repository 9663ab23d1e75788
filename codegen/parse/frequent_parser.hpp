#pragma once
// What follows FREQUENT.

#include "codegen/parse/cursor.hpp"
#include "galena/pattern.hpp"

namespace galena::codegen {

/// Parses EDGES <= k (or = k), SUPPORT [MNI] >= n, and perhaps EXISTS and LABELS, in any order.
FrequentSearch parse_frequent(Cursor& cursor);

}  // namespace galena::codegen
