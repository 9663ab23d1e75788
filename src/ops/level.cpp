#include "src/ops/level.hpp"

#include <algorithm>
#include <atomic>
#include <string>

#include "galena/error.hpp"
#include "src/base/isa.hpp"

namespace galena::ops {
namespace {

std::atomic<base::Isa>& level() {
  static std::atomic<base::Isa> chosen{std::min(base::chosen_isa(), base::Isa::avx512)};
  return chosen;
}

}  // namespace

base::Isa kernel_level() { return level().load(std::memory_order_relaxed); }

int kernel_level_index() { return static_cast<int>(kernel_level()); }

void set_kernel_level(base::Isa wanted) {
  if (!base::cpu_has(wanted)) {
    throw EnvironmentError(std::string("this CPU has no ") + base::name_of(wanted) + "; use scalar");
  }
  level().store(std::min(wanted, base::Isa::avx512), std::memory_order_relaxed);
}

}  // namespace galena::ops
