#pragma once
// Labelled patterns of many vertices: candidates are filtered for the whole pattern before the search, which goes
// by the candidates that are left and not by a plan made ahead.

#include <memory>
#include <string>

#include "galena/mine.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

/// Whether a query is one for LabelledSearch: COUNT, LIST or EXISTS of a connected pattern of several vertices,
/// all but a few of them labelled, without conditions.
bool asks_for_labelled_search(const Query& query);

class LabelledSearch {
 public:
  /// Filters the candidates. All arguments are borrowed.
  LabelledSearch(const Prepared& graph, const Query& query, const MineOptions& options);
  ~LabelledSearch();

  /// About how many nanoseconds run() takes on one core, from a sample; 0 where it can end early (LIST, EXISTS).
  double estimate();
  /// Throws InputError where the count leaves 127 bits.
  QueryResult run(const RowSink& sink);
  /// Held beyond the graph.
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

/// What a LabelledSearch would do, as text.
std::string describe_labelled(const Prepared& graph, const Query& query);

}  // namespace galena::mine
