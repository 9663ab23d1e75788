#include "src/base/thread_choice.hpp"

#include "test/support/catch.hpp"

using galena::base::ThreadChoice;
using galena::base::ThreadTrials;

namespace {

/// Of so many calls, how many took all threads; a call takes `all` seconds on them and `one` on one.
int calls_on_all(ThreadTrials& trials, int count, double all, double one) {
  int on_all = 0;
  for (int i = 0; i < count; ++i) {
    const bool taken = trials.takes_all();
    on_all += taken ? 1 : 0;
    trials.add(taken ? all : one);
  }
  return on_all;
}

constexpr double kQuick = 2e-5, kSlow = 9e-4;

}  // namespace

TEST_CASE("threads are taken where they were quicker", "[threads]") {
  ThreadTrials slower, quicker;
  CHECK(calls_on_all(slower, 100, kSlow, kQuick) == ThreadTrials::kTrials);
  CHECK(calls_on_all(quicker, 100, kQuick, kSlow) == 100 - ThreadTrials::kTrials);
}

TEST_CASE("what was quicker is tried again after a period, and where it has become slower", "[threads]") {
  ThreadTrials trials;
  CHECK(calls_on_all(trials, ThreadTrials::kPeriod, kSlow, kQuick) == ThreadTrials::kTrials);
  CHECK(calls_on_all(trials, 100, kQuick, kSlow) == 100 - ThreadTrials::kTrials);
  // Threads become slower than one was: a few calls show it.
  CHECK(calls_on_all(trials, 100, kSlow * 1.9, kSlow) <= 2 * ThreadTrials::kTrials);
}

TEST_CASE("one slow call is no reason to try again", "[threads]") {
  ThreadTrials trials;
  calls_on_all(trials, 50, kQuick, kSlow);
  trials.add(kSlow);
  CHECK(calls_on_all(trials, 100, kQuick, kSlow) == 100);
}

TEST_CASE("long work is not tried on one thread, and one thread is not asked at all", "[threads]") {
  ThreadTrials trials;
  CHECK(calls_on_all(trials, 100, 2 * ThreadTrials::kLong, kQuick) == 100);
  ThreadChoice choice;
  int threads = 0;
  choice.run(1, 1, [&](int wanted) { threads = wanted; });
  CHECK(threads == 1);
  choice.run(1, 4, [&](int wanted) { threads = wanted; });
  CHECK(threads == 4);
}
