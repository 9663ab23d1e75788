#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "src/base/suggest.hpp"
#include "src/nn/node.hpp"
#include "src/ops/check.hpp"
#include "src/ops/optimize.hpp"

namespace galena::nn {
namespace {

const std::vector<std::string> kOptimizers{"sgd", "adam", "adamw"};
const std::vector<std::string> kSchedules{"constant", "cosine", "step", "linear"};

void check_known(const char* what, const std::string& name, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  fail("Optimizer", fmt::format("unknown {} '{}'{}; expected {}", what, name, base::did_you_mean(name, known),
                                fmt::join(known, ", ")));
}

void check_range(const char* name, double value, bool good, const char* expected) {
  if (!good || !std::isfinite(value)) fail("Optimizer", fmt::format("{} is {}; expected {}", name, value, expected));
}

void check(const OptimizerOptions& o, int epochs) {
  check_known("optimizer", o.name, kOptimizers);
  check_known("schedule", o.schedule, kSchedules);
  check_range("lr", o.lr, o.lr >= 0, "0 or more");
  check_range("weight_decay", o.weight_decay, o.weight_decay >= 0, "0 or more");
  check_range("momentum", o.momentum, o.momentum >= 0 && o.momentum < 1, "0 <= momentum < 1");
  check_range("beta1", o.beta1, o.beta1 >= 0 && o.beta1 < 1, "0 <= beta1 < 1");
  check_range("beta2", o.beta2, o.beta2 >= 0 && o.beta2 < 1, "0 <= beta2 < 1");
  check_range("eps", o.eps, o.eps > 0, "more than 0");
  check_range("warmup_epochs", o.warmup_epochs, o.warmup_epochs >= 0, "0 or more");
  check_range("epochs", epochs, epochs >= 0, "0 or more");
  if (o.nesterov && o.momentum == 0) fail("Optimizer", "nesterov needs a momentum above 0");
  for (const auto& [group, decay] : o.group_weight_decay)
    check_range(("weight decay of group '" + group + "'").c_str(), decay, decay >= 0, "0 or more");
}

/// The part of the learning rate at `progress` in [0, 1) of the epochs after warm-up.
double schedule_factor(const std::string& schedule, double progress) {
  if (schedule == "cosine") return 0.5 * (1 + std::cos(std::numbers::pi * progress));
  if (schedule == "linear") return 1 - progress;
  if (schedule == "step") return progress < 1.0 / 3 ? 1 : progress < 2.0 / 3 ? 0.1 : 0.01;
  return 1;
}

}  // namespace

struct Optimizer::State {
  OptimizerOptions options;
  ParameterStore& store;
  int epochs;
  std::int64_t t = 0;    ///< steps taken
  Tensor first, second;  ///< Adam's moments; SGD's velocity and nothing
  std::array<const char*, 2> names{};

  [[nodiscard]] double weight_decay(const std::string& group) const {
    for (const auto& [name, decay] : options.group_weight_decay)
      if (name == group) return decay;
    return options.weight_decay;
  }
  void step(double lr, const ParameterStore::Range& range, const Tensor& gradients) const;
};

void Optimizer::State::step(double lr, const ParameterStore::Range& range, const Tensor& gradients) const {
  const auto part = [&](const Tensor& all) { return all.defined() ? all.slice(range.begin, range.end) : all; };
  const Tensor w = part(store.flat_values()), g = part(gradients);
  const double decay = weight_decay(range.group);
  if (options.name == "sgd") {
    ops::sgd_step({lr, options.momentum, decay, options.nesterov}, w, g, part(first));
    return;
  }
  ops::adam_step({lr, options.beta1, options.beta2, options.eps, decay, options.name == "adamw", t}, w, g, part(first),
                 part(second));
}

Optimizer::Optimizer(const OptimizerOptions& options, ParameterStore& store, int epochs) {
  check(options, epochs);
  if (!store.flat_values().defined()) fail("Optimizer", "the parameters are not sealed; call ParameterStore::seal()");
  for (const auto& [group, decay] : options.group_weight_decay) {
    const bool known = std::any_of(store.ranges().begin(), store.ranges().end(),
                                   [&, &name = group](const auto& range) { return range.group == name; });
    if (!known) fail("Optimizer", "a weight decay is given for group '" + group + "', which no parameter is in");
  }
  state_ = std::make_unique<State>(State{options, store, epochs, 0, {}, {}, {}});
  const OnDevice there(store.flat_values().device());
  const auto zeros = [&] { return Tensor::zeros(store.flat_size(), 1, store.dtype()); };
  if (options.name == "sgd") {
    state_->names = {"velocity", nullptr};
    if (options.momentum > 0) state_->first = zeros();
    return;
  }
  state_->names = {"first_moment", "second_moment"};
  state_->first = zeros();
  state_->second = zeros();
}

Optimizer::~Optimizer() = default;
Optimizer::Optimizer(Optimizer&&) noexcept = default;

double Optimizer::lr(int epoch) const {
  const OptimizerOptions& o = state_->options;
  if (epoch < o.warmup_epochs) return o.lr * (epoch + 1) / o.warmup_epochs;
  const double rest = std::max(1, state_->epochs - o.warmup_epochs);
  return o.lr * schedule_factor(o.schedule, std::min(1.0, (epoch - o.warmup_epochs) / rest));
}

void Optimizer::step(int epoch) {
  ++state_->t;
  const Tensor gradients = state_->store.flat_gradients();
  for (const auto& range : state_->store.ranges()) state_->step(lr(epoch), range, gradients);
}

std::vector<std::pair<std::string, Tensor>> Optimizer::state() const {
  const OnDevice cpu(Device::cpu);
  std::vector<std::pair<std::string, Tensor>> result{
      {"optimizer.steps", Tensor::from<std::int64_t>(1, 1, std::array{state_->t})}};
  if (state_->first.defined()) result.emplace_back(std::string("optimizer.") + state_->names[0], state_->first);
  if (state_->second.defined()) result.emplace_back(std::string("optimizer.") + state_->names[1], state_->second);
  return result;
}

void Optimizer::load_state(const std::vector<std::pair<std::string, Tensor>>& state) {
  const auto own = this->state();
  const auto text = [](const auto& entry) { return "'" + entry.first + "' " + ops::shape_of(entry.second); };
  for (std::size_t k = 0; k < std::max(own.size(), state.size()); ++k) {
    const std::string expected = k < own.size() ? text(own[k]) : "nothing";
    const std::string found = k < state.size() ? text(state[k]) : "nothing";
    if (found != expected) {
      fail("Optimizer",
           fmt::format("the state has {} where {} is expected; it is of another optimizer or model", found, expected));
    }
  }
  state_->t = state.front().second.at<std::int64_t>(0, 0);
  for (std::size_t k = 1; k < own.size(); ++k) {
    own[k].second.copy_from(state[k].second);
  }
}

}  // namespace galena::nn
