// Each vertex in turn is a clique's first in a degeneracy order; its successors become a small graph of bits, which a
// kernel counts. Vertices late in the order, where the graph is densest, are handed out first.

#include "src/mine/cliques/cliques.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>

#include "codegen/pattern/automorphism.hpp"
#include "galena/error.hpp"
#include "src/mine/cliques/clique_kernels.hpp"
#include "src/mine/cliques/joined_to_all.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/crew.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/team.hpp"

namespace galena::mine {

using rt::i128;
using rt::u128;

namespace {

constexpr int kLeastSize = 4;       ///< smaller ones are counted by plans
constexpr int kMostEnumerated = 5;  ///< sizes up to this are enumerated, larger ones pivoted
constexpr std::uint32_t kMostSuccessors = 64 * kMaxCliqueWords;
constexpr std::uint32_t kBlock = 32;  ///< first vertices handed out at a time

/// None where it is over 128 bits.
std::optional<u128> binomial(std::uint64_t n, std::uint64_t k) {
  u128 result = 1;
  for (std::uint64_t i = 1; i <= std::min(k, n - k); ++i) {
    const std::uint64_t factor = n - i + 1, common = std::gcd(factor, i);
    result /= i / common;  // exact, and no product is larger than the result
    if (__builtin_mul_overflow(result, static_cast<u128>(factor / common), &result)) return std::nullopt;
  }
  return result;
}

struct Sizes {
  std::uint32_t least = 3, most = 0;
};

/// Those asked for; a clique has one vertex more than the degeneracy at the most.
Sizes sizes_of(const Query& query, const CoreOrder& order) {
  const std::uint32_t largest = order.degeneracy + 1;
  if (query.kind == QueryKind::cliques) {
    const auto limit = query.motif_size > 0 ? static_cast<std::uint32_t>(query.motif_size) : largest;
    return {3, std::min(limit, largest)};
  }
  const auto k = static_cast<std::uint32_t>(query.pattern.size());
  return {k, k};
}

/// One thread's memory.
class Root {
 public:
  Root(const CoreOrder& order, const Sizes& sizes, const volatile int* stop)
      : order_(order), sizes_(sizes), place_(order.vertices(), kNone) {
    const std::uint64_t held = std::min(order.degeneracy + 1, sizes.most) + 2, free = order.degeneracy + 3;
    leaves_.reset(static_cast<std::uint64_t*>(std::calloc(held * free, sizeof(std::uint64_t))));
    if (!leaves_) throw std::bad_alloc();
    leaf_count_ = held * free;
    const std::uint32_t words = clique_words(std::max(order.degeneracy, 1U));
    rows_.resize(std::uint64_t{words} * std::max(order.degeneracy, 1U));
    task_.rows = rows_.data();
    task_.least = sizes.least;
    task_.most = sizes.most;
    task_.leaves = leaves_.get();
    task_.stride = free;
    task_.stop = stop;
  }

  void run(std::uint32_t v) {
    const std::uint64_t begin = order_.start[v], end = order_.start[v + 1];
    if (end - begin + 1 < sizes_.least) return;
    task_.n = static_cast<std::uint32_t>(end - begin);
    task_.words = clique_words(task_.n);
    const std::uint32_t* const members = order_.successor.data() + begin;
    for (std::uint32_t i = 0; i < task_.n; ++i) place_[members[i]] = i;
    std::fill_n(rows_.begin(), std::uint64_t{task_.n} * task_.words, 0);
    for (std::uint32_t i = 0; i < task_.n; ++i) {
      for (std::uint64_t k = order_.start[members[i]]; k < order_.start[members[i] + 1]; ++k) {
        const std::uint32_t j = place_[order_.successor[k]];
        if (j != kNone) join(i, j);
      }
    }
    for (std::uint32_t i = 0; i < task_.n; ++i) place_[members[i]] = kNone;
    if (enumerates(sizes_)) {
      enumerated_ += enumerate();
    } else {
      clique_kernels().pivot(task_);
    }
  }

