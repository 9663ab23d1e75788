#include "src/train/staged_links.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "galena/error.hpp"
#include "src/comm/reserved_tags.hpp"

namespace galena::train {
namespace {

using comm::DeviceMessage;
using ops::DeviceQueue;

/// Messages of all steps: both ends start them in one order.
constexpr int kTag = comm::kStagedTag;

std::uint64_t bytes_of(std::span<const DeviceMessage> messages) {
  std::uint64_t bytes = 0;
  for (const DeviceMessage& m : messages) bytes += m.bytes;
  return bytes;
}

/// Up to an eighth more: sizes of samples vary, and what is pinned once is pinned until the end.
std::uint64_t rounded(std::uint64_t bytes) {
  const std::uint64_t step = std::max<std::uint64_t>(std::bit_floor(bytes) / 8, 64);
  return std::max<std::uint64_t>((bytes + step - 1) / step * step, step);
}

/// f(message, its place) for messages one after the other.
template <class F>
void each_place(std::span<const DeviceMessage> messages, std::byte* memory, const F& f) {
  for (const DeviceMessage& m : messages) {
    f(m, memory);
    memory += m.bytes;
  }
}

/// From now on `second` does nothing before what `first` has been asked for.
void join_queues(DeviceQueue first, DeviceQueue second) {
  const ops::DeviceOps& ops = ops::device_ops();
  void* const mark = ops.mark(first);
  ops.follow(second, mark);
  ops.release_mark(mark);
}

/// What is being copied is not given to others before.
void leave_until(void* copied) noexcept {
  try {
    ops::device_ops().follow(DeviceQueue::work, copied);
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): then nothing is copied any more
  }
}

}  // namespace

PinnedMemory::~PinnedMemory() {
  for (const Block& block : free_) release(block);
}

/// The device may still be at it.
void PinnedMemory::release(const Block& block) noexcept {
  const ops::DeviceOps& ops = ops::device_ops();
  if (block.mark != nullptr) {
    try {
      ops.wait(block.mark);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): then it has ended
    }
    ops.release_mark(block.mark);
  }
  ops.release_pinned(block.memory);
}

PinnedMemory::Block PinnedMemory::take(std::uint64_t bytes) {
  const ops::DeviceOps& ops = ops::device_ops();
  const auto fits = [&](const Block& b) { return b.bytes >= bytes && b.bytes / 2 <= bytes; };
  const auto found = std::ranges::find_if(free_, fits);
  if (found == free_.end()) {
    const std::uint64_t size = rounded(bytes);
    if (void* const memory = ops.pinned(size)) return {static_cast<std::byte*>(memory), size};
    throw EnvironmentError(
        "out of pinned memory for boundary rows: " + std::to_string(bytes >> 20) +
        " MiB more cannot be locked; use more --parts, fewer bits (--message-bits), or --device cpu");
  }
  Block block = *found;
  free_.erase(found);
  if (void* const mark = std::exchange(block.mark, nullptr)) {
    ops.wait(mark);
    ops.release_mark(mark);
  }
  return block;
}

StagedLinks::~StagedLinks() {
  for (auto& [step, m] : steps_) {
    m.requests.clear();
    if (m.copied != nullptr) leave_until(m.copied);
    m.out.mark = m.copied;
    for (const PinnedMemory::Block& block : {m.out, m.in})
      if (block.memory != nullptr) pinned_.give(block);
  }
}

comm::DeviceLinks::Step StagedLinks::start(std::span<const DeviceMessage> sends,
                                           std::span<const DeviceMessage> receives) {
  const ops::DeviceOps& ops = ops::device_ops();
  Messages& m = steps_[++last_];
  m.sends.assign(sends.begin(), sends.end());
  m.receives.assign(receives.begin(), receives.end());
  m.in = pinned_.take(bytes_of(receives));
  each_place(m.receives, m.in.memory, [&](const DeviceMessage& message, std::byte* place) {
    m.requests.push_back(communicator_.irecv(message.peer, kTag, {place, message.bytes}));
  });
  m.out = pinned_.take(bytes_of(sends));
  join_queues(DeviceQueue::work, DeviceQueue::transfers);
  each_place(m.sends, m.out.memory, [&](const DeviceMessage& message, std::byte* place) {
    ops.transfer(place, message.memory, message.bytes);
  });
  m.copied = ops.mark(DeviceQueue::transfers);
  return last_;
}

void StagedLinks::send(Messages& m) {
  if (m.copied == nullptr) return;
  const ops::DeviceOps& ops = ops::device_ops();
  ops.wait(m.copied);
  ops.release_mark(std::exchange(m.copied, nullptr));
  each_place(m.sends, m.out.memory, [&](const DeviceMessage& message, std::byte* place) {
    m.requests.push_back(communicator_.isend(message.peer, kTag, {place, message.bytes}, message.charges));
  });
}

void StagedLinks::push() {
  for (auto& [number, messages] : steps_) send(messages);
}

void StagedLinks::join(Step step) {
  push();  // others may wait for those of later steps
  const auto found = steps_.find(step);
  Messages& m = found->second;
  communicator_.wait_all(m.requests);
  const ops::DeviceOps& ops = ops::device_ops();
  each_place(m.receives, m.in.memory, [&](const DeviceMessage& message, std::byte* place) {
    ops.transfer(message.memory, place, message.bytes);
  });
  m.in.mark = ops.mark(DeviceQueue::transfers);
  ops.follow(DeviceQueue::work, m.in.mark);
  pinned_.give(m.out);
  pinned_.give(m.in);
  steps_.erase(found);
}

}  // namespace galena::train
