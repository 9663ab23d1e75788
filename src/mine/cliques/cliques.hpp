#pragma once
// Cliques counted without listing them.

#include <string>

#include "galena/mine.hpp"
#include "src/mine/cliques/core_order.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

/// Whether `query` wants nothing but the number of cliques of a size from four on, or of all sizes.
bool asks_for_cliques(const Query& query);

/// Counts the cliques of a graph, directed along its degeneracy order.
class CliqueCounter {
 public:
  explicit CliqueCounter(const Prepared& graph);

  /// Whether its degeneracy lets count() answer: for COUNT a plan will do else; InputError for CLIQUES.
  [[nodiscard]] bool fits(const Query& query) const;
  [[nodiscard]] bool fits() const;
  /// COUNT clique(k), or CLIQUES: each size from 3 on in `motifs`, up to the largest there is. `working_bytes`: beyond
  /// the graph. Throws InputError where a number is over 127 bits.
  [[nodiscard]] QueryResult count(const Query& query, const MineOptions& options, std::uint64_t& working_bytes) const;
  /// What count() would do.
  [[nodiscard]] std::string describe(const Query& query) const;

 private:
  const CoreOrder& order_;
};

}  // namespace galena::mine
