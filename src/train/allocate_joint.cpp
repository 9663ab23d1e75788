// For each message and width let u = a (E + d), c the expected cost of sending always. Within a budget the sum over
// messages of u / p - a E is to be minimised. At a price of mu a unit of cost a message is on its own:
//   min over widths and p of  u / p + mu p c,     p = min(1, sqrt(u / (mu c))) and at least keep_min.
// Where p < 1 for all widths the best is the one of least u c, whatever the price. Not so where one has reached p = 1
// and another has not (a wider one sampled can beat a narrower one sent always), so all widths are compared at each
// price. Costs fall as the price rises; bisection finds the price at which the budget is met.
//
// At that price some messages may be indifferent between two choices of different cost, and the budget lies between.
// The choices reached by changing some of them over, in order, are each optimal for what they cost (they attain the
// Lagrangian bound); the last that fits and the first that does not are candidates. What is left over is given to
// the probabilities: with all widths fixed, the problem is convex and water-filling solves it. (By the Shapley-Folkman
// theorem one such message a budget is all that separates this from the bound.) Other candidates make small problems
// safe, where one message is a large part: each width for all, and every message sent with the best widths. Each
// candidate's variance is monotone in the budget, hence so is that of their best:
// widths fixed, more budget is a larger feasible set; and candidates change only where the budget reaches a cost for
// which the new ones are optimal.
#include "src/train/allocate_joint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "galena/error.hpp"
#include "src/train/allocate_frontier.hpp"
#include "src/train/allocate_parts.hpp"

namespace galena::train {
namespace {

using namespace detail;

constexpr const char* kWho = "joint allocation";
constexpr double kNothing = std::numeric_limits<double>::infinity();
constexpr double kLeastKeep = 1e-6;
// 1 / sqrt(price): so low that cost alone decides, so high that it counts for nothing, whatever check() admits.
constexpr double kLow = 0x1p-450, kHigh = 0x1p450;

/// What is chosen for one message.
struct Choice {
  double keep = 1;
  std::uint8_t option = 0;
};

/// One message at one width.
struct Coding {
  double noise = 0;  // a d
  double u = 0;      // a (E + d)
  double cost = 0;   // of sending it always
  double rate = 0;   // sqrt(u / cost): p = rate / sqrt(price)

  [[nodiscard]] double keep(double inverse_root_price, double keep_min) const {
    return std::clamp(rate * inverse_root_price, keep_min, 1.0);
  }
  // u / p - a E, where nothing cancels.
  [[nodiscard]] double variance(double keep) const { return u * (1 - keep) / keep + noise; }
};

using Points = std::vector<std::vector<Point>>;  // by message

void fill_greedily(Points points, double limit, std::vector<std::uint8_t>& option) {
  std::vector<Increment> steps;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t kept = keep_hull(points[i]);
    append_steps(std::span(points[i]).first(kept), static_cast<std::int32_t>(i), 1, 1, steps);
  }
  sort_steps(steps);
  take_steps(steps, limit, option);
}

void fill_exactly(Points points, double limit, std::vector<std::uint8_t>& option) {
  const std::vector<double> ones(points.size(), 1);
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < points.size(); ++i) {
    blocks.push_back(make_block(std::move(points[i]), {static_cast<std::int32_t>(i)}, ones));
  }
  const Frontier frontier(blocks);
  const auto k = static_cast<std::int64_t>(limit / static_cast<double>(frontier.unit()));
  frontier.choose(std::min(k, frontier.size() - 1), option);
}

/// The messages of one budget.
class Group {
 public:
  Group(const JointProblem& problem, const Budget& budget, std::span<const std::int32_t> channels, const ByChannel& all,
        double keep_min);

  [[nodiscard]] double least_cost() const;
  [[nodiscard]] double fixed() const { return fixed_; }
  /// Writes the best choices within `limit` and returns the price of a unit of it.
  double solve(double limit, double& lower_bound);
  void store(const JointProblem& problem, JointAllocation& result) const;

 private:
  [[nodiscard]] std::size_t size() const { return messages_.size(); }
  [[nodiscard]] const Coding& coding(std::size_t i, std::size_t option) const {
    return codings_[i * options_ + option];
  }
  [[nodiscard]] Choice choose(std::size_t i, double t) const;
  [[nodiscard]] double relaxed(double t, double limit) const;
  void offer(std::vector<Choice> choices);
  void offer_filled(std::vector<Choice> widths, double limit);
  [[nodiscard]] std::vector<Point> sent(std::size_t i) const;
  void offer_sent(double limit);
  void offer_path(double feasible, double infeasible, double limit);
  template <class Get>
  [[nodiscard]] double cost(const Get& get) const;
  [[nodiscard]] double variance(std::span<const Choice> choices) const;

  std::size_t options_;
  double keep_min_;
  bool whole_;  // costs are whole numbers
  double fixed_ = 0;
  std::vector<std::int32_t> messages_;
  std::vector<Coding> codings_;  // [messages x options]
  std::vector<Choice> best_;
  double best_variance_ = kNothing;
};

