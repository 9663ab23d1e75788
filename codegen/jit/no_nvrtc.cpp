// The twin of nvrtc.cpp for builds without CUDA.
#include "codegen/jit/nvrtc.hpp"
#include "galena/error.hpp"

namespace galena::jit {

namespace {
constexpr const char* kWhy = "this build has no CUDA support; configure with -DGALENA_CUDA=ON";
}

bool nvrtc_available(std::string* why_not) {
  if (why_not != nullptr) *why_not = kWhy;
  return false;
}

Cubin compile_cuda(const std::string& /*text*/, int /*arch*/, bool /*hastily*/) { throw EnvironmentError(kWhy); }

}  // namespace galena::jit
