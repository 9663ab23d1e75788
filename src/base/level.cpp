#include "src/base/level.hpp"

#include <algorithm>
#include <atomic>
#include <string>

#include "galena/error.hpp"
#include "src/base/isa.hpp"

namespace galena::base {
namespace {

std::atomic<Isa>& level() {
  static std::atomic<Isa> chosen{std::min(chosen_isa(), Isa::avx512)};
  return chosen;
}

}  // namespace

Isa kernel_level() { return level().load(std::memory_order_relaxed); }

int kernel_level_index() { return static_cast<int>(kernel_level()); }

void set_kernel_level(Isa wanted) {
  if (!cpu_has(wanted)) {
    throw EnvironmentError(std::string("this CPU has no ") + name_of(wanted) + "; use scalar");
  }
  level().store(std::min(wanted, Isa::avx512), std::memory_order_relaxed);
}

}  // namespace galena::base
