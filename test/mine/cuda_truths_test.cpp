// Counts that are known, on real graphs, by the CUDA devices of this machine.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "src/device/cuda_device.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/mine/graphs.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;

namespace {

MineOptions on_cuda() {
  MineOptions options;
  options.device = MineDevice::cuda;
  return options;
}

/// What an emulated device (test/emulator) counts in a minute or two; of larger graphs not while it looks for races.
constexpr std::uint64_t kMostRacedEdges = 20'000;
constexpr int kMostEmulatedVertices = 4;

void check_truths(const std::string& name, int most) {
  const std::vector<std::string> devices = device::cuda_device_names();
  if (devices.empty()) GALENA_SKIP("no CUDA device: " + device::why_no_cuda());
  const auto folder = data_set(name);
  if (!folder) GALENA_SKIP("no data set " + name + " (set GALENA_DATA_DIR)");
  Graph graph = load_graph(*folder);
  if (devices.front() == "Emulated GPU") {
    most = std::min(most, kMostEmulatedVertices);
    if (std::getenv("GALENA_EMULATED_RACES") != nullptr && graph.num_edges() > kMostRacedEdges)
      GALENA_SKIP(name + " is too large to look for races in");
  }
  const PrivateCache cache;
  Miner miner(std::move(graph), on_cuda());
  std::size_t compared = 0;
  for (const Truth& truth : read_truths()) {
    if (truth.graph != name || truth.vertices > most) continue;
    INFO(name << ": " << (truth.induced ? "INDUCED " : "") << truth.pattern);
    const std::string query = (truth.induced ? "COUNT INDUCED " : "COUNT ") + truth.pattern;
    const QueryResult result = miner.run(parse_queries(query).front());
    CHECK(result.engine == "cuda");
    CHECK(result.count.to_string() == truth.count);
    ++compared;
  }
  CHECK(compared >= 16);
}

}  // namespace

TEST_CASE("known counts on a GPU: fsm-citeseer") { check_truths("fsm-citeseer", 8); }
TEST_CASE("known counts on a GPU: ca-grqc") { check_truths("ca-grqc", 5); }
TEST_CASE("known counts on a GPU: p2p-gnutella31") { check_truths("p2p-gnutella31", 5); }
TEST_CASE("known counts on a GPU: wiki-vote") { check_truths("wiki-vote", 5); }
TEST_CASE("known counts on a GPU: ca-astroph") { check_truths("ca-astroph", 5); }
TEST_CASE("known counts on a GPU: email-enron") { check_truths("email-enron", 5); }
TEST_CASE("known counts on a GPU: ego-facebook") { check_truths("ego-facebook", 4); }
TEST_CASE("known counts on a GPU: cit-hepph") { check_truths("cit-hepph", 4); }
TEST_CASE("known counts on a GPU: soc-epinions1") { check_truths("soc-epinions1", 4); }
TEST_CASE("known counts on a GPU: dblp-2010") { check_truths("dblp-2010", 5); }

TEST_CASE("labels, LIST, LOCAL and EXISTS on a GPU are as on the CPU") {
  if (device::cuda_device_names().empty()) GALENA_SKIP("no CUDA device: " + device::why_no_cuda());
  const PrivateCache cache;
  const Graph graph = with_random_labels(generate_rmat(10, 8, 3), 3, 4);
  Miner cpu(graph), gpu(graph, on_cuda());
  for (const char* text : {"COUNT (a:1)--(b:!2)--(c)--(a)", "COUNT (a)--(b)--(c) WHERE a.label <> c.label",
                           "LOCAL triangle BY a", "EXISTS clique(4)", "MOTIFS 4", "MOTIFS 4 INDUCED"}) {
    INFO(text);
    const Query query = parse_queries(text).front();
    const QueryResult expected = cpu.run(query), found = gpu.run(query);
    CHECK(found.count == expected.count);
    CHECK(found.local == expected.local);
    REQUIRE(found.motifs.size() == expected.motifs.size());
    for (std::size_t i = 0; i < found.motifs.size(); ++i) CHECK(found.motifs[i].count == expected.motifs[i].count);
  }
  const auto rows = [](Miner& miner) {
    std::vector<std::vector<std::uint64_t>> all;
    miner.run(parse_queries("LIST diamond").front(), [&all](std::span<const std::uint64_t> row) {
      all.emplace_back(row.begin(), row.end());
      return true;
    });
    for (auto& row : all) std::sort(row.begin(), row.end());
    std::sort(all.begin(), all.end());
    return all;
  };
  CHECK(rows(gpu) == rows(cpu));
}
