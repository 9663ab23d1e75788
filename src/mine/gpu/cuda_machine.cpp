#include <atomic>
#include <map>

#include "codegen/emit/cuda.hpp"
#include "codegen/jit/nvrtc.hpp"
#include "galena/error.hpp"
#include "src/device/cuda_device.hpp"
#include "src/device/gpu.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/gpu/machine.hpp"

namespace galena::mine::gpu {

namespace {

constexpr int kWarp = 32;
constexpr std::size_t kMostModules = 64;  ///< that stay loaded

class CudaMachine : public Machine {
 public:
  explicit CudaMachine(int number) : gpu_(number), hurried_(gpu_.ends_long_kernels()) {}

  [[nodiscard]] std::string name() const override { return gpu_.name(); }
  [[nodiscard]] bool hurried() const override { return hurried_; }
  [[nodiscard]] std::uint64_t free_bytes() const override { return gpu_.free_bytes(); }
  void* allocate(std::uint64_t bytes) override { return gpu_.allocate(bytes); }
  void release(void* memory) noexcept override { gpu_.release(memory); }
  void upload(void* to, const void* from, std::uint64_t bytes) override { gpu_.upload(to, from, bytes); }
  void download(void* to, const void* from, std::uint64_t bytes) override { gpu_.download(to, from, bytes); }
  void zero(void* memory, std::uint64_t bytes) override { gpu_.zero(memory, bytes); }

  Loaded load(const codegen::Plan& plan) override {
    const Stopwatch clock;
    std::string source = codegen::emit_cuda(plan);
    if (const auto known = modules_.find(source); known != modules_.end()) {
      gpu_.choose(known->second);
      return {};
    }
    if (modules_.size() == kMostModules) {
      gpu_.unload();
      modules_.clear();
    }
    const jit::Cubin cubin = jit::compile_cuda(source, gpu_.arch());
    modules_.emplace(std::move(source), gpu_.load(cubin.bytes));
    static std::atomic<bool> told{false};
    if (cubin.not_kept.empty() || told.exchange(true)) return {clock.seconds(), ""};
    return {clock.seconds(), "kernels for GPUs are compiled anew each time: " + cubin.not_kept};
  }

  std::uint64_t most_workers(Team team) override {
    const int blocks = gpu_.processors() * gpu_.blocks_per_processor(kernel(team), threads(team));
    return static_cast<std::uint64_t>(blocks) * per_block(team);
  }

  void run(Team team, const rt::GpuJob& job, std::uint64_t workers, const volatile int* halt) override {
    const auto blocks = static_cast<int>(workers / per_block(team));
    gpu_.launch(kernel(team), blocks, threads(team), &job, halt, job.stop);
  }

 private:
  static const char* kernel(Team team) { return team == Team::warp ? "galena_warps" : "galena_blocks"; }
  static int threads(Team team) { return kWarp * (team == Team::warp ? rt::kWorkersPerBlock : rt::kWarpsPerWorker); }
  static std::uint64_t per_block(Team team) { return team == Team::warp ? rt::kWorkersPerBlock : 1; }

  device::Gpu gpu_;
  const bool hurried_;
  std::map<std::string, std::size_t> modules_;  ///< by source
};

}  // namespace

std::vector<std::unique_ptr<Machine>> cuda_machines(std::vector<std::string>& left_out) {
  const std::vector<device::CudaDevice> devices = device::cuda_devices();
  if (devices.empty())
    throw EnvironmentError("--device cuda: " + device::why_no_cuda() + "; leave the option out to use the CPU");
  std::string why;
  if (!jit::nvrtc_available(&why)) throw EnvironmentError("--device cuda: " + why);
  std::vector<std::unique_ptr<Machine>> machines;
  for (const device::CudaDevice& device : devices) {
    try {
      machines.push_back(std::make_unique<CudaMachine>(device.number));
    } catch (const EnvironmentError& error) {
      left_out.push_back("GPU " + std::to_string(device.number) + " (" + device.name + "): " + error.what());
    }
  }
  if (machines.empty()) throw EnvironmentError("--device cuda: " + left_out.front());
  return machines;
}

}  // namespace galena::mine::gpu
