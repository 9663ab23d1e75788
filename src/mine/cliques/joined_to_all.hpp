#pragma once
// The part of a small graph that is in no way to be enumerated.

#include <cstdint>

#include "src/mine/cliques/clique_kernels.hpp"

namespace galena::mine {

/// Takes the vertices that are joined to all others out of the task's graph, where they are a fourth of it at least and
/// so worth it; else leaves it. `rows` is the task's. Returns how many were taken: any s of them and a clique of the rest
/// make a clique, and there are no others.
std::uint32_t take_joined_to_all(CliqueTask& task, std::uint64_t* rows);

}  // namespace galena::mine
