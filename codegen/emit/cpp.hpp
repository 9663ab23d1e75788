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

}  // namespace galena::codegen
