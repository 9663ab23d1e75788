#include "codegen/builtin/catalogue.hpp"

#include <set>

#include "codegen/emit/cpp.hpp"
#include "galena/pattern.hpp"

namespace galena::codegen::builtin {

namespace {

/// Which of several plans is best depends on the graph: the first few under the typical one.
constexpr int kPlansSmall = 8;  ///< of patterns of up to 4 vertices
constexpr int kPlansLarge = 8;  ///< of 5 vertices

}  // namespace

std::vector<Plan> catalogue() {
  std::vector<Plan> plans;
  std::set<std::string> texts;
  const GraphStatistics typical = GraphStatistics::typical();
  for (int k = 2; k <= 5; ++k)
    for (const Motif& motif : connected_motifs(k))
      for (const bool induced : {false, true}) {
        if (induced && k == 5) continue;
        Pattern pattern = motif.pattern;
        if (induced) pattern.make_induced();
        PlanRequest request;
        request.name = motif.name;
        request.keep = k <= 4 ? kPlansSmall : kPlansLarge;
        for (RankedPlan& ranked : make_plans(pattern, typical, request))
          if (texts.insert(emit_cpp(ranked.plan)).second) plans.push_back(std::move(ranked.plan));
      }
  return plans;
}

}  // namespace galena::codegen::builtin
