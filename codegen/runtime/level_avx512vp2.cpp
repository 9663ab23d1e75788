// sets.h for AVX-512 with VP2INTERSECT (Tiger Lake, Zen 5). Compiled with the flags of that level.

#include "codegen/runtime/level_table.h"

namespace galena::rt {

#if defined(__AVX512VP2INTERSECT__)
const SetOps* level_avx512vp2() { return avx512vp2::table_for_this_cpu(); }
#else
const SetOps* level_avx512vp2() { return nullptr; }
#endif

}  // namespace galena::rt
