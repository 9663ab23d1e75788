// The one place where Galena's mining times come from: `./dev bench mine`.
//
// For each graph and task: the time of planning and running, graph loading and renumbering
// left out, median and minimum of several runs; apart from that the compiler's time, cold and
// cached, and what compiled code then takes. Counts are checked against known ones.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/mine/peers.hpp"
#include "codegen/runtime/dispatch.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "src/mine/clock.hpp"
#include "test/support/data.hpp"

namespace {

using namespace galena;
using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> graphs{"wiki-vote", "ca-astroph", "email-enron", "soc-epinions1"};
  std::vector<std::string> tasks{"triangle",        "clique(4)", "clique(5)", "diamond",
                                 "tailed_triangle", "cycle(4)",  "house",     "motifs4"};
  int reps = 5;
  int threads = 2;
  bool no_jit = false, no_parse = false;
  std::string peers, json;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string query_text(const std::string& task) {
  return task.starts_with("motifs") ? "MOTIFS " + task.substr(6) + " INDUCED" : "COUNT " + task;
}

/// The count that is known for one pattern of the task, or "".
std::string truth_of(const std::string& graph, const std::string& pattern, bool induced) {
  static const std::vector<test::Truth> truths = test::read_truths();
  for (const test::Truth& truth : truths)
    if (truth.graph == graph && truth.pattern == pattern && truth.induced == induced) return truth.count;
  return "";
}

const char* verdict(const std::string& graph, const QueryResult& result, const std::string& task) {
  bool known = false;
  const auto differs = [&](const std::string& pattern, const Count& count, bool induced) {
    const std::string truth = truth_of(graph, pattern, induced);
    known = known || !truth.empty();
    return !truth.empty() && truth != count.to_string();
  };
  if (result.query.kind == QueryKind::motifs) {
    for (const MotifCount& motif : result.motifs)
      if (differs(motif.name, motif.count, true)) return "WRONG";
  } else if (differs(task, result.count, false)) {
    return "WRONG";
  }
  return known ? "right" : "unknown";
}

struct Measured {
  double first = 0;
  std::vector<double> total;
  std::string engine, verdict;
  [[nodiscard]] double least() const { return *std::min_element(total.begin(), total.end()); }
};

Measured measure(Miner& miner, const std::string& graph, const std::string& task, int reps) {
  const Query query = parse_queries(query_text(task)).front();
  Measured measured;
  for (int i = 0; i <= reps; ++i) {
    const QueryResult result = miner.run(query);
    if (i == 0) {  // the only one that plans
      measured.first = result.plan_seconds + result.seconds;
      continue;
    }
    measured.total.push_back(result.plan_seconds + result.seconds);
    measured.engine = result.engine;
    measured.verdict = verdict(graph, result, task);
  }
  return measured;
}

struct JitTimes {
  double cold = 0, cached = 0, run = 0;
};

/// In a cache folder of its own, so that the first compilation is cold.
JitTimes measure_jit(const Graph& graph, const std::string& task, int threads) {
  const test::TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
  setenv("GALENA_CACHE", folder.path().c_str(), 1);
  MineOptions options;
  options.threads = threads;
  options.engine = Engine::jit;
  Miner miner(graph, options);
  const Query query = parse_queries(query_text(task)).front();
  JitTimes times;
  times.cold = miner.run(query).compile_seconds;
  const QueryResult again = miner.run(query);
  times.cached = again.compile_seconds;
  times.run = again.seconds;
  unsetenv("GALENA_CACHE");
  return times;
}

/// Text to finished CSR, and opening the binary form.
void measure_parse(const Options& options, Json& out) {
  fmt::print("\n{:<16} {:>12} {:>12} {:>14} {:>14}\n", "reading", "edges", "text MB", "text to CSR s", "open .gal s");
  const test::TemporaryFolder folder;
  for (const int scale : {16, 18}) {
    const Graph graph = generate_rmat(scale, 16, 1);
    const auto text = folder.path() / "edges.txt";
    const auto binary = folder.path() / "edges.gal";
    save_graph(graph, text);
    save_graph(graph, binary);
    LoadOptions load;
    load.threads = options.threads;
    std::vector<double> parse;
    std::vector<double> open;
    for (int i = 0; i < options.reps; ++i) {
      const mine::Stopwatch parsing;
      const Graph parsed = load_graph(text, load);
      parse.push_back(parsing.seconds());
      const mine::Stopwatch opening;
      const Graph opened = load_graph(binary, load);
      open.push_back(opening.seconds());
      if (parsed.num_edges() != graph.num_edges() || opened.num_edges() != graph.num_edges()) fmt::print("WRONG\n");
    }
    const double megabytes = static_cast<double>(std::filesystem::file_size(text)) / 1e6;
    fmt::print("rmat {:<11} {:>12} {:>12.1f} {:>14.4f} {:>14.6f}\n", scale, graph.num_edges(), megabytes, median(parse),
               median(open));
    out.push_back({{"graph", fmt::format("rmat{}", scale)},
                   {"edges", graph.num_edges()},
                   {"parse_s", median(parse)},
                   {"open_s", median(open)}});
  }
}

int run(const Options& options) {
  fmt::print(
      "{} threads, {}, {} runs each after a first one that also plans; seconds, loading and renumbering left out\n",
      options.threads, rt::isa_name(), options.reps);
  fmt::print("{:<16} {:<18} {:>10} {:>10} {:>10}  {:<18} {:<8} {:>9} {:>9} {:>9}\n", "graph", "task", "median", "least",
             "first", "engine", "count", "jit cold", "cached", "jit run");
  Json results{
      {"threads", options.threads}, {"isa", rt::isa_name()}, {"tasks", Json::array()}, {"reading", Json::array()}};
  std::vector<bench::Ours> ours;
  bool wrong = false;
  for (const std::string& name : options.graphs) {
    const auto folder = test::data_set(name);
    if (!folder) {
      fmt::print("{:<16} left out: no data (set GALENA_DATA_DIR)\n", name);
      continue;
    }
    const Graph graph = load_graph(*folder);
    MineOptions mine_options;
    mine_options.threads = options.threads;
    Miner miner(graph, mine_options);
    for (const std::string& task : options.tasks) {
      const Measured m = measure(miner, name, task, options.reps);
      const JitTimes jit = options.no_jit ? JitTimes{} : measure_jit(graph, task, options.threads);
      wrong = wrong || m.verdict == "WRONG";
      fmt::print("{:<16} {:<18} {:>10.4f} {:>10.4f} {:>10.4f}  {:<18} {:<8} {:>9.4f} {:>9.4f} {:>9.4f}\n", name, task,
                 median(m.total), m.least(), m.first, m.engine, m.verdict, jit.cold, jit.cached, jit.run);
      std::fflush(stdout);
      ours.push_back({name, task, median(m.total)});
      results["tasks"].push_back({{"graph", name},
                                  {"task", task},
                                  {"median_s", median(m.total)},
                                  {"least_s", m.least()},
                                  {"first_s", m.first},
                                  {"engine", m.engine},
                                  {"count", m.verdict},
                                  {"jit_cold_s", jit.cold},
                                  {"jit_cached_s", jit.cached},
                                  {"jit_run_s", jit.run}});
    }
  }
  if (!options.no_parse) measure_parse(options, results["reading"]);
  if (!options.peers.empty()) bench::print_comparison(ours, bench::read_peers(options.peers));
  if (!options.json.empty()) std::ofstream(options.json) << results.dump(2) << "\n";
  return wrong ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Times mining tasks.");
  app.add_option("--graphs", options.graphs, "Folders of the data directory")->delimiter(',');
  app.add_option("--tasks", options.tasks, "Pattern names, motifs3, motifs4, motifs5")->delimiter(';');
  app.add_option("--reps", options.reps, "Runs of each task")->check(CLI::Range(1, 1000));
  app.add_option("--threads", options.threads, "Threads")->check(CLI::Range(1, 1024));
  app.add_flag("--no-jit", options.no_jit, "Leave out the compiler's times");
  app.add_flag("--no-parse", options.no_parse, "Leave out reading");
  app.add_option("--peers", options.peers, "Times of other programs (tab-separated) to compare with");
  app.add_option("--json", options.json, "Write the results to this file too");
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
