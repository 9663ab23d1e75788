#pragma once
// A graph as mining runs on it: numbered by decreasing degree, so that a bound "smaller than v"
// keeps v's larger hubs, of which no vertex has more than about sqrt(2m).

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "codegen/passes/row_program.hpp"
#include "codegen/passes/statistics.hpp"
#include "codegen/runtime/abi.h"
#include "galena/graph.hpp"
#include "src/mine/chunks.hpp"
#include "src/mine/cliques/core_order.hpp"

namespace galena::mine {

namespace gpu {
class Fleet;
}

class Prepared {
 public:
  /// Throws InputError for a directed graph.
  explicit Prepared(Graph graph);
  ~Prepared();
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  [[nodiscard]] const rt::GraphView& view() const { return view_; }
  /// The graph as given.
  [[nodiscard]] const Graph& graph() const { return graph_; }
  /// The vertex of the graph as given that became v.
  [[nodiscard]] VertexId given(VertexId v) const { return order_[v]; }
  [[nodiscard]] std::uint64_t original(VertexId v) const { return graph_.original_id(order_[v]); }
  [[nodiscard]] const codegen::GraphStatistics& statistics() const { return statistics_; }
  /// Units of work (see rt::Chunk).
  [[nodiscard]] std::uint64_t units() const { return view_.n == 0 ? 0 : view_.n + view_.indptr[view_.n]; }
  /// cut(view(), pieces, deep), made once.
  [[nodiscard]] const ChunkPlan& chunks(std::uint64_t pieces, bool deep) const;
  /// cut_whole(view(), pieces), made once.
  [[nodiscard]] const ChunkPlan& whole_chunks(std::uint64_t pieces) const;
  /// row_costs(view()), made once.
  [[nodiscard]] const codegen::RowCosts& row_costs() const;
  /// core_order(view()), made once.
  [[nodiscard]] const CoreOrder& core_order() const;
  /// All CUDA devices that can be used, with this graph on them, made once: `warn` (may be empty) is then told of the
  /// others. EnvironmentError where there are none.
  [[nodiscard]] gpu::Fleet& fleet(const std::function<void(const std::string&)>& warn) const;
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  Graph graph_, sorted_;
  std::vector<VertexId> order_, split_;
  rt::GraphView view_{};
  codegen::GraphStatistics statistics_;
  double seconds_ = 0;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::uint64_t, bool>, ChunkPlan> chunks_;
  mutable std::map<std::uint64_t, ChunkPlan> whole_chunks_;
  mutable std::optional<codegen::RowCosts> row_costs_;
  mutable std::optional<CoreOrder> core_order_;
  mutable std::unique_ptr<gpu::Fleet> fleet_;
};

}  // namespace galena::mine
