// galena mine: count and list patterns in a graph.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "apps/cli.hpp"
#include "apps/graph_options.hpp"
#include "apps/mine_results.hpp"
#include "codegen/parse/query_graphs.hpp"
#include "codegen/parse/texts.hpp"
#include "galena/dataset.hpp"
#include "galena/error.hpp"
#include "galena/mine.hpp"
#include "src/base/inflate.hpp"
#include "src/comm/launcher.hpp"
#include "src/comm/mpi_session.hpp"
#include "src/comm/placement.hpp"
#include "src/device/cuda_device.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/results.hpp"

namespace galena::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Seconds that a process waits for the others' last pieces of work; whether they live is watched apart.
constexpr double kPatience = 1e6;

struct MineCommand {
  std::string graph;
  std::vector<std::string> queries;
  std::string file, device = "auto", engine = "auto", emit, output, resume;
  bool explain = false, verify = false;
  std::uint64_t seed = 1;
  ReadOptions read;
};

struct Timing {
  double load = 0, prepare = 0, device = 0, compile = 0, run = 0;
  double kernel = 0;  ///< of run
};

/// Queries about query graphs: those given, which may name them, or else the number of maps of each.
std::vector<Query> about_query_graphs(const MineCommand& command, const std::string& text) {
  const std::vector<codegen::QueryGraph> graphs = codegen::parse_query_graphs(text, command.file);
  std::vector<Query> queries;
  std::string defined;
  const auto named = [&](const codegen::QueryGraph& graph) {
    return std::ranges::any_of(command.queries,
                               [&](const std::string& given) { return given.find(graph.name) != std::string::npos; });
  };
  for (const codegen::QueryGraph& graph : graphs)
    if (named(graph)) defined += "PATTERN " + graph.name + " = " + graph.pattern.to_string() + "\n";
  codegen::Texts texts;
  if (!defined.empty()) texts.read(defined, command.file, true);
  for (const std::string& given : command.queries)
    for (Query& query : texts.read(given, "query")) queries.push_back(std::move(query));
  for (std::size_t i = 0; command.queries.empty() && i < graphs.size(); ++i) {
    Query& query = queries.emplace_back();
    query.text = "COUNT EMBEDDINGS " + graphs[i].name;
    query.embeddings = true;
    query.pattern = graphs[i].pattern;
  }
  return queries;
}

std::string read_text(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    throw InputError("--file " + file + ": a folder; expected a file of patterns or query graphs");
  if (!std::filesystem::exists(file, error)) throw InputError("--file " + file + ": no such file");
  std::ifstream in(file, std::ios::binary);
  if (!in) throw EnvironmentError("--file " + file + ": cannot be read");
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto bytes = std::as_bytes(std::span(text));
  return base::is_gzip(bytes) ? base::inflate_all(bytes, file) : text;
}