Group::Group(const JointProblem& problem, const Budget& budget, std::span<const std::int32_t> channels,
             const ByChannel& all, double keep_min)
    : options_(problem.widths.size()), keep_min_(keep_min), whole_(budget.unit == Budget::Unit::bytes) {
  for (const std::int32_t c : channels) {
    const Channel& channel = problem.channels[c];
    const double price = price_of(channel, budget.unit);
    fixed_ += fixed_cost(channel, budget.unit);
    for (const std::int32_t m : all.of(c)) {
      messages_.push_back(m);
      for (std::size_t w = 0; w < options_; ++w) {
        Coding coding{.cost = price * static_cast<double>(channel.row_bytes[w])};
        coding.noise = problem.weight[m] * problem.error[m * options_ + w];
        coding.u = problem.weight[m] * problem.energy[m] + coding.noise;
        coding.rate = coding.cost > 0 ? std::sqrt(coding.u / coding.cost) : kNothing;
        codings_.push_back(coding);
      }
    }
  }
}

// Of equally good widths the one that costs less.
Choice Group::choose(std::size_t i, double t) const {
  Choice best;
  double least = kNothing, least_cost = kNothing;
  const double price = 1 / (t * t);
  for (std::size_t w = 0; w < options_; ++w) {
    const Coding& at = coding(i, w);
    const double keep = at.keep(t, keep_min_), cost = keep * at.cost, value = at.variance(keep) + price * cost;
    if (value < least || (value == least && cost < least_cost)) {
      least = value, least_cost = cost;
      best = {keep, static_cast<std::uint8_t>(w)};
    }
  }
  return best;
}

template <class Get>
double Group::cost(const Get& get) const {
  double sum = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    const Choice choice = get(i);
    sum += choice.keep * coding(i, choice.option).cost;
  }
  return sum;
}

double Group::variance(std::span<const Choice> choices) const {
  double sum = 0;
  for (std::size_t i = 0; i < size(); ++i) sum += coding(i, choices[i].option).variance(choices[i].keep);
  return sum;
}

double Group::least_cost() const {
  double sum = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    double least = kNothing;
    for (std::size_t w = 0; w < options_; ++w) least = std::min(least, coding(i, w).cost);
    sum += keep_min_ * least;
  }
  return sum;
}

/// The Lagrangian bound at price 1 / t^2.
double Group::relaxed(double t, double limit) const {
  double sum = 0, cost = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    const Choice choice = choose(i, t);
    const Coding& at = coding(i, choice.option);
    sum += at.variance(choice.keep);
    cost += choice.keep * at.cost;
  }
  return sum + (cost - limit) / (t * t);
}

void Group::offer(std::vector<Choice> choices) {
  const double variance = this->variance(choices);
  if (variance < best_variance_) best_variance_ = variance, best_ = std::move(choices);
}

/// With these widths the best probabilities.
void Group::offer_filled(std::vector<Choice> widths, double limit) {
  const auto at = [&](double t) {
    return [&, t](std::size_t i) {
      const std::uint8_t option = widths[i].option;
      return Choice{coding(i, option).keep(t, keep_min_), option};
    };
  };
  if (cost(at(kLow)) > limit) return;
  double t = kHigh;
  if (cost(at(kHigh)) > limit) t = bisect(kLow, kHigh, [&](double x) { return cost(at(x)) > limit; }).first;
  for (std::size_t i = 0; i < size(); ++i) widths[i] = at(t)(i);
  offer(std::move(widths));
}

/// The message at all widths, with probability 1; or, if it adds no variance, at the cheapest with the least.
std::vector<Point> Group::sent(std::size_t i) const {
  std::vector<Point> points;
  for (std::size_t w = 0; w < options_; ++w) {
    points.push_back({coding(i, w).cost, coding(i, w).noise, static_cast<std::uint8_t>(w)});
  }
  points.resize(keep_undominated(points));
  if (coding(i, points[0].option).u == 0) points[0].cost *= keep_min_;
  return points;
}

/// Every message sent (but for those that add no variance): the best widths where that takes a small table, else
/// those of the greedy.
void Group::offer_sent(double limit) {
  std::vector<std::vector<Point>> points;
  std::vector<std::uint8_t> option;
  double span = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    points.push_back(sent(i));
    option.push_back(points[i][0].option);
    limit -= points[i][0].cost;
    span += points[i].back().cost - points[i][0].cost;
  }
  if (limit < 0) return;
  const double table = span * static_cast<double>(size() * options_);
  (whole_ && table <= 0x1p22 ? fill_exactly : fill_greedily)(std::move(points), limit, option);
  std::vector<Choice> choices;
  for (std::size_t i = 0; i < size(); ++i) choices.push_back({coding(i, option[i]).u > 0 ? 1 : keep_min_, option[i]});
  offer(std::move(choices));
}

