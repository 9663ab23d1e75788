#include "src/comm/traffic.hpp"

#include "test/support/catch.hpp"

using namespace galena::comm;

TEST_CASE("traffic adds up by label") {
  const Label first{Traffic::payload, 1, Direction::forward}, second{Traffic::payload, 0, Direction::backward};
  const Label other{Traffic::control};
  TrafficCounter counter;
  counter.add(first, 100);
  counter.add(other, 1, 3);
  counter.add(second, 10);
  counter.add(first, 5, 0);
  CHECK(counter.total(first) == TrafficCounter::Row{first, 105, 1});
  CHECK(counter.total(second).bytes == 10);
  CHECK(counter.total(Traffic::payload).bytes == 115);
  CHECK(counter.total(Traffic::payload).messages == 2);
  CHECK(counter.total(Traffic::index).bytes == 0);
  CHECK(counter.total().bytes == 116);
  CHECK(counter.total().messages == 5);
  const std::vector<TrafficCounter::Row> rows{{second, 10, 1}, {first, 105, 1}, {other, 1, 3}};
  CHECK(counter.rows() == rows);
}

TEST_CASE("counters are added and reset") {
  TrafficCounter a, b;
  a.add({Traffic::payload}, 1);
  b.add({Traffic::payload}, 2);
  b.add({Traffic::index}, 4);
  a += b;
  CHECK(a.total(Traffic::payload).bytes == 3);
  CHECK(a.total(Traffic::index).bytes == 4);
  a += a;
  CHECK(a.total().bytes == 14);
  CHECK(a.total().messages == 6);
  a.reset();
  CHECK(a.rows().empty());
  CHECK(a.total().messages == 0);
}

TEST_CASE("kinds and directions have names") {
  CHECK(name(Traffic::payload) == "payload");
  CHECK(name(Traffic::control) == "control");
  CHECK(name(Direction::backward) == "backward");
}
