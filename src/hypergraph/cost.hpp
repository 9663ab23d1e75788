#pragma once
// Which way an aggregate goes: tile by tile or in two passes.

#include <string>

#include "src/hypergraph/aggregate.hpp"

namespace galena::hyper {

struct Choice {
  Method method = Method::fused;  ///< never automatic
  double fused_seconds = 0;       ///< predicted for forward and backward
  double two_pass_seconds = 0;
  std::uint64_t fused_bytes = 0;     ///< held besides arguments: tiles of all threads
  std::uint64_t two_pass_bytes = 0;  ///< the same: hyperedges' rows
  int fused_threads = 1, two_pass_threads = 1;
};

/// For rows of `width` elements, on as many threads as the machine has cores: not as many as may run now, so that results
/// do not depend on their number.
Choice choose(const Layout& layout, std::int64_t width, DType dtype);

/// The choice and why, in one sentence.
std::string explain(const Choice& choice, const Layout& layout);

}  // namespace galena::hyper
