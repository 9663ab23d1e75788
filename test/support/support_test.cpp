#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/process.hpp"

using namespace galena::test;

TEST_CASE("skips", "[.]") { GALENA_SKIP("hidden: only the next case runs it"); }

TEST_CASE("a case can be skipped") {
  const auto run = run_program({std::filesystem::read_symlink("/proc/self/exe"), "skips"});
  CHECK(run.code == 77);
  CHECK_THAT(run.out, contains("SKIPPED: hidden"));
}

TEST_CASE("a sanitizer's report in a program is a failure, whatever its exit code") {
  for (const std::string report :
       {"==7==ERROR: LeakSanitizer: detected memory leaks", "WARNING: ThreadSanitizer: data race (pid=7)",
        "a.cpp:3:8: runtime error: signed integer overflow"})
    CHECK_THROWS_WITH(run_program({"sh", "-c", "echo '" + report + "' >&2; exit 1"}), contains(report));
  CHECK(run_program({"sh", "-c", "echo 'galena: error: no such file' >&2; exit 1"}).code == 1);
}

TEST_CASE("truths are read by column") {
  const TemporaryFolder folder;
  const auto file = folder.write("truths.tsv",
                                 "# a comment\n"
                                 "graph\tvertices\tpattern\tedges\tinduced\tcount\n"
                                 "cora\t4\tstar(3)\t0-1 0-2 0-3\t1\t340282366920938463463374607431768211455\n");
  const auto truths = read_truths(file);
  REQUIRE(truths.size() == 1);
  CHECK(truths[0].graph == "cora");
  CHECK(truths[0].vertices == 4);
  CHECK(truths[0].pattern == "star(3)");
  CHECK(truths[0].edges == "0-1 0-2 0-3");
  CHECK(truths[0].induced);
  CHECK(truths[0].count == "340282366920938463463374607431768211455");
}

TEST_CASE("a bad truth names its line") {
  const TemporaryFolder folder;
  const auto file = folder.write("truths.tsv", "# fine\ncora\t3\twedge\t0-1 1-2\t2\t7\n");
  CHECK_THROWS_WITH(read_truths(file), contains(":2: induced is 0 or 1, not '2'"));
}

TEST_CASE("the data beside the tree has truths") {
  if (!data_dir()) GALENA_SKIP("no data folder (set GALENA_DATA_DIR)");
  CHECK(read_truths().size() > 100);
}
