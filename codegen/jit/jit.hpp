#pragma once
// Compiles generated C++ into this process: text -> shared object -> function.
//
// The headers that generated code includes are embedded in the library, so no source tree is
// needed. Compiled kernels are kept in a private folder and found again by everything they
// depend on: the text, the headers, the compiler, its flags and the CPU.

#include <cstdint>
#include <memory>
#include <string>

#include "codegen/runtime/abi.h"

namespace galena::jit {

/// A compiled kernel; its code stays loaded as long as any shared_ptr to it.
class Kernel {
 public:
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  ~Kernel();
  [[nodiscard]] rt::RunFn run() const noexcept { return run_; }

  /// Loads a shared object that defines galena_run. EnvironmentError when the loader refuses it.
  static std::shared_ptr<Kernel> load(const std::string& path);

 private:
  Kernel(void* handle, rt::RunFn run) : handle_(handle), run_(run) {}
  void* handle_;
  rt::RunFn run_;
};

struct JitOptions {
  /// Abandons the compilation when another thread sets it; may be null.
  const volatile int* stop = nullptr;
  /// Compiles the set operations into the kernel instead of calling the program's. Takes
  /// several times longer, and saves an indirect call an operation.
  bool inline_sets = false;
  /// Compiles in a third of the time what then runs several times longer.
  bool hastily = false;
  /// The oldest kernels are removed when all together take more bytes than this.
  std::uint64_t cache_bytes = std::uint64_t{256} << 20;
};

struct JitResult {
  std::shared_ptr<Kernel> kernel;  ///< null only when the compilation was abandoned
  bool cached = false;             ///< it was there already
  double seconds = 0;
};

/// Compiles `text`, which includes "codegen/runtime/prim_cpu.h" and defines
/// extern "C" void galena_run(galena::rt::Worker*, const galena::rt::Chunk*).
/// Safe from several threads and processes at once.
/// EnvironmentError: there is no compiler, it refuses the text (its first lines, and where the
/// text was kept), or the cache folder is open to other users.
JitResult compile(const std::string& text, const JitOptions& options = {});

/// The kernel that compile() made of this text earlier, or null.
std::shared_ptr<Kernel> lookup(const std::string& text, const JitOptions& options = {});

/// Whether there is a C++ compiler that runs: $GALENA_CXX if set (no other is tried then), the
/// one that built this library, c++, g++ or clang++ on PATH.
bool compiler_available(std::string* why_not = nullptr);

/// $GALENA_CACHE/jit, else $XDG_CACHE_HOME/galena/jit, else ~/.cache/galena/jit.
std::string cache_folder();

/// `text` as the compiler gets it: the embedded headers in place of their includes.
std::string expand(const std::string& text);

}  // namespace galena::jit
