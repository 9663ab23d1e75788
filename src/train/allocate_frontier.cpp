// Sort a block's rows by falling coefficient c. By exchange, of two rows the one with the larger c has the wider width,
// so a block is described by x_1 >= x_2 >= ..., x_j the number of rows that reach level j, and
//   V = q_last S(0) + sum_j (q_{j-1} - q_j) S(x_j),     bytes = n b_0 + sum_j (b_j - b_{j-1}) x_j,
// S(x) the sum of c from row x on (all terms are positive: nothing cancels, however small V becomes). Where the steps' gains fall and their costs do not (as they do for 1, 2, 4, 8, 16, 32 bits),
// the order of the x_j need not be imposed: swapping x_j < x_{j+1} costs no more and gains no less. What is left is to
// minimise a sum of functions of one variable each, convex because S is, under one bound on bytes. Levels are
// added one at a time,
//   best'(k) = min_x best(k - s x) + gain S(x),      s the step's cost in units,
// which for each residue of k modulo s is the (min, +) convolution of a sequence with a convex one. Its matrix is
// Monge, hence the position of the minimum grows with k, and halving finds all of them in O(m log m) (the idea of
// A. Aggarwal et al., "Geometric applications of a matrix-searching algorithm", Algorithmica 1987, in its simpler form).
// So the whole frontier of n rows is O(n log n) where bytes share a unit of a step's size, rather than O(n^2).
// Blocks whose steps are not so ordered go row by row, the textbook multiple-choice knapsack: O(n^2).
#include "src/train/allocate_frontier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "galena/error.hpp"

namespace galena::train::detail {
namespace {

double gain(const Block& block, std::size_t level) { return block.levels[level - 1].value - block.levels[level].value; }

double cost(const Block& block, std::size_t level) { return block.levels[level].cost - block.levels[level - 1].cost; }

bool steps_ordered(const Block& block) {
  for (std::size_t j = 2; j < block.levels.size(); ++j) {
    if (gain(block, j) > gain(block, j - 1) || cost(block, j) < cost(block, j - 1)) return false;
  }
  return true;
}

// out[i] = min over t <= i of in[t] + f(i - t), f(x) = gain S(min(x, n)); at[i] = the x of it.
struct Convolution {
  const std::vector<double>& in;
  const std::vector<double>& suffix;
  double gain;
  std::vector<double>& out;
  std::vector<std::int32_t>& at;

