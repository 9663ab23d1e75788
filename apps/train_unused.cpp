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

}  // namespace

void note_unused_options(const CLI::App& command, const std::string& model, const Common& common) {
  for (const Use& use : uses()) {
    if (command.get_option(use.option)->count() == 0 || std::ranges::count(use.models, model) > 0) continue;
    note(common, fmt::format("{} says nothing to {}; it is for {}", use.option, model, fmt::join(use.models, ", ")));
  }
}

}  // namespace galena::cli
