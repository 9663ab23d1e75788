#pragma once
// The set operations for code that is compiled once and runs on any CPU (the interpreter):
// sets.h compiled for several instruction sets, one of them chosen when first asked.

#include <string>
#include <vector>

#include "codegen/runtime/set_ops.h"

namespace galena::rt {

/// The levels this CPU can run, the most capable first; "scalar" is always the last.
std::vector<const SetOps*> available_set_ops();

/// The level called `name`. InputError when there is no such level, EnvironmentError when this
/// CPU cannot run it.
const SetOps& set_ops_named(const std::string& name);

/// The most capable level, or the one the environment variable GALENA_ISA names (errors as
/// above). The choice is made once.
const SetOps& set_ops();

/// The name of set_ops().
std::string isa_name();

}  // namespace galena::rt
