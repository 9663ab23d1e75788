// Stratified sampling without replacement. Vertices stand by decreasing degree, so chunks that follow each other are
// alike: a stratum is a run of them. The estimate adds strata's means times their sizes; its variance is estimated
// from the spread within strata (W. Cochran, Sampling Techniques, 1977, chapter 5), and the interval is Student's with
// the effective degrees of freedom of F. Satterthwaite (Biometrics, 1946). After a first round each further one goes
// where the spread is (Neyman's allocation).

#include "src/mine/approximate.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <numeric>

#include "galena/error.hpp"
#include "src/base/hash.hpp"
#include "src/base/threads.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/worker.hpp"

namespace galena::mine {

using rt::i128;

namespace {

constexpr std::uint64_t kPieces = 16384;
constexpr std::size_t kStrata = 16, kFirst = 24;
/// Sampling ends when the variance looks small, so it looks smaller than it is: measured intervals held 90 of 100.
constexpr double kWiden = 1.2;
constexpr double kGrowth = 0.5;  ///< of a round over what was drawn before
constexpr double kTick = 0.05;   ///< seconds between reports

/// The quantile of Student's distribution that leaves 2.5% above (an expansion about the normal one's).
double student(double freedom) {
  constexpr double z = 1.959964;
  const double z3 = z * z * z, z5 = z3 * z * z, d = std::max(freedom, 1.0);
  return z + (z3 + z) / (4 * d) + (5 * z5 + 16 * z3 + 3 * z) / (96 * d * d);
}

struct Stratum {
  std::vector<std::size_t> chunks;  ///< in the order of drawing
  std::size_t drawn = 0;
  std::vector<i128> sums;  ///< of those drawn

  [[nodiscard]] bool whole() const { return drawn == chunks.size(); }
  [[nodiscard]] double mean() const {
    double total = 0;
    for (const i128 sum : sums) total += static_cast<double>(sum);
    return sums.empty() ? 0 : total / static_cast<double>(sums.size());
  }
  /// Of one chunk's sum.
  [[nodiscard]] double variance() const {
    if (sums.size() < 2) return 0;
    const double centre = mean();
    double squares = 0;
    for (const i128 sum : sums) squares += (static_cast<double>(sum) - centre) * (static_cast<double>(sum) - centre);
    return squares / static_cast<double>(sums.size() - 1);
  }
};

class Sampling {
 public:
  Sampling(const Prepared& graph, const codegen::Plan& plan, const Executable& code, const MineOptions& options)
      : graph_(graph),
        plan_(plan),
        code_(code),
        options_(options),
        chunks_(graph.chunks(kPieces, plan.max_depth >= 2)) {
    const std::size_t count = chunks_.chunks.size(), strata = std::min(kStrata, std::max<std::size_t>(count, 1));
    for (std::size_t s = 0; s < strata; ++s) {
      Stratum stratum;
      for (std::size_t i = count * s / strata; i < count * (s + 1) / strata; ++i) stratum.chunks.push_back(i);
      const auto draw = [&](std::size_t i) { return base::mix64(base::mix64(options.seed) + i); };
      std::ranges::sort(stratum.chunks, [&](std::size_t a, std::size_t b) { return draw(a) < draw(b); });
      strata_.push_back(std::move(stratum));
    }
    for (int t = 0; t < thread_count(options); ++t)
      memory_.push_back(std::make_unique<WorkerMemory>(plan, graph.view()));
  }

  Approximation run(double relative) {
    Approximation result;
    std::vector<std::size_t> more(strata_.size(), kFirst);
    for (;;) {
      if (!round(more)) break;
      estimate(result);
      if (whole() || (result.sum > 0 && result.half > 0 && result.half <= relative * static_cast<double>(result.sum)))
        break;
      more = allocate();
    }
    if (stopped()) estimate(result);
    result.partial = stopped();
    result.done = std::min(finished_, 1.0);
    result.seconds = clock_.seconds();
    result.worker_bytes = memory_.size() * WorkerMemory::bytes(plan_, graph_.view());
    return result;
  }

 private:
  [[nodiscard]] bool stopped() const { return rt::raised(options_.stop); }
  [[nodiscard]] bool whole() const {
    return std::ranges::all_of(strata_, [](const Stratum& s) { return s.whole(); });
  }

