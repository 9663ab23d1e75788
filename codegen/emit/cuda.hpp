#pragma once
// The CUDA emitter: the task text of the C++ emitter (task.hpp) against the primitives of a GPU.

#include <string>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// A translation unit with two kernels that take a rt::GpuJob: galena_warps, where a worker is a warp, and
/// galena_blocks, where it is a block (gpu_job.h has their sizes). Equal plans give equal texts.
std::string emit_cuda(const Plan& plan);

/// How the lanes of a team are simulated on the host.
enum class Lanes {
  loop,    ///< a collective at a time, all lanes in turn
  fibers,  ///< each lane runs the whole task on its own, and meets the others at collectives
};

/// The same task as a translation unit for the host's compiler, with galena_run (rt::RunFn) that
/// runs it by one simulated team of `warps` warps (1 or rt::kWarpsPerWorker).
std::string emit_simulated(const Plan& plan, int warps, Lanes lanes);

}  // namespace galena::codegen
