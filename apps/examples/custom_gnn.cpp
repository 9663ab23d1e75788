// Graph networks of one's own, trained on Zachary's karate club (1977), where two people are known to stand on either
// side of its quarrel and 28 are asked about. Both networks run unchanged on a graph in parts.

#include <cmath>
#include <cstdio>

#include "galena/node_dataset.hpp"
#include "galena/train.hpp"

using namespace galena;

namespace {

/// Composed of operations: two linear maps, each followed by the mean over neighbours.
class TwoHops : public nn::Module {
 public:
  TwoHops(nn::ParameterStore& store, std::int64_t in, std::int64_t out)
      : first_(store, "first", in, 16), second_(store, "second", 16, out) {}
  nn::Var forward(nn::Context& ctx, const nn::Var& x) override {
    const nn::Var h = nn::relu(nn::aggregate(ctx, first_(x), nn::Aggregation::mean(true)));
    return nn::aggregate(ctx, second_(nn::dropout(ctx, h, 0.5)), nn::Aggregation::mean(true));
  }
  [[nodiscard]] int hops() const override { return 2; }

 private:
  nn::Linear first_, second_;
};

/// A message and its adjoint: s / (1 + (t - s)^2), element by element. Neighbours that differ say less.
nn::MessageFunction closeness(std::int64_t width) {
  nn::MessageFunction function;
  function.width = width;
  function.message = [](auto target, auto source, auto out) {
    for (std::size_t k = 0; k < out.size(); ++k) {
      const float apart = target[k] - source[k];
      out[k] = source[k] / (1 + apart * apart);
    }
  };
  // With d = t - s and q = 1 / (1 + d^2): dm/dt = -2 s d q^2 and dm/ds = q + 2 s d q^2.
  function.adjoint = [](auto target, auto source, auto gradient, auto d_target, auto d_source) {
    for (std::size_t k = 0; k < gradient.size(); ++k) {
      const float apart = target[k] - source[k], near = 1 / (1 + apart * apart);
      const float bend = 2 * source[k] * apart * near * near;
      d_target[k] -= gradient[k] * bend;
      d_source[k] += gradient[k] * (near + bend);
    }
  };
  return function;
}

class Closeness : public nn::Module {
 public:
  Closeness(nn::ParameterStore& store, std::int64_t in, std::int64_t out)
      : first_(store, "first", in, 16),
        second_(store, "second", 16, out),
        first_message_(closeness(16)),
        second_message_(closeness(out)) {}
  nn::Var forward(nn::Context& ctx, const nn::Var& x) override {
    const nn::Var h = nn::relu(nn::propagate(ctx, first_(x), first_message_, nn::Aggregation::mean(true)));
    return nn::propagate(ctx, second_(nn::dropout(ctx, h, 0.5)), second_message_, nn::Aggregation::mean(true));
  }
  [[nodiscard]] int hops() const override { return 2; }

 private:
  nn::Linear first_, second_;
  nn::MessageFunction first_message_, second_message_;
};

template <class Network>
ModelFactory factory() {
  return [](nn::ParameterStore& store, std::int64_t in, std::int64_t out) {
    return std::make_unique<Network>(store, in, out);
  };
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (std::int64_t v = 0; v < a.rows(); ++v)
    for (std::int64_t c = 0; c < a.cols(); ++c) most = std::fmax(most, std::abs(a.item(v, c) - b.item(v, c)));
  return most;
}

template <class Network>
void train(const char* name, const NodeDataset& karate) {
  TrainOptions options;
  options.epochs = 60;
  const TrainResult one = train_network(karate, options, {}, factory<Network>());
  std::printf("%s: %.3f of %zu placed as history did, by %lld parameters\n", name, one.best.test,
              karate.data.test.size(), static_cast<long long>(one.parameters));
  options.partition.parts = 2;
  const TrainResult two = train_network(karate, options, {}, factory<Network>());
  const double difference = largest_difference(one.logits, two.logits);
  std::printf("  on two parts: %s (logits differ by %.1e at most)\n", difference < 1e-3 ? "the same" : "something else",
              difference);
}

}  // namespace

int main() {
  const NodeDataset karate = load_node_dataset("karate");
  train<TwoHops>("composed of operations", karate);
  train<Closeness>("messages of its own", karate);
}
