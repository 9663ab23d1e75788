#pragma once
// Catch2, 2.13 or 3: the one include of every test.

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
namespace galena::test {
inline auto contains(const std::string& part) { return Catch::Matchers::ContainsSubstring(part); }
}  // namespace galena::test
#else
#include <catch2/catch.hpp>
namespace galena::test {
/// For CHECK_THROWS_WITH and CHECK_THAT: a string with `part` in it.
inline auto contains(const std::string& part) { return Catch::Contains(part); }
}  // namespace galena::test
#endif

namespace galena::test {

/// Prints `SKIPPED: why` and has the test program end with exit code 77 (if nothing failed),
/// which ctest shows as skipped.
void report_skip(const std::string& why);

/// Whether this build runs the long tests: the CMake option GALENA_LONG_TESTS, off under sanitizers.
bool long_tests();

}  // namespace galena::test

/// Leaves the test case: what it needs (a data set, a device, a tool) is not here.
/// Say it before the first SECTION.
#define GALENA_SKIP(why)              \
  do {                                \
    ::galena::test::report_skip(why); \
    return;                           \
  } while (false)

/// Leaves a test case that takes long and walks the code of quicker ones over more data, unless this build
/// runs the long tests. `instead` says what runs the same code.
#define GALENA_LONG_TEST(instead)                                                                        \
  do {                                                                                                   \
    if (!::galena::test::long_tests())                                                                   \
      GALENA_SKIP(std::string("long, and this build has GALENA_LONG_TESTS=OFF; instead: ") + (instead)); \
  } while (false)
