// Partitions: what must hold for every method, and what METIS must do better.

#include "galena/partition.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <thread>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/stats.hpp"
#include "src/graph/partition_methods.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using test::contains;

namespace {

PartitionOptions with(PartitionMethod method, int parts, std::uint64_t seed = 0) {
  PartitionOptions options;
  options.method = method;
  options.parts = parts;
  options.seed = seed;
  return options;
}

// By sets of vertices, from the definitions.
PartitionReport slow_report(const Graph& graph, const Partition& partition, const std::vector<VertexId>& train) {
  std::vector<std::set<VertexId>> halo(static_cast<std::size_t>(partition.parts));
  std::set<std::pair<VertexId, VertexId>> edges;
  PartitionReport report;
  report.parts.resize(halo.size());
  for (VertexId u = 0; u < graph.num_vertices(); ++u) {
    ++report.parts[partition.part_of[u]].inner;
    for (const VertexId v : graph.neighbors(u)) edges.emplace(std::min(u, v), std::max(u, v));
  }
  for (const auto& [u, v] : edges) {
    const std::uint32_t a = partition.part_of[u], b = partition.part_of[v];
    ++report.parts[a].edges;
    ++report.parts[b].edges;
    if (a == b) continue;
    ++report.cut_edges;
    halo[a].insert(v);
    halo[b].insert(u);
  }
  for (const VertexId v : train) ++report.parts[partition.part_of[v]].train;
  for (std::size_t p = 0; p < halo.size(); ++p) report.volume += report.parts[p].halo = halo[p].size();
  return report;
}

void check_report(const Graph& graph, const Partition& partition, const std::vector<VertexId>& train) {
  const PartitionReport fast = partition_report(graph, partition, train), slow = slow_report(graph, partition, train);
  CHECK(fast.cut_edges == slow.cut_edges);
  CHECK(fast.volume == slow.volume);
  REQUIRE(fast.parts.size() == slow.parts.size());
  for (std::size_t p = 0; p < fast.parts.size(); ++p) {
    CAPTURE(p);
    CHECK(fast.parts[p].inner == slow.parts[p].inner);
    CHECK(fast.parts[p].halo == slow.parts[p].halo);
    CHECK(fast.parts[p].edges == slow.parts[p].edges);
    CHECK(fast.parts[p].train == slow.parts[p].train);
  }
}

// Every vertex in one part that exists, and no part empty unless there are more parts than vertices.
void check_sound(const Graph& graph, const Partition& partition) {
  REQUIRE(partition.part_of.size() == graph.num_vertices());
  std::set<std::uint32_t> used(partition.part_of.begin(), partition.part_of.end());
  CHECK(used.size() == std::min<std::size_t>(static_cast<std::size_t>(partition.parts), graph.num_vertices()));
  if (!used.empty()) CHECK(*used.rbegin() < static_cast<std::uint32_t>(partition.parts));
  CHECK(partition.graph_digest == graph.digest());
}

std::vector<VertexId> every(VertexId step, VertexId vertices) {
  std::vector<VertexId> ids;
  for (VertexId v = 0; v < vertices; v += step) ids.push_back(v);
  return ids;
}

double sum_of_squares(const PartitionReport& report) {
  double sum = 0;
  for (const auto& part : report.parts) sum += static_cast<double>(part.halo) * static_cast<double>(part.halo);
  return sum;
}

}  // namespace

TEST_CASE("partition: every method gives each vertex a part, and the report counts right") {
  const std::vector<std::pair<const char*, Graph>> graphs{
      {"rmat", generate_rmat(9, 6, 1)},  // skewed, with isolated vertices
      {"random", build_graph(test::random_edges(3000, 700, 2))},
      {"star", generate_star(200)},
      {"path", generate_path(50)},
      {"clique", generate_complete(30)},
  };
  for (const auto& [name, graph] : graphs) {
    const auto train = every(7, graph.num_vertices());
    for (const PartitionMethod method : partition_methods()) {
      for (const int parts : {1, 2, 3, 8, 29}) {
        for (const bool halo : {false, true}) {
          CAPTURE(name, partition_method_name(method), parts, halo);
          PartitionOptions options = with(method, parts);
          options.balance_halo = halo;
          const Partition partition = partition_graph(graph, options, train);
          check_sound(graph, partition);
          check_report(graph, partition, train);
        }
      }
    }
  }
}

