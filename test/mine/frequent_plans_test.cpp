// FREQUENT by plans of images: the interpreter, compiled C++, and kernels on simulated GPUs, against brute force and
// against the default way.

#include "codegen/jit/jit.hpp"
#include "codegen/jit/nvrtc.hpp"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "src/mine/frequent/frequent.hpp"
#include "src/mine/frequent/shape_plans.hpp"
#include "src/mine/gpu/lease.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/mine/frequent_oracle.hpp"
#include "test/mine/graphs.hpp"
#include "test/mine/simulated_machine.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;

namespace {

QueryResult frequent(const Graph& graph, const std::string& clauses, const MineOptions& options,
                     const std::vector<mine::gpu::Machine*>& machines = {}) {
  const mine::Prepared prepared(graph);
  std::uint64_t bytes = 0;
  mine::gpu::Fleet fleet(prepared.view(), machines);
  return mine::FrequentMiner(prepared, machines.empty() ? nullptr : &fleet)
      .run(parse_queries("FREQUENT " + clauses).front(), options, bytes);
}

/// As text, in order.
std::string listing(const QueryResult& result) {
  std::string all;
  for (const FrequentPattern& each : result.frequent)
    all += each.pattern.to_string() + " " + std::to_string(each.support) + "\n";
  return all;
}

void check_brute_force(const Graph& graph, const MineOptions& options, std::uint64_t support,
                       const std::vector<mine::gpu::Machine*>& machines = {}) {
  const std::string clauses = "EDGES <= 4 SUPPORT >= " + std::to_string(support);
  CAPTURE(support);
  const Supports expected = brute_force(graph, 4, support);
  CHECK(supports(frequent(graph, clauses, options, machines)) == expected);
  Supports reached = expected;
  for (auto& [code, least] : reached) least = support;
  CHECK(supports(frequent(graph, "EXISTS " + clauses, options, machines)) == reached);
}

}  // namespace

TEST_CASE("supports by interpreted plans against all injective maps") {
  std::mt19937 random(15);
  for (int round = 0; round < 24; ++round) {
    const Graph graph =
        random_graph(random, 8, 11, static_cast<std::uint32_t>(round % 4), static_cast<std::uint32_t>(round / 4 % 3));
    CAPTURE(round);
    for (const std::uint64_t support : {1, 2, 4})
      check_brute_force(graph, quick(Engine::interpreter, 1 + round % 2), support);
  }
}

TEST_CASE("supports by compiled plans against all injective maps") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  std::mt19937 random(16);
  for (int round = 0; round < 6; ++round) {
    const Graph graph = random_graph(random, 8, 11, 1 + static_cast<std::uint32_t>(round % 3), 2);
    CAPTURE(round);
    for (const std::uint64_t support : {1, 3}) check_brute_force(graph, quick(Engine::jit), support);
  }
}

TEST_CASE("supports by kernels on simulated GPUs against all injective maps") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  std::mt19937 random(17);
  for (int round = 0; round < 4; ++round) {
    const Graph graph = random_graph(random, 8, 11, 1 + static_cast<std::uint32_t>(round % 3), 2);
    CAPTURE(round);
    SimulatedMachine one, other;
    check_brute_force(
        graph, quick(), 2,
        round % 2 == 0 ? std::vector<mine::gpu::Machine*>{&one} : std::vector<mine::gpu::Machine*>{&one, &other});
    CHECK(one.launches[mine::gpu::Team::warp] > 0);
    CHECK(one.held() + other.held() == 0);
  }
}

TEST_CASE("plans find what the default way finds, patterns or vertices shared among threads") {
  const Graph few = generate_er(3000, 9000, 3);  // few patterns: threads share a graph's chunks
  const Graph many = with_random_labels(generate_rmat(10, 8, 1), 6, 1);
  for (const auto& [graph, clauses] :
       {std::pair{&few, "EDGES <= 3 SUPPORT >= 50"}, std::pair{&few, "EXISTS EDGES <= 3 SUPPORT >= 2000"},
        std::pair{&many, "EDGES <= 2 SUPPORT >= 20"}, std::pair{&many, "EXISTS EDGES <= 3 SUPPORT >= 60"},
        std::pair{&many, "EDGES = 3 SUPPORT >= 400 LABELS NONE"}}) {
    const std::string expected = listing(frequent(*graph, clauses, quick(Engine::automatic)));
    CAPTURE(clauses);
    CHECK(!expected.empty());
    for (const int threads : {1, 2})
      CHECK(listing(frequent(*graph, clauses, quick(Engine::interpreter, threads))) == expected);
  }
}

