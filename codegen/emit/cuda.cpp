#include "codegen/emit/cuda.hpp"

#include "codegen/emit/task.hpp"

namespace galena::codegen {

namespace {

/// The task, and the functor that runs it by any team.
std::string task_text(const Plan& plan) {
  std::string text = "namespace galena::rt::gpu {\n\n";
  text += emit_task(plan, "task");
  text += R"(
struct Task {
  template <class X>
  GALENA_DEVICE void operator()(X& x, const Chunk& c) const {
    task(x, c);
  }
};

}  // namespace galena::rt::gpu
)";
  return text;
}

constexpr const char* kKernels = R"(
/// A warp a worker.
extern "C" __global__ void __launch_bounds__(32 * galena::rt::kWorkersPerBlock)
    galena_warps(const __grid_constant__ galena::rt::GpuJob job) {
  using namespace galena::rt::gpu;
  __shared__ Shared<1> shared[galena::rt::kWorkersPerBlock];
  const unsigned mine = threadIdx.x / 32;
  work(job, Team<1>(&shared[mine]), static_cast<uint64_t>(blockIdx.x) * galena::rt::kWorkersPerBlock + mine, Task{});
}

/// A block a worker.
extern "C" __global__ void __launch_bounds__(32 * galena::rt::kWarpsPerWorker)
    galena_blocks(const __grid_constant__ galena::rt::GpuJob job) {
  using namespace galena::rt::gpu;
  __shared__ Shared<galena::rt::kWarpsPerWorker> shared;
  work(job, Team<galena::rt::kWarpsPerWorker>(&shared), blockIdx.x, Task{});
}
)";

/// Vertices in a row of a LIST plan, else 0.
int row_width(const Plan& plan) {
  for (const Output& output : plan.outputs)
    if (output.kind == Output::Kind::list) return plan.max_depth + 1;
  return 0;
}

}  // namespace

std::string emit_cuda(const Plan& plan) {
  return "#include \"codegen/runtime/prim_cuda.h\"\n\n" + task_text(plan) + kKernels;
}

std::string emit_simulated(const Plan& plan, int warps, Lanes lanes) {
  std::string text = "#include \"codegen/runtime/team_run.h\"\n\n" + task_text(plan);
  text += "\nextern \"C\" void galena_run(galena::rt::Worker* w, const galena::rt::Chunk* c) {\n  galena::rt::gpu::";
  text += (lanes == Lanes::loop ? "run_by_loop<" : "run_by_fibers<") + std::to_string(warps) + ">(*w, *c, ";
  text +=
      std::to_string(plan.outputs.size()) + ", " + std::to_string(row_width(plan)) + ", galena::rt::gpu::Task{});\n}\n";
  return text;
}

}  // namespace galena::codegen
