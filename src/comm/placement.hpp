#pragma once
// Which cores of its machine a rank may take, and its number there.

#include <string_view>

#include "src/comm/communicator.hpp"

namespace galena::comm {

/// The cores this process may run on, divided by the ranks that may run on the same ones of the same machine; at
/// least 1. All ranks call it. Launchers that bind ranks to cores have divided them already; others leave all cores to
/// all ranks, whose OpenMP threads would then wait for each other.
int cores_for_rank(Communicator& communicator);

/// How many lower ranks run on this rank's machine. All ranks call it.
int rank_on_machine(Communicator& communicator);

/// Whether two ranks on one machine have the same `device`: a name that is its own on the machine, as a number is not
/// where processes see different ones. All ranks call it.
bool share_devices(Communicator& communicator, std::string_view device);
/// Throws InputError on all ranks where they do.
void check_own_devices(Communicator& communicator, std::string_view device);

}  // namespace galena::comm