TEST_CASE("fsm-citeseer by every engine") {
  const auto folder = data_set("fsm-citeseer");
  if (!folder) GALENA_SKIP("no data set fsm-citeseer (set GALENA_DATA_DIR)");
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Graph graph = load_graph(*folder);
  for (const char* clauses : {"EDGES <= 3 SUPPORT >= 100 LABELS VERTICES", "EXISTS EDGES <= 3 SUPPORT >= 100",
                              "EDGES = 4 SUPPORT >= 200 LABELS VERTICES"}) {
    CAPTURE(clauses);
    const QueryResult expected = frequent(graph, clauses, quick(Engine::automatic));
    const QueryResult interpreted = frequent(graph, clauses, quick()),
                      compiled = frequent(graph, clauses, quick(Engine::jit));
    SimulatedMachine machine;
    const QueryResult simulated = frequent(graph, clauses, quick(), {&machine});
    CHECK(listing(interpreted) == listing(expected));
    CHECK(listing(compiled) == listing(expected));
    CHECK(listing(simulated) == listing(expected));
    CHECK(expected.engine == "domains");
    CHECK(interpreted.engine == "interpreter");
    CHECK(compiled.engine == "jit");
    CHECK(simulated.engine == "cuda");
  }
}

TEST_CASE("images of chunks that fit no buffer of a GPU are found by blocks, or on the CPU") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Graph graph = with_random_labels(generate_rmat(8, 6, 1), 2, 2);
  const mine::Prepared prepared(graph);
  const codegen::Plan plan = codegen::image_plan(named_pattern("diamond"), 0, {true, false}, prepared.statistics());
  const mine::ChunkPlan& chunks = prepared.chunks(64, true);
  const std::vector<double> weights(chunks.chunks.size(), 1);
  const std::vector<Label> labels{0, 1, 0, 1};
  const std::vector<std::uint32_t> asked(rt::bit_words(prepared.view().n), ~0U);
  std::vector<std::vector<std::uint32_t>> answers;
  for (const std::uint64_t room : {4096, 1}) {
    std::vector<std::uint32_t> found(asked.size());
    std::uint64_t count = 0;
    SimulatedMachine machine;
    mine::gpu::Limits limits;
    limits.warp_slot = room;
    mine::gpu::Fleet fleet(prepared.view(), {&machine});
    mine::gpu::LeaseRunner runner(fleet[0], plan, limits);
    const auto result = runner.run_images(
        chunks.chunks, weights, {labels.data(), asked.data(), found.data(), &count, ~std::uint64_t{0}}, nullptr);
    CHECK(std::count(result.states.begin(), result.states.end(), rt::ChunkState::done) == std::ssize(result.states));
    CHECK((machine.launches[mine::gpu::Team::block] > 0) == (room == 1));
    CHECK(count > 10);
    answers.push_back(found);
  }
  CHECK(answers.front() == answers.back());
  const std::string clauses = "EDGES <= 4 SUPPORT >= 30";
  SimulatedMachine scarce;
  scarce.spare = 1;  // no room for one worker's buffers
  CHECK(listing(frequent(graph, clauses, quick(), {&scarce})) ==
        listing(frequent(graph, clauses, quick(Engine::automatic))));
}

TEST_CASE("raising the flag ends a search by plans") {
  const Graph graph = with_random_labels(generate_rmat(8, 6, 1), 3, 2);
  int stop = 1;
  MineOptions options = quick();
  options.stop = &stop;
  SimulatedMachine machine;
  for (const QueryResult& result : {frequent(graph, "EDGES <= 3 SUPPORT >= 20", options),
                                    frequent(graph, "EDGES <= 3 SUPPORT >= 20", options, {&machine})}) {
    CHECK(result.partial);
    CHECK(result.frequent.size() == frequent(graph, "EDGES <= 1 SUPPORT >= 20", quick()).frequent.size());
  }
}

TEST_CASE("the plans of a search are printed, and one kernel serves all labels") {
  const mine::Prepared graph(with_random_labels(generate_rmat(6, 4, 1), 3, 2));
  const mine::FrequentMiner miner(graph);
  const Query query = parse_queries("FREQUENT EDGES <= 3 SUPPORT >= 5").front();
  const auto count = [](const std::string& text, const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
  };
  // A wedge, a path, a star: two orbits each. A triangle: one.
  CHECK(count(miner.emit(query, "plan"), "output 0: image ") == 7);
  CHECK(count(miner.emit(query, "plan"), "label:$0") >= 7);
  CHECK(count(miner.emit(query, "cpp"), "goto next;") == 7);
  const std::string cuda = miner.emit(query, "cuda");
  CHECK(count(cuda, "\n    galena_warps") == 7);
  CHECK(count(cuda, "#include \"codegen") == 0);
  CHECK_THROWS_WITH(miner.emit(parse_queries("FREQUENT EDGES = 1 SUPPORT >= 5").front(), "cpp"),
                    contains("EDGES <= 2"));
  if (std::string why; jit::nvrtc_available(&why)) {
    const PrivateCache cache;
    CHECK(jit::compile_cuda(cuda, 90).bytes.starts_with("\177ELF"));
  }
}
