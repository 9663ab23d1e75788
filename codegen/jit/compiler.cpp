#include "codegen/jit/compiler.hpp"

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>

#include "codegen/jit/process.hpp"
#include "galena/error.hpp"

namespace galena::jit {

namespace {

struct Search {
  std::unique_ptr<Compiler> found;
  std::string why_not;
};

std::unique_ptr<Compiler> try_compiler(const std::string& path, std::string& why_not) {
  try {
    const Finished finished = run_program({path, "--version"});
    if (finished.status == 0 && !finished.output.empty()) {
      return std::make_unique<Compiler>(Compiler{path, finished.output});
    }
    why_not +=
        (why_not.empty() ? "" : "; ") + path + " --version failed with status " + std::to_string(finished.status);
  } catch (const EnvironmentError& error) {
    why_not += (why_not.empty() ? "" : "; ") + std::string(error.what());
  }
  return nullptr;
}

Search search(const std::string& wanted) {
  Search result;
  if (!wanted.empty()) {
    result.found = try_compiler(wanted, result.why_not);
    if (!result.found) result.why_not = "GALENA_CXX: " + result.why_not;
    return result;
  }
  for (const char* path : {GALENA_BUILT_WITH, "c++", "g++", "clang++"}) {
    result.found = try_compiler(path, result.why_not);
    if (result.found) return result;
  }
  result.why_not = "no C++ compiler found (" + result.why_not + "); install g++ or set GALENA_CXX";
  return result;
}

}  // namespace

const Compiler* find_compiler(std::string* why_not) {
  static std::mutex mutex;
  static std::map<std::string, Search> searches;
  const char* wanted = std::getenv("GALENA_CXX");
  const std::string key = wanted != nullptr ? wanted : "";
  const std::scoped_lock lock(mutex);
  auto at = searches.find(key);
  if (at == searches.end()) at = searches.emplace(key, search(key)).first;
  if (why_not != nullptr) *why_not = at->second.why_not;
  return at->second.found.get();
}

// A kernel is control flow around calls, and the compiler's time is the user's: -O2. Measured
// with GCC 12: 0.08 s for a kernel that calls the operations by table, 0.7 to 1 s with them
// compiled in (0.2 s of it for <immintrin.h>), and no difference in the run.
// libgcc has the 128-bit division.
std::vector<std::string> compiler_flags(const JitOptions& options) {
  const char* const level = options.hastily ? "-Og" : options.inline_sets ? "-O3" : "-O2";
  std::vector<std::string> flags = {"-std=c++20",      level,       "-march=native", "-fPIC",     "-shared",
                                    "-fno-exceptions", "-fno-rtti", "-pipe",         "-nostdlib", "-w"};
  if (!options.inline_sets) flags.emplace_back("-DGALENA_SET_TABLE");
  return flags;
}

const std::string& cpu_identity() {
  static const std::string identity = [] {
    std::string text;
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line) && !line.empty();) {
      for (const char* field : {"vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU "}) {
        if (line.starts_with(field)) text += line + "\n";
      }
    }
    return text;
  }();
  return identity;
}

}  // namespace galena::jit
