// sets.h for AVX-512 as of Skylake-X. Compiled with the flags of that level.

#include "codegen/runtime/level_table.h"

namespace galena::rt {

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__BMI2__)
const SetOps* level_avx512() { return avx512::table_for_this_cpu(); }
#else
const SetOps* level_avx512() { return nullptr; }
#endif

}  // namespace galena::rt
