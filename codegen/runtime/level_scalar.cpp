// sets.h without vectors.

#include "codegen/runtime/level_table.h"

namespace galena::rt {

const SetOps* level_scalar() { return &scalar::kTable; }

}  // namespace galena::rt
