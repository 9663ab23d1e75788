#pragma once
// Who gets how many bits, and how often: measures rows while they are sent, and from time to time gives every row of
// every exchange a width (adaptive bits) or a width and a probability (a byte budget).

#include <cstdint>
#include <memory>

#include "galena/train.hpp"
#include "src/comm/communicator.hpp"
#include "src/train/checkpoint.hpp"
#include "src/train/exchange.hpp"
#include "src/train/replica.hpp"

namespace galena::train {

/// Every rank has one and calls in step with the others. All ranks gather all measures and solve the same problem, so
/// they agree without being told. A byte costs the same everywhere, or over MPI what was measured between each two ranks at
/// the first assignment, in powers of two: over even links, clocks have no say.
class Assigner {
 public:
  /// `epochs`: a byte budget is kept over all of them together, what measuring and probing cost included.
  /// `measure_links`: instead of those of `link`.
  Assigner(const Share& share, comm::Communicator& comm, const MessageOptions& messages, const LinkOptions& link,
           int epochs, bool measure_links = false);
  ~Assigner();
  /// Whether there is anything to assign.
  [[nodiscard]] bool enabled() const;
  void before_epoch(int epoch, Replica& replica);
  /// Every epoch, before its traffic is forgotten. Solves where it is time: after the first epoch, then every period. A
  /// byte budget is divided among exchanges by how much noise in each moves the gradient, which is measured now and then
  /// by computing the gradient once more for each.
  void after_epoch(int epoch, Replica& replica);

  void save(ByteWriter& writer) const;
  void load(ByteReader& reader, BoundaryExchange& exchange);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace galena::train
