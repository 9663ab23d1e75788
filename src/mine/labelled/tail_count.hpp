#pragma once
// Counting the ways to choose from sets, all choices distinct, without making them.

#include <vector>

#include "codegen/runtime/abi.h"

namespace galena::mine::labelled {

/// More sets than these are not counted together: the work grows as 3^sets.
constexpr std::size_t kMostTogether = 6;

/// The number of ways to choose one vertex from each sorted set so that no two are equal: the sum over all
/// partitions of the sets into blocks B of the product of (-1)^(|B|-1) (|B|-1)! |intersection of B|.
/// 0 also where a set is empty. `overflow` is raised where the number leaves 127 bits.
class DistinctChoices {
 public:
  rt::i128 count(const std::vector<std::vector<rt::vid>>& sets, bool& overflow);

 private:
  std::vector<std::vector<rt::vid>> common_;  ///< by mask of sets
  std::vector<rt::i128> ways_;                ///< by mask of sets
};

}  // namespace galena::mine::labelled
