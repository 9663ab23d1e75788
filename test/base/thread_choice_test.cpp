#include "src/base/thread_choice.hpp"

#include <thread>
#include <vector>

#include "test/support/catch.hpp"

using galena::base::ThreadChoice;

namespace {

constexpr std::chrono::microseconds kQuick{20}, kSlow{900}, kLong{5000};

/// The numbers of threads of so many calls, of work that takes as long on one and on four threads.
std::vector<int> calls(ThreadChoice& choice, int count, std::chrono::microseconds one, std::chrono::microseconds four,
                       std::uint64_t key = 0) {
  std::vector<int> threads;
  for (int i = 0; i < count; ++i) {
    choice.run(key, 4, [&](int wanted) {
      threads.push_back(wanted);
      std::this_thread::sleep_for(wanted == 1 ? one : four);
    });
  }
  return threads;
}

}  // namespace

TEST_CASE("threads are taken where they were quicker", "[threads]") {
  ThreadChoice choice;
  const std::vector<int> slower = calls(choice, 40, kQuick, kSlow), quicker = calls(choice, 40, kSlow, kQuick, 1);
  CHECK(std::ranges::count(slower, 4) == 8);
  CHECK(slower.back() == 1);
  CHECK(std::ranges::count(quicker, 1) == 8);
  CHECK(quicker.back() == 4);
}

TEST_CASE("what was quicker is asked again", "[threads]") {
  ThreadChoice choice;
  CHECK(calls(choice, 512, kQuick, kSlow).back() == 1);
  CHECK(calls(choice, 40, kSlow, kQuick).back() == 4);
}

TEST_CASE("long work is not tried on one thread, and one thread is not asked at all", "[threads]") {
  ThreadChoice choice;
  CHECK(std::ranges::count(calls(choice, 40, kQuick, kLong), 1) == 0);
  int threads = 0;
  choice.run(1, 1, [&](int wanted) { threads = wanted; });
  CHECK(threads == 1);
}
