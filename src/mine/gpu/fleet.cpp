#include "src/mine/gpu/fleet.hpp"

#include <optional>

#include "galena/error.hpp"

namespace galena::mine::gpu {

Fleet::Fleet(const rt::GraphView& graph, const std::vector<Machine*>& machines) : graph_(graph), bounds_(graph_) {
  place(machines);
}

Fleet::Fleet(const rt::GraphView& graph, std::vector<std::unique_ptr<Machine>> machines)
    : own_(std::move(machines)), graph_(graph), bounds_(graph_) {
  std::vector<Machine*> all;
  for (const auto& machine : own_) all.push_back(machine.get());
  place(all);
}

/// The graph on each machine that takes it.
void Fleet::place(const std::vector<Machine*>& machines) {
  std::optional<EnvironmentError> why;
  for (Machine* const machine : machines) {
    try {
      stations_.push_back(std::make_unique<Station>(*machine, graph_, bounds_));
    } catch (const EnvironmentError& error) {
      if (!why) why = error;
      left_out_.push_back(error.what());
    }
  }
  if (stations_.empty() && why) throw EnvironmentError(*why);
}

}  // namespace galena::mine::gpu
