// Whom does a device wait for? It cannot tell. So ranks call the roll through their communicator, which can, before each
// step. A rank that has waited too long ends the library's part and calls the roll too: all others do so sooner or later,
// but for the one that is missing. An error of the library itself ends the rank at once; the others learn of it as of any
// rank that fails.
//
// What a rank has sent may be on its way when the rank is done with it: ranks that end well part with each other.

#include "src/comm/watched_links.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "galena/error.hpp"
#include "src/comm/reserved_tags.hpp"

namespace galena::comm {
namespace {

constexpr Label kControl{Traffic::control, -1, Direction::none};
constexpr double kSpin = 200e-6;  // seconds of a wait before it sleeps between looks

/// The library takes too long and does not say why.
class Overdue : public EnvironmentError {
 public:
  using EnvironmentError::EnvironmentError;
};

class WatchedLinks : public DeviceLinks {
 public:
  WatchedLinks(Communicator& communicator, std::unique_ptr<LinkDriver> driver)
      : communicator_(communicator), driver_(std::move(driver)) {
    std::vector<std::byte> invitation;
    if (communicator_.rank() == 0) invitation = driver_->invitation();
    invitation = communicator_.allgather(invitation, kControl).front();
    attempt(
        "connected the ranks' devices",
        [&] { driver_->connect(invitation, communicator_.rank(), communicator_.size()); },
        [&] { return driver_->settled(); });
  }
  ~WatchedLinks() override {
    if (!ended_ && std::uncaught_exceptions() == exceptions_) close();
    driver_->end();
  }

  Step start(std::span<const DeviceMessage> sends, std::span<const DeviceMessage> receives) override {
    call_roll();
    attempt(
        "taken an exchange's messages", [&] { driver_->post(sends, receives); }, [&] { return driver_->settled(); });
    driver_->mark(++last_);
    for (const DeviceMessage& message : sends) charge(message);
    return last_;
  }

  void join(Step step) override { driver_->join(step); }

  void finish() override {
    attempt(
        "moved the messages between devices", [] {}, [&] { return driver_->idle(); });
  }

 private:
  void end() noexcept {
    ended_ = true;
    driver_->end();
  }
  void close() noexcept {
    try {
      driver_->close();
      wait("parted with the other ranks", [&] { return driver_->settled(); });
    } catch (...) {  // this rank has what it wanted; who has not says so
    }
  }

  void charge(const DeviceMessage& message) {
    std::uint64_t messages = 1;
    for (const Charge& charge : message.charges)
      communicator_.traffic().add(charge.label, charge.bytes, std::exchange(messages, 0));
  }

  /// Waits until all ranks have come.
  void call_roll() {
    std::vector<std::byte> heard(static_cast<std::size_t>(communicator_.size()));
    const std::byte here{1};
    std::vector<Request> requests;
    for (int peer = 0; peer < communicator_.size(); ++peer) {
      if (peer == communicator_.rank()) continue;
      requests.push_back(
          communicator_.irecv(peer, kRollTag, std::span(heard).subspan(static_cast<std::size_t>(peer), 1)));
      requests.push_back(communicator_.isend(peer, kRollTag, std::span(&here, 1), kControl));
    }
    communicator_.wait_all(requests);
  }

  /// Begins something and waits for it. `what` the library has not done, if it takes too long.
  template <class Begin, class Done>
  void attempt(const char* what, const Begin& begin, const Done& done) {
    try {
      begin();
      wait(what, done);
    } catch (const Overdue&) {
      end();
      call_roll();  // names the rank that the library could not reach
      throw;
    } catch (const EnvironmentError&) {
      end();
      communicator_.check_peers();  // a rank that has failed may be what the library stumbled over
      throw;
    }
  }
  template <class Done>
  void wait(const char* what, const Done& done) {
    const double begin = Communicator::now();
    const WaitOptions& options = communicator_.options();
    while (!done()) {
      communicator_.check_peers();
      const double waited = Communicator::now() - begin;
      if (waited > options.deadline)
        throw Overdue(
            fmt::format("rank {} of {}: {} has not {} in {:.3g} s, though all ranks are there: see what it says with "
                        "NCCL_DEBUG=INFO, or "
                        "use --transport threads",
                        communicator_.rank(), communicator_.size(), driver_->name(), what, options.deadline));
      if (waited > kSpin) std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  Communicator& communicator_;
  std::unique_ptr<LinkDriver> driver_;
  Step last_ = 0;
  bool ended_ = false;
  const int exceptions_ = std::uncaught_exceptions();
};

}  // namespace

std::unique_ptr<DeviceLinks> watched_links(Communicator& communicator, std::unique_ptr<LinkDriver> driver) {
  return std::make_unique<WatchedLinks>(communicator, std::move(driver));
}

}  // namespace galena::comm
