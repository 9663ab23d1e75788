#include "src/mine/count_instead.hpp"

#include <chrono>
#include <exception>
#include <utility>

#include "src/mine/executor.hpp"

namespace galena::mine {

namespace {
constexpr double kPatience = 0.25;  ///< seconds before the count is planned
constexpr double kLong = 1e9;       ///< nanoseconds on one core: what is shorter is enumerated
}  // namespace

CountInstead::CountInstead(const Prepared& graph, const Query& query, const MineOptions& options)
    : graph_(graph), count_(query), options_(options) {
  count_.kind = QueryKind::count;
}

bool CountInstead::possible(double estimate) const {
  const Pattern& pattern = count_.pattern;
  return options_.engine == Engine::automatic && options_.device != MineDevice::cuda && options_.processes == nullptr &&
         estimate > kLong && pattern.size() <= kMostAlgebraVertices && (pattern.plain() || pattern.plain_induced());
}

MineOptions CountInstead::watched() {
  MineOptions options = options_;
  options.stop = &stop_;
  options.progress = [this](const MineProgress& progress) { watch(progress); };
  return options;
}

CountInstead::~CountInstead() { raise(give_up_); }

/// Whatever keeps a count from being planned, the enumeration can do without it.
std::optional<Recipe> CountInstead::plan() {
  try {
    Recipe recipe = make_recipe(count_, graph_, {.algebra = true}, &give_up_);
    if (recipe.algebra && !rt::raised(&give_up_)) return recipe;
  } catch (const std::exception&) {
  }
  return std::nullopt;
}

void CountInstead::watch(const MineProgress& progress) {
  if (options_.progress) options_.progress(progress);
  if (rt::raised(options_.stop)) {
    raise(give_up_);
    return raise(stop_);
  }
  if (progress.seconds > kPatience && !std::exchange(begun_, true))
    planning_ = std::async(std::launch::async, [this] { return plan(); });
  if (planning_.valid() && planning_.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
    recipe_ = planning_.get();
  if (!recipe_ || rt::raised(&give_up_)) return;
  taken_over_ = progress.seconds * 1e9 * thread_count(options_) > recipe_->by_algebra;
  if (taken_over_) raise(stop_);
}

}  // namespace galena::mine
