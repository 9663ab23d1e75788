// The text of GPU kernels, without a GPU: run on the host by simulated teams against the
// interpreter, and compiled by NVRTC.

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "codegen/emit/cuda.hpp"
#include "codegen/jit/jit.hpp"
#include "codegen/jit/nvrtc.hpp"
#include "codegen/jit/process.hpp"
#include "codegen/passes/assist.hpp"
#include "codegen/passes/local.hpp"
#include "codegen/runtime/gpu_job.h"
#include "galena/error.hpp"
#include "test/codegen/compiled_plans.hpp"
#include "test/codegen/named_patterns.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::codegen;
using namespace galena::test;

namespace {

constexpr int kArch = 90;

Plan plan_of(const Pattern& pattern, const PlanRequest& request, std::size_t which = 0) {
  const auto plans = make_plans(pattern, GraphStatistics::typical(), request);
  return plans[which % plans.size()].plan;
}

Plan plan_of(const char* text, std::size_t which) {
  const Query query = parse_queries(text).front();
  return plan_of(query.pattern, request_for(query), which);
}

void check_simulated(const Plan& plan, int warps, Lanes lanes) {
  std::mt19937 random(31);
  INFO(print(plan) << "\nby a team of " << warps << " warps, " << (lanes == Lanes::loop ? "looped" : "as fibers"));
  const auto kernel = jit::compile(emit_simulated(plan, warps, lanes), {.hastily = true}).kernel;
  REQUIRE(kernel != nullptr);
  check_same(kernel->run(), plan, random);
}

/// By NVRTC, in the time that it takes hastily.
bool compiles(const Plan& plan) {
  constexpr bool kHastily = true;
  return jit::compile_cuda(emit_cuda(plan), kArch, kHastily).bytes.starts_with("\177ELF");
}

std::string no_compiler() {
  std::string why;
  jit::compiler_available(&why);
  return why;
}

}  // namespace

TEST_CASE("what a GPU runs equals the interpreter, by warps whose lanes are looped") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  std::size_t which = 0;
  for (const char* text : kQueries) check_simulated(plan_of(text, which++ % 3), 1, Lanes::loop);
}

TEST_CASE("what a GPU runs equals the interpreter, by warps whose lanes run alone") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  std::size_t which = 0;
  for (const char* text : kQueries) check_simulated(plan_of(text, which++ % 3), 1, Lanes::fibers);
}

TEST_CASE("what a GPU runs equals the interpreter, by blocks") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const char* text : {"COUNT INDUCED house", "LIST diamond", "LOCAL cycle(4) BY a", "EXISTS clique(6)"})
    for (const Lanes lanes : {Lanes::loop, Lanes::fibers})
      check_simulated(plan_of(text, 0), rt::kWarpsPerWorker, lanes);
}

TEST_CASE("images that a GPU finds equal the interpreter's") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const Plan& plan : image_plans()) {
    check_simulated(plan, 1, Lanes::loop);
    check_simulated(plan, 1, Lanes::fibers);
  }
  check_simulated(image_plans().back(), rt::kWarpsPerWorker, Lanes::fibers);
}

TEST_CASE("every named pattern's GPU kernel equals the interpreter") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const auto named = named_patterns();
  CHECK(named.size() >= 30);
  for (const auto& [name, pattern] : named) {
    PlanRequest request;
    request.name = name;
    check_simulated(plan_of(pattern, request), 1, Lanes::fibers);
  }
}

TEST_CASE("NVRTC compiles every named pattern's kernels") {
  std::string why;
  if (!jit::nvrtc_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const auto& [name, pattern] : named_patterns()) {
    PlanRequest request;
    request.name = name;
    INFO(name);
    CHECK(compiles(plan_of(pattern, request)));
  }
}

TEST_CASE("NVRTC compiles local graphs") {
  std::string why;
  if (!jit::nvrtc_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const char* text : {"COUNT INDUCED diamond", "LIST clique(5)", "COUNT octahedron", "COUNT prism(3)"}) {
    const Query query = parse_queries(text).front();
    Plan plan = make_plans(query.pattern, GraphStatistics::typical(), request_for(query)).front().bare;
    add_locals(plan, 1);
    assign_slots(plan);
    REQUIRE(!plan.locals.empty());
    INFO(print(plan));
    CHECK(compiles(plan));
  }
}

