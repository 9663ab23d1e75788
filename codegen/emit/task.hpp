#pragma once
// A plan as a task: the text that CPUs and GPUs run, each with primitives of its own.

#include <string>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// The template `name(X& x, const Chunk& c)` and the tables it reads, without includes: for a namespace of
/// prim_cpu.h's or prim_cuda.h's. Equal plans give equal texts.
std::string emit_task(const Plan& plan, const std::string& name);

}  // namespace galena::codegen
