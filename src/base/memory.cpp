#include "src/base/memory.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "galena/error.hpp"

namespace galena::base {

void check_memory(std::uint64_t bytes, std::string_view what) {
  static const std::uint64_t physical =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
  if (bytes <= physical) return;
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  throw EnvironmentError(fmt::format("not enough memory for {}: {} MiB needed, the machine has {} MiB", what,
                                     bytes / kMiB, physical / kMiB));
}

}  // namespace galena::base
