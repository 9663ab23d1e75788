#pragma once
// Compiles generated CUDA for one architecture: text -> cubin, by NVRTC, which is looked for at run time.
// Cubins are kept beside the kernels for CPUs, where that folder can be used, and found again by the text, the headers,
// NVRTC's version and the architecture.

#include <string>

namespace galena::jit {

/// Whether NVRTC can be loaded: $GALENA_NVRTC if set (no other is tried then), the linker's search path, the
/// toolkit that this build was made with. A build without CUDA has none.
bool nvrtc_available(std::string* why_not = nullptr);

struct Cubin {
  std::string bytes;
  bool cached = false;  ///< it was there already, or another thread was about to make it
  double seconds = 0;
  std::string not_kept;  ///< why the folder of kernels was of no use; empty where it was
};

/// Compiles `text` (of codegen::emit_cuda) for the architecture `arch`, e.g. 90. Safe from several threads and
/// processes at once; threads that ask for the same share one compilation.
/// `hastily`: in half the time, where NVRTC is 12.8 or newer, for what need not run fast.
/// EnvironmentError: there is no NVRTC, or it refuses the text (with the first lines it says).
Cubin compile_cuda(const std::string& text, int arch, bool hastily = false);

}  // namespace galena::jit