  /// Runs so many more chunks of each stratum; false where it was stopped, and then none of them counts.
  bool round(const std::vector<std::size_t>& more) {
    std::vector<std::size_t> todo;
    for (std::size_t s = 0; s < strata_.size(); ++s) {
      const Stratum& stratum = strata_[s];
      for (std::size_t i = stratum.drawn; i < std::min(stratum.drawn + more[s], stratum.chunks.size()); ++i)
        todo.push_back(stratum.chunks[i]);
    }
    std::vector<i128> sums(todo.size());
    double weight = 0;
    for (const std::size_t i : todo) weight += chunks_.weight[i];
    std::atomic<std::size_t> ended{0};
    const auto threads = static_cast<int>(memory_.size());
    base::ErrorTrap trap;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (std::size_t i = 0; i < todo.size(); ++i)
      trap.run(i, [&] {
        if (stopped()) return;
        sums[i] = chunk_sum(*memory_[static_cast<std::size_t>(omp_get_thread_num())], todo[i]);
        report(finished_ + weight * static_cast<double>(++ended) / static_cast<double>(todo.size()));
      });
    trap.rethrow();
    if (stopped()) return false;
    std::size_t at = 0;
    for (std::size_t s = 0; s < strata_.size(); ++s) {
      Stratum& stratum = strata_[s];
      for (; stratum.drawn < stratum.chunks.size() && at < todo.size() && todo[at] == stratum.chunks[stratum.drawn];
           ++at) {
        finished_ += chunks_.weight[todo[at]];
        ++stratum.drawn;
        stratum.sums.push_back(sums[at]);
      }
    }
    return true;
  }

  i128 chunk_sum(WorkerMemory& memory, std::size_t chunk) {
    memory.clear_sums();
    rt::Worker& worker = memory.worker();
    worker.stop = options_.stop;
    code_.run(worker, chunks_.chunks[chunk]);
    if (worker.overflow != 0)
      throw InputError("this count is over 127 bits before symmetry is divided out; no exact result fits");
    return memory.sums().front();
  }

  void report(double done) {
    if (!options_.progress || omp_get_thread_num() != 0) return;
    const double now = clock_.seconds();
    if (now - reported_ < kTick) return;
    reported_ = now;
    options_.progress({done, now, -1});
  }

  void estimate(Approximation& result) const {
    double total = 0, variance = 0, freedom = 0;
    i128 exact = 0;
    const std::vector<double> variances = smooth_variances();
    std::size_t at = 0;
    for (const Stratum& s : strata_) {
      for (const i128 sum : s.sums)
        if (__builtin_add_overflow(exact, sum, &exact)) throw InputError("this count is over 127 bits");
      const auto size = static_cast<double>(s.chunks.size()), drawn = static_cast<double>(s.drawn);
      total += size * s.mean();
      const double part = size * size * (1 - drawn / size) * variances[at++] / drawn;
      variance += part;
      if (s.drawn > 1) freedom += part * part / (drawn - 1);
    }
    result.half = variance > 0 ? kWiden * student(variance * variance / freedom) * std::sqrt(variance) : 0;
    result.sum = whole() ? exact : static_cast<i128>(std::llround(std::min(total, 9e18)));
    if (!whole() && total >= 9e18) result.sum = static_cast<i128>(total);
    if (whole()) result.half = 0;
  }

  /// By stratum; no less than half its neighbours', since a few draws may all have missed what is rare.
  [[nodiscard]] std::vector<double> smooth_variances() const {
    std::vector<double> own, result;
    for (const Stratum& s : strata_) own.push_back(s.variance());
    for (std::size_t i = 0; i < own.size(); ++i) {
      const double before = i > 0 ? own[i - 1] : own[i], after = i + 1 < own.size() ? own[i + 1] : own[i];
      result.push_back(std::max(own[i], (before + after) / 4));
    }
    return result;
  }

  /// Draws of the next round: in proportion to size and spread.
  [[nodiscard]] std::vector<std::size_t> allocate() const {
    std::size_t drawn = 0;
    double all = 0;
    std::vector<double> wanted;
    const std::vector<double> variances = smooth_variances();
    for (const Stratum& s : strata_) {
      drawn += s.drawn;
      wanted.push_back(s.whole() ? 0 : static_cast<double>(s.chunks.size()) * std::sqrt(variances[wanted.size()]));
      all += wanted.back();
    }
    const double next = static_cast<double>(drawn) * (1 + kGrowth);
    std::vector<std::size_t> more;
    bool any = false;
    for (std::size_t i = 0; i < strata_.size(); ++i) {
      const double target = all > 0 ? next * wanted[i] / all : next / static_cast<double>(strata_.size());
      const double missing = std::ceil(target - static_cast<double>(strata_[i].drawn));
      more.push_back(missing > 0 ? static_cast<std::size_t>(missing) : 0);
      any = any || (missing > 0 && !strata_[i].whole());
    }
    if (!any) std::ranges::fill(more, kFirst);
    return more;
  }

  const Prepared& graph_;
  const codegen::Plan& plan_;
  const Executable& code_;
  const MineOptions& options_;
  const Stopwatch clock_;
  const ChunkPlan& chunks_;
  std::vector<Stratum> strata_;
  std::vector<std::unique_ptr<WorkerMemory>> memory_;
  double finished_ = 0, reported_ = 0;
};

}  // namespace

Approximation approximate(const Prepared& graph, const codegen::Plan& plan, const Executable& code, double relative,
                          const MineOptions& options) {
  return Sampling(graph, plan, code, options).run(relative);
}

}  // namespace galena::mine
