#include "codegen/runtime/dispatch.hpp"

#include <cstdlib>

#include "galena/error.hpp"
#include "src/base/isa.hpp"

namespace galena::rt {

namespace {

struct Level {
  const SetOps* ops;  ///< null where the compiler could not build it
  bool runs;          ///< on this CPU
};

/// All levels, the most capable first.
std::vector<Level> levels() {
  using base::Isa;
  return {{level_avx512vp2(), base::cpu_has(Isa::avx512vp2)},
          {level_avx512(), base::cpu_has(Isa::avx512)},
          {level_avx2(), base::cpu_has(Isa::avx2)},
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
  base::isa_named(name);  // says so where there is no such level or CPU
  throw EnvironmentError("GALENA_ISA: this build has no '" + name + "'; unset it, or use scalar");
}

const SetOps& set_ops() {
  static const SetOps& chosen = choose();
  return chosen;
}

std::string isa_name() { return set_ops().name; }

}  // namespace galena::rt
