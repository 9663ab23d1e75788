#pragma once
// A GPU whose memory is the host's and whose teams are simulated: kernels are the text that NVRTC
// gets, made for the host; the teams of a launch go on in turns, in an order that a seed picks.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "codegen/emit/cuda.hpp"
#include "codegen/jit/jit.hpp"
#include "codegen/runtime/team_run.h"
#include "src/mine/gpu/machine.hpp"

namespace galena::test {

/// Why kernels cannot be made here; empty where they can.
inline std::string no_compiler() {
  std::string why;
  jit::compiler_available(&why);
  return why;
}

class SimulatedMachine : public mine::gpu::Machine {
 public:
  using Team = mine::gpu::Team;

  /// `bytes`: what it has of memory; `workers`: what runs at once.
  explicit SimulatedMachine(std::uint64_t bytes = std::uint64_t{1} << 30, std::uint64_t workers = 8)
      : free_(bytes), workers_(workers) {}
  ~SimulatedMachine() override {
    for (const auto& [memory, bytes] : given_) std::free(memory);
  }

  [[nodiscard]] std::string name() const override { return "a simulated GPU"; }
  [[nodiscard]] bool hurried() const override { return in_a_hurry; }
  [[nodiscard]] std::uint64_t free_bytes() const override { return std::min(free_, spare); }
  void* allocate(std::uint64_t bytes) override {
    if (bytes > free_) return nullptr;
    ++allocations;
    void* memory = std::malloc(bytes);
    std::memset(memory, 0xa5, bytes);  // as a device's memory, it holds anything
    given_[memory] = bytes;
    free_ -= bytes;
    return memory;
  }
  void release(void* memory) noexcept override {
    free_ += given_[memory];
    given_.erase(memory);
    std::free(memory);
  }
  void upload(void* to, const void* from, std::uint64_t bytes) override {
    uploaded += bytes;
    copy(to, from, bytes);
  }
  void download(void* to, const void* from, std::uint64_t bytes) override { copy(to, from, bytes); }
  void zero(void* memory, std::uint64_t bytes) override {
    zeroed += bytes;
    std::memset(memory, 0, bytes);
  }

  Loaded load(const codegen::Plan& plan) override {
    kernel_ = jit::compile(codegen::emit_simulated_launch(plan), {.hastily = true}).kernel;
    std::this_thread::sleep_for(std::chrono::duration<double>(compiling));
    return {compiling, ""};
  }
  std::uint64_t most_workers(Team /*team*/) override { return workers_; }

  void run(Team team, const rt::GpuJob& job, std::uint64_t workers, const volatile int* halt) override {
    ++launches[team];
    if (before_run) before_run();
    most_seen = std::max(most_seen, workers);
    if (rt::raised(halt)) *job.stop = 1;
    rounds.resize(std::max<std::size_t>(rounds.size(), workers));
    rt::gpu::SimulatedLaunch launch{&job, workers, team == Team::block, seed++, rounds.data()};
    rt::Worker handed{};
    handed.owner = &launch;  // as a launch's parameter
    const rt::Chunk none{};
    kernel_->run()(&handed, &none);
    given += std::min(*job.given, job.most_given);
  }

  /// How often lanes worked, in all launches.
  [[nodiscard]] std::uint64_t work() const { return std::accumulate(rounds.begin(), rounds.end(), std::uint64_t{0}); }

  /// Bytes not released.
  [[nodiscard]] std::uint64_t held() const {
    std::uint64_t all = 0;
    for (const auto& [memory, bytes] : given_) all += bytes;
    return all;
  }

  bool in_a_hurry = false;
  double compiling = 0;  ///< seconds that it takes to load a plan
  std::map<Team, int> launches;
  std::uint64_t seed = 1;  ///< of the next launch's order
  std::function<void()> before_run;
  std::uint64_t allocations = 0;            ///< buffers that it gave
  std::uint64_t uploaded = 0, zeroed = 0;   ///< bytes
  std::uint64_t given = 0;                  ///< pieces that teams gave each other
  std::vector<std::uint64_t> rounds;        ///< by worker: how often its lanes worked
  std::uint64_t most_seen = 0;              ///< workers of a launch
  std::uint64_t spare = ~std::uint64_t{0};  ///< what it says it has free, at the most

 private:
  static void copy(void* to, const void* from, std::uint64_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  std::uint64_t free_, workers_;
  std::map<void*, std::uint64_t> given_;
  std::shared_ptr<jit::Kernel> kernel_;
};

}  // namespace galena::test
