#pragma once
// Kernels generated and compiled when Galena itself was built: those of the named patterns and
// motif sets, which therefore never wait for a compiler.

#include <cstddef>
#include <string>

#include "codegen/runtime/abi.h"

namespace galena::codegen::builtin {

/// The kernel generated from exactly this text (emit_cpp), or null.
rt::RunFn find(const std::string& text);

/// How many kernels there are.
std::size_t size();

}  // namespace galena::codegen::builtin