TEST_CASE("partition: one part has no halo") {
  const Graph graph = generate_rmat(8, 4, 1);
  const PartitionReport report = partition_report(graph, partition_graph(graph));
  CHECK(report.volume == 0);
  CHECK(report.cut_edges == 0);
  CHECK(report.balance_halo == 1);
  CHECK(report.parts[0].edges == 2 * graph.num_edges());
}

TEST_CASE("partition: more parts than vertices, no vertices, no edges") {
  EdgeList none;
  BuildOptions four;
  four.num_vertices = 4;
  const Graph isolated = build_graph(none, four);
  for (const PartitionMethod method : partition_methods()) {
    CAPTURE(partition_method_name(method));
    const Partition nine = partition_graph(generate_cycle(5), with(method, 9));
    check_sound(generate_cycle(5), nine);
    CHECK(partition_report(generate_cycle(5), nine).parts[8].inner == 0);
    REQUIRE(nine.notes.size() == 1);
    CHECK(nine.notes[0] == "4 of the 9 parts are empty: the graph has only 5 vertices.");
    CHECK(partition_graph(Graph(), with(method, 3)).part_of.empty());
    CHECK(partition_report(Graph(), partition_graph(Graph(), with(method, 3))).volume == 0);
    const Partition apart = partition_graph(isolated, with(method, 2), every(1, 4));
    check_sound(isolated, apart);
    CHECK(partition_report(isolated, apart).balance_vertices == 1);
  }
}

TEST_CASE("partition: the same on every run and any number of threads, others by other seeds") {
  const Graph graph = generate_rmat(10, 8, 3);
  const auto train = every(5, graph.num_vertices());
  for (const PartitionMethod method : partition_methods()) {
    for (const bool halo : {false, true}) {
      CAPTURE(partition_method_name(method), halo);
      PartitionOptions options = with(method, 4, 5);
      options.balance_halo = halo;
      options.threads = 1;
      const Partition first = partition_graph(graph, options, train);
      options.threads = 7;
      CHECK(partition_graph(graph, options, train).part_of == first.part_of);
      CHECK(partition_report(graph, first, train, 1).volume == partition_report(graph, first, train, 7).volume);
    }
  }
  for (const PartitionMethod method : {PartitionMethod::metis_cut, PartitionMethod::random}) {
    CHECK(partition_graph(graph, with(method, 4, 1)).part_of != partition_graph(graph, with(method, 4, 2)).part_of);
  }
}

TEST_CASE("partition: METIS in several threads at once gives what it gives alone") {
  const Graph graph = generate_rmat(11, 6, 4);
  std::vector<std::vector<std::uint32_t>> alone, together(4);
  for (int i = 0; i < 4; ++i)
    alone.push_back(partition_graph(graph, with(PartitionMethod::metis_volume, 4, i)).part_of);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      together[static_cast<std::size_t>(i)] = partition_graph(graph, with(PartitionMethod::metis_volume, 4, i)).part_of;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(together == alone);
}

TEST_CASE("partition: METIS keeps neighbours together and the balance that was asked for") {
  const auto folder = test::data_set("cora");
  if (!folder) GALENA_SKIP("no data sets here");
  const Graph graph = load_graph(*folder);
  const auto train = every(19, graph.num_vertices());
  const auto report = [&](PartitionMethod method, bool halo = false) {
    PartitionOptions options = with(method, 8);
    options.balance_halo = halo;
    return partition_report(graph, partition_graph(graph, options, train), train);
  };
  const PartitionReport volume = report(PartitionMethod::metis_volume), cut = report(PartitionMethod::metis_cut);
  const PartitionReport random = report(PartitionMethod::random), stream = report(PartitionMethod::streaming);
  CHECK(volume.volume * 4 < random.volume);
  CHECK(cut.cut_edges * 4 < random.cut_edges);
  CHECK(stream.volume < random.volume);
  for (const PartitionReport* metis : {&volume, &cut}) {
    CHECK(metis->balance_vertices < 1.06);
    CHECK(metis->balance_edges < 1.06);
    CHECK(metis->balance_train < 1.12);  // 143 training vertices: one more than the mean of a part is 1.06
  }
  const PartitionReport halo = report(PartitionMethod::metis_volume, true);
  CHECK(sum_of_squares(halo) <= std::min(sum_of_squares(volume), sum_of_squares(cut)));
  CHECK(halo.balance_vertices < 1.06);
  CHECK(halo.balance_edges < 1.06);
}

