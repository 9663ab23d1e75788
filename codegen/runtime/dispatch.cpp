#include "codegen/runtime/dispatch.hpp"

#include <cstdlib>

#include "galena/error.hpp"

namespace galena::rt {

namespace {

#if defined(__x86_64__)
bool cpu_has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"); }
bool cpu_has_avx512() {
  return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
bool cpu_has_avx512vp2() { return cpu_has_avx512() && __builtin_cpu_supports("avx512vp2intersect"); }
#else
bool cpu_has_avx2() { return false; }
bool cpu_has_avx512() { return false; }
bool cpu_has_avx512vp2() { return false; }
#endif

struct Level {
  const SetOps* ops;  ///< null where the compiler could not build it
  bool runs;          ///< on this CPU
};

/// All levels, the most capable first.
std::vector<Level> levels() {
  return {{level_avx512vp2(), cpu_has_avx512vp2()},
          {level_avx512(), cpu_has_avx512()},
          {level_avx2(), cpu_has_avx2()},
          {level_scalar(), true}};
}

const SetOps& choose() {
  const char* wanted = std::getenv("GALENA_ISA");
  if (wanted != nullptr && *wanted != '\0') return set_ops_named(wanted);
  return *available_set_ops().front();
}

}  // namespace

std::vector<const SetOps*> available_set_ops() {
  std::vector<const SetOps*> found;
  for (const Level& level : levels()) {
    if (level.ops != nullptr && level.runs) found.push_back(level.ops);
  }
  return found;
}

const SetOps& set_ops_named(const std::string& name) {
  for (const SetOps* ops : available_set_ops()) {
    if (name == ops->name) return *ops;
  }
  for (const char* known : {"avx512vp2", "avx512", "avx2", "scalar"}) {
    if (name == known) {
      throw EnvironmentError("GALENA_ISA: this CPU or build has no '" + name + "'; unset it, or use scalar");
    }
  }
  throw InputError("GALENA_ISA: '" + name + "' is not an instruction set; expected scalar, avx2, avx512 or avx512vp2");
}

const SetOps& set_ops() {
  static const SetOps& chosen = choose();
  return chosen;
}

std::string isa_name() { return set_ops().name; }

}  // namespace galena::rt
