#include "codegen/builtin/registry.hpp"

#include <unordered_map>

#include "codegen/builtin/table.hpp"
#include "codegen/plan/hash.hpp"
#include "codegen/runtime/dispatch.hpp"

namespace galena::codegen::builtin {

namespace {

const std::unordered_map<std::uint64_t, rt::RunFn>& index() {
  static const auto made = [] {
    bind_all(&rt::set_ops());
    std::unordered_map<std::uint64_t, rt::RunFn> all;
    for (std::size_t i = 0; i < kEntryCount; ++i) all.emplace(kEntries[i].hash, kEntries[i].run);
    return all;
  }();
  return made;
}

}  // namespace

rt::RunFn find(const std::string& text) {
  const auto found = index().find(text_hash(text));
  return found == index().end() ? nullptr : found->second;
}

std::size_t size() { return kEntryCount; }

}  // namespace galena::codegen::builtin
