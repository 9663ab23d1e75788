// Libraries opened while the program runs: found, not there, too old.

#include "src/base/shared_library.hpp"

#include <cstdlib>
#include <fstream>

#include "galena/error.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

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

TEST_CASE("shared library: one that is there but does not load is told with the loader's reason") {
  const test::TemporaryFolder folder;
  const std::string file = (folder.path() / "libbroken.so.1").string();
  std::ofstream(file) << "no library";
  const SharedLibrary library = open({"libno-such-library.so.7", file});
  CHECK_FALSE(library.whole());
  CHECK_THAT(library.why_not(), contains("The library cannot be used (" + file) && contains("install it, or set"));
  CHECK_THAT(library.why_not(), !contains("libno-such-library"));
}

TEST_CASE("shared library: the first that passes its check, and has what the check asks for") {
  const auto library = [](const SharedLibrary::Check& check) {
    return SharedLibrary("The library", "GALENA_TEST_LIBRARY", {"libc.so.6", "libno-such-library.so.7", "libm.so.6"},
                         "install it", check);
  };
  double (*root)(double) = nullptr;
  const auto has_root = [&](SharedLibrary& found) {
    found.find("sqrt", root);
    return std::string();
  };
  CHECK(library(has_root).name() == "libm.so.6");
  REQUIRE(root != nullptr);
  CHECK(root(9) == 3);
  const SharedLibrary none = library([&](SharedLibrary& found) {
    has_root(found);
    return found.whole() ? std::string("it failed with status 1") : std::string();
  });
  CHECK_FALSE(none.whole());
  CHECK(none.name().empty());
  CHECK_THAT(none.why_not(),
             contains("cannot be used (libc.so.6: it has no sqrt; libm.so.6: it failed with status 1): install it"));
}

}  // namespace
}  // namespace galena::base
