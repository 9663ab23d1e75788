// Costs of links between ranks.
#include "src/train/link_speeds.hpp"

#include <algorithm>
#include <cmath>

#include "src/comm/thread_transport.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::train;

TEST_CASE("link costs are relative to the cheapest link, in powers of two, and fast links count alike") {
  using Costs = std::vector<double>;
  CHECK(relative_costs(Costs{1e-8, 1.9e-8, 2.1e-8, 8.5e-8}) == Costs{1, 1, 2, 8});
  CHECK(relative_costs(Costs{1e-11, 3e-10, 1e-9, 4e-9}) == Costs{1, 1, 1, 4});
  CHECK(relative_costs(Costs{}).empty());
}

TEST_CASE("link costs: measured ones are powers of two, 1 the least, and every rank has the same") {
  comm::ThreadOptions threads;
  threads.link = comm::Link{1e-4, 2e7, comm::Link::Shared::rank};
  std::vector<std::vector<double>> found(3);
  comm::run_ranks(3, threads, [&](comm::Communicator& comm) {
    found[static_cast<std::size_t>(comm.rank())] = measure_links(comm).seconds_per_byte;
  });
  REQUIRE(found[0].size() == 9);
  CHECK(*std::min_element(found[0].begin(), found[0].end()) == 1);
  for (const double cost : found[0]) CHECK(std::exp2(std::round(std::log2(cost))) == cost);
  CHECK(found[1] == found[0]);
  CHECK(found[2] == found[0]);
}

TEST_CASE("link costs: of options that name none, a byte costs the same everywhere") {
  CHECK(even_links(2000, {}).seconds_per_byte == std::vector<double>{1.0});  // no table of all pairs
  CHECK(even_links(2000, {}).of(7, 1999) == 1);
  CHECK(even_links(2, {0.001, 1e6}).of(0, 1) == 1e-6);
  CHECK(even_links(2, {0.001, 1e6}).latency == 0.001);
}
