#pragma once
// The rows and factors that count the extensions of a pattern held at its root.

#include <cstdint>
#include <optional>
#include <vector>

#include "codegen/passes/row_program.hpp"
#include "galena/pattern.hpp"

namespace galena::codegen {

/// The vertices of `within` that v reaches inside it.
std::uint32_t component(const Pattern& pattern, std::uint32_t within, int v);
/// The pattern induced by these vertices, in their order.
Pattern induced_part(const Pattern& pattern, std::uint32_t vertices);

struct RowRules {
  bool below = false;  ///< rows see only vertices after the root; no tables
  int depth = 0;       ///< of the neighbourhoods that the program runs in; inside them there are no tables
  [[nodiscard]] bool tables() const { return depth == 0 && !below; }
};

/// Adds to a program.
class RowBuilder {
 public:
  RowBuilder(RowProgram& program, const RowCosts& costs, RowRules rules)
      : program_(program), costs_(costs), rules_(rules) {}

  /// Factors whose product at x counts the maps with root -> x; empty optional where a part is no tree (the program
  /// then holds rows of no use).
  std::optional<std::vector<RowFactor>> at_root(const Pattern& pattern, int root);

 private:
  using Mask = std::uint32_t;
  struct Core;
  /// Rows to be multiplied: at x's neighbours if x is one, else at all vertices.
  struct Parts {
    std::vector<int> rows;
    std::vector<int> dense;  ///< dense rows whose neighbours' sums are also factors
  };

  int row(Row row);
  int table(VertexTable table);
  std::optional<int> table_at(const Pattern& pattern, int root);
  std::optional<RowFactor> component_factor(const Pattern& pattern, int root, Mask part);
  bool peel(Core& core);
  void pair_off(Core& core);
  /// How what comes from dense rows to a neighbour of x is summed there: as a row, or where it is multiplied.
  enum class Pulls { kept, within };
  std::optional<RowFactor> root_factor(const Core& core, int y, Pulls pulls);
  std::optional<RowFactor> pulled_factor(const Core& core, int y, Parts found);
  std::optional<Parts> parts(const Core& core, int v, int parent, Pulls pulls);
  std::optional<int> message(const Core& core, int v, int parent);
  int push(int a);
  int gather(int a);
  int at_neighbors(int a);
  int multiply(std::vector<int> rows);
  int weigh(int row, const Core& core, int v);

  RowProgram& program_;
  const RowCosts& costs_;
  RowRules rules_;
};

}  // namespace galena::codegen
