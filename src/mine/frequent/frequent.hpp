#pragma once
// FREQUENT: all labelled patterns up to a number of edges that reach a minimum-image support.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "galena/mine.hpp"
#include "src/mine/frequent/labelled_graph.hpp"
#include "src/mine/gpu/fleet.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

class FrequentMiner {
 public:
  /// `graph` must outlive it. Where there is a fleet, it decides images, instead of what the options say.
  explicit FrequentMiner(const Prepared& graph, gpu::Fleet* fleet = nullptr) : graph_(graph), fleet_(fleet) {}

  /// Runs a FREQUENT query. The first one of its LABELS puts the graph in order of labels, which later ones find made:
  /// plan_seconds. `working_bytes` becomes what it held beyond the graph.
  QueryResult run(const Query& query, const MineOptions& options, std::uint64_t& working_bytes);

  /// What run() would do, as text.
  std::string describe(const Query& query, const MineOptions& options);
  /// The plans of images that run() can ask for: "plan", or as "cpp" or "cuda".
  std::string emit(const Query& query, const std::string& what) const;

 private:
  const frequent::LabelledGraph& labelled(const FrequentSearch& spec);

  const Prepared& graph_;
  gpu::Fleet* fleet_;
  std::map<std::pair<bool, bool>, frequent::LabelledGraph> labelled_;  ///< by which labels matter: vertices', edges'
};

}  // namespace galena::mine
