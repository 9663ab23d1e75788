#pragma once
// Which C++ compiler generated code is given to, and with which flags.

#include <string>
#include <vector>

#include "codegen/jit/jit.hpp"

namespace galena::jit {

struct Compiler {
  std::string path;
  std::string version;  ///< what --version prints
};

/// The first that runs, looked for once per value of $GALENA_CXX. Null with the reason in
/// `why_not` (may be null) when there is none.
const Compiler* find_compiler(std::string* why_not);

/// Everything on the command line but the files.
std::vector<std::string> compiler_flags(const JitOptions& options);

/// Vendor, model and features of this CPU, which -march=native depends on.
const std::string& cpu_identity();

}  // namespace galena::jit
