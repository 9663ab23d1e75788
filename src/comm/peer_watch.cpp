#include "src/comm/peer_watch.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace galena::comm {

namespace {

namespace fs = std::filesystem;

/// The time of its start; none where there is no such process or it is dead.
std::optional<std::string> start_of(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // "7 (any name) S 1 ...": the name may hold blanks and parentheses. The start is field 22, the state field 3.
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  std::string state, field;
  fields >> state;
  if (state == "Z" || state == "X") return std::nullopt;
  for (int i = 4; i <= 22; ++i) fields >> field;
  if (!fields) return std::nullopt;
  return field;
}

/// Where process numbers mean the same.
std::string machine() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  std::error_code unknown;
  const fs::path numbers = fs::read_symlink("/proc/self/ns/pid", unknown);
  return boot.empty() || unknown ? "" : boot + "/" + numbers.string();
}

}  // namespace

std::string process_identity() {
  const std::string place = machine();
  const auto start = start_of(getpid());
  if (place.empty() || !start) return {};
  return place + " " + std::to_string(getpid()) + " " + *start;
}

PeerWatch::PeerWatch(const std::vector<std::string>& identities) {
  const std::string here = machine();
  if (here.empty()) return;
  for (std::size_t rank = 0; rank < identities.size(); ++rank) {
    std::istringstream fields(identities[rank]);
    std::string place;
    Watched watched{{static_cast<int>(rank), 0}, {}};
    if (!(fields >> place >> watched.peer.process >> watched.start) || place != here) continue;
    if (watched.peer.process != getpid() && start_of(watched.peer.process) == watched.start) peers_.push_back(watched);
  }
}

std::optional<PeerWatch::Peer> PeerWatch::find_dead() const {
  for (const Watched& watched : peers_)
    if (start_of(watched.peer.process) != watched.start) return watched.peer;
  return std::nullopt;
}

}  // namespace galena::comm