  void solve(std::int64_t first, std::int64_t last, std::int64_t low, std::int64_t high) const {
    if (first > last) return;
    const std::int64_t i = first + (last - first) / 2, n = std::ssize(suffix) - 1;
    double best = std::numeric_limits<double>::infinity();
    std::int64_t where = low;
    for (std::int64_t t = low; t <= std::min(high, i); ++t) {
      const double value = in[t] + gain * suffix[std::min(i - t, n)];
      if (value < best) best = value, where = t;
    }
    out[i] = best;
    at[i] = static_cast<std::int32_t>(std::min(i - where, n));
    solve(first, i - 1, low, where);
    solve(i + 1, last, where, high);
  }
};

void require_table(std::int64_t states, std::size_t layers) {
  if (static_cast<double>(states) * static_cast<double>(layers) <= 0x1p27) return;
  throw InputError(fmt::format(
      "exact bit assignment: a table of {} sums of bytes by {} decisions is too large; use the greedy solver, whose "
      "distance from the optimum is reported, or pad rows so that their bytes share a larger divisor",
      states, layers));
}

}  // namespace

Block make_block(std::vector<Point> levels, std::vector<std::int32_t> rows, std::span<const double> coefficient) {
  Block block{.levels = std::move(levels), .rows = std::move(rows), .coefficient = {}, .suffix = {}};
  block.coefficient.resize(block.rows.size());
  block.suffix.assign(block.rows.size() + 1, 0.0);
  std::vector<std::pair<double, std::int32_t>> sorted;
  for (const std::int32_t row : block.rows) sorted.emplace_back(-coefficient[row], row);
  std::ranges::sort(sorted);
  for (std::size_t i = sorted.size(); i-- > 0;) {
    block.rows[i] = sorted[i].second;
    block.coefficient[i] = -sorted[i].first;
    block.suffix[i] = block.suffix[i + 1] + block.coefficient[i];
  }
  return block;
}

Frontier::Frontier(std::span<const Block> blocks) {
  std::int64_t span = 0, divisor = 0;
  std::size_t layers = 0;
  for (const Block& block : blocks) {
    const auto n = static_cast<std::int64_t>(block.rows.size());
    const auto& levels = block.levels;
    floor_bytes_ += n * static_cast<std::int64_t>(levels[0].cost);
    span += n * static_cast<std::int64_t>(levels.back().cost - levels[0].cost);
    for (std::size_t j = 1; j < levels.size(); ++j) {
      divisor = std::gcd(divisor, static_cast<std::int64_t>(cost(block, j)));
    }
    layers += steps_ordered(block) ? levels.size() - 1 : block.rows.size();
  }
  unit_ = std::max<std::int64_t>(divisor, 1);
  require_table(span / unit_ + 1, layers);
  best_.assign(static_cast<std::size_t>(span / unit_ + 1), 0.0);
  for (const Block& block : blocks) add_block(block);
}

void Frontier::add_block(const Block& block) {
  if (!steps_ordered(block)) {
    for (std::size_t row = 0; row < block.rows.size(); ++row) add_row(block, row);
    return;
  }
  for (double& best : best_) best += block.levels.back().value * block.suffix[0];
  for (std::size_t j = 1; j < block.levels.size(); ++j) add_level(block, j);
}

std::int64_t Frontier::steps(const Block& block, std::size_t from, std::size_t to) const {
  return static_cast<std::int64_t>(block.levels[to].cost - block.levels[from].cost) / unit_;
}

void Frontier::add_level(const Block& block, std::size_t level) {
  const std::int64_t stride = steps(block, level - 1, level), states = size();
  std::vector<std::int32_t> taken(best_.size());
  std::vector<double> in, out;
  std::vector<std::int32_t> at;
  for (std::int64_t residue = 0; residue < std::min(stride, states); ++residue) {
    in.clear();
    for (std::int64_t k = residue; k < states; k += stride) in.push_back(best_[k]);
    out.resize(in.size());
    at.resize(in.size());
    Convolution{in, block.suffix, gain(block, level), out, at}.solve(0, std::ssize(in) - 1, 0, std::ssize(in) - 1);
    for (std::int64_t i = 0; i < std::ssize(in); ++i) {
      best_[residue + i * stride] = out[i];
      taken[residue + i * stride] = at[i];
    }
  }
  layers_.push_back({&block, level, 0, std::move(taken)});
}

void Frontier::add_row(const Block& block, std::size_t row) {
  const double c = block.coefficient[row];
  std::vector<std::int32_t> taken(best_.size());
  for (std::int64_t k = size() - 1; k >= 0; --k) {  // downwards: reads only what is not yet overwritten
    double best = best_[k] + c * block.levels[0].value;
    for (std::size_t level = 1; level < block.levels.size() && steps(block, 0, level) <= k; ++level) {
      const double value = best_[k - steps(block, 0, level)] + c * block.levels[level].value;
      if (value < best) best = value, taken[k] = static_cast<std::int32_t>(level);
    }
    best_[k] = best;
  }
  layers_.push_back({&block, 0, row, std::move(taken)});
}

void Frontier::choose(std::int64_t k, std::span<std::uint8_t> option) const {
  std::vector<std::int32_t> counts;  // of the levels of one block, last level first
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    const std::int32_t taken = layer.taken[k];
    const Block& block = *layer.block;
    if (layer.level == 0) {
      option[block.rows[layer.row]] = block.levels[taken].option;
      k -= steps(block, 0, taken);
      continue;
    }
    k -= taken * steps(block, layer.level - 1, layer.level);
    counts.push_back(taken);
    if (layer.level > 1) continue;
    std::ranges::sort(counts, std::greater<>());
    for (std::size_t row = 0; row < block.rows.size(); ++row) {
      std::size_t level = 0;
      while (level < counts.size() && counts[level] > static_cast<std::int32_t>(row)) ++level;
      option[block.rows[row]] = block.levels[level].option;
    }
    counts.clear();
  }
}

}  // namespace galena::train::detail