TEST_CASE("NVRTC compiles all that a plan can say") {
  std::string why;
  if (!jit::nvrtc_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  std::size_t which = 0;
  for (const char* text : kQueries) {
    INFO(text);
    CHECK(compiles(plan_of(text, which++ % 3)));
  }
  for (const Plan& plan : image_plans()) CHECK(compiles(plan));
}

TEST_CASE("nvcc compiles programs that stand alone, as they say") {
  const std::string nvcc = GALENA_NVCC;
  if (nvcc.empty()) GALENA_SKIP("built without nvcc");
  const PrivateCache cache;
  const Query query = parse_queries("COUNT INDUCED wheel(5)").front();
  Plan rows = make_plans(query.pattern, GraphStatistics::typical(), request_for(query)).front().bare;
  finish_plan(rows, GraphStatistics::typical(), {.locals_from = 1});
  const Plan tables = plan_of("COUNT house", 0);
  REQUIRE((!rows.locals.empty() && !tables.counters.empty() && !tables.marks.empty()));
  const auto folder = std::filesystem::temp_directory_path() / ("galena-program-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string source = (folder / "this.cu").string(), program = (folder / "mine").string();
  std::ofstream(source) << jit::expand(emit_cuda_program({&rows, &tables}, {1, -1}, "a query"));
  const jit::Finished made = jit::run_program(
      {nvcc, "-std=c++20", GALENA_NVCC_HASTE "-arch=sm_" + std::to_string(kArch), source, "-o", program});
  INFO(made.output);
  CHECK(made.status == 0);
  CHECK(jit::run_program({program}).output.find("usage: ") != std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE("NVRTC compiles random patterns' kernels") {
  std::string why;
  if (!jit::nvrtc_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  std::mt19937 random(32);
  const auto plain = numbered_patterns(4), larger = numbered_patterns(5);
  const Decoration decorate{0.2, 0.3, 0.2, 0.3};
  constexpr int kPatterns = 50;
  for (int i = 0; i < kPatterns; ++i) {
    const auto& from = i % 2 == 0 ? plain : larger;
    const Pattern pattern = decorate(from[random() % from.size()], random);
    PlanRequest request;
    request.name = pattern.to_string();
    request.kind = i % 5 == 0 ? Output::Kind::list : Output::Kind::count;
    INFO(request.name);
    CHECK(compiles(plan_of(pattern, request)));
  }
}

TEST_CASE("a cubin that several threads ask for is made once") {
  std::string why;
  if (!jit::nvrtc_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  const std::string text = emit_cuda(plan_of("COUNT triangle", 0));
  std::array<jit::Cubin, 4> found;
  {
    std::vector<std::jthread> threads;
    for (jit::Cubin& cubin : found) threads.emplace_back([&] { cubin = jit::compile_cuda(text, kArch); });
  }
  CHECK(std::ranges::count_if(found, [](const jit::Cubin& cubin) { return !cubin.cached; }) == 1);
  for (const jit::Cubin& cubin : found) CHECK(cubin.bytes == found.front().bytes);
  std::vector<std::jthread> threads;  // and all are told of an error
  std::atomic<int> failed{0};
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      try {
        jit::compile_cuda("no CUDA at all", kArch);
      } catch (const EnvironmentError&) {
        ++failed;
      }
    });
  threads.clear();
  CHECK(failed == 3);
}

TEST_CASE("cubins are made where they cannot be kept") {
  std::string why;
  if (!jit::nvrtc_available(&why)) GALENA_SKIP(why);
  const TemporaryFolder folder;
  const std::string text = emit_cuda(plan_of("COUNT triangle", 0));
  const auto not_kept = [&](const std::string& cache) {
    setenv("GALENA_CACHE", cache.c_str(), 1);
    const jit::Cubin cubin = jit::compile_cuda(text, kArch);
    unsetenv("GALENA_CACHE");
    CHECK(!cubin.bytes.empty());
    CHECK(!cubin.cached);
    return cubin.not_kept;
  };
  CHECK_THAT(not_kept("/proc/none"), contains("cannot make this folder"));
  CHECK_THAT(not_kept(folder.write("file", "")), contains("cannot make this folder"));
  std::filesystem::create_directory(folder.path() / "jit");
  std::filesystem::permissions(folder.path() / "jit", std::filesystem::perms::all);
  CHECK_THAT(not_kept(folder.path().string()), contains("another user"));
}

TEST_CASE("cubins are kept") {
  std::string why;
  if (!jit::nvrtc_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  const std::string text = emit_cuda(plan_of("COUNT triangle", 0));
  const jit::Cubin first = jit::compile_cuda(text, kArch), again = jit::compile_cuda(text, kArch);
  CHECK(!first.cached);
  CHECK(again.cached);
  CHECK(first.bytes == again.bytes);
  CHECK_THROWS_AS(jit::compile_cuda("no CUDA at all", kArch), EnvironmentError);
}
