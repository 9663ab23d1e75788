#include "src/base/isa.hpp"

#include <cstdlib>

#include "galena/error.hpp"

namespace galena::base {
namespace {

constexpr Isa kAll[] = {Isa::avx512vp2, Isa::avx512, Isa::avx2, Isa::scalar};

}  // namespace

const char* name_of(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::avx512vp2: return "avx512vp2";
  }
  return "?";
}

#if defined(__x86_64__)
bool cpu_has(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar: return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    case Isa::avx512:
      return cpu_has(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    case Isa::avx512vp2: return cpu_has(Isa::avx512) && __builtin_cpu_supports("avx512vp2intersect");
  }
  return false;
}
#else
bool cpu_has(Isa isa) noexcept { return isa == Isa::scalar; }
#endif

Isa isa_named(const std::string& name) {
  for (const Isa isa : kAll) {
    if (name != name_of(isa)) continue;
    if (cpu_has(isa)) return isa;
    throw EnvironmentError("GALENA_ISA: this CPU or build has no '" + name + "'; unset it, or use scalar");
  }
  throw InputError("GALENA_ISA: '" + name + "' is not an instruction set; expected scalar, avx2, avx512 or avx512vp2");
}

Isa chosen_isa() {
  const char* wanted = std::getenv("GALENA_ISA");
  if (wanted != nullptr && *wanted != '\0') return isa_named(wanted);
  for (const Isa isa : kAll) {
    if (cpu_has(isa)) return isa;
  }
  return Isa::scalar;
}

}  // namespace galena::base
