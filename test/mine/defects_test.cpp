// Faults found in the programs that came before, each as a case that would show it here.

#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "codegen/builtin/registry.hpp"
#include "codegen/emit/cpp.hpp"
#include "codegen/passes/planner.hpp"
#include "codegen/pattern/automorphism.hpp"
#include "codegen/runtime/chunk.h"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/stats.hpp"
#include "src/mine/chunks.hpp"
#include "src/mine/prepared.hpp"
#include "test/codegen/run_plan.hpp"
#include "test/mine/graphs.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;

namespace {

codegen::Plan plan_of(const std::string& pattern) {
  codegen::PlanRequest request;
  request.name = pattern;
  return codegen::make_plans(Pattern::parse(pattern), codegen::GraphStatistics::typical(), request).front().plan;
}

/// Two vertices of each label, joined: (0)-(1), (2)-(3), ...
Graph pairs_of(const std::vector<Label>& labels) {
  std::vector<std::pair<int, int>> edges;
  std::vector<Label> by_vertex;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    edges.emplace_back(2 * i, 2 * i + 1);
    by_vertex.insert(by_vertex.end(), 2, labels[i]);
  }
  return with_vertex_labels(graph_of(edges), by_vertex);
}

}  // namespace

TEST_CASE("an unknown name counts nothing else (G2Miner counts diamonds)") {
  const Graph graph = generate_complete(6);
  for (const char* name : {"hosue", "clik(4)", "rectangles", "pentagram", ""}) {
    INFO(name);
    CHECK_THROWS_AS(count(graph, name, quick()), InputError);
  }
  CHECK_THROWS_WITH(count(graph, "hosue", quick()), contains("house"));
}

TEST_CASE("every named pattern counts itself (G2Miner's house and diamond give 0 on several devices)") {
  Miner miner(generate_complete(10), quick());
  int checked = 0;
  for (const PatternFamily& family : pattern_families()) {
    if (!family.parameter.empty()) continue;
    Query query;
    query.pattern = named_pattern(family.name);
    if (query.pattern.size() > 8 || !query.pattern.plain()) continue;
    Count::Wide maps = 1;
    for (int i = 0; i < query.pattern.size(); ++i) maps *= static_cast<unsigned>(10 - i);
    INFO(family.name);
    CHECK(miner.run(query).count == Count(maps / codegen::Automorphisms(query.pattern).size()));
    ++checked;
  }
  CHECK(checked > 15);
}

TEST_CASE("chunks cover every unit once (G2Miner's round robin drops 1024 edges)") {
  for (const std::uint64_t edges : {0, 1, 1023, 1024, 2048, 4096}) {
    std::mt19937 random(41);
    const Graph graph = edges == 0 ? graph_of({}, 5) : generate_er(200, edges, edges);
    const rt::GraphView view{graph.num_vertices(),
                             graph.max_degree(),
                             graph.indptr().data(),
                             graph.indices().data(),
                             nullptr,
                             nullptr,
                             nullptr};
    for (const std::uint64_t pieces : {1, 2, 7, 64, 192, 1024, 100000})
      for (const bool deep : {false, true}) {
        const mine::ChunkPlan plan = mine::cut(view, pieces, deep);
        REQUIRE(plan.chunks.size() == plan.weight.size());
        std::uint64_t at = 0;
        for (std::size_t i = 0; i < plan.chunks.size(); ++i) {
          const rt::Chunk& chunk = plan.chunks[i];
          if (chunk.parts > 1) REQUIRE(chunk.end == chunk.begin + 1);
          REQUIRE(chunk.begin == at);
          REQUIRE(chunk.part < chunk.parts);
          if (chunk.part + 1 == chunk.parts)
            at = chunk.end;
          else
            REQUIRE(plan.chunks.at(i + 1).part == chunk.part + 1);
        }
        CHECK(at == view.n + view.indptr[view.n]);
        CHECK((plan.chunks.empty() || std::accumulate(plan.weight.begin(), plan.weight.end(), 0.0) == Approx(1)));
      }
  }
}

TEST_CASE("chunks of whole vertices cover every unit once, and no vertex is in two") {
  for (const Graph& graph : {generate_rmat(10, 12, 5), generate_star(1000), generate_er(300, 40, 3), graph_of({}, 5)}) {
    const mine::Prepared prepared(graph);
    const rt::GraphView& view = prepared.view();
    for (const std::uint64_t pieces : {1, 7, 64, 1024, 100000}) {
      const mine::ChunkPlan& plan = prepared.whole_chunks(pieces);
      REQUIRE(plan.chunks.size() == plan.weight.size());
      CHECK(plan.chunks.size() <= 2 * pieces + 1);
      std::uint64_t at = 0;
      for (const rt::Chunk& chunk : plan.chunks) {
        REQUIRE(chunk.begin == at);
        REQUIRE(chunk.parts == 1);
        const rt::vid first = rt::vertex_of_unit(view, chunk.begin);
        REQUIRE(rt::unit_of(view, first) == chunk.begin);
        at = chunk.end;
      }
      CHECK(at == prepared.units());
      CHECK(std::accumulate(plan.weight.begin(), plan.weight.end(), 0.0) == Approx(1));
    }
  }
}

