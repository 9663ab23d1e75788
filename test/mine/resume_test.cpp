// Runs that are stopped or killed go on from their checkpoint: nothing is counted twice or lost.

#include <chrono>
#include <csignal>
#include <thread>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "test/mine/command.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace std::chrono_literals;
using test::check_fails;
using test::contains;
using test::mine;

namespace {

Query parsed(const std::string& text) { return parse_queries(text).front(); }

/// Some tenths of a second of work for one core.
Graph middling() { return generate_er(600, 9000, 1); }
const char* const kMiddling = "cycle(6)";

struct Stopped {
  QueryResult result;
  double first_done = -1;  ///< what the first report of progress said
};

/// Runs until `share` of the work is done (above 1: to the end), writing a checkpoint.
Stopped run_until(double share, const Graph& graph, const std::string& query, const std::filesystem::path& file,
                  int threads, Engine engine) {
  Stopped stopped;
  volatile int stop = 0;
  MineOptions options;
  options.threads = threads;
  options.engine = engine;
  options.resume = file;
  options.stop = &stop;
  options.progress = [&](const MineProgress& progress) {
    if (stopped.first_done < 0) stopped.first_done = progress.done;
    if (progress.done >= share) stop = 1;
  };
  stopped.result = Miner(graph, options).run(parsed(query));
  return stopped;
}

/// What a checkpoint holds, without doing any more.
QueryResult peek(const Graph& graph, const std::string& query, const std::filesystem::path& file) {
  static const int stop = 1;
  MineOptions options;
  options.resume = file;
  options.stop = &stop;
  options.threads = 1;
  return Miner(graph, options).run(parsed(query));
}

std::vector<std::string> motif_counts(const QueryResult& result) {
  std::vector<std::string> all;
  for (const MotifCount& motif : result.motifs) all.push_back(motif.name + " " + motif.count.to_string());
  return all;
}

}  // namespace

TEST_CASE("resume: stopped several times, gone on with other threads and engines") {
  const Graph graph = middling();
  const Count whole = count(graph, kMiddling);
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "run.ckp";
  const Stopped first = run_until(0.1, graph, kMiddling, file, 2, Engine::jit);  // a plan: no count by algebra
  REQUIRE(first.result.partial);
  CHECK(first.result.count < whole);
  const Stopped second = run_until(first.result.done + 0.1, graph, kMiddling, file, 1, Engine::interpreter);
  CHECK(second.result.count >= first.result.count);
  CHECK((second.first_done < 0 || second.first_done >= first.result.done));
  const Stopped last = run_until(2, graph, kMiddling, file, 3, Engine::interpreter);
  CHECK_FALSE(last.result.partial);
  CHECK(last.result.count == whole);
}

TEST_CASE("resume: a finished checkpoint gives the answer at once") {
  const Graph graph = middling();
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "run.ckp";
  const QueryResult first = run_until(2, graph, kMiddling, file, 0, Engine::automatic).result;
  const QueryResult again = run_until(2, graph, kMiddling, file, 0, Engine::automatic).result;
  CHECK(again.count == first.count);
  CHECK_FALSE(again.partial);
  CHECK(again.seconds < 0.2 * first.seconds);
}

TEST_CASE("resume: another query begins anew, beside the first") {
  const Graph graph = generate_er(300, 3000, 2);
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "run.ckp";
  for (const char* query : {"cycle(5)", "COUNT INDUCED cycle(5)", "house", "COUNT EMBEDDINGS house"})
    CHECK(run_until(2, graph, query, file, 2, Engine::automatic).result.count == count(graph, query));
  CHECK(peek(graph, "house", file).count == count(graph, "house"));
}

TEST_CASE("resume: MOTIFS and LOCAL") {
  const Graph graph = generate_er(500, 12000, 4);
  const test::TemporaryFolder folder;
  for (const char* query : {"MOTIFS 5", "MOTIFS 5 INDUCED", "LOCAL cycle(5) BY a"}) {
    const auto file = folder.path() / "run.ckp";
    const QueryResult whole = Miner(graph).run(parsed(query));
    const QueryResult part = run_until(0.2, graph, query, file, 2, Engine::interpreter).result;
    CAPTURE(query, part.done);
    CHECK(part.partial);
    const QueryResult rest = run_until(2, graph, query, file, 1, Engine::automatic).result;
    CHECK_FALSE(rest.partial);
    CHECK(motif_counts(rest) == motif_counts(whole));
    CHECK(rest.local == whole.local);
    std::filesystem::remove(file);
  }
}

