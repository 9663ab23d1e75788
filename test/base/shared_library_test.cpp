// Libraries opened while the program runs: found, not there, too old.

#include "src/base/shared_library.hpp"

#include <cstdlib>

#include "galena/error.hpp"
#include "test/support/catch.hpp"

namespace galena::base {
namespace {

using test::contains;

SharedLibrary open(std::vector<std::string> names) {
  return {"The library", "GALENA_TEST_LIBRARY", std::move(names), "install it"};
}

TEST_CASE("shared library: the first name that opens, and its functions") {
  double (*root)(double) = nullptr;
  SharedLibrary library = open({"libno-such-library.so.7", "libm.so.6", "libc.so.6"});
  library.find("sqrt", root);
  CHECK(library.name() == "libm.so.6");
  CHECK(library.whole());
  CHECK_NOTHROW(library.require());
  REQUIRE(root != nullptr);
  CHECK(root(9) == 3);
}

TEST_CASE("shared library: one that is not there names the first name, the remedy and the variable") {
  int (*function)() = nullptr;
  SharedLibrary library = open({"libno-such-library.so.7", "libno-such-library.so"});
  library.find("anything", function);
  CHECK(function == nullptr);
  CHECK_FALSE(library.whole());
  CHECK(library.why_not() ==
        "The library was not found (libno-such-library.so.7): install it, or set GALENA_TEST_LIBRARY to its file");
  CHECK_THROWS_AS(library.require(), EnvironmentError);
}

TEST_CASE("shared library: a function that is missing is named, the first of several") {
  double (*root)(double) = nullptr;
  int (*first)() = nullptr, (*second)() = nullptr;
  SharedLibrary library = open({"libm.so.6"});
  library.find("no_such_function", first).find("sqrt", root).find("nor_this", second);
  CHECK(first == nullptr);
  CHECK(root != nullptr);
  CHECK_FALSE(library.whole());
  CHECK_THAT(library.why_not(), contains("(libm.so.6) has no no_such_function"));
}

TEST_CASE("shared library: the environment's variable goes before all names") {
  setenv("GALENA_TEST_LIBRARY", "/no/such/file.so", 1);
  const SharedLibrary wrong = open({"libm.so.6"});
  setenv("GALENA_TEST_LIBRARY", "", 1);
  const SharedLibrary unset = open({"libm.so.6"});
  unsetenv("GALENA_TEST_LIBRARY");
  CHECK_THAT(wrong.why_not(), contains("/no/such/file.so"));
  CHECK(unset.whole());
}

}  // namespace
}  // namespace galena::base
