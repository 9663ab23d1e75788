#include "src/train/link_speeds.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "src/comm/reserved_tags.hpp"
#include "src/train/allocate_link.hpp"

namespace galena::train {
namespace {

constexpr comm::Label kControl{comm::Traffic::control, -1, comm::Direction::none};
constexpr int kTag = comm::kSpeedTag;
constexpr std::array<std::size_t, 3> kSizes{1024, 32 * 1024, 128 * 1024};
constexpr int kRepeats = 4;
constexpr double kFastest = 1e-9;  // seconds a byte

// Seconds until `to` has said that it has the message.
double time_message(comm::Communicator& comm, int to, int from, std::span<const std::byte> out,
                    std::span<std::byte> in) {
  std::array<std::byte, 1> said{}, heard{};
  std::array<comm::Request, 2> messages{comm.irecv(from, kTag, in), comm::Request{}};
  comm::Request answer = comm.irecv(to, kTag, heard);
  const double start = comm::Communicator::now();
  messages[1] = comm.isend(to, kTag, out, kControl);
  comm.wait(messages[0]);
  comm::Request thanks = comm.isend(from, kTag, said, kControl);
  comm.wait(answer);
  const double seconds = comm::Communicator::now() - start;
  comm.wait(messages[1]);
  comm.wait(thanks);
  return seconds;
}

double seconds_per_byte(comm::Communicator& comm, int to, int from) {
  std::vector<LinkSample> samples;
  for (const std::size_t size : kSizes) {
    const std::vector<std::byte> out(size);
    std::vector<std::byte> in(size);
    for (int k = 0; k < kRepeats; ++k)
      samples.push_back({static_cast<double>(size), std::max(time_message(comm, to, from, out, in), 1e-9)});
  }
  return fit_link(samples).seconds_per_byte;
}

}  // namespace

LinkCosts even_links(int ranks, const LinkOptions& link) {
  const double cost = link.bytes_per_second > 0 ? 1 / link.bytes_per_second : 1;
  return {ranks, link.latency, {cost}};
}

std::vector<double> relative_costs(std::span<const double> seconds_per_byte) {
  double least = INFINITY;
  for (const double cost : seconds_per_byte) least = std::min(least, std::max(cost, kFastest));
  std::vector<double> relative;
  for (const double cost : seconds_per_byte)
    relative.push_back(std::exp2(std::floor(std::log2(std::max(cost, kFastest) / least))));
  return relative;
}

LinkCosts measure_links(comm::Communicator& comm) {
  const int ranks = comm.size();
  std::vector<double> mine(static_cast<std::size_t>(ranks), 0);
  for (int round = 1; round < ranks; ++round) {
    const int to = (comm.rank() + round) % ranks, from = (comm.rank() - round + ranks) % ranks;
    comm.barrier();
    mine[static_cast<std::size_t>(to)] = seconds_per_byte(comm, to, from);
  }
  const auto all = comm.allgather(comm::bytes_of(mine), kControl);
  std::vector<double> between;  // of all ordered pairs, by sender, then receiver
  for (int sender = 0; sender < ranks; ++sender)
    for (int receiver = 0; receiver < ranks; ++receiver) {
      double cost = 0;
      std::copy_n(all[static_cast<std::size_t>(sender)].data() + static_cast<std::size_t>(receiver) * sizeof cost,
                  sizeof cost, reinterpret_cast<std::byte*>(&cost));
      if (sender != receiver) between.push_back(cost);
    }
  LinkCosts links{ranks, 0, std::vector<double>(static_cast<std::size_t>(ranks * ranks), 1)};
  std::size_t next = 0;
  const auto relative = relative_costs(between);
  for (int sender = 0; sender < ranks; ++sender)
    for (int receiver = 0; receiver < ranks; ++receiver)
      if (sender != receiver)
        links.seconds_per_byte[static_cast<std::size_t>(sender * ranks + receiver)] = relative[next++];
  return links;
}

}  // namespace galena::train
