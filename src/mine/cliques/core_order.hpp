#pragma once
// A graph directed along a degeneracy order (D. Matula and L. Beck, JACM 1983): each vertex has at most as many
// successors as the graph's largest core number, and a clique's first vertex has all others among them.

#include <cstdint>
#include <vector>

#include "codegen/runtime/abi.h"

namespace galena::mine {

struct CoreOrder {
  std::vector<std::uint64_t> start;      ///< [n + 1] by place in the order
  std::vector<std::uint32_t> successor;  ///< places, later ones; in no order
  std::uint32_t degeneracy = 0;          ///< the most successors of a vertex

  [[nodiscard]] std::uint32_t vertices() const { return static_cast<std::uint32_t>(start.size() - 1); }
};

/// In time linear in the graph.
CoreOrder core_order(const rt::GraphView& graph);

}  // namespace galena::mine
