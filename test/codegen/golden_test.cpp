// Prints of plans and generated code, held in files: what a change of a pass changes is seen.
// GALENA_UPDATE_GOLDEN=1 rewrites the files; read the difference before you commit it.

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "codegen/emit/cpp.hpp"
#include "codegen/emit/cuda.hpp"
#include "codegen/passes/images.hpp"
#include "codegen/passes/planner.hpp"
#include "test/codegen/named_patterns.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::codegen;

namespace {

std::string read(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

void check_golden(const std::string& name, const std::string& text) {
  const auto file = test::source_dir() / "test" / "codegen" / "golden" / name;
  if (std::getenv("GALENA_UPDATE_GOLDEN") != nullptr) std::ofstream(file) << text;
  INFO(file.string());
  CHECK(text == read(file));
}

Plan best_plan(const std::string& query) {
  const Query parsed = parse_queries(query).front();
  PlanRequest request;
  request.name = query;
  return make_plans(parsed.pattern, GraphStatistics::typical(), request).front().plan;
}

/// The best plan, with local graphs.
Plan local_plan(const std::string& query) {
  const Query parsed = parse_queries(query).front();
  PlanRequest request;
  request.name = query;
  Plan plan = make_plans(parsed.pattern, GraphStatistics::typical(), request).front().bare;
  finish_plan(plan, GraphStatistics::typical(), {.locals_from = 1});
  return plan;
}

}  // namespace

TEST_CASE("plans print as they did") {
  check_golden("triangle.plan", print(best_plan("COUNT triangle")));
  check_golden("clique4.plan", print(best_plan("COUNT clique(4)")));
  check_golden("cycle4.plan", print(best_plan("COUNT cycle(4)")));
  check_golden("diamond.plan", print(best_plan("COUNT diamond")));
  check_golden("house.plan", print(best_plan("COUNT house")));
  check_golden("wheel5_local.plan", print(local_plan("COUNT INDUCED wheel(5)")));
  check_golden("labelled.plan",
               print(best_plan("COUNT (a:1|7)-[:3]-(b)-[:*]-(c:!2) WHERE a.degree >= 10 AND a.label <> c.label")));
}

TEST_CASE("generated code is as it was") {
  check_golden("clique4.cpp.txt", emit_cpp(best_plan("COUNT clique(4)")));
  check_golden("wheel5_local.cpp.txt", emit_cpp(local_plan("COUNT INDUCED wheel(5)")));
}

TEST_CASE("generated CUDA is as it was") {
  check_golden("clique4.cu.txt", emit_cuda(best_plan("COUNT clique(4)")));
  check_golden("wheel5_local.cu.txt", emit_cuda(local_plan("COUNT INDUCED wheel(5)")));
  check_golden("house.cu.txt", emit_cuda(best_plan("COUNT house")));
  check_golden("labelled.cu.txt", emit_cuda(best_plan("COUNT (a:1|7)-[:3]-(b)-[:*]-(c:!2)")));
}

TEST_CASE("generated CUDA of every named pattern is as it was") {
  std::vector<Plan> plans;
  for (const auto& [name, pattern] : test::named_patterns()) {
    PlanRequest request;
    request.name = name;
    plans.push_back(make_plans(pattern, GraphStatistics::typical(), request).front().plan);
  }
  CHECK(plans.size() >= 30);
  check_golden("named.cu.txt", emit_cuda_kernels(plans));
}

TEST_CASE("images are printed and emitted as they were") {
  const Plan path = image_plan(named_pattern("path", {4}), 1, {true, true}, GraphStatistics::typical());
  check_golden("images.plan", print(path));
  check_golden("images.cpp.txt", emit_cpp(path));
  check_golden("images.cu.txt", emit_cuda(path));
  const Plan other = image_plan(named_pattern("path", {4}), 0, {true, true}, GraphStatistics::typical());
  CHECK(fingerprint(path) != fingerprint(other));
}

TEST_CASE("equal plans give equal texts") {
  for (const char* query :
       {"COUNT house", "COUNT INDUCED cycle(5)", "COUNT (a:1)--(b)--(c), (a)!-(c)", "COUNT wheel(5)"}) {
    const Plan once = best_plan(query), again = best_plan(query);
    INFO(query);
    CHECK(print(once) == print(again));
    CHECK(emit_cpp(once) == emit_cpp(again));
    CHECK(emit_cuda(once) == emit_cuda(again));
    CHECK(fingerprint(once) == fingerprint(again));
  }
}
