#include "src/base/memory.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <new>
#include <string>

#include "galena/error.hpp"

namespace galena::base {

namespace {

std::uint64_t physical_memory() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
}

}  // namespace

std::uint64_t available_memory() {
  std::uint64_t limit = physical_memory();
  rlimit address{};
  if (::getrlimit(RLIMIT_AS, &address) == 0 && address.rlim_cur != RLIM_INFINITY)
    limit = std::min<std::uint64_t>(limit, address.rlim_cur);
  std::ifstream lines("/proc/meminfo");
  std::string name;
  for (std::uint64_t kib = 0; lines >> name >> kib; lines.ignore(std::numeric_limits<std::streamsize>::max(), '\n'))
    if (name == "MemAvailable:") return std::min(limit, kib * 1024);
  return limit;
}

void check_memory(std::uint64_t bytes, std::string_view what) {
  static const std::uint64_t physical = physical_memory();
  if (bytes <= physical) return;
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  throw EnvironmentError(fmt::format("not enough memory for {}: {} MiB needed, the machine has {} MiB", what,
                                     bytes / kMiB, physical / kMiB));
}

void* allocate_pages(std::uint64_t bytes) {
  constexpr std::uint64_t kHugePage = std::uint64_t{1} << 21;
  const bool large = bytes >= 2 * kHugePage;
  const std::uint64_t alignment = large ? kHugePage : 64;
  void* const data =
      std::aligned_alloc(alignment, (std::max<std::uint64_t>(bytes, 1) + alignment - 1) / alignment * alignment);
  if (data == nullptr) throw std::bad_alloc();
  if (large) ::madvise(data, bytes, MADV_HUGEPAGE);  // a wish: the kernel may have none
  return data;
}

void free_pages(void* data) noexcept { std::free(data); }

}  // namespace galena::base
