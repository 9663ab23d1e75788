#pragma once
// The CUDA emitter: the task text of the C++ emitter (task.hpp) against the primitives of a GPU.

#include <string>
#include <vector>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// A translation unit with two kernels that take a rt::GpuJob: galena_warps, where a worker is a warp, and
/// galena_blocks, where it is a block (gpu_job.h has their sizes). Equal plans give equal texts.
std::string emit_cuda(const Plan& plan);

/// The kernels of several plans in one translation unit: galena_warps0, galena_blocks0, galena_warps1, ...
std::string emit_cuda_kernels(const std::vector<Plan>& plans);

/// A program that stands alone once its headers are in their places (jit::expand): reads an edge list and prints the
/// counts of the plans' outputs, or where there are coefficients, one a plan, their weighted sum too. A comment says how
/// to build it. InputError where a plan reports matches or counts by vertex, or asks for labels.
std::string emit_cuda_program(const std::vector<const Plan*>& plans, const std::vector<std::int64_t>& coefficients,
                              const std::string& query);

/// How the lanes of a team are simulated on the host.
enum class Lanes {
  loop,    ///< a collective at a time, all lanes in turn
  fibers,  ///< each lane runs the whole task on its own, and meets the others at collectives
};

/// The same task as a translation unit for the host's compiler, with galena_run (rt::RunFn) that
/// runs it by one simulated team of `warps` warps (1 or rt::kWarpsPerWorker).
std::string emit_simulated(const Plan& plan, int warps, Lanes lanes);

/// The same with a galena_run that is a launch: Worker::owner is a rt::gpu::SimulatedLaunch, and no chunk is given.
std::string emit_simulated_launch(const Plan& plan);

}  // namespace galena::codegen