std::vector<Query> read_queries(const MineCommand& command) {
  std::vector<Query> queries;
  const auto add = [&queries](std::vector<Query> more) {
    queries.insert(queries.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  codegen::Texts texts;
  if (!command.file.empty()) {
    const std::string text = read_text(command.file);
    if (codegen::holds_query_graphs(text)) return about_query_graphs(command, text);
    add(texts.read(text, command.file, !command.queries.empty()));
  }
  for (const std::string& text : command.queries) add(texts.read(text, "query"));
  if (queries.empty())
    throw InputError("nothing to mine in " + command.graph +
                     ": give a query after the graph, such as \"triangle\" or \"COUNT (a)--(b)--(c)\", or --file");
  return queries;
}

Engine engine_of(const std::string& name) {
  if (name == "jit") return Engine::jit;
  return name == "interpreter" ? Engine::interpreter : Engine::automatic;
}

MineDevice device_of(const std::string& name) {
  if (name == "cuda") return MineDevice::cuda;
  return name == "cpu" ? MineDevice::cpu : MineDevice::automatic;
}

/// Before the graph is read, which may take long.
void check_device(const MineCommand& command) {
  if (command.device != "cuda" || command.explain || !command.emit.empty()) return;
  if (device::cuda_device_names().empty())
    throw EnvironmentError("--device cuda: " + device::why_no_cuda() + "; leave the option out to use the CPU");
}

std::vector<std::string> column_names(const Query& query) {
  std::vector<std::string> names;
  for (int v = 0; v < query.pattern.size(); ++v) names.push_back(query.pattern.vertex(v).name);
  if (query.columns.empty()) return names;
  std::vector<std::string> chosen;
  for (const int column : query.columns) chosen.push_back(names[static_cast<std::size_t>(column)]);
  return chosen;
}

std::uint64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

/// Runs the queries and gathers what is printed at the end.
class Session {
 public:
  /// `processes`: under mpirun, those that share the work; the first speaks.
  Session(const MineCommand& command, const Common& common, comm::Communicator* processes)
      : command_(command), common_(common), processes_(processes) {}

  void run() {
    const mine::Stopwatch device_clock;
    check_device(command_);
    timing_.device = device_clock.seconds();
    const std::vector<Query> queries = read_queries(command_);
    check_output(queries);
    check_emit(queries);
    load();
    if (command_.explain || !command_.emit.empty()) return root_ ? show(queries) : void();
    for (const Query& query : queries) miner_->check(query);
    run_all(queries);
    if (common_.json && root_)
      print_json(summary());
    else if (root_)
      note(common_,
           fmt::format("{}; peak memory {:.0f} MB, of which a query's working memory {:.1f} MB", timing_text(),
                       static_cast<double>(peak_bytes()) / 1e6, static_cast<double>(miner_->working_bytes()) / 1e6));
  }

  /// Where one fails, what those before it found is printed all the same.
  void run_all(const std::vector<Query>& queries) {
    for (const Query& query : queries) {
      try {
        one(query);
      } catch (const Error&) {
        progress_.reset();
        if (common_.json && root_ && !results_.empty()) print_json(summary());
        throw;
      }
      if (partial_) break;
    }
  }

  /// Throws Interrupted where a result is partial.
  void end() const {
    if (partial_)
      throw Interrupted("interrupted: the last result is partial" +
                        (command_.output.empty() ? "" : "; " + command_.output + " is not written") +
                        (command_.resume.empty() ? "" : "; the same command goes on from " + command_.resume));
  }

 private:
  /// Where the time went, of which there is a line at the end.
  [[nodiscard]] std::string timing_text() const {
    std::string text =
        fmt::format("load {}, prepare {}", format_seconds(timing_.load), format_seconds(timing_.prepare));
    const bool on_gpu = command_.device == "cuda";
    if (on_gpu) text += ", device " + format_seconds(timing_.device);
    if (on_gpu || timing_.compile > 0) text += ", compile " + format_seconds(timing_.compile);
    text += ", run " + format_seconds(timing_.run);
    return on_gpu ? text + " (kernels " + format_seconds(timing_.kernel) + ")" : text;
  }

  void check_output(const std::vector<Query>& queries) const {
    std::size_t writers = 0;
    for (const Query& query : queries)
      writers += query.kind == QueryKind::list || query.kind == QueryKind::local ? 1 : 0;
    if (command_.output == "-")
      throw InputError("--output -: rows go to standard output where --output is left out; or to /dev/stdout");
    if (!command_.output.empty()) static_cast<void>(mine::row_format(command_.output));
    if (!command_.output.empty() && writers != 1)
      throw InputError(fmt::format("--output takes the rows of one LIST or LOCAL query; there are {}", writers));
    if (common_.json && command_.output.empty())
      for (const Query& query : queries)
        if (query.kind == QueryKind::list) throw InputError("--json with LIST needs --output FILE for the rows");
  }

  void check_emit(const std::vector<Query>& queries) const {
    if (command_.emit == "cuda" && queries.size() > 1)
      throw InputError(fmt::format("--emit cuda writes one program, of one query; there are {}", queries.size()));
    for (const Query& query : queries)
      if (query.approx > 0 && (command_.emit == "cpp" || command_.emit == "cuda"))
        note(common_, "APPROX is left out: the source that is emitted counts exactly");
  }

  void load() {
    const mine::Stopwatch clock;
    LoadOptions options = command_.read.load_options(common_);
    options.verify = command_.verify;
    Graph graph;
    {
      Progress progress(common_, "loading");
      options.progress = progress.callback();
      graph = resolve_graph(command_.graph, options);
    }
    timing_.load = clock.seconds();
    check_interrupted();
    report_dropped(common_, graph);
    note_isolated(graph);
    MineOptions mine_options;
    mine_options.threads = common_.threads;
    mine_options.processes = processes_;
    if (processes_ != nullptr && common_.threads == 0) mine_options.threads = comm::cores_for_rank(*processes_);
    mine_options.engine = engine_of(command_.engine);
    mine_options.device = device_of(command_.device);
    mine_options.stop = stop_flag();
    mine_options.resume = command_.resume;
    mine_options.seed = command_.seed;
    mine_options.warn = [this](const std::string& text) { note(common_, text); };
    mine_options.progress = [this](const MineProgress& p) {
      if (progress_) progress_->update(p.done, p.remaining_seconds);
    };
    miner_.emplace(std::move(graph), std::move(mine_options));
    timing_.prepare = miner_->prepare_seconds();
  }

  /// Ids that the file does not name are vertices too, where they lie among those that it names.
  void note_isolated(const Graph& graph) const {
    VertexId isolated = 0;
    for (VertexId v = 0; v < graph.num_vertices(); ++v) isolated += graph.degree(v) == 0 ? 1 : 0;
    if (isolated > 0)
      note(common_,
           fmt::format("{} of {} vertices have no edge; they are counted as vertices", isolated, graph.num_vertices()));
  }

  void show(const std::vector<Query>& queries) {
    std::string text;
    for (const Query& query : queries) {
      text += command_.emit.empty() ? miner_->explain(query) : miner_->emit(query, command_.emit);
      check_interrupted();  // then the plan is not what it would have been
    }
    if (common_.json)
      print_json({{command_.emit.empty() ? "explain" : command_.emit, text}});
    else
      fmt::print("{}", text);
  }

  void one(const Query& query) {
    const bool to_file = !command_.output.empty() && (query.kind == QueryKind::list || query.kind == QueryKind::local);
    std::optional<mine::RowWriter> writer;
    RowSink sink;
    if (query.kind == QueryKind::list) {
      writer.emplace(command_.output, mine::row_format(command_.output), column_names(query));
      sink = [&writer](std::span<const std::uint64_t> row) {
        writer->write(row);
        return true;
      };
    }
    progress_ = std::make_unique<Progress>(common_, query.text);
    const QueryResult result = miner_->run(query, sink);
    progress_.reset();
    const bool whole = !result.partial || !to_file;  // a file has all rows or is not there
    if (query.kind == QueryKind::local && to_file && whole && root_) write_local(result);
    if (writer && whole) writer->commit();
    timing_.compile += result.compile_seconds;
    timing_.device += result.device_seconds;
    timing_.kernel += result.kernel_seconds;
    timing_.run += result.seconds + result.plan_seconds;
    engine_ = engine_.empty() || engine_ == result.engine ? result.engine : "mixed";
    partial_ = result.partial;
    if (!root_) return;
    if (common_.json)
      add_results(results_, result, miner_->graph(), to_file);
    else
      print_result(result, miner_->graph(), to_file);
    if (processes_ != nullptr && !common_.json)
      note(common_,
           fmt::format("{} processes; the busiest computed {:.2f} times the mean", processes_->size(), result.balance));
    std::fflush(stdout);  // results of long sessions appear as they come
  }

  void write_local(const QueryResult& result) const {
    mine::RowWriter writer(command_.output, mine::row_format(command_.output), {"vertex", "count"});
    for (VertexId v = 0; v < miner_->graph().num_vertices(); ++v) {
      if (!result.local[v].fits64())
        throw InputError("a count of this LOCAL query is over 64 bits; print it with --json instead");
      const std::uint64_t row[] = {miner_->graph().original_id(v), result.local[v].low()};
      writer.write(row);
    }
    writer.commit();
  }

  [[nodiscard]] int threads() const {
    MineOptions options;
    options.threads = common_.threads;
    return mine::thread_count(options);
  }

  [[nodiscard]] Json summary() const {
    const Graph& graph = miner_->graph();
    return Json{
        {"graph",
         {{"vertices", graph.num_vertices()}, {"edges", graph.num_edges()}, {"max_degree", graph.max_degree()}}},
        {"queries", results_},
        {"seconds",
         {{"load", timing_.load},
          {"prepare", timing_.prepare},
          {"device", timing_.device},
          {"compile", timing_.compile},
          {"run", timing_.run},
          {"kernel", timing_.kernel}}},
        {"device", command_.device == "cuda" ? "cuda" : "cpu"},
        {"engine", engine_},
        {"threads", threads()},
        {"memory", {{"peak", peak_bytes()}, {"graph", graph.bytes()}, {"working", miner_->working_bytes()}}}};
  }

  const MineCommand& command_;
  const Common& common_;
  comm::Communicator* processes_;
  bool root_ = processes_ == nullptr || processes_->rank() == 0;
  Timing timing_;
  std::optional<Miner> miner_;
  std::unique_ptr<Progress> progress_;
  Json results_ = Json::array();
  std::string engine_;
  bool partial_ = false;
};

/// Under mpirun, one of the processes that share the work.
void mine_alone_or_together(const MineCommand& command, Common& common) {
  const auto launcher = comm::find_launcher();
  if (!launcher || launcher->size == 1) {
    Session session(command, common, nullptr);
    session.run();
    return session.end();
  }
  if (launcher->rank != 0) common.quiet = true;
  std::optional<Session> session;
  comm::MpiOptions options;
  options.wait.deadline = kPatience;
  const auto body = [&](comm::Communicator& processes) { session.emplace(command, common, &processes).run(); };
  comm::run_mpi(options, body, say_failure);
  session->end();
}

std::string families_text() {
  std::string text = "Named patterns:\n";
  for (const PatternFamily& family : pattern_families())
    text += fmt::format("  {:<28} {}\n",
                        family.parameter.empty() ? family.name : family.name + "(" + family.parameter + ")",
                        family.description);
  return text;
}

constexpr const char* kExamples = R"(
Examples:
  galena mine karate triangle "COUNT INDUCED house" "MOTIFS 4"
  galena mine edges.txt.gz "LIST clique(4) LIMIT 10" --output cliques.csv
  galena mine labelled/ "COUNT (a:1)--(b:2)--(c:!1) WHERE a.degree > 3"
  galena mine labelled/ "FREQUENT EDGES <= 3 SUPPORT >= 300"          (patterns with many minimum images)
  galena mine labelled/ "FREQUENT EXISTS EDGES <= 3 SUPPORT >= 300"   (which ones only: faster)
  galena mine graph.gal --file patterns.gpm --json
  galena mine labelled/ --file query.graph                            (lines t, v, e: the number of all maps)

)";

}  // namespace

