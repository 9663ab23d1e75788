#include "apps/train_unused.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace galena::cli {
namespace {

/// An option, and the models that ask for it.
struct Use {
  const char* option;
  std::vector<std::string> models;
};

const std::vector<Use>& uses() {
  static const std::vector<Use> table{{"--heads", {"gat", "gatv2", "unigat", "allsettransformer"}},
                                      {"--output-heads", {"gat", "gatv2", "unigat"}},
                                      {"--attention-dropout", {"gat", "gatv2", "unigat", "allsettransformer"}},
                                      {"--alpha", {"gcnii", "unigcnii"}},
                                      {"--theta", {"gcnii", "unigcnii"}},
                                      {"--aggregation", {"sage"}}};
  return table;
}

bool given(const CLI::App& command, const char* option) { return command.get_option(option)->count() > 0; }

/// An option that only takes part in what another one asks for, and how to ask.
struct Condition {
  const char* option;
  bool holds;
  const char* where;
};

std::vector<Condition> conditions(const TrainCommand& c, bool hypergraph) {
  const TrainOptions& t = c.train;
  const bool parts = t.partition.parts > 1, adaptive = t.messages.bits == 0, budget = t.messages.byte_budget > 0;
  return {{"--momentum", t.optimizer.name == "sgd", "with --optimizer sgd"},
          {"--no-self-loops", hypergraph, "for hypergraphs"},
          {"--directed", !hypergraph, "for graphs"},
          {"--replay", t.device == Device::cuda, "with --device cuda"},
          {"--boundary-rate", parts, "with --parts 2 or more"},
          {"--message-bits", parts, "with --parts 2 or more"},
          {"--byte-budget", parts, "with --parts 2 or more"},
          {"--stale", parts, "with --parts 2 or more"},
          {"--by-importance", t.messages.rate < 1 || budget, "with --boundary-rate below 1 or --byte-budget"},
          {"--period", adaptive || budget, "with --message-bits adaptive or --byte-budget"},
          {"--lambda", adaptive, "with --message-bits adaptive"},
          {"--checkpoint-every", !c.checkpoint.empty() || !c.resume.empty(), "with --checkpoint or --resume"}};
}

}  // namespace

void note_unused_options(const CLI::App& app, const TrainCommand& command, const NodeDataset& data,
                         const Common& common) {
  const bool hypergraph = data.hypergraph.has_value();
  const std::string& model = command.train.model.name;
  for (const Use& use : uses()) {
    if (!given(app, use.option) || std::ranges::count(use.models, model) > 0) continue;
    note(common, fmt::format("{} says nothing to {}; it is for {}", use.option, model, fmt::join(use.models, ", ")));
  }
  static const std::vector<std::string> weighted{"hgnn", "hgnnp"};
  if (hypergraph && !data.hypergraph->edge_weights().empty() && std::ranges::count(weighted, model) == 0)
    note(common,
         fmt::format("hyperedge_weights.npy says nothing to {}; it is for {}", model, fmt::join(weighted, ", ")));
  if (command.plan) return;  // which goes through several choices
  for (const Condition& condition : conditions(command, hypergraph)) {
    if (given(app, condition.option) && !condition.holds)
      note(common, fmt::format("{} counts only {}", condition.option, condition.where));
  }
  if (given(app, "--norm") && command.norm == "none" && (model == "alldeepsets" || model == "allsettransformer"))
    note(common, fmt::format("--norm none: {} is made with layer normalisation, and keeps it", model));
}

}  // namespace galena::cli
