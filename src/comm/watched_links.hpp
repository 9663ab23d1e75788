#pragma once
// Links between devices that end their waits at the deadline, made of a library that begins things and does not wait.

#include "src/comm/device_links.hpp"

namespace galena::comm {

/// A library that moves messages between devices, one rank's end. Only its destructor and end() do not throw; an error is
/// an EnvironmentError.
class LinkDriver {
 public:
  LinkDriver() = default;
  LinkDriver(const LinkDriver&) = delete;
  LinkDriver& operator=(const LinkDriver&) = delete;
  virtual ~LinkDriver() = default;

  [[nodiscard]] virtual const char* name() const = 0;
  /// What rank 0 tells the others, that they may find each other.
  virtual std::vector<std::byte> invitation() = 0;
  /// Begins to join the ranks.
  virtual void connect(std::span<const std::byte> invitation, int rank, int ranks) = 0;
  /// Begins to queue messages.
  virtual void post(std::span<const DeviceMessage> sends, std::span<const DeviceMessage> receives) = 0;
  /// Whether what was begun has been done; with post(), the messages are then queued. Throws where it has failed.
  virtual bool settled() = 0;
  /// Names what has been posted last, once settled.
  virtual void mark(DeviceLinks::Step step) = 0;
  /// Whether all that was posted is over.
  virtual bool idle() = 0;
  /// What is queued on the device from now on comes after the step, which is then forgotten.
  virtual void join(DeviceLinks::Step step) = 0;
  /// Begins to part with the other ranks, all of which do; once settled, nothing of theirs or of this rank's is on its way.
  virtual void close() = 0;
  /// Ends all that is under way, without waiting for other ranks.
  virtual void end() noexcept = 0;
};

/// All ranks call it.
std::unique_ptr<DeviceLinks> watched_links(Communicator& communicator, std::unique_ptr<LinkDriver> driver);

}  // namespace galena::comm
