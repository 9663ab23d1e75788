#pragma once
// The vector instruction sets that kernels are compiled for, and the one to use.

#include <string>

namespace galena::base {

/// Each has what those before it have.
enum class Isa { scalar, avx2, avx512, avx512vp2 };

/// "scalar", "avx2", "avx512" (that of Skylake-X), "avx512vp2" (with VP2INTERSECT).
const char* name_of(Isa isa) noexcept;
/// Whether this CPU runs it.
bool cpu_has(Isa isa) noexcept;
/// The one called `name`. InputError where there is none, EnvironmentError where this CPU does not run it.
Isa isa_named(const std::string& name);
/// The most capable one, or that which the environment variable GALENA_ISA names (errors as above).
Isa chosen_isa();

}  // namespace galena::base