/// From the choices at the lowest price that fits to those at the highest that does not, message by message.
void Group::offer_path(double feasible, double infeasible, double limit) {
  std::vector<Choice> choices;
  for (std::size_t i = 0; i < size(); ++i) choices.push_back(choose(i, feasible));
  double left = limit - cost([&](std::size_t i) { return choices[i]; });
  for (std::size_t i = 0; i < size(); ++i) {
    const Choice next = choose(i, infeasible);
    if (next.option == choices[i].option) continue;
    const double more = next.keep * coding(i, next.option).cost - choices[i].keep * coding(i, choices[i].option).cost;
    if (more > left) {
      offer_filled(choices, limit);
      choices[i] = next;
      break;
    }
    left -= more;
    choices[i] = next;
  }
  offer_filled(std::move(choices), limit);
}

double Group::solve(double limit, double& lower_bound) {
  const auto cost_at = [&](double t) { return cost([&](std::size_t i) { return choose(i, t); }); };
  double price = 0, bound = 0;
  if (cost_at(kHigh) <= limit) {
    std::vector<Choice> choices;
    for (std::size_t i = 0; i < size(); ++i) choices.push_back(choose(i, kHigh));
    offer(std::move(choices));
    bound = best_variance_;
  } else {
    const auto [feasible, infeasible] = bisect(kLow, kHigh, [&](double t) { return cost_at(t) > limit; });
    bound = std::max(relaxed(feasible, limit), relaxed(infeasible, limit));
    price = 1 / (feasible * feasible);
    offer_path(feasible, infeasible, limit);
    for (std::size_t w = 0; w < options_; ++w) {
      offer_filled(std::vector<Choice>(size(), {1, static_cast<std::uint8_t>(w)}), limit);
    }
    offer_sent(limit);
  }
  lower_bound += std::min(bound, best_variance_);
  return price;
}

void Group::store(const JointProblem& problem, JointAllocation& result) const {
  for (std::size_t i = 0; i < size(); ++i) {
    const std::int32_t m = messages_[i];
    const Choice& choice = best_[i];
    const Channel& channel = problem.channels[problem.channel[m]];
    result.keep[m] = choice.keep;
    result.bits[m] = static_cast<std::uint8_t>(problem.widths[choice.option]);
    result.expected_bytes += choice.keep * static_cast<double>(channel.row_bytes[choice.option]);
  }
  result.variance += best_variance_;
}

void check(const JointProblem& problem, const Budget& budget, double keep_min) {
  const std::size_t n = problem.channel.size();
  check_widths(kWho, problem.widths);
  check_channels(kWho, problem.channels, problem.widths.size());
  check_messages(kWho, problem.channel, problem.channels.size());
  check_values(kWho, "weight", problem.weight, n);
  check_values(kWho, "energy", problem.energy, n);
  check_values(kWho, "error", problem.error, n * problem.widths.size());
  check_budget(kWho, budget, problem.channels.size());
  if (!(keep_min >= kLeastKeep && keep_min <= 1)) {
    throw InputError(fmt::format("{}: keep_min is {}; expected {} to 1", kWho, keep_min, kLeastKeep));
  }
}

}  // namespace

JointAllocation allocate_joint(const JointProblem& problem, const Budget& budget, double keep_min) {
  check(problem, budget, keep_min);
  const ByChannel messages = by_channel(problem.channel, problem.channels.size());
  const auto groups = channels_of_groups(budget, messages);
  JointAllocation result;
  result.keep.resize(problem.channel.size());
  result.bits.resize(problem.channel.size());
  result.price.resize(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].empty()) continue;
    Group group(problem, budget, groups[g], messages, keep_min);
    const double limit = open_limit(kWho, budget, g, group.fixed(), group.least_cost());
    result.price[g] = group.solve(limit, result.lower_bound);
    group.store(problem, result);
  }
  return result;
}

double joint_variance(const JointProblem& problem, std::span<const double> keep, std::span<const std::uint8_t> bits) {
  check_values(kWho, "keep", keep, problem.channel.size());
  if (bits.size() != keep.size()) {
    throw InputError(fmt::format("{}: {} bits for {} messages", kWho, bits.size(), keep.size()));
  }
  double sum = 0;
  for (std::size_t m = 0; m < keep.size(); ++m) {
    const auto width = std::ranges::find(problem.widths, static_cast<int>(bits[m]));
    if (width == problem.widths.end() || !(keep[m] > 0)) {
      throw InputError(
          fmt::format("{}: message {} is kept with {} at {} bits; expected a probability above 0 and one of "
                      "the widths",
                      kWho, m, keep[m], bits[m]));
    }
    const double error =
        problem.error[m * problem.widths.size() + static_cast<std::size_t>(width - problem.widths.begin())];
    sum += problem.weight[m] * ((1 / keep[m] - 1) * problem.energy[m] + error / keep[m]);
  }
  return sum;
}

}  // namespace galena::train
