#pragma once
// Runs a row program at a root.

#include <memory>
#include <vector>

#include "codegen/passes/row_program.hpp"
#include "codegen/runtime/abi.h"
#include "src/mine/algebra/bit_rows.hpp"
#include "src/mine/algebra/triangles.hpp"

namespace galena::mine {

/// By table and vertex.
using TableValues = std::vector<std::vector<std::uint64_t>>;

/// One thread's rows. Entries must fit 64 bits (rows_fit()).
class RowMachine {
 public:
  /// For graphs of at most this many vertices and this degree. `triangles` belong to the graph of `run`; without them
  /// the program has no diamonds, and neighbourhoods are found more slowly.
  RowMachine(const codegen::RowProgram& program, int stage, rt::vid vertices, rt::vid max_degree,
             const TriangleLists* triangles);

  /// Keeps its share of the results for add_to(), and writes tables[t][x] of this stage.
  void run(const rt::GraphView& graph, rt::vid x, TableValues& tables);
  /// Adds to results[target] what was found since the last call.
  void add_to(std::vector<rt::i128>& results);
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  struct Values {
    std::vector<std::uint64_t> at;       ///< by vertex where dense (zero between runs), else by neighbour
    std::unique_ptr<rt::vid[]> support;  ///< of a dense row: where it is not zero
    std::size_t size = 0, capacity = 0;  ///< of the support
    bool none = false;                   ///< zero everywhere; `at` of a row at neighbours then holds anything
  };
  /// A product of factors: that of another product, times one factor. The first is 1.
  struct Product {
    std::size_t of = 0, factor = 0;
  };
  struct Sum {
    std::size_t product;
    const codegen::RowSum* sum;
    rt::u128 total = 0;
  };

  void need(int row);
  std::size_t factor(const codegen::RowFactor& factor);
  std::size_t product(const std::vector<codegen::RowFactor>& factors);
  void multiply_out();
  void count_alone(std::uint64_t vertices, std::vector<rt::i128>& results) const;
  [[nodiscard]] bool nothing_to_make(const codegen::Row& row) const;
  void make(const codegen::Row& row, Values& out);
  void push_near(const Values& a, bool below, Values& out);
  void push_far(const Values& a, bool below, Values& out);
  void pull(const Values& a, bool below, Values& out);
  void multiply(const Values& a, const Values& b, const codegen::Row& row, Values& out);
  void weigh(const Values& a, const std::vector<std::uint64_t>& table, const codegen::Row& row, Values& out);
  void diamonds(Values& out);
  void look_inside();
  [[nodiscard]] rt::u128 value(const codegen::RowFactor& factor) const;
  [[nodiscard]] rt::u128 dot(const codegen::RowFactor& factor) const;
  [[nodiscard]] rt::u128 pull_dot(const codegen::RowFactor& factor) const;
  [[nodiscard]] rt::u128 edge_dot(const codegen::RowFactor& factor) const;
  [[nodiscard]] rt::u128 diamond_dot(const codegen::RowFactor& factor) const;
  static constexpr std::size_t kAhead = 32;
  template <class F>
  void for_triangles(F&& found) const;
  [[nodiscard]] std::uint64_t sum_around(rt::vid y, bool below, const Values& a) const;
  static bool any(const std::uint64_t* values, std::size_t n);
  [[nodiscard]] std::pair<const rt::vid*, std::size_t> near(bool below) const;
  [[nodiscard]] const codegen::Row& row(int i) const { return program_.rows[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const Values& values(int i) const { return values_[static_cast<std::size_t>(i)]; }

  const codegen::RowProgram& program_;
  const TriangleLists* triangles_;
  rt::vid vertices_;
  std::vector<const codegen::RowFactor*> factors_;  ///< of this stage, each once
  std::vector<rt::u128> factor_values_, product_values_;
  std::vector<Product> products_;
  std::vector<Sum> sums_;
  std::vector<const codegen::RowSum*> alone_;                     ///< those without factors
  std::uint64_t vertices_alone_ = 0;                              ///< roots without neighbours since the last add_to()
  std::vector<std::pair<std::size_t, std::size_t>> made_tables_;  ///< table, product
  std::vector<char> needed_;
  std::vector<Values> values_;
  std::unique_ptr<Neighborhood> inside_;
  std::unique_ptr<RowMachine> inner_;
  std::unique_ptr<BitRows> inner_bits_;  ///< of the neighbourhood that inner_ runs in, where it asks for them
  const BitRows* bits_ = nullptr;        ///< of the graph of `run`
  bool looks_inside_ = false;
  std::vector<rt::i128> inner_results_;
  TableValues no_tables_;

  const rt::GraphView* graph_ = nullptr;
  const TableValues* tables_ = nullptr;
  rt::vid x_ = 0;
};

}  // namespace galena::mine
