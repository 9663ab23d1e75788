// sets.h for AVX2 and BMI2. Compiled with the flags of that level.

#include "codegen/runtime/level_table.h"

namespace galena::rt {

#if defined(__AVX2__) && defined(__BMI2__)
const SetOps* level_avx2() { return &avx2::kTable; }
#else
const SetOps* level_avx2() { return nullptr; }
#endif

}  // namespace galena::rt
