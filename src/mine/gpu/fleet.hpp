#pragma once
// The machines that mine a graph, with the graph on each.

#include <memory>
#include <vector>

#include "src/mine/gpu/station.hpp"

namespace galena::mine::gpu {

/// The graph's arrays must outlive it. EnvironmentError where a machine has no room for the graph.
class Fleet {
 public:
  /// The machines must outlive it.
  Fleet(const rt::GraphView& graph, const std::vector<Machine*>& machines);
  Fleet(const rt::GraphView& graph, std::vector<std::unique_ptr<Machine>> machines);

  [[nodiscard]] std::size_t size() const { return stations_.size(); }
  Station& operator[](std::size_t i) { return *stations_[i]; }

 private:
  std::vector<std::unique_ptr<Machine>> own_;
  const rt::GraphView graph_;
  const Bounds bounds_;
  std::vector<std::unique_ptr<Station>> stations_;
};

}  // namespace galena::mine::gpu
