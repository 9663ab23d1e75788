#pragma once
// A machine with a graph on it, and the memory that stays there between launches, leases and plans.

#include <utility>
#include <vector>

#include "codegen/plan/plan.hpp"
#include "codegen/runtime/abi.h"
#include "src/mine/gpu/bins.hpp"
#include "src/mine/gpu/machine.hpp"

namespace galena::mine::gpu {

/// A graph's arrays on a machine.
class DeviceGraph {
 public:
  /// EnvironmentError where there is no room.
  DeviceGraph(Machine& machine, const rt::GraphView& graph);
  [[nodiscard]] const rt::GraphView& view() const { return view_; }

 private:
  template <class T>
  const T* copy(const T* from, std::uint64_t n);
  Machine& machine_;
  std::vector<Memory> arrays_;
  rt::GraphView view_{};
};

/// What workers have a part of each.
struct WorkerBuffers {
  Memory slots, counters, marks, locals, logs;
  bool tables_zero = false;  ///< all of counters and marks; what a kernel leaves of chunks that end as they should

  [[nodiscard]] std::uint64_t bytes() const;
};

/// What a launch has once.
struct LaunchBuffers {
  Memory pieces, ready, states, sums, row_begin, row_size, words, rows, local;
  Memory given, asked, found, image_count;  ///< of images

  [[nodiscard]] std::uint64_t bytes() const;
};

/// One plan at a time. Buffers are kept while they are large enough, and go with the station.
class Station {
 public:
  /// The bounds must outlive it. EnvironmentError where there is no room for the graph.
  Station(Machine& machine, const rt::GraphView& graph, const Bounds& bounds);

  [[nodiscard]] Machine& machine() const { return machine_; }
  [[nodiscard]] const rt::GraphView& graph() const { return graph_.view(); }
  [[nodiscard]] const Bounds& bounds() const { return bounds_; }
  /// Vertices of a table.
  [[nodiscard]] std::uint64_t n_padded() const { return padded_vertices(graph()); }
  WorkerBuffers& workers() { return workers_; }
  LaunchBuffers& launch() { return launch_; }
  [[nodiscard]] std::uint64_t buffer_bytes() const { return workers_.bytes() + launch_.bytes(); }

  /// Buffers that the plan at hand does not use. They are kept for others, but go first where memory is short.
  void set_idle(std::vector<Memory*> buffers) { idle_ = std::move(buffers); }
  /// What workers' buffers could take: what is free, what they have, and what is idle.
  [[nodiscard]] std::uint64_t available() const;
  /// Makes the buffer so large at least, if need be in place of idle and workers' buffers; false where there is no room.
  bool fit(Memory& memory, std::uint64_t bytes);
  /// The same; EnvironmentError where there is no room.
  void reserve(Memory& memory, std::uint64_t bytes);
  /// Makes buffers for as many workers as are wanted and fit, a multiple of `step`, their tables zero; 0 where not so
  /// many do.
  std::uint64_t make_room(const codegen::Plan& plan, const Room& room, std::uint64_t wanted, std::uint64_t step);

 private:
  bool fit_workers(const codegen::Plan& plan, const Room& room, std::uint64_t workers);
  bool grow(Memory& memory, std::uint64_t bytes);
  void release_idle();

  Machine& machine_;
  DeviceGraph graph_;
  const Bounds& bounds_;
  WorkerBuffers workers_;
  LaunchBuffers launch_;
  std::vector<Memory*> idle_;  ///< of launch_
};

}  // namespace galena::mine::gpu
