#pragma once
// Kernels for several instruction sets in one program. Each *_kernels.cpp is compiled three times, with other compiler
// options and with GALENA_LEVEL naming the namespace its code goes to: scalar, avx2, avx512. What it gives away is a
// table of functions. The host side picks the table of this CPU, or of GALENA_ISA.
//
// In a *_kernels.cpp everything is in that namespace or static, and no inline function of the standard library is
// called: the linker keeps one copy of those, which might be the one an older CPU cannot run. Vectors are
// those of src/ops/simd.hpp, whose widths are a level's own.
//
//   struct FooKernels { void (*foo)(const float* x, std::int64_t n); };      // foo_kernels.hpp
//   GALENA_KERNELS(FooKernels, foo_kernels)
//   namespace GALENA_LEVEL { const FooKernels foo_kernels_table = {foo}; }     // foo_kernels.cpp
//   foo_kernels().foo(x, n);                                                  // foo.cpp
//
// Levels round differently (fused multiply-add), within the tolerance the tests state; on one level, results do not
// depend on threads.

namespace galena::base {

enum class Isa;

/// The level in use: scalar, avx2 or avx512.
Isa kernel_level();
/// Uses another; for tests and benchmarks. EnvironmentError where this CPU does not run it.
void set_kernel_level(Isa level);

/// 0, 1, 2: the index of kernel_level().
int kernel_level_index();

}  // namespace galena::base

/// Declares the tables `name` of the three levels and the function name() that picks one.
#define GALENA_KERNELS(Table, name)                                                                    \
  namespace scalar {                                                                                   \
  extern const Table name##_table;                                                                     \
  }                                                                                                    \
  namespace avx2 {                                                                                     \
  extern const Table name##_table;                                                                     \
  }                                                                                                    \
  namespace avx512 {                                                                                   \
  extern const Table name##_table;                                                                     \
  }                                                                                                    \
  inline const Table& name() {                                                                         \
    const Table* const tables[] = {&scalar::name##_table, &avx2::name##_table, &avx512::name##_table}; \
    return *tables[::galena::base::kernel_level_index()];                                              \
  }