void add_mine(CLI::App& app, Common& common) {
  auto command = std::make_shared<MineCommand>();
  CLI::App& sub = subcommand(app, common, "mine", "Count and list patterns in a graph");
  sub.add_option("graph", command->graph, "A file, a dataset folder, or a registry name")->required();
  sub.add_option("query", command->queries, "Queries, e.g. triangle, \"COUNT INDUCED (a)--(b)--(c)\", \"MOTIFS 4\"");
  sub.add_option("--file", command->file, "A pattern file (.gpm), or labelled query graphs (t, v, e lines)");
  sub.add_option("--device", command->device, "Where to run")->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  sub.add_option("--engine", command->engine,
                 "What runs the plan; FREQUENT has none but where jit or interpreter is asked for")
      ->check(CLI::IsMember({"auto", "jit", "interpreter"}));
  sub.add_flag("--explain", command->explain, "Print symmetry, plans and costs; run nothing");
  sub.add_option("--emit", command->emit,
                 "Print the plan; or cpp: its loops as the engine compiles them, to be read (no program of their own); "
                 "or cuda: a program of its own for nvcc, of one query (of FREQUENT: kernels to be read). Run nothing")
      ->check(CLI::IsMember({"plan", "cpp", "cuda"}));
  sub.add_option("--output", command->output, "File for the rows of LIST or LOCAL: .csv, .bin (64-bit ids), or text");
  seed_option(sub, "--seed", command->seed, "Of what APPROX draws")->capture_default_str();
  sub.add_option("--resume", command->resume, "Checkpoint: written while running, read where it exists");
  sub.add_flag("--verify", command->verify, "Check all checksums and invariants of a binary graph first");
  command->read.add_to(sub);
  sub.footer([] { return kExamples + families_text(); });
  sub.callback([command, &common] { mine_alone_or_together(*command, common); });
}

}  // namespace galena::cli
