#include "src/mine/labelled/labelled.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <numeric>

#include "galena/error.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/crew.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/labelled/tasks.hpp"
#include "src/mine/rows.hpp"
#include "src/mine/team.hpp"

namespace galena::mine {

namespace {

using labelled::Search;
using labelled::Shape;
using labelled::Space;
using labelled::Symmetry;
using labelled::Tasks;

constexpr int kLeastSize = 7;  ///< vertices; a plan for fewer is soon made and soon run

Symmetry symmetry_of(const Query& query) {
  if (query.kind == QueryKind::exists) return Symmetry::kept;
  return query.kind == QueryKind::count ? Symmetry::partial : Symmetry::broken;
}

}  // namespace

class LabelledSearch::Run {
 public:
  Run(const Prepared& graph, const Query& query, const MineOptions& options)
      : graph_(graph),
        query_(query),
        options_(options),
        shape_(query.pattern, symmetry_of(query)),
        space_(shape_, graph.view(), labelled::find_candidates(shape_, graph.view(), options.stop)) {
    if (space_.empty()) return;
    for (int t = 0; t < thread_count(options); ++t)
      searches_.push_back(std::make_unique<Search>(shape_, space_, graph.view(), crew_.flag(), match_function(t)));
    tasks_.emplace(*searches_.front(), options.stop);
  }

  double estimate() {
    if (!tasks_ || query_.kind != QueryKind::count) return 0;
    return tasks_->estimate(*searches_.front());
  }

  QueryResult run(const RowSink& sink) {
    if (query_.kind == QueryKind::list) {
      std::vector<int> order(labelled::at(shape_.size));
      std::iota(order.begin(), order.end(), 0);
      rows_ = std::make_unique<Rows>(graph_, query_, order, thread_count(options_), sink);
    }
    if (options_.processes != nullptr) team_.emplace(*options_.processes, tasks_ ? tasks_->count() : 0);
    if (tasks_) search();
    const double done = finish();
    const bool whole = ended_ || (tasks_ ? done == 1 : !rt::raised(options_.stop));
    QueryResult result;
    result.query = query_;
    result.engine = "labelled search";
    result.partial = !whole;
    result.balance = balance_;
    result.done = whole ? 1 : std::min(0.9999, done);
    result.count = query_.kind == QueryKind::list     ? Count(rows_->finish())
                   : query_.kind == QueryKind::exists ? Count(ended_ ? 1 : 0)
                                                      : counted(whole);
    result.seconds = clock_.seconds();
    return result;
  }

  [[nodiscard]] std::uint64_t bytes() const {
    return space_.bytes() + (searches_.empty() ? 0 : searches_.size() * searches_.front()->bytes());
  }

 private:
  void search() {
    if (team_) team_->refill(searches_.size());
    crew_.run(
        searches_.size(), [this](std::size_t t) { work(*searches_[t]); }, [this] { watch(); },
        team_ ? Crew::kTeamTick : Crew::kTick);
  }

  Search::MatchFn match_function(int thread) {
    if (query_.kind == QueryKind::count) return {};
    if (query_.kind == QueryKind::exists) return [](const rt::vid*) { return false; };
    return [this, thread](const rt::vid* matched) { return rows_->add(thread, matched, shape_.size); };
  }

  bool take(labelled::Task& task) {
    if (!team_) return tasks_->take_next(task);
    for (;;) {
      const std::size_t number = team_->take(crew_.flag());
      if (number == tasks_->count()) return false;
      if (tasks_->take(number, task)) return true;
    }
  }

  void work(Search& search) {
    const Stopwatch clock;
    for (labelled::Task task; !crew_.halted() && take(task);) {
      const Search::Outcome outcome = search.run(task.prefix);
      if (search.ended()) ended_ = true;
      if (!outcome.whole) break;
      const std::scoped_lock lock(mutex_);
      overflow_ = overflow_ || outcome.overflow || __builtin_add_overflow(sum_, outcome.count, &sum_);
      tasks_->finish(task, outcome);
    }
    if (ended_) crew_.halt();
    const std::scoped_lock lock(mutex_);
    busy_ += clock.seconds();
  }

