#pragma once
// Compiles generated CUDA for one architecture: text -> cubin, by NVRTC, which is looked for at run time.
// Cubins are kept beside the kernels for CPUs, and found again by the text, the headers, NVRTC's
// version and the architecture.

#include <string>

namespace galena::jit {

/// Whether NVRTC can be loaded: $GALENA_NVRTC if set (no other is tried then), the linker's search path, the
/// toolkit that this build was made with. A build without CUDA has none.
bool nvrtc_available(std::string* why_not = nullptr);

struct Cubin {
  std::string bytes;
  bool cached = false;  ///< it was there already
  double seconds = 0;
};

/// Compiles `text` (of codegen::emit_cuda) for the architecture `arch`, e.g. 90. Safe from several threads and
/// processes at once.
/// EnvironmentError: there is no NVRTC, it refuses the text (with the first lines it says), or the cache
/// folder is open to other users.
Cubin compile_cuda(const std::string& text, int arch);

}  // namespace galena::jit
