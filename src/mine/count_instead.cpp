#include "src/mine/count_instead.hpp"

#include "src/mine/executor.hpp"

namespace galena::mine {

namespace {
constexpr double kPatience = 0.25;  ///< seconds before the count is planned
constexpr double kLong = 1e9;       ///< nanoseconds on one core: what is shorter is enumerated
constexpr int kMostVertices = 7;    ///< that algebra takes
}  // namespace

CountInstead::CountInstead(const Prepared& graph, const Query& query, const MineOptions& options)
    : graph_(graph), count_(query), options_(options) {
  count_.kind = QueryKind::count;
}

bool CountInstead::possible(double estimate) const {
  const Pattern& pattern = count_.pattern;
  return options_.engine == Engine::automatic && options_.device != MineDevice::cuda && options_.processes == nullptr &&
         estimate > kLong && pattern.size() <= kMostVertices && (pattern.plain() || pattern.plain_induced());
}

MineOptions CountInstead::watched() {
  MineOptions options = options_;
  options.stop = &stop_;
  options.progress = [this](const MineProgress& progress) { watch(progress); };
  return options;
}

void CountInstead::watch(const MineProgress& progress) {
  if (options_.progress) options_.progress(progress);
  if (progress.seconds > kPatience && !recipe_) recipe_ = make_recipe(count_, graph_, {.algebra = true}, &found_);
  if (recipe_ && recipe_->algebra && !rt::raised(&found_))
    taken_over_ = progress.seconds * 1e9 * thread_count(options_) > recipe_->by_algebra;
  if (taken_over_ || rt::raised(options_.stop)) stop_ = 1;
}

}  // namespace galena::mine