  /// What the other processes have found is added. Returns the share of the prefixes that are done.
  double finish() {
    if (!team_) return tasks_ ? tasks_->share_finished() : 0;
    if (ended_) team_->exhaust();
    Team::Part mine{
        tasks_ ? tasks_->finished() : std::vector<std::uint8_t>(), {sum_}, {}, busy_, ended_.load(), overflow_};
    const Team::Part all = team_->merge(mine);
    sum_ = all.sums.front();
    ended_ = all.ended;
    overflow_ = all.overflow;
    balance_ = all.busy;
    const auto done = static_cast<double>(std::ranges::count(all.done, 1));
    return all.done.empty() ? 0 : done / static_cast<double>(all.done.size());
  }

  /// The calling thread: brings work, passes on the stop flag and reports progress.
  void watch() {
    if (team_) team_->refill(searches_.size());
    if (options_.progress) options_.progress(progress(tasks_->share_finished(), clock_.seconds()));
    if (rt::raised(options_.stop)) crew_.halt();
  }

  [[nodiscard]] Count counted(bool whole) const {
    if (overflow_) throw InputError("this count is over 127 bits before symmetry is divided out; no exact result fits");
    auto number = static_cast<Count::Wide>(sum_);
    if (whole && number % shape_.kept_orbits != 0)
      throw InternalError("the matches of '" + query_.text + "' are no multiple of its symmetry");
    if (!query_.embeddings) return Count(number / shape_.kept_orbits);
    if (__builtin_mul_overflow(number, shape_.broken_orbits, &number))
      throw InputError("the number of embeddings is over 128 bits");
    return Count(number);
  }

  const Prepared& graph_;
  const Query& query_;
  const MineOptions& options_;
  const Stopwatch clock_;
  Shape shape_;
  Space space_;
  std::unique_ptr<Rows> rows_;
  std::vector<std::unique_ptr<Search>> searches_;  ///< one a thread
  std::optional<Tasks> tasks_;
  std::optional<Team> team_;
  Crew crew_;
  std::atomic<bool> ended_{false};

  std::mutex mutex_;               ///< guards what follows
  double busy_ = 0, balance_ = 1;  ///< seconds of threads; of processes, the most over the mean
  rt::i128 sum_ = 0;
  bool overflow_ = false;
};

LabelledSearch::LabelledSearch(const Prepared& graph, const Query& query, const MineOptions& options)
    : run_(std::make_unique<Run>(graph, query, options)) {}
LabelledSearch::~LabelledSearch() = default;
double LabelledSearch::estimate() { return run_->estimate(); }
QueryResult LabelledSearch::run(const RowSink& sink) { return run_->run(sink); }
std::uint64_t LabelledSearch::bytes() const { return run_->bytes(); }

bool asks_for_labelled_search(const Query& query) {
  if (query.kind != QueryKind::count && query.kind != QueryKind::list && query.kind != QueryKind::exists) return false;
  const Pattern& pattern = query.pattern;
  if (pattern.size() < kLeastSize || query.approx > 0 || !pattern.conditions().empty() || !pattern.connected())
    return false;
  int labels = 0;
  for (int v = 0; v < pattern.size(); ++v) labels += pattern.vertex(v).label.kind == LabelSet::Kind::one_of ? 1 : 0;
  return 4 * labels >= 3 * pattern.size();
}

std::string describe_labelled(const Prepared& graph, const Query& query) {
  const Shape shape(query.pattern, symmetry_of(query));
  std::vector<std::size_t> first;
  const labelled::Candidates candidates = labelled::find_candidates(shape, graph.view(), nullptr, &first);
  std::string text = fmt::format(
      "{}\npattern: {}\nautomorphisms: {}\nlabelled search: candidates by label, degree and neighbours, then refined; "
      "least domain first, back to what is to blame\n",
      query.text, query.pattern.to_string(), Count(shape.kept_orbits * shape.broken_orbits).to_string());
  for (int v = 0; v < shape.size; ++v)
    text += fmt::format("  {}: {} candidates, {} by label, degree and neighbours' labels\n",
                        query.pattern.vertex(v).name, candidates[labelled::at(v)].size(), first[labelled::at(v)]);
  return text;
}

}  // namespace galena::mine
