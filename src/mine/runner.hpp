#pragma once
// Running a recipe and turning sums into counts.

#include <memory>
#include <vector>

#include "galena/mine.hpp"
#include "src/mine/checkpoint.hpp"
#include "src/mine/kernels.hpp"
#include "src/mine/prepared.hpp"
#include "src/mine/recipe.hpp"

namespace galena::mine {

class Runner {
 public:
  Runner(const Prepared& graph, const MineOptions& options, Checkpoint& checkpoint)
      : graph_(graph), options_(options), checkpoint_(checkpoint) {}

  /// Code made ahead, one a job; otherwise each job gets its own here.
  void use(const std::vector<std::unique_ptr<Executable>>& ready) { ready_ = &ready; }

  QueryResult run(const Query& query, const Recipe& recipe, const RowSink& sink);
  [[nodiscard]] std::uint64_t working_bytes() const { return working_bytes_; }

 private:
  struct Outcome;
  /// `enough`: see ExecuteRequest.
  Outcome run_job(const Recipe& recipe, std::size_t job, QueryResult& result,
                  const std::function<bool(int, const rt::vid*, int)>& on_match = {}, std::uint64_t enough = 0);
  /// Counts by the recipe's algebra, in its order; void where the result is partial.
  std::vector<rt::i128> by_algebra(const Recipe& recipe, QueryResult& result);
  /// The number of cliques of so many vertices; void where the result is then partial.
  rt::i128 cliques(int size, QueryResult& result);
  void count(const Recipe& recipe, QueryResult& result);
  void count_a_sample(const Recipe& recipe, QueryResult& result);
  void motifs(const Recipe& recipe, QueryResult& result);
  void list(const Recipe& recipe, QueryResult& result, const RowSink& sink);
  void exists(const Recipe& recipe, QueryResult& result);
  void local(const Recipe& recipe, QueryResult& result);

  const Prepared& graph_;
  const MineOptions& options_;
  Checkpoint& checkpoint_;
  const std::vector<std::unique_ptr<Executable>>* ready_ = nullptr;
  std::uint64_t working_bytes_ = 0;
};

}  // namespace galena::mine
