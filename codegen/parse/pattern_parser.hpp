#pragma once
// Patterns: paths, edge lists and references to named patterns.

#include "codegen/parse/cursor.hpp"
#include "codegen/parse/definitions.hpp"
#include "codegen/parse/draft.hpp"

namespace galena::codegen {

/// The parts of a pattern between commas, or one edge list; without WHERE.
void parse_pattern_body(Cursor& cursor, Definitions& definitions, Draft& draft);

/// WHERE and its condition, if they come next.
bool parse_where(Cursor& cursor, Draft& draft);

}  // namespace galena::codegen
