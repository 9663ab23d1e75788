#include "src/train/assigner.hpp"

namespace galena::train {

struct Assigner::State {
  bool enabled = false;
};

Assigner::Assigner(const Share&, comm::Communicator& comm, const MessageOptions& messages, const LinkOptions&)
    : state_(std::make_unique<State>()) {
  state_->enabled = comm.size() > 1 && (messages.bits == 0 || messages.byte_budget > 0);
}
Assigner::~Assigner() = default;
bool Assigner::enabled() const { return state_->enabled; }
void Assigner::before_epoch(int, BoundaryExchange&) {}
void Assigner::after_epoch(int, BoundaryExchange&) {}
void Assigner::save(ByteWriter&) const {}
void Assigner::load(ByteReader&, BoundaryExchange&) {}

}  // namespace galena::train
