#pragma once
// What the generated files of the build define.

#include <cstddef>
#include <cstdint>

#include "codegen/runtime/set_ops.h"

namespace galena::codegen::builtin {

struct Entry {
  std::uint64_t hash;  ///< of the kernel's text
  rt::RunFn run;
};

extern const Entry kEntries[];
extern const std::size_t kEntryCount;
/// Gives every kernel the set operations of this CPU.
void bind_all(const rt::SetOps* ops);

}  // namespace galena::codegen::builtin
