#pragma once
// From patterns to row programs: where to cut, and what of one cut serves another pattern.

#include "codegen/passes/row_program.hpp"
#include "galena/pattern.hpp"

namespace galena::codegen {

/// Builds one program that counts the homomorphisms of several patterns.
class Decomposer {
 public:
  explicit Decomposer(const RowCosts& costs) : costs_(costs) {}

  /// Adds a connected pattern without labels and returns its result's number; negative, with the program
  /// unchanged, where no cut takes it apart. Of all the ways the one is taken that adds least to the program.
  int add(const Pattern& pattern);

  /// A pattern can be taken apart around a vertex x in three ways:
  ///  - plainly: x is any vertex, and each component without x is a tree (after what hangs at a single vertex
  ///    became a table, and pairs of adjacent vertices between x and one more became `diamonds`);
  ///  - in order: x is the first vertex of the image, so that rows see only what comes after it; the
  ///    pattern's vertices that share x's place are summed over (cycles, where this saves most);
  ///  - locally: x is adjacent to all others, which are counted among its neighbours, by any of the three ways: a cut
  ///    around two or more adjacent vertices looks into a neighbourhood inside a neighbourhood.
  [[nodiscard]] const RowProgram& program() const { return program_; }

 private:
  RowCosts costs_;
  RowProgram program_;
};

}  // namespace galena::codegen
