// main() of every test program: Catch2's, and exit code 77 where the one case asked for was skipped.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <cstdio>
#include <string>

namespace {

constexpr int kSkipped = 77;
int skips = 0;

}  // namespace

namespace galena::test {

void report_skip(const std::string& why) {
  ++skips;
  std::printf("SKIPPED: %s\n", why.c_str());
  std::fflush(stdout);
}

bool long_tests() { return GALENA_LONG_TESTS != 0; }

}  // namespace galena::test

int main(int argc, char** argv) {
  Catch::Session session;
  if (const int bad = session.applyCommandLine(argc, argv); bad != 0) return bad;
  const int failed = session.run();
  // ctest runs a case at a time; a person who runs the whole program wants to know of failures only.
  const bool one_case = session.configData().testsOrTags.size() == 1;
  return failed == 0 && skips > 0 && one_case ? kSkipped : failed;
}