TEST_CASE("resume: killed in mid-run") {
  const test::TemporaryFolder folder, copies;
  const std::string graph = folder.path() / "g.gal", file = folder.path() / "run.ckp";
  const Graph generated = generate_er(400, test::long_tests() ? 5000 : 3000, 1);
  save_graph(generated, graph);
  const std::vector<std::string> whole = test::counts(mine({graph, "cycle(7)", "--json"}));
  test::RunningProgram run(
      {test::galena_path(), "mine", graph, "cycle(7)", "--resume", file, "--engine", "interpreter", "--threads", "1"});
  const auto copy = copies.path() / "run.ckp";
  const auto begun = [&] {
    if (!std::filesystem::exists(file)) return false;
    std::filesystem::copy_file(file, copy, std::filesystem::copy_options::overwrite_existing);
    return peek(generated, "cycle(7)", copy).done > 0;
  };
  while (run.running() && !begun()) std::this_thread::sleep_for(20ms);
  run.send(SIGKILL);
  REQUIRE(run.wait().code == 128 + SIGKILL);
  const QueryResult kept = peek(generated, "cycle(7)", file);
  CHECK(kept.partial);
  CHECK(kept.done > 0);
  CHECK(kept.count.low() > 0);
  CHECK(test::counts(mine({graph, "cycle(7)", "--resume", file, "--threads", "2", "--json"})) == whole);
  CHECK(test::files_in(folder.path()) == 2);
}

TEST_CASE("resume: interrupted by Ctrl-C, the message names the checkpoint") {
  const test::TemporaryFolder folder;
  const std::string graph = folder.path() / "g.gal", file = folder.path() / "run.ckp";
  save_graph(generate_er(3000, 60000, 1), graph);
  test::RunningProgram run({test::galena_path(), "mine", graph, "cycle(9)", "--resume", file});
  std::this_thread::sleep_for(1200ms);
  run.send(SIGINT);
  const test::Outcome outcome = run.wait();
  CHECK(outcome.code == 130);
  CHECK_THAT(outcome.err, contains("the same command goes on from " + file));
  CHECK(std::filesystem::exists(file));
}

TEST_CASE("resume: a checkpoint that is of no use is named, and stays as it is") {
  const test::TemporaryFolder folder;
  const std::string file = folder.path() / "run.ckp", other = folder.write("other.txt", "0 1\n1 2\n2 0\n");
  REQUIRE(mine({"karate", "house", "--resume", file}).code == 0);
  const std::string good = test::read_file(file);
  const auto check = [&](const std::string& graph, const std::string& bytes, const std::string& what) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    check_fails({graph, "house", "--resume", file}, 2, {"run.ckp", what, "remove it to start anew"});
    CHECK(test::read_file(file) == bytes);
  };
  check(other, good, "another graph");
  check("karate", "", "not a checkpoint");
  check("karate", good.substr(0, 12), "not a checkpoint");
  check("karate", "0 1\n1 2\n2 3\n3 4\n", "not a checkpoint");
  for (const std::size_t size : {good.size() - 1, good.size() / 2, std::size_t{16}})
    check("karate", good.substr(0, size), "damaged");
  for (const std::size_t at : {std::size_t{8}, std::size_t{17}, good.size() / 2, good.size() - 1}) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    check("karate", bytes, "damaged");
  }
  std::ofstream(file, std::ios::binary | std::ios::trunc) << good;
  CHECK(mine({"karate", "house", "--resume", file}).code == 0);
}

TEST_CASE("resume: LIST is refused; a checkpoint that cannot be written is an error") {
  const test::TemporaryFolder folder;
  check_fails({"karate", "LIST triangle", "--resume", folder.path() / "run.ckp"}, 2,
              {"a LIST cannot be resumed", "--resume"});
  CHECK(test::files_in(folder.path()) == 0);
  check_fails({"karate", "triangle", "--resume", folder.path() / "none" / "run.ckp"}, 1,
              {"run.ckp", "create the folder"});
}

TEST_CASE("resume: a count by algebra is kept whole, and asked for no more") {
  const test::TemporaryFolder folder;
  const std::string graph = folder.path() / "g.gal", file = folder.path() / "run.ckp";
  save_graph(generate_rmat(11, 8, 1), graph);
  REQUIRE_THAT(mine({graph, "MOTIFS 5", "--explain"}).out, contains("chosen: algebra"));
  CHECK_THAT(mine({graph, "MOTIFS 5", "--explain", "--resume", file}).out,
             contains("chosen: algebra") && contains("--resume keeps its whole result"));
  const auto count = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{graph, "MOTIFS 5", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return nlohmann::json::parse(mine(arguments).out).at("queries");
  };
  const auto counts_of = [](const nlohmann::json& queries) {
    std::vector<std::string> all;
    for (const auto& query : queries)
      all.push_back(query.at("pattern").get<std::string>() + query.at("count").get<std::string>());
    return all;
  };
  const auto plain = count({}), first = count({"--resume", file}), again = count({"--resume", file});
  CHECK_THAT(first.at(0).at("engine").get<std::string>(), contains("algebra"));
  CHECK(again.at(0).at("engine") == "checkpoint");
  CHECK(counts_of(first) == counts_of(plain));
  CHECK(counts_of(again) == counts_of(plain));
}

TEST_CASE("resume: a folder is no checkpoint") {
  check_fails({"karate", "triangle", "--resume", "/proc"}, 2, {"--resume /proc", "a folder"});
}
