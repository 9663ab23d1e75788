#pragma once
// The machines that mine a graph, with the graph on each.

#include <memory>
#include <string>
#include <vector>

#include "src/mine/gpu/station.hpp"

namespace galena::mine::gpu {

/// The graph's arrays must outlive it. Machines that have no room for the graph are left out; EnvironmentError where none
/// has.
class Fleet {
 public:
  /// The machines must outlive it.
  Fleet(const rt::GraphView& graph, const std::vector<Machine*>& machines);
  Fleet(const rt::GraphView& graph, std::vector<std::unique_ptr<Machine>> machines);

  /// Which machines were left out, and why.
  [[nodiscard]] const std::vector<std::string>& left_out() const { return left_out_; }
  [[nodiscard]] std::size_t size() const { return stations_.size(); }
  Station& operator[](std::size_t i) { return *stations_[i]; }

 private:
  void place(const std::vector<Machine*>& machines);

  std::vector<std::unique_ptr<Machine>> own_;
  const rt::GraphView graph_;
  const Bounds bounds_;
  std::vector<std::unique_ptr<Station>> stations_;
  std::vector<std::string> left_out_;
};

}  // namespace galena::mine::gpu
