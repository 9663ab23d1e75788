#pragma once
// Which cores a rank may take.

#include "src/comm/communicator.hpp"

namespace galena::comm {

/// The cores this process may run on, divided by the ranks that may run on the same ones of the same machine; at
/// least 1. All ranks call it. Launchers that bind ranks to cores have divided them already; others leave all cores to
/// all ranks, whose OpenMP threads would then wait for each other.
int cores_for_rank(Communicator& communicator);

}  // namespace galena::comm