TEST_CASE("edges a multiple of threads and chunks are all counted") {
  for (const std::uint64_t edges : {1024, 2048, 8192})
    for (const int threads : {1, 2, 4, 8}) {
      const Graph graph = generate_er(1024, edges, 42);
      REQUIRE(graph.num_edges() == edges);
      CHECK(count(graph, "(a)--(b)", quick(Engine::interpreter, threads)).low() == edges);
      Count::Wide wedges = 0;
      for (VertexId v = 0; v < graph.num_vertices(); ++v)
        wedges += Count::Wide{graph.degree(v)} * (graph.degree(v) + 0U - 1) / 2 * (graph.degree(v) > 0);
      CHECK(count(graph, "wedge", quick(Engine::automatic, threads)) == Count(wedges));
    }
}

TEST_CASE("offsets of edges beyond 32 bits (G2Miner's warp_id * max_degree)") {
  std::mt19937 random(43);
  const SmallGraph graph(40, 0.3, random);
  constexpr std::uint64_t kShift = std::uint64_t{5} << 32;  // arcs before those of the first vertex
  std::vector<std::uint64_t> indptr(graph.view().indptr, graph.view().indptr + graph.size() + 1);
  for (std::uint64_t& offset : indptr) offset += kShift;
  rt::GraphView shifted = graph.view();
  shifted.indptr = indptr.data();
  shifted.indices =
      reinterpret_cast<const rt::vid*>(reinterpret_cast<std::uintptr_t>(shifted.indices) - kShift * sizeof(rt::vid));
  for (const char* pattern : {"triangle", "cycle(4)", "house", "clique(5)", "K(2,3)"}) {
    const codegen::Plan plan = plan_of(pattern);
    const codegen::Interpreter interpreter(plan);
    const rt::RunFn kernel = codegen::builtin::find(codegen::emit_cpp(plan));
    const auto far = [&](const RunChunk& run) {
      return PlanRun(plan, graph)
          .over_random_chunks(
              [&](rt::Worker& w, const rt::Chunk& c) {
                w.graph = &shifted;
                run(w, {c.begin + kShift, c.end + kShift, c.part, c.parts});
              },
              random);
    };
    const rt::i128 expected = interpret(plan, graph, random).sums.front();
    INFO(pattern);
    CHECK(expected > 0);
    CHECK((far([&](rt::Worker& w, const rt::Chunk& c) { interpreter.run(w, c); }).sums.front() == expected));
    REQUIRE(kernel != nullptr);
    CHECK((far([&](rt::Worker& w, const rt::Chunk& c) { kernel(&w, &c); }).sums.front() == expected));
  }
  CHECK(rt::share(std::uint64_t{1} << 40, std::uint64_t{1} << 35, std::uint64_t{1} << 36) == std::uint64_t{1} << 39);
}

TEST_CASE("buffers beyond 32 bits from the first") {
  std::mt19937 random(44);
  const SmallGraph graph(30, 0.6, random);
  const codegen::Plan plan = plan_of("clique(6)");
  REQUIRE(plan.slots >= 3);
  const std::uint64_t capacity = (std::uint64_t{1} << 31) + 16;
  const std::size_t bytes = capacity * static_cast<std::uint64_t>(plan.slots) * sizeof(rt::vid);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) GALENA_SKIP("cannot reserve " + std::to_string(bytes) + " bytes of addresses");
  const codegen::Interpreter interpreter(plan);
  const PlanOutcome far = PlanRun(plan, graph)
                              .over_random_chunks(
                                  [&](rt::Worker& w, const rt::Chunk& c) {
                                    w.slots = static_cast<rt::vid*>(memory);
                                    w.slot_capacity = capacity;
                                    interpreter.run(w, c);
                                  },
                                  random);
  CHECK((far.sums.front() == interpret(plan, graph, random).sums.front()));
  CHECK(far.sums.front() > 0);
  munmap(memory, bytes);
}

