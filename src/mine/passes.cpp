#include "src/mine/passes.hpp"

namespace galena::mine {

MineOptions of_pass(const MineOptions& options, const Recipe& recipe, std::size_t pass) {
  const std::size_t passes = recipe.jobs.size() + (recipe.algebra ? 1 : 0);
  if (!options.progress || passes < 2) return options;
  const auto estimate = [&](std::size_t i) {
    return 1 + (i < recipe.jobs.size() ? recipe.jobs[i].selected.estimate : recipe.algebra->estimate);
  };
  double before = 0, all = 0;
  for (std::size_t i = 0; i < passes; ++i) {
    all += estimate(i);
    if (i < pass) before += estimate(i);
  }
  MineOptions together = options;
  together.progress = [report = options.progress, first = before / all,
                       share = estimate(pass) / all](const MineProgress& progress) {
    report({first + share * progress.done, progress.seconds, -1});
  };
  return together;
}

}  // namespace galena::mine
