#include "bench/mine/peers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace galena::bench {

namespace {

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, '\t');) fields.push_back(field);
  return fields;
}

std::size_t column(const std::vector<std::string>& header, const std::string& name) {
  return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
}

}  // namespace

PeerTimes read_peers(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line)) throw std::runtime_error(path + ": cannot be read, or is empty");
  const auto header = fields_of(line);
  const std::size_t graph = column(header, "graph");
  const std::size_t task = column(header, "task");
  const std::size_t peer = column(header, "peer");
  std::size_t seconds = column(header, "median_s");
  if (seconds == header.size()) seconds = column(header, "seconds");
  if (std::max({graph, task, peer, seconds}) >= header.size())
    throw std::runtime_error(path + ": expected columns graph, task, peer and median_s");
  PeerTimes times;
  while (std::getline(in, line)) {
    const auto fields = fields_of(line);
    if (fields.size() <= std::max({graph, task, peer, seconds})) continue;
    const double value = std::strtod(fields[seconds].c_str(), nullptr);
    if (!(value > 0)) continue;
    double& best = times[fields[graph]][fields[task]][fields[peer]];
    best = best > 0 ? std::min(best, value) : value;
  }
  return times;
}

void print_comparison(const std::vector<Ours>& ours, const PeerTimes& peers) {
  std::map<std::string, std::pair<double, int>> logs;  // by peer
  double fastest_log = 0;
  double worst = std::numeric_limits<double>::infinity();
  int tasks = 0;
  fmt::print("\n{:<16} {:<18} {:>10}   {}\n", "graph", "task", "ours s", "peers, fastest first (seconds, times ours)");
  for (const Ours& row : ours) {
    const auto graph = peers.find(row.graph);
    if (graph == peers.end() || !graph->second.contains(row.task)) continue;
    std::vector<std::pair<double, std::string>> sorted;
    for (const auto& [peer, seconds] : graph->second.at(row.task)) {
      sorted.emplace_back(seconds, peer);
      logs[peer].first += std::log(seconds / row.seconds);
      ++logs[peer].second;
    }
    std::sort(sorted.begin(), sorted.end());
    const double ratio = sorted.front().first / row.seconds;
    fastest_log += std::log(ratio);
    worst = std::min(worst, ratio);
    ++tasks;
    std::string text;
    for (const auto& [seconds, peer] : sorted)
      text += fmt::format("{} {:.4f} ({:.1f}x)  ", peer, seconds, seconds / row.seconds);
    fmt::print("{:<16} {:<18} {:>10.4f}   {}\n", row.graph, row.task, row.seconds, text);
  }
  if (tasks == 0) return;
  fmt::print("\nGeometric means of peer time over ours, each over the tasks that peer ran:\n");
  for (const auto& [peer, sum] : logs)
    fmt::print("  {:<16} {:>8.2f}x over {} tasks\n", peer, std::exp(sum.first / sum.second), sum.second);
  fmt::print("  {:<16} {:>8.2f}x over {} tasks; the least is {:.2f}x\n", "fastest of each",
             std::exp(fastest_log / tasks), tasks, worst);
}

}  // namespace galena::bench