  static bool enumerates(const Sizes& sizes) { return sizes.least == sizes.most && sizes.most <= kMostEnumerated; }
  [[nodiscard]] std::uint64_t bytes() const {
    return leaf_count_ * 8 + rows_.size() * 8 + place_.size() * sizeof(std::uint32_t);
  }
  [[nodiscard]] u128 enumerated() const { return enumerated_; }
  /// f(held, free, times) for what was counted.
  template <class F>
  void for_leaves(const F& f) const {
    for (std::uint64_t at = 0; at < leaf_count_; ++at) {
      if (leaves_[at] > 0) f(at / task_.stride, at % task_.stride, leaves_[at]);
    }
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  /// Vertices that are joined to all others are in no way enumerated: any of them go with any clique of the rest.
  u128 enumerate() {
    const std::uint32_t all = take_joined_to_all(task_, rows_.data());
    u128 total = 0, ways = 1;  // of choosing so many of them
    const std::uint32_t size = sizes_.most;
    for (std::uint32_t chosen = 0; chosen < size && chosen <= all; ++chosen) {
      task_.most = size - chosen;
      total += ways * clique_kernels().enumerate(task_);
      ways = ways * (all - chosen) / (chosen + 1);
    }
    task_.most = size;
    return total;
  }

  void join(std::uint32_t i, std::uint32_t j) {
    rows_[std::uint64_t{i} * task_.words + j / 64] |= std::uint64_t{1} << (j % 64);
    rows_[std::uint64_t{j} * task_.words + i / 64] |= std::uint64_t{1} << (i % 64);
  }

  const CoreOrder& order_;
  Sizes sizes_;
  CliqueTask task_;
  std::vector<std::uint32_t> place_;  ///< among the successors of the first vertex
  std::vector<std::uint64_t> rows_;
  std::unique_ptr<std::uint64_t[], Free> leaves_;  ///< most pages of which are never touched
  std::uint64_t leaf_count_ = 0;
  u128 enumerated_ = 0;
};

class Counting {
 public:
  Counting(const CoreOrder& order, const Sizes& sizes, const MineOptions& options)
      : order_(order), sizes_(sizes), options_(options), left_(order.vertices()) {
    for (int t = 0; t < thread_count(options); ++t)
      roots_.push_back(std::make_unique<Root>(order, sizes, crew_.flag()));
    for (std::uint32_t v = 0; v < order.vertices(); ++v) all_ += weight(v);
  }

  void run() {
    const comm::Communicator* const team = options_.processes;
    if (team != nullptr) {
      every_ = static_cast<std::uint32_t>(team->size());
      own_ = static_cast<std::uint32_t>(team->rank());
    }
    crew_.run(
        roots_.size(), [this](std::size_t t) { work(*roots_[t]); }, [this] { watch(); });
    if (team == nullptr) return;
    std::int64_t stopped = partial() ? 1 : 0;  // then all have a part only
    options_.processes->max(std::span(&stopped, 1), comm::Label{});
    if (stopped != 0) crew_.halt();
  }

  [[nodiscard]] bool partial() const { return crew_.halted(); }
  [[nodiscard]] double done() const { return partial() ? std::min(0.9999, share()) : 1; }
  [[nodiscard]] std::uint64_t bytes() const {
    return roots_.size() * roots_.front()->bytes() + order_.start.size() * 8 + order_.successor.size() * 4;
  }

  /// By size, from sizes.least on. Throws InputError where one is over 127 bits.
  [[nodiscard]] std::vector<u128> counts() const {
    std::set<std::uint64_t> lost;
    std::vector<u128> result(sizes_.most >= sizes_.least ? sizes_.most - sizes_.least + 1 : 0, 0);
    for (const auto& root : roots_) {
      if (Root::enumerates(sizes_)) result[0] += root->enumerated();
      root->for_leaves([&](std::uint64_t held, std::uint64_t free, std::uint64_t times) {
        add_leaf(result, held, free, times, lost);
      });
    }
    if (options_.processes != nullptr) add_others(result, lost);
    if (lost.empty()) return result;
    const std::uint64_t first = *lost.begin();
    throw InputError(fmt::format(
        "the number of cliques of {} vertices is over 127 bits; no exact result fits{}", first,
        sizes_.least < sizes_.most && first > 3 ? fmt::format(". Ask for CLIQUES <= {}", first - 1) : std::string()));
  }

 private:
  void add_others(std::vector<u128>& counts, std::set<std::uint64_t>& lost) const {
    std::vector<i128> sums(counts.begin(), counts.end());
    for (const std::uint64_t size : lost) sums[size - sizes_.least] = -1;  // so that it is lost for all
    std::vector<i128> least = sums;
    for (i128& each : least) each = each < 0 ? 1 : 0;
    (void)add_over(*options_.processes, least);
    const bool fits = add_over(*options_.processes, sums);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      counts[i] = static_cast<u128>(sums[i]);
      if (least[i] > 0 || (!fits && sums[i] < 0)) lost.insert(sizes_.least + i);
    }
  }

  [[nodiscard]] double weight(std::uint32_t v) const {
    const auto n = static_cast<double>(order_.start[v + 1] - order_.start[v]);
    return 1 + n * n;
  }
  [[nodiscard]] double share() const { return finished_ / std::max(all_, 1.0); }