TEST_CASE("partition: without balancing edges or training vertices they may differ") {
  // A clique of 60 and a path of 600: by vertices alone the clique ends in one part.
  EdgeList edges;
  for (std::uint64_t u = 0; u < 60; ++u) {
    for (std::uint64_t v = u + 1; v < 60; ++v) {
      edges.source.push_back(u);
      edges.target.push_back(v);
    }
  }
  for (std::uint64_t v = 60; v < 660; ++v) {
    edges.source.push_back(v - 1);
    edges.target.push_back(v);
  }
  const Graph graph = build_graph(edges);
  std::vector<VertexId> train(60);
  std::iota(train.begin(), train.end(), 600U);
  PartitionOptions options = with(PartitionMethod::metis_cut, 2);
  const Partition both = partition_graph(graph, options, train);
  CHECK(both.balanced == "vertices edges train");
  CHECK(partition_report(graph, both, train).balance_edges < 1.1);
  CHECK(partition_report(graph, both, train).balance_train < 1.1);
  options.balance_edges = options.balance_train = false;
  const Partition neither = partition_graph(graph, options, train);
  CHECK(neither.balanced == "vertices");
  CHECK(partition_report(graph, neither, train).balance_edges > 1.5);
  CHECK(partition_report(graph, neither, train).balance_train > 1.5);
  CHECK(partition_report(graph, neither, train).cut_edges == 1);
}

TEST_CASE("partition: random parts differ by a vertex at most, ranges are ranges") {
  const Graph graph = generate_rmat(10, 4, 1);
  const PartitionReport random = partition_report(graph, partition_graph(graph, with(PartitionMethod::random, 7)));
  const auto [least, most] = std::ranges::minmax(random.parts, {}, &PartitionReport::Part::inner);
  CHECK(most.inner - least.inner <= 1);
  const Partition ranges = partition_graph(graph, with(PartitionMethod::contiguous, 7));
  CHECK(std::ranges::is_sorted(ranges.part_of));
  CHECK(partition_report(graph, ranges).balance_vertices < 2);
}

TEST_CASE("partition: directions do not matter") {
  EdgeList list = test::random_edges(800, 200, 9);
  BuildOptions directed;
  directed.directed = true;
  directed.num_vertices = 200;
  const Graph arcs = build_graph(list, directed);
  const Graph edges = to_undirected(arcs);
  for (const PartitionMethod method : partition_methods()) {
    const Partition a = partition_graph(arcs, with(method, 3)), b = partition_graph(edges, with(method, 3));
    CHECK(a.part_of == b.part_of);
    CHECK(a.graph_digest == arcs.digest());
    check_report(edges, a, {});
    CHECK(partition_report(arcs, a).volume == partition_report(edges, b).volume);
  }
}

TEST_CASE("partition: balancing halos never loses and keeps the balance") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Graph graph = generate_rmat(10, 8, seed);
    for (const PartitionMethod method : partition_methods()) {
      CAPTURE(seed, partition_method_name(method));
      PartitionOptions options = with(method, 6, seed);
      const PartitionReport before = partition_report(graph, partition_graph(graph, options));
      options.balance_halo = true;
      const Partition partition = partition_graph(graph, options);
      const PartitionReport after = partition_report(graph, partition);
      CHECK(partition.balanced == "vertices edges halo");
      CHECK(sum_of_squares(after) <= sum_of_squares(before));
      if (method == PartitionMethod::metis_volume || method == PartitionMethod::metis_cut) continue;
      CHECK(after.balance_vertices <= std::max(before.balance_vertices, options.imbalance) + 1e-9);
      CHECK(after.balance_edges <= std::max(before.balance_edges, options.imbalance) + 1e-9);
    }
  }
}

TEST_CASE("partition: the sum that refinement reports is the one that is there") {
  const Graph graph = generate_rmat(9, 8, 5);
  detail::PartitionTask task{graph, 5, 1.2, 1, {}, {}};
  task.weights.emplace_back(graph.num_vertices(), 1U);
  detail::PartOf part_of = detail::partition_at_random(task);
  Partition partition;
  partition.parts = 5;
  partition.part_of = part_of;
  const double before = sum_of_squares(slow_report(graph, partition, {}));
  const double cost = detail::balance_halos(task, part_of);
  partition.part_of = part_of;
  CHECK(cost == sum_of_squares(slow_report(graph, partition, {})));
  CHECK(cost < 0.8 * before);
}

