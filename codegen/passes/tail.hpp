#pragma once
// Counting the last loops without walking them.

#include <cstdint>
#include <vector>

namespace galena::codegen {

/// A set partition of 0..t-1 with the sign and weight it has in the inclusion-exclusion below.
struct Partition {
  std::vector<std::vector<int>> blocks;
  std::int64_t coefficient = 1;
};

/// Independent vertices x_1..x_t with candidate sets C_1..C_t can be matched injectively in
///   sum over set partitions P of {1..t} of  prod over blocks B in P of
///     (-1)^(|B|-1) (|B|-1)!  |intersection of C_i for i in B|
/// ways: Moebius inversion over the partition lattice (Rota 1964). For equal sets it is the
/// falling factorial, hence t! times a binomial.
std::vector<Partition> injective_partitions(int t);

}  // namespace galena::codegen
