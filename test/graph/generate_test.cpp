#include "galena/generate.hpp"

#include <omp.h>

#include <cmath>
#include <functional>

#include "galena/error.hpp"
#include "galena/stats.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"

using namespace galena;

namespace {

std::vector<std::function<Graph(std::uint64_t)>> random_kinds() {
  return {[](std::uint64_t seed) { return generate_rmat(12, 20, seed); },
          [](std::uint64_t seed) { return generate_er(5000, 100'000, seed); },
          [](std::uint64_t seed) { return generate_er(300, 40'000, seed); },  // most pairs: the complement is drawn
          [](std::uint64_t seed) { return generate_sbm(4000, 5, 0.05, 0.002, seed); },
          [](std::uint64_t seed) { return generate_ba(20'000, 5, seed); },
          [](std::uint64_t seed) { return with_random_labels(generate_path(100'000), 7, seed); }};
}

}  // namespace

TEST_CASE("generators: the seed decides, the number of threads does not") {
  const int before = omp_get_max_threads();
  for (const auto& make : random_kinds()) {
    omp_set_num_threads(1);
    const Graph one = make(5);
    omp_set_num_threads(3);
    const Graph three = make(5);
    const Graph other = make(6);
    omp_set_num_threads(before);
    CHECK(one.digest() == three.digest());
    CHECK(one.digest() != other.digest());
    CHECK(test::is_sound(one));
  }
}

TEST_CASE("er: exactly m distinct edges, spread evenly") {
  for (const std::uint64_t m : {0UL, 1UL, 50UL, 2000UL, 4949UL, 4950UL}) {
    const Graph g = generate_er(100, m, 1);
    CHECK(g.num_vertices() == 100);
    CHECK(g.num_edges() == m);
    CHECK(g.report().duplicates == 0);
  }
  // Edges within the first half of the vertices: a quarter, binomially.
  const Graph g = generate_er(1000, 100'000, 3);
  double inside = 0;
  for (const auto& [u, v] : test::edge_set(g)) inside += u < 500 && v < 500 ? 1 : 0;
  CHECK(std::abs(inside - 100'000 * 0.2498) < 5 * std::sqrt(100'000 * 0.25 * 0.75));
  CHECK_THROWS_AS(generate_er(100, 4951, 1), InputError);
  CHECK_THROWS_AS(generate_er(std::uint64_t{1} << 40, 1, 1), InputError);
}

TEST_CASE("sbm: edges inside and between blocks as often as asked") {
  constexpr std::uint64_t kN = 3000;
  const Graph g = generate_sbm(kN, 3, 0.04, 0.005, 9);
  double inside = 0, outside = 0;
  for (const auto& [u, v] : test::edge_set(g)) {
    (g.vertex_labels()[u] == g.vertex_labels()[v] ? inside : outside) += 1;
  }
  const double pairs_in = 3 * 1000.0 * 999 / 2, pairs_out = 3 * 1000.0 * 1000;
  CHECK(std::abs(inside - pairs_in * 0.04) < 5 * std::sqrt(pairs_in * 0.04));
  CHECK(std::abs(outside - pairs_out * 0.005) < 5 * std::sqrt(pairs_out * 0.005));
  CHECK(g.vertex_labels()[999] == 0);
  CHECK(g.vertex_labels()[1000] == 1);
  CHECK(generate_sbm(50, 1, 1.0, 0, 1).num_edges() == 50 * 49 / 2);
  CHECK(generate_sbm(50, 5, 0, 0, 1).num_edges() == 0);
  CHECK_THROWS_AS(generate_sbm(50, 0, 0.1, 0.1, 1), InputError);
  CHECK_THROWS_AS(generate_sbm(50, 2, 1.1, 0.1, 1), InputError);
  CHECK_THROWS_AS(generate_sbm(50, 2, 0.1, std::nan(""), 1), InputError);
}

TEST_CASE("rmat: skewed; ba: heavy tail and bounded edges") {
  const Graph rmat = generate_rmat(14, 8, 1);
  CHECK(rmat.num_vertices() == 1U << 14);
  CHECK(rmat.report().input_edges == 8U << 14);
  CHECK(rmat.max_degree() > 500);
  const Graph even = generate_rmat(14, 8, 1, 0.25, 0.25, 0.25);
  CHECK(even.max_degree() < 60);
  const Graph ba = generate_ba(20'000, 4, 1);
  CHECK(ba.num_edges() <= 80'000);
  CHECK(ba.num_edges() > 78'000);
  CHECK(ba.max_degree() > 200);
  CHECK_THROWS_AS(generate_rmat(40, 1, 1), InputError);
  CHECK_THROWS_AS(generate_rmat(4, -1, 1), InputError);
  CHECK_THROWS_AS(generate_rmat(4, 1, 1, 0.9, 0.9, 0.9), InputError);
  CHECK_THROWS_AS(generate_ba(10, 0, 1), InputError);
}

TEST_CASE("regular graphs: sizes and triangles by formula") {
  CHECK(generate_complete(40).num_edges() == 780);
  CHECK(count_triangles(generate_complete(40)) == 9880);
  CHECK(generate_cycle(9).num_edges() == 9);
  CHECK(generate_path(9).num_edges() == 8);
  CHECK(generate_path(0).num_vertices() == 0);
  CHECK(generate_star(9).max_degree() == 9);
  CHECK(generate_complete_bipartite(4, 6).num_edges() == 24);
  CHECK(count_triangles(generate_complete_bipartite(4, 6)) == 0);
  CHECK(generate_grid(4, 7).num_edges() == 4 * 6 + 3 * 7);
  const Graph torus = generate_grid(4, 7, true);
  CHECK(torus.num_edges() == 2 * 28);
  for (VertexId v = 0; v < 28; ++v) CHECK(torus.degree(v) == 4);
  CHECK(generate_grid(2, 5, true).num_edges() == 5 + 2 * 5);
  CHECK(generate_grid(1, 5, true).num_edges() == 5);
  CHECK(torus.report().duplicates == 0);
  CHECK_THROWS_AS(generate_cycle(2), InputError);
  CHECK_THROWS_AS(generate_grid(std::uint64_t{1} << 40, std::uint64_t{1} << 40), InputError);
  CHECK_THROWS_AS(generate_complete(4'000'000'000), Error);
}
