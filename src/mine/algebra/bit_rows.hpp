#pragma once
// A small graph as rows of bits.

#include <cstdint>
#include <vector>

#include "codegen/runtime/abi.h"

namespace galena::mine {

class BitRows {
 public:
  /// Makes them those of this graph. A large one is left as lists, which common() then merges.
  void make(const rt::GraphView& graph);

  /// out[i] = vertices adjacent to x and to its i-th neighbour.
  void common(rt::vid x, std::uint64_t* out) const;
  [[nodiscard]] std::uint64_t bytes() const { return rows_.capacity() * sizeof(std::uint64_t); }

 private:
  const rt::GraphView* graph_ = nullptr;
  std::uint32_t words_ = 0;  ///< of a row; 0 for lists
  std::vector<std::uint64_t> rows_;
};

}  // namespace galena::mine
