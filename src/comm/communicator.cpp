#include "src/comm/communicator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "src/comm/collective_tags.hpp"

namespace galena::comm {

std::string Transfer::describe() const {
  const std::string kind = tag < Communicator::kTags ? fmt::format("tag {}", tag) : collective_name(tag);
  return fmt::format("a message {} rank {}, {}, {} bytes", sends ? "to" : "from", peer, kind, bytes);
}

double Communicator::now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Communicator::check_peer(int peer, const char* call) const {
  if (peer < 0 || peer >= size_)
    throw InternalError(fmt::format("{}: {} with rank {}; ranks are 0 to {}", self(), call, peer, size_ - 1));
}

void Communicator::check(int peer, int tag, const char* call) const {
  check_peer(peer, call);
  if (tag < 0 || tag >= kTags)
    throw InternalError(fmt::format("{}: {} with tag {}; tags are 0 to {}", self(), call, tag, kTags - 1));
}

Request Communicator::post(int peer, int tag, std::span<const std::byte> bytes, std::span<const Charge> charges) {
  Request request(start_send(peer, tag, bytes));
  if (peer != rank_)
    for (std::uint64_t messages = 1; const Charge& charge : charges)
      traffic_.add(charge.label, charge.bytes, std::exchange(messages, 0));
  return request;
}

Request Communicator::isend(int peer, int tag, std::span<const std::byte> bytes, Label label) {
  check(peer, tag, "isend");
  return post(peer, tag, bytes, std::array{Charge{label, bytes.size()}});
}

Request Communicator::isend(int peer, int tag, std::span<const std::byte> bytes, std::span<const Charge> charges) {
  check(peer, tag, "isend");
  std::uint64_t charged = 0;
  for (const Charge& charge : charges) charged += charge.bytes;
  if (charges.empty() || charged != bytes.size())
    throw InternalError(fmt::format("{}: {} charges {} bytes; the charges must add up to the message", self(),
                                    Transfer{true, peer, tag, bytes.size()}.describe(), charged));
  return post(peer, tag, bytes, charges);
}

Request Communicator::irecv(int peer, int tag, std::span<std::byte> bytes) {
  check(peer, tag, "irecv");
  return Request(start_receive(peer, tag, bytes));
}

void Communicator::wait(Request& request) {
  if (request.empty()) return;
  wait_first(std::array{request.pending_.get()});
  request.pending_.reset();
}

void Communicator::wait_all(std::span<Request> requests) {
  for (Request& request : requests) wait(request);
}

std::size_t Communicator::wait_any(std::span<Request> requests) {
  std::vector<Pending*> pendings;
  for (const Request& request : requests)
    if (!request.empty()) pendings.push_back(request.pending_.get());
  if (pendings.empty()) return kNone;
  const Pending* first = pendings[wait_first(pendings)];
  const auto found = std::find_if(requests.begin(), requests.end(),
                                  [=](const Request& request) { return request.pending_.get() == first; });
  found->pending_.reset();
  return static_cast<std::size_t>(found - requests.begin());
}

bool Communicator::test(Request& request) {
  if (!request.empty() && !finished(*request.pending_)) return false;
  request.pending_.reset();
  return true;
}

std::string Communicator::self() const { return fmt::format("rank {} of {}", rank_, size_); }

void Communicator::check_peers() {
  if (options_.stopped()) throw interrupted();
  find_failure();
}

EnvironmentError Communicator::overdue(std::span<Pending* const> pendings, double seconds) const {
  std::string list = pendings.front()->what.describe();
  if (pendings.size() > 1) list += fmt::format(" (and {} more)", pendings.size() - 1);
  const int peer = pendings.front()->what.peer;
  return EnvironmentError(fmt::format(
      "{} has waited {:.3g} s for {}: rank {} hangs, has ended, or computes for longer than the deadline of "
      "waits; see what it did last, or raise the deadline",
      self(), seconds, list, peer));
}

InternalError Communicator::wrong_size(const Transfer& receive, const std::string& found) const {
  return InternalError(
      fmt::format("{} expected {}, but found {} bytes; all ranks must run the same program with the same options",
                  self(), receive.describe(), found));
}

Interrupted Communicator::interrupted() const { return Interrupted(self() + " was interrupted while it waited"); }

}  // namespace galena::comm
