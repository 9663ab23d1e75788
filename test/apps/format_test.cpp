#include <csignal>

#include "apps/cli.hpp"
#include "apps/interrupt.hpp"
#include "test/support/catch.hpp"

using namespace galena::cli;

TEST_CASE("seconds are written for people") {
  CHECK(format_seconds(0.123) == "0.12 s");
  CHECK(format_seconds(12.34) == "12.3 s");
  CHECK(format_seconds(200) == "3 min 20 s");
  CHECK(format_seconds(7500) == "2 h 5 min");
}

TEST_CASE("counts are grouped by thousands") {
  CHECK(format_count("0") == "0");
  CHECK(format_count("999") == "999");
  CHECK(format_count("1000") == "1,000");
  CHECK(format_count("340282366920938463463374607431768211455") ==
        "340,282,366,920,938,463,463,374,607,431,768,211,455");
  CHECK(format_count("-1234") == "-1,234");
}

TEST_CASE("an interruption sets the flag and is an exception where asked for") {
  catch_signals();
  CHECK(*stop_flag() == 0);
  CHECK_NOTHROW(check_interrupted());
  std::raise(SIGINT);
  CHECK(*stop_flag() == 1);
  CHECK_THROWS_AS(check_interrupted(), Interrupted);
}