TEST_CASE("partition: an empty part gets a vertex of the largest") {
  const Graph graph = generate_path(6);
  detail::PartitionTask task{graph, 4, 1.05, 0, {}, {}};
  detail::PartOf part_of{0, 0, 0, 0, 3, 3};
  detail::fill_empty_parts(task, part_of);
  CHECK(std::set<std::uint32_t>(part_of.begin(), part_of.end()) == std::set<std::uint32_t>{0, 1, 2, 3});
  CHECK(part_of[0] == 1);  // an end of the path has the least degree
  // Ranges by weight give the centre of a star half of all parts, and leave most of the others empty.
  const Graph star = generate_star(30000);
  check_sound(star, partition_graph(star, with(PartitionMethod::contiguous, 29000)));
}

TEST_CASE("partition: METIS prints nothing, whatever it is given") {
  // A star in many parts makes METIS complain on standard output that a part ran empty.
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "out";
  const int saved = ::dup(STDOUT_FILENO), file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  std::fflush(stdout);
  ::dup2(file, STDOUT_FILENO);
  std::size_t sound = 0;
  for (const int parts : {2, 20, 90}) {
    for (const PartitionMethod method : {PartitionMethod::metis_volume, PartitionMethod::metis_cut}) {
      const Partition partition = partition_graph(generate_star(100), with(method, parts), every(50, 101));
      sound += partition.part_of.size() == 101 ? 1 : 0;
    }
  }
  std::fflush(stdout);
  ::dup2(saved, STDOUT_FILENO);
  ::close(saved);
  ::close(file);
  CHECK(sound == 6);
  CHECK(std::filesystem::file_size(path) == 0);
}

TEST_CASE("partition: an exception of the progress callback stops METIS") {
  struct Stop {};
  PartitionOptions options = with(PartitionMethod::metis_volume, 64);
  options.progress = [](double) { throw Stop(); };
  CHECK_THROWS_AS(partition_graph(generate_rmat(17, 12, 1), options), Stop);
}

TEST_CASE("partition: a graph too large for METIS's indices is told from one that fits") {
  const std::uint64_t half = std::uint64_t{1} << 30;
  CHECK_NOTHROW(detail::check_metis_size(1000, half - 1, 3, 32));
  CHECK_NOTHROW(detail::check_metis_size(600'000'000, half - 1, 3, 32));
  CHECK_THROWS_AS(detail::check_metis_size(1000, half, 3, 32), EnvironmentError);
  CHECK_THROWS_AS(detail::check_metis_size(800'000'000, 1000, 3, 32), EnvironmentError);
  CHECK_THROWS_AS(detail::check_metis_size(2147483647, 1000, 1, 32), EnvironmentError);
  CHECK_THROWS_WITH(detail::check_metis_size(1000, 4 * half, 1, 32),
                    contains("counts in 32 bits") && contains("choose another method (ldg, random, contiguous)"));
  CHECK_NOTHROW(detail::check_metis_size(4'000'000'000, 1'000'000'000'000, 3, 64));
}

TEST_CASE("partition: options and ids out of range are refused") {
  const Graph graph = generate_cycle(10);
  const auto refused = [&](PartitionOptions options, const std::string& message) {
    CHECK_THROWS_AS(partition_graph(graph, options), InputError);
    CHECK_THROWS_WITH(partition_graph(graph, options), contains(message));
  };
  refused(with(PartitionMethod::random, 0), "0 parts; expected 1 to 65536");
  refused(with(PartitionMethod::random, -3), "-3 parts");
  refused(with(PartitionMethod::random, 65537), "65537 parts");
  PartitionOptions options = with(PartitionMethod::random, 2);
  for (const double imbalance : {0.99, std::nan(""), std::numeric_limits<double>::infinity()}) {
    options.imbalance = imbalance;
    refused(options, "expected 1 or more");
  }
  const std::vector<VertexId> train{3, 10};
  CHECK_THROWS_WITH(partition_graph(graph, with(PartitionMethod::random, 2), train),
                    contains("training vertex 10: the graph has 10 vertices"));
  CHECK_THROWS_WITH(find_partition_method("metis-vlume"), contains("did you mean 'metis-volume'?"));
  for (const PartitionMethod method : partition_methods()) {
    CHECK(find_partition_method(partition_method_name(method)) == method);
  }
  Partition partition;
  partition.part_of.assign(9, 0);
  CHECK_THROWS_WITH(partition_report(graph, partition), contains("of 9 vertices, but the graph has 10"));
  partition.part_of = {0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
  CHECK_THROWS_WITH(partition_report(graph, partition), contains("vertex 4 is in part 1, but the partition has 1"));
}
