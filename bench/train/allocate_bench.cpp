// Time of the allocators by number of messages: a ring of 4 ranks, rows of 256 elements. `gap` is the distance from the
// lower bound, relative to it.

#include <benchmark/benchmark.h>

#include "test/train/allocate_instances.hpp"

namespace {

using namespace galena::train;
using galena::test::BitInstance;
using galena::test::JointInstance;

BitInstance bits(const benchmark::State& state) {
  return galena::test::large_bits(static_cast<std::size_t>(state.range(0)), 256, {2, 4, 8});
}

// Half of what 4 bits for all would take between the least and the most.
Budget budget(const BitInstance& instance) {
  return Budget::total_bytes(instance.channels, 110.0 * static_cast<double>(instance.channel.size()));
}

void report(benchmark::State& state, double objective, double bound) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["gap"] = bound > 0 ? objective / bound - 1 : 0;
}

template <class Assign>
void run(benchmark::State& state, const Assign& assign) {
  const BitInstance instance = bits(state);
  const double bound = lp_bound(instance.problem(), 0.5);
  BitAssignment answer;
  for (auto _ : state) answer = assign(instance);
  report(state, answer.objective, bound);
}

void greedy(benchmark::State& state) {
  run(state, [](const BitInstance& instance) { return assign_greedy(instance.problem(), 0.5); });
}

void exact(benchmark::State& state) {
  run(state, [](const BitInstance& instance) { return assign_exact(instance.problem(), 0.5); });
}

template <Solver kSolver>
void within(benchmark::State& state) {
  const BitInstance instance = bits(state);
  const double bound = lp_bound(instance.problem(), budget(instance));
  BitAssignment answer;
  for (auto _ : state) answer = assign_within(instance.problem(), budget(instance), kSolver);
  report(state, answer.objective, bound);
}

void joint(benchmark::State& state) {
  galena::test::RandomStream random(12, 4);
  const JointInstance instance =
      galena::test::random_joint(random, {2, 4, 8, 16, 32}, static_cast<std::size_t>(state.range(0)), 256);
  const double limit = static_cast<double>(state.range(1)) * static_cast<double>(state.range(0));
  JointAllocation answer;
  for (auto _ : state) {
    answer = allocate_joint(instance.problem(), Budget::total_bytes(instance.channels, limit));
  }
  report(state, answer.variance, answer.lower_bound);
}

BENCHMARK(greedy)->Arg(10000)->Arg(100000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(exact)->Arg(10000)->Arg(100000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(within<Solver::greedy>)->Arg(10000)->Arg(100000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(within<Solver::exact>)->Arg(10000)->Arg(100000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(joint)
    ->ArgNames({"messages", "bytes_a_row"})
    ->ArgsProduct({{10000, 100000}, {7, 40, 100, 300}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