TEST_CASE("counts of one vertex beyond 32 and 64 bits (G2Miner counts in 32)") {
  CHECK(counted(generate_star(3000), "star(3)") == choose(3000, 3));
  const std::string huge = choose(100000, 5);
  CHECK(huge.size() > 20);  // more than 64 bits
  for (const Engine engine : {Engine::interpreter, Engine::automatic})
    CHECK(count(generate_star(100000), "star(5)", quick(engine)).to_string() == huge);
}

TEST_CASE("labels of more than 8 and 16 bits (G2Miner's labels are bytes)") {
  const Graph graph = pairs_of({44, 300, 300, 65836, 4294967295U});
  CHECK(counted(graph, "(a:44)--(b:44)") == "1");
  CHECK(counted(graph, "(a:300)--(b:300)") == "2");
  CHECK(counted(graph, "(a:65836)--(b)") == "2");
  CHECK(counted(graph, "(a:4294967295)--(b)") == "2");
  CHECK(counted(graph, "(a:!300)--(b)") == "6");
}

TEST_CASE("graphs without vertices or edges (G2Miner asserts a positive maximum degree)") {
  for (const Graph& graph : {Graph(), graph_of({}, 7)})
    for (const Engine engine : {Engine::interpreter, Engine::automatic}) {
      Miner miner(graph, quick(engine));
      const auto run = [&](const char* text) { return miner.run(parse_queries(text).front()); };
      CHECK(run("COUNT (a)").count.low() == graph.num_vertices());
      CHECK(run("COUNT (a)--(b)").count.low() == 0);
      CHECK(run("COUNT INDUCED house").count.low() == 0);
      CHECK(run("LIST triangle").count.low() == 0);
      CHECK(run("EXISTS wedge").count.low() == 0);
      CHECK(run("LOCAL cycle(4) BY a").local == std::vector<Count>(graph.num_vertices()));
      for (const MotifCount& motif : run("MOTIFS 4 INDUCED").motifs) CHECK(motif.count.low() == 0);
    }
}

TEST_CASE("one edge with equal labels is one instance (RapidMatch gives 0)") {
  const Graph graph = pairs_of({1, 2});
  CHECK(counted(graph, "(a:1)--(b:1)") == "1");
  CHECK(counted(graph, "COUNT EMBEDDINGS (a:1)--(b:1)") == "2");
  CHECK(counted(graph, "(a:1)--(b:2)") == "0");
}

TEST_CASE("a triangle holds one triangle (STMatch gives 6)") {
  const Graph graph = generate_complete(3);
  CHECK(counted(graph, "triangle") == "1");
  CHECK(counted(graph, "COUNT EMBEDDINGS triangle") == "6");
}

TEST_CASE("wedges leave out their own end (GLUMIN counts 2N + 2|E|)") {
  CHECK(counted(generate_complete(3), "wedge") == "3");
  CHECK(counted(generate_complete(3), "COUNT INDUCED wedge") == "0");
  CHECK(counted(graph_of({{0, 1}}), "wedge") == "0");
}

TEST_CASE("ids are those of the input, from 0, from 1, or with gaps (Peregrine)") {
  const TemporaryFolder folder;
  const Graph graph = load_graph(folder.write("edges.txt", "1 2\n2 3\n3 1\n9000000000 1\n"));
  std::set<std::uint64_t> row;
  list(graph, "LIST triangle", [&](std::span<const std::uint64_t> ids) {
    row.insert(ids.begin(), ids.end());
    return true;
  });
  CHECK(row == std::set<std::uint64_t>{1, 2, 3});
  CHECK(counted(graph, "star(3)") == "1");
}

TEST_CASE("the same number every time (RapidMatch varies)") {
  const Graph graph = with_random_labels(generate_rmat(8, 6, 45), 2, 46);
  std::set<std::string> seen;
  for (int repeat = 0; repeat < 10; ++repeat)
    seen.insert(count(graph, "(a:0)--(b:1)--(c:0)--(d:1)--(a)", quick(Engine::automatic, 16)).to_string());
  CHECK(seen.size() == 1);
}

TEST_CASE("every numbering of a pattern counts alike (GraphSet: cycle(5), banner, gem, cobra)") {
  Miner miner(generate_er(40, 220, 47), quick());
  for (const char* name : {"cycle(5)", "banner", "gem", "cobra"})
    for (const bool induced : {false, true}) {
      Query query;
      const Pattern pattern = Pattern::parse(name);
      std::vector<int> order(5);
      std::iota(order.begin(), order.end(), 0);
      std::set<std::string> seen;
      do {
        query.pattern = pattern.permuted(order);
        if (induced) query.pattern.make_induced();
        seen.insert(miner.run(query).count.to_string());
      } while (std::next_permutation(order.begin(), order.end()));
      INFO(name);
      CHECK(seen.size() == 1);
      CHECK(seen.count("0") == 0);
    }
}
