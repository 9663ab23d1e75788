#pragma once
// The algebra between induced and edge-induced counts.

#include <cstdint>
#include <optional>
#include <vector>

#include "galena/pattern.hpp"

namespace galena::codegen {

/// How many spanning subgraphs of `host` are isomorphic to `part` (same number of vertices,
/// both plain): embeddings of part into host over |Aut(part)|.
std::uint64_t spanning_copies(const Pattern& part, const Pattern& host);

/// Upper triangular, unit diagonal: matrix[i][j] = spanning_copies(patterns[i], patterns[j]).
/// With E edge-induced and I induced counts of all connected patterns on k vertices,
/// E_i = sum_j matrix[i][j] I_j (every occurrence of pattern i spans some induced pattern j).
std::vector<std::vector<std::uint64_t>> spanning_matrix(const std::vector<Pattern>& patterns);

/// The patterns with at least the edges of `pattern` on the same vertices, one an isomorphism
/// class, `pattern` first, and the coefficients c with I(pattern) = sum_j c_j E(patterns[j]).
struct InducedSum {
  std::vector<Pattern> patterns;
  std::vector<std::int64_t> coefficients;
};
/// For a connected plain pattern (anti-edges are ignored). Empty above 6 vertices.
std::optional<InducedSum> induced_as_sum(const Pattern& pattern);

}  // namespace galena::codegen
