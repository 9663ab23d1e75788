#include "src/mine/gpu/fleet.hpp"

namespace galena::mine::gpu {

Fleet::Fleet(const rt::GraphView& graph, const std::vector<Machine*>& machines) : graph_(graph), bounds_(graph_) {
  for (Machine* const machine : machines) stations_.push_back(std::make_unique<Station>(*machine, graph_, bounds_));
}

Fleet::Fleet(const rt::GraphView& graph, std::vector<std::unique_ptr<Machine>> machines)
    : own_(std::move(machines)), graph_(graph), bounds_(graph_) {
  for (const auto& machine : own_) stations_.push_back(std::make_unique<Station>(*machine, graph_, bounds_));
}

}  // namespace galena::mine::gpu
