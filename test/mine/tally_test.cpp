// What a run has so far is always of whole chunks.

#include "src/mine/tally.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "test/support/catch.hpp"

namespace galena::test {

using mine::Tally;
using rt::i128;

namespace {

mine::ChunkPlan chunks(std::size_t n) {
  mine::ChunkPlan plan;
  plan.chunks.resize(n);
  plan.weight.assign(n, 1.0 / static_cast<double>(n));
  return plan;
}

void add(Tally& tally, std::size_t chunk, i128 sum, const Tally::Local& local = {}) {
  const i128 sums[] = {sum, 1};
  const Tally::Found found{chunk, sums};
  tally.add({&found, 1}, local);
}

}  // namespace

TEST_CASE("a chunk in parts counts when the last of them is there") {
  const mine::ChunkPlan plan = chunks(4);
  Tally tally(plan, 2, 3);
  add(tally, 1, 5);
  tally.split(2, 3);
  add(tally, 2, 10);
  add(tally, 2, 20);
  CHECK(!tally.done(2));
  CHECK(tally.content().sums == std::vector<i128>{5, 1});
  CHECK(tally.share() == Approx(0.25));
  add(tally, 2, 30, {{1, 7}});
  CHECK(tally.content().sums == std::vector<i128>{65, 4});
  CHECK(tally.content().local == std::vector<i128>{0, 7, 0});
  std::size_t next = 0;
  CHECK(tally.undone(next, 1) == std::vector<std::size_t>{0});
  CHECK(tally.undone(next, 9) == std::vector<std::size_t>{3});
  CHECK(next == 4);
  add(tally, 0, 1);
  add(tally, 3, 1);
  CHECK(tally.whole());
}

TEST_CASE("a sum that leaves 128 bits is told, of a chunk's parts too") {
  constexpr i128 kHalf = i128{1} << 126, kMost = kHalf - 1 + kHalf;
  const mine::ChunkPlan plan = chunks(2);
  Tally whole(plan, 2, 0), parts(plan, 2, 0);
  add(whole, 0, kMost);
  CHECK(!whole.overflowed());
  add(whole, 1, 1);
  CHECK(whole.overflowed());
  parts.split(0, 2);
  add(parts, 0, kMost);
  add(parts, 0, kMost);
  CHECK(parts.overflowed());
}

TEST_CASE("what is read while threads add is of the chunks that it says are done") {
  constexpr std::size_t kChunks = 2000;
  const mine::ChunkPlan plan = chunks(kChunks);
  Tally tally(plan, 2, 1);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < kChunks; i += 3) add(tally, i, 2, {{0, 3}});
    });
  for (bool whole = false; !whole;) {
    whole = tally.whole();
    const Tally::Content content = tally.content();
    const auto done = std::count(content.done.begin(), content.done.end(), 1);
    REQUIRE(content.sums.front() == 2 * done);
    REQUIRE(content.local.front() == 3 * done);
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(tally.share() == Approx(1));
}

}  // namespace galena::test
