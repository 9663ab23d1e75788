#pragma once
// What every transport must do: bodies of ranks that throw where it does not. Run on threads by contract_test.cpp and
// by processes under mpirun by mpi_ranks.cpp. No Catch2 in here: its assertions are for one thread.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "src/comm/communicator.hpp"

namespace galena::test {

struct Clause {
  const char* name;
  void (*body)(comm::Communicator&);
};

/// In any order, each by all ranks.
std::span<const Clause> contract();

/// A hash over the results of all collectives on random values; equal on all ranks (it throws if not) and on all
/// transports, for one number of ranks.
std::uint64_t fingerprint(comm::Communicator& comm);

/// Throws std::runtime_error(what) unless `holds`.
void expect(bool holds, const std::string& what);

/// `count` values between -1 and 1 times powers of ten from -3 to 3, so that the order of a sum shows.
std::vector<double> random_values(std::size_t count, std::uint64_t seed);

/// Bytes that tell messages apart.
std::vector<std::byte> pattern(std::size_t size, std::uint64_t seed);

}  // namespace galena::test
