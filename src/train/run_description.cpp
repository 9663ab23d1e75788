#include "src/train/run_description.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "src/base/hash.hpp"

namespace galena::train {
namespace {

/// Names and values, as a checkpoint keeps them: "lr=0.01; hidden=16".
class Description {
 public:
  template <class T>
  void add(const char* name, const T& value) {
    text += fmt::format("{}{}={}", text.empty() ? "" : kBetween, name, value);
  }
  static std::map<std::string, std::string> read(const std::string& text) {
    std::map<std::string, std::string> values;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find(kBetween, begin), text.size());
      const std::string field = text.substr(begin, end - begin);
      const std::size_t equal = std::min(field.find('='), field.size());
      values[field.substr(0, equal)] = field.substr(std::min(equal + 1, field.size()));
      begin = end + 2;
    }
    return values;
  }
  std::string text;

 private:
  static constexpr const char* kBetween = "; ";
};

void describe_data(const Run& run, Description& text) {
  const NodeData& data = run.data.data;
  text.add("dataset", run.data.name);
  text.add("graph",
           fmt::format("{:016x}", run.data.hypergraph ? run.data.hypergraph->digest() : run.data.graph.digest()));
  text.add("split", data.split);
  text.add("classes", data.num_classes);
  text.add("features", fmt::format("{}x{}", data.features.rows, data.features.cols));
  if (!run.digests) return;
  const auto digest = [](std::uint64_t value) { return fmt::format("of digest {:016x}", value); };
  text.add("values of features", digest(run.digests->features));
  text.add("labels", digest(run.digests->labels));
  text.add("training vertices", digest(run.digests->train));
  text.add("validation vertices", digest(run.digests->valid));
  text.add("test vertices", digest(run.digests->test));
}

void describe_model(const nn::ModelOptions& m, bool custom, Description& text) {
  text.add("model", custom ? "custom" : m.name);
  text.add("layers", m.layers);
  text.add("hidden", m.hidden);
  text.add("heads", m.heads);
  text.add("output heads", m.output_heads);
  text.add("dropout", m.dropout);
  text.add("input dropout", m.input_dropout);
  text.add("attention dropout", m.attention_dropout);
  text.add("norm", static_cast<int>(m.norm));
  text.add("residual", m.residual);
  text.add("block", m.block);
  text.add("alpha", m.alpha);
  text.add("theta", m.theta);
  text.add("aggregation", m.sage_aggregation);
  text.add("hnhn alpha", m.hnhn_alpha);
  text.add("hnhn beta", m.hnhn_beta);
}

void describe_optimizer(const nn::OptimizerOptions& p, int epochs, Description& text) {
  text.add("optimizer", p.name);
  text.add("lr", p.lr);
  text.add("weight decay", p.weight_decay);
  for (const auto& [group, decay] : p.group_weight_decay) text.add(("weight decay of " + group).c_str(), decay);
  text.add("momentum", p.momentum);
  text.add("nesterov", p.nesterov);
  text.add("beta1", p.beta1);
  text.add("beta2", p.beta2);
  text.add("eps", p.eps);
  text.add("schedule", p.schedule);
  text.add("warmup", p.warmup_epochs);
  if (p.schedule != "constant") text.add("epochs", epochs);
}

void describe_parts(const Run& run, Description& text) {
  const MessageOptions& messages = run.options.messages;
  text.add("parts", run.partition.parts);
  text.add("partition", fmt::format("{:016x}", base::hash_bytes(std::as_bytes(std::span(run.partition.part_of)))));
  text.add("boundary rate", messages.rate);
  text.add("by importance", messages.by_importance);
  text.add("message bits", messages.bits);
  text.add("byte budget", messages.byte_budget);
  text.add("period", messages.period);
  text.add("lambda", messages.lambda);
  text.add("stale", messages.stale);
}

}  // namespace

std::string describe_run(const Run& run) {
  const TrainOptions& o = run.options;
  Description text;
  describe_data(run, text);
  describe_model(o.model, static_cast<bool>(run.make), text);
  describe_optimizer(o.optimizer, o.epochs, text);
  text.add("dtype", o.dtype == DType::f64 ? "f64" : "f32");
  if (o.precision != Precision::f32) text.add("precision", name_of(o.precision));
  text.add("seed", o.seed);
  text.add("inductive", o.inductive);
  text.add("prune", o.prune);
  text.add("metric", o.metric);
  text.add("select", o.select);
  describe_parts(run, text);
  return text.text;
}

std::string differences(const std::string& there, const std::string& here) {
  const auto theirs = Description::read(there), ours = Description::read(here);
  const auto value = [](const auto& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string("not given") : found->second;
  };
  auto all = theirs;
  all.insert(ours.begin(), ours.end());
  std::string text;
  for (const auto& [name, ignored] : all)
    if (value(theirs, name) != value(ours, name))
      text += fmt::format("{}{} {} (here {})", text.empty() ? "" : ", ", name, value(theirs, name), value(ours, name));
  return text;
}

}  // namespace galena::train