  void work(Root& root) {
    for (;;) {
      const std::uint32_t end = take();
      if (end == 0 || crew_.halted()) break;
      if (end / kBlock % every_ != own_) continue;  // another process has it
      const std::uint32_t begin = end - std::min(end, kBlock);
      double weights = 0;
      for (std::uint32_t v = begin; v < end && !crew_.halted(); ++v) {
        root.run(v);
        weights += weight(v);
      }
      const std::scoped_lock lock(mutex_);
      finished_ += weights;
    }
  }

  /// The end of the next block, from the last to the first; 0: none is left.
  std::uint32_t take() {
    std::uint32_t end = left_.load();
    while (end > 0 && !left_.compare_exchange_weak(end, end - std::min(end, kBlock))) {
    }
    return end;
  }

  /// The calling thread: passes on the stop flag and reports progress.
  void watch() {
    if (options_.progress) {
      std::unique_lock lock(mutex_);
      const double done = share();
      lock.unlock();
      options_.progress(progress(done, clock_.seconds()));
    }
    if (rt::raised(options_.stop)) crew_.halt();
  }

  /// held vertices and any of free more, so many times. Sizes whose numbers leave 127 bits are put into `lost`.
  void add_leaf(std::vector<u128>& counts, std::uint64_t held, std::uint64_t free, std::uint64_t times,
                std::set<std::uint64_t>& lost) const {
    for (std::uint64_t chosen = 0; chosen <= free && held + chosen <= sizes_.most; ++chosen) {
      const std::uint64_t size = held + chosen;
      if (size < sizes_.least) continue;
      const std::optional<u128> ways = binomial(free, chosen);
      u128 product = 0, &sum = counts[size - sizes_.least];
      if (!ways || __builtin_mul_overflow(*ways, static_cast<u128>(times), &product) ||
          __builtin_add_overflow(sum, product, &sum) || (sum >> 127) != 0) {
        lost.insert(size);
      }
    }
  }

  const CoreOrder& order_;
  Sizes sizes_;
  const MineOptions& options_;
  const Stopwatch clock_;
  std::vector<std::unique_ptr<Root>> roots_;
  std::atomic<std::uint32_t> left_;
  std::uint32_t every_ = 1, own_ = 0;  ///< of blocks: each process has its own
  Crew crew_;
  double all_ = 0;

  std::mutex mutex_;  ///< guards what follows
  double finished_ = 0;
};

}  // namespace

bool asks_for_cliques(const Query& query) {
  if (query.kind == QueryKind::cliques) return true;
  const auto k = static_cast<std::size_t>(query.pattern.size());
  return query.kind == QueryKind::count && query.pattern.plain() && query.pattern.size() >= kLeastSize &&
         query.pattern.edges().size() == k * (k - 1) / 2;
}

CliqueCounter::CliqueCounter(const Prepared& graph) : order_(graph.core_order()) {}

bool CliqueCounter::fits() const { return order_.degeneracy <= kMostSuccessors; }

bool CliqueCounter::fits(const Query& query) const {
  if (fits()) return true;
  if (query.kind != QueryKind::cliques) return false;
  throw InputError(
      fmt::format("CLIQUES: the graph's degeneracy is {}; up to {} is supported. COUNT clique(k) asks for "
                  "one size on any graph",
                  order_.degeneracy, kMostSuccessors));
}

QueryResult CliqueCounter::count(const Query& query, const MineOptions& options, std::uint64_t& working_bytes) const {
  const Stopwatch clock;
  const Sizes sizes = sizes_of(query, order_);
  Counting counting(order_, sizes, options);
  counting.run();
  QueryResult result;
  result.query = query;
  result.engine = "cliques";
  result.partial = counting.partial();
  result.done = counting.done();
  const std::vector<u128> counts = counting.counts();
  u128 total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    if (query.kind == QueryKind::cliques) {
      result.motifs.push_back({fmt::format("clique({})", sizes.least + i), Count(counts[i])});
    }
  }
  while (!result.motifs.empty() && result.motifs.back().count == Count()) result.motifs.pop_back();
  if (query.embeddings) {
    const Count::Wide group = codegen::Automorphisms(query.pattern).size();
    if (__builtin_mul_overflow(total, group, &total)) throw InputError("the number of embeddings is over 128 bits");
  }
  result.count = Count(total);
  result.seconds = clock.seconds();
  working_bytes = counting.bytes();
  return result;
}

std::string CliqueCounter::describe(const Query& query) const {
  const Sizes sizes = sizes_of(query, order_);
  return fmt::format(
      "{}\ncliques of {} to {} vertices, {}: each vertex's successors in a degeneracy order (at most {}) as "
      "rows of bits\n",
      query.text, sizes.least, sizes.most,
      Root::enumerates(sizes) ? "one by one" : "by pivoting, which counts without listing", order_.degeneracy);
}

}  // namespace galena::mine
