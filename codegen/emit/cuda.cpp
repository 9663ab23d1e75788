#include "codegen/emit/cuda.hpp"

#include <algorithm>

#include "codegen/emit/expressions.hpp"
#include "codegen/emit/task.hpp"
#include "galena/error.hpp"

namespace galena::codegen {

namespace {

/// `text` with a mark replaced.
std::string filled(std::string text, const std::string& by, char mark = '@') {
  for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += by.size()) text.replace(at, 1, by);
  return text;
}

/// The task, and the functor that runs it by any team; `number` tells several in a text apart.
std::string task_text(const Plan& plan, const std::string& number = "") {
  return "namespace galena::rt::gpu {\n\n" + emit_task(plan, "task" + number) +
         filled(R"(
struct Task@ {
  template <class X>
  GALENA_DEVICE void operator()(X& x, const Piece& c) const {
    task@(x, c);
  }
};

}  // namespace galena::rt::gpu
)",
                number);
}

constexpr const char* kKernels = R"(
/// A warp a worker.
extern "C" __global__ void __launch_bounds__(32 * galena::rt::kWorkersPerBlock)
    galena_warps@(const __grid_constant__ galena::rt::GpuJob job) {
  using namespace galena::rt::gpu;
  __shared__ Shared<1, %> shared[galena::rt::kWorkersPerBlock];
  const unsigned mine = threadIdx.x / 32;
  work(job, Team<1, %>(&shared[mine]), static_cast<uint64_t>(blockIdx.x) * galena::rt::kWorkersPerBlock + mine, Task@{});
}

/// A block a worker.
extern "C" __global__ void __launch_bounds__(32 * galena::rt::kWarpsPerWorker)
    galena_blocks@(const __grid_constant__ galena::rt::GpuJob job) {
  using namespace galena::rt::gpu;
  __shared__ Shared<galena::rt::kWarpsPerWorker, $> shared;
  work(job, Team<galena::rt::kWarpsPerWorker, $>(&shared), blockIdx.x, Task@{});
}
)";

/// The kernels of the task; shared memory for rows where there are local graphs.
std::string kernels_text(const Plan& plan, const std::string& number = "") {
  const bool rows = !plan.locals.empty();
  const std::string text =
      filled(filled(kKernels, rows ? "galena::rt::kWarpRows" : "0", '%'), rows ? "galena::rt::kBlockRows" : "0", '$');
  return filled(text, number);
}

constexpr const char* kProgramHead = R"(// @
//
// A program that stands alone. To build and run it, for the GPU of this machine:
//   nvcc -std=c++20 -O3 -arch=native this.cu -o mine
//   ./mine edges.txt
// where a line of edges.txt is an edge, two vertex numbers; lines that begin with # or % are left out.

#include "codegen/runtime/standalone.h"
#include "codegen/runtime/prim_cuda.h"

)";

constexpr const char* kMain = R"(
int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s edges.txt\n", argv[0]);
    return 2;
  }
  return galena::rt::standalone::run(argv[1], kKernels, kNumbers, kTotal) ? 0 : 1;
}
)";

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) (result += c == '"' || c == '\\' ? "\\" : "") += c == '\n' ? ' ' : c;
  return result + "\"";
}

std::string kernel_row(const Plan& plan, const std::string& number) {
  return "    {galena_warps" + number + ", galena_blocks" + number + ", " + std::to_string(plan.slots) + ", " +
         std::to_string(plan.counters.size()) + ", " + std::to_string(plan.marks.size()) + ", " +
         std::to_string(plan.locals.size()) + ", " + std::to_string(plan.outputs.size()) + "},\n";
}

void check_counts_only(const Plan& plan) {
  const auto counts = [](const Output& output) { return output.kind == Output::Kind::count; };
  if (!std::all_of(plan.outputs.begin(), plan.outputs.end(), counts))
    throw InputError("a program that stands alone counts; emit the CUDA of a COUNT or MOTIFS query");
  const auto asks_label = [](const Condition& condition) {
    return condition_text(condition).find("x.vlabel") != std::string::npos;
  };
  if (!plan.labels.empty() || std::any_of(plan.conditions.begin(), plan.conditions.end(), asks_label))
    throw InputError("a program that stands alone reads edges without labels; emit the CUDA of a query without labels");
}

const std::string kSimulated = "#include \"codegen/runtime/team_run.h\"\n\n";

/// Vertices in a row of a LIST plan, else 0.
int row_width(const Plan& plan) {
  for (const Output& output : plan.outputs)
    if (output.kind == Output::Kind::list) return plan.max_depth + 1;
  return 0;
}

}  // namespace

std::string emit_cuda(const Plan& plan) {
  return "#include \"codegen/runtime/prim_cuda.h\"\n\n" + task_text(plan) + kernels_text(plan);
}

std::string emit_cuda_kernels(const std::vector<Plan>& plans) {
  std::string text = "#include \"codegen/runtime/prim_cuda.h\"\n";
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const std::string number = std::to_string(i);
    text +=
        "\n// " + plans[i].outputs.front().name + "\n" + task_text(plans[i], number) + kernels_text(plans[i], number);
  }
  return text;
}

std::string emit_cuda_program(const std::vector<const Plan*>& plans, const std::vector<std::int64_t>& coefficients,
                              const std::string& query) {
  std::string head = query;
  std::replace(head.begin(), head.end(), '\n', ' ');
  std::string text = filled(kProgramHead, head);
  std::string kernels, numbers;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    check_counts_only(*plans[i]);
    const std::string number = std::to_string(i);
    text += task_text(*plans[i], number) + kernels_text(*plans[i], number) + "\n";
    kernels += kernel_row(*plans[i], number);
    const auto& outputs = plans[i]->outputs;
    for (std::size_t o = 0; o < outputs.size(); ++o)
      numbers += "    {" + quoted(outputs[o].name) + ", " + number + ", " + std::to_string(o) + ", " +
                 std::to_string(outputs[o].divisor) + "u, " +
                 std::to_string(coefficients.empty() ? 1 : coefficients[i]) + "},\n";
  }
  text += "static const std::vector<galena::rt::standalone::Kernel> kKernels = {\n" + kernels + "};\n";
  text += "static const std::vector<galena::rt::standalone::Number> kNumbers = {\n" + numbers + "};\n";
  text += std::string("static const bool kTotal = ") + (coefficients.empty() ? "false" : "true") + ";\n";
  return text + kMain;
}

std::string emit_simulated_launch(const Plan& plan) {
  return kSimulated + task_text(plan) +
         "\nextern \"C\" void galena_run(galena::rt::Worker* w, const galena::rt::Chunk*) {\n"
         "  using namespace galena::rt::gpu;\n"
         "  run_launch(*static_cast<const SimulatedLaunch*>(w->owner), Task{});\n}\n";
}

std::string emit_simulated(const Plan& plan, int warps, Lanes lanes) {
  std::string text = kSimulated + task_text(plan);
  text += "\nextern \"C\" void galena_run(galena::rt::Worker* w, const galena::rt::Chunk* c) {\n  galena::rt::gpu::";
  text += (lanes == Lanes::loop ? "run_by_loop<" : "run_by_fibers<") + std::to_string(warps) + ">(*w, *c, ";
  text += std::to_string(plan.outputs.size()) + ", " + std::to_string(row_width(plan)) + ", " +
          std::to_string(plan.locals.size()) + ", galena::rt::gpu::Task{});\n}\n";
  return text;
}

}  // namespace galena::codegen
