#pragma once
// The C++ emitter: a plan as source text against the primitives of codegen/runtime.

#include <string>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

struct EmitOptions {
  std::string entry = "galena_run";  ///< name of the extern "C" function, of type rt::RunFn
};

/// A whole translation unit. Equal plans give equal texts.
std::string emit_cpp(const Plan& plan, const EmitOptions& options = {});

/// Only the task template, without includes and entry: what several plans in one file need.
std::string emit_task(const Plan& plan, const std::string& task_name);

}  // namespace galena::codegen
