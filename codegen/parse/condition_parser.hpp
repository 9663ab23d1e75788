#pragma once
// WHERE conditions.

#include "codegen/parse/cursor.hpp"
#include "codegen/parse/draft.hpp"

namespace galena::codegen {

/// Parses what follows WHERE: comparisons of vertex attributes and integers under NOT, AND,
/// OR (binding in that order) and parentheses.
Condition parse_condition(Cursor& cursor, const Draft& draft);

}  // namespace galena::codegen
