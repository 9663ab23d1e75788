#pragma once
// Work of a device recorded once and run again as one: on CUDA a graph. A pass is rehearsed, so that the memory it takes
// is the graph's; recorded, which runs nothing; and replayed, with other draws: where a kernel's draws are named by the
// epoch, it reads that from a cell in the device's memory.
//
// What the CPU must do in the middle of a pass (between_graphs()) cuts it into several graphs, and is done between them.
//
// A replay does what was recorded to the addresses that were recorded. So memory that was there when a graph was recorded
// is not given back before the graph is gone.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "galena/error.hpp"
#include "galena/tensor.hpp"
#include "src/ops/random_key.hpp"

namespace galena::ops {

/// Thrown where something is asked of the device that a graph cannot hold: a wait, a copy between memories, more memory than
/// the rehearsal took.
class NotRecordable : public InternalError {
 public:
  using InternalError::InternalError;
};

/// For one thread at a time, as is what it runs.
class DeviceGraph {
 public:
  DeviceGraph();
  ~DeviceGraph();
  DeviceGraph(const DeviceGraph&) = delete;
  DeviceGraph& operator=(const DeviceGraph&) = delete;

  /// Runs f.
  void rehearse(const std::function<void()>& f);
  /// Records what f queues; it must ask for memory as in the rehearsal. `epoch`: of its keys. Throws NotRecordable, after
  /// which there is no graph; what f throws besides.
  void record(std::uint32_t epoch, const std::function<void()>& f);
  /// Queues what was recorded, with the keys of another epoch, and does what belongs between.
  void replay(std::uint32_t epoch);
  /// How many graphs were recorded.
  [[nodiscard]] std::size_t graphs() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// A key as kernels draw by it.
struct DeviceKey {
  RandomKey key;
  const std::uint32_t* epoch = nullptr;  ///< where it is read from, or null: as in `key`
};
/// Throws NotRecordable where a graph is recorded for another epoch than the key's.
DeviceKey device_key(const RandomKey& key);
/// Whether this thread is recording.
bool recording();
/// Throws NotRecordable where it is: it asks for `what`.
void not_while_recording(const char* what);

/// Does f; where this thread records, each replay does it at this place instead. Tensors that it reads or writes must live
/// until what comes after it is queued, so that nothing else is in their place.
void between_graphs(std::function<void()> f);

}  // namespace galena::ops
