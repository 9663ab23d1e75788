#include "src/base/suggest.hpp"

#include "test/support/catch.hpp"

using namespace galena::base;

TEST_CASE("edit distance: insertions, deletions, replacements, swaps") {
  CHECK(edit_distance("house", "house") == 0);
  CHECK(edit_distance("House", "house") == 0);
  CHECK(edit_distance("hosue", "house") == 1);
  CHECK(edit_distance("hous", "house") == 1);
  CHECK(edit_distance("houses", "house") == 1);
  CHECK(edit_distance("", "house") == 5);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("closest: near names only") {
  const std::vector<std::string> names{"triangle", "house", "wedge"};
  CHECK(closest("hosue", names) == "house");
  CHECK(closest("trangle", names) == "triangle");
  CHECK(closest("xyzzy", names).empty());
  CHECK(did_you_mean("wegde", names) == "; did you mean 'wedge'?");
  CHECK(did_you_mean("xyzzy", names).empty());
}
