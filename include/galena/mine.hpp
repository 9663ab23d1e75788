#pragma once
// Counting and listing patterns.
//
//   galena::Graph graph = galena::load_graph("edges.txt");
//   galena::Count houses = galena::count(graph, "house");
//   galena::list(graph, "LIST triangle", [](std::span<const std::uint64_t> row) { ...; return true; });
//
// A Miner keeps what queries on one graph share; a CompiledQuery is planned and compiled once
// and runs on many graphs.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "galena/graph.hpp"
#include "galena/pattern.hpp"

namespace galena {

namespace comm {
class Communicator;
}

/// An exact count of up to 128 bits.
class Count {
 public:
  __extension__ typedef unsigned __int128 Wide;
  Count() = default;
  explicit Count(Wide value) : value_(value) {}
  [[nodiscard]] Wide wide() const { return value_; }
  [[nodiscard]] bool fits64() const { return (value_ >> 64) == 0; }
  [[nodiscard]] std::uint64_t low() const { return static_cast<std::uint64_t>(value_); }
  [[nodiscard]] std::string to_string() const;  ///< decimal
  auto operator<=>(const Count&) const = default;

 private:
  Wide value_ = 0;
};

/// Its decimal digits.
std::ostream& operator<<(std::ostream& out, const Count& count);

enum class Engine {
  automatic,    ///< built-in kernels, else the interpreter, handing over to compiled code where that pays
  jit,          ///< compiled code from the first task on
  interpreter,  ///< never a compiler
};

/// Where plans run.
enum class MineDevice {
  automatic,  ///< the CPU
  cpu,
  cuda,  ///< every CUDA device of this machine; EnvironmentError where there is none
};

struct MineProgress {
  double done = 0;               ///< share of the work of this query in [0, 1]
  double seconds = 0;            ///< since it began
  double remaining_seconds = 0;  ///< an estimate; negative where there is none yet
};

struct MineOptions {
  int threads = 0;  ///< 0 = all cores
  Engine engine = Engine::automatic;
  MineDevice device = MineDevice::automatic;
  const volatile int* stop = nullptr;                 ///< set nonzero by anyone to end early
  std::function<void(const MineProgress&)> progress;  ///< called from the calling thread, a few times a second
  std::function<void(const std::string&)> warn;       ///< one line, e.g. that no compiler was found
  std::uint64_t seed = 1;                             ///< of what APPROX draws
  /// Processes that share the work of each query and all have its result: every one of them makes the same calls on
  /// the same graph. `galena mine` sets it under mpirun.
  comm::Communicator* processes = nullptr;
  std::filesystem::path resume;  ///< checkpoint: read where it exists, written while running
};

/// Receives rows of a LIST: matched vertices by original id. Returns false to end the listing.
/// Called by one thread at a time, on any thread.
using RowSink = std::function<bool(std::span<const std::uint64_t> row)>;

struct MotifCount {
  std::string name;
  Count count;
};

struct FrequentPattern {
  Pattern pattern;            ///< labels as in the graph; fit for COUNT
  std::uint64_t support = 0;  ///< exact, or with EXISTS the one asked for, which it reaches
};

/// Where the exact count lies, with a confidence of 95%.
struct Interval {
  Count low, high;
};

struct QueryResult {
  Query query;
  Count count;                       ///< instances (embeddings where asked); rows of a LIST; 0 or 1 of EXISTS
  std::vector<MotifCount> motifs;    ///< of MOTIFS and CLIQUES
  std::optional<Interval> interval;  ///< of APPROX; none where the count is exact
  /// Of FREQUENT: by number of edges, then by decreasing support. `count` is how many.
  std::vector<FrequentPattern> frequent;
  std::vector<Count> local;  ///< of LOCAL, by vertex of the graph given
  bool partial = false;      ///< ended early: the numbers cover about the share `done` of the work, no more
  double done = 1;           ///< share of the work behind them
  int processes = 1;
  double balance = 1;          ///< seconds of the process that computed longest, over the mean
  std::string engine;          ///< "built-in", "jit", "interpreter", "interpreter+jit", "cuda"; "domains" of FREQUENT
  double seconds = 0;          ///< running; what follows is left out, but for kernel_seconds
  double compile_seconds = 0;  ///< spent waiting for a compiler
  double plan_seconds = 0;
  double device_seconds = 0;  ///< setting GPUs up, with the graph on them: of the first query that needs them
  double kernel_seconds = 0;  ///< that kernels ran, on the GPU that was busiest
};

/// Runs queries on one graph. Making it renumbers the graph by degree (linear time). It keeps the plans of its last queries:
/// one that is run again is not planned again.
class Miner {
 public:
  /// Throws InputError where the graph is directed.
  explicit Miner(Graph graph, MineOptions options = {});
  ~Miner();
  Miner(Miner&&) noexcept;
  Miner& operator=(Miner&&) noexcept;

  /// Runs one query. Rows of a LIST go to `sink`.
  QueryResult run(const Query& query, const RowSink& sink = {});
  /// Throws InputError where `run` would for what the query asks of this graph: labels that it does not have.
  void check(const Query& query) const;
  /// What `run` would do, as text: patterns, symmetry, plans with their estimates.
  std::string explain(const Query& query);
  /// The plan ("plan") or generated source ("cpp") that `run` would use; "cuda": a program of its own that counts on a GPU.
  std::string emit(const Query& query, const std::string& what);

  [[nodiscard]] const Graph& graph() const;
  [[nodiscard]] double prepare_seconds() const;
  /// Bytes a run of the last query needed beyond the graph.
  [[nodiscard]] std::uint64_t working_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A query planned and compiled ahead, for a typical graph; runs on any graph. (A Miner plans
/// for the graph at hand, which is faster to run and slower to start.)
class CompiledQuery {
 public:
  /// Compiles at once, unless the engine is the interpreter or the kernel is built in.
  explicit CompiledQuery(const std::string& query, MineOptions options = {});
  ~CompiledQuery();
  CompiledQuery(CompiledQuery&&) noexcept;
  CompiledQuery& operator=(CompiledQuery&&) noexcept;
  QueryResult run(const Graph& graph, const RowSink& sink = {}) const;
  [[nodiscard]] const Query& query() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The number of instances of a pattern or of a COUNT query given as text.
Count count(const Graph& graph, const std::string& query, const MineOptions& options = {});
/// Calls `sink` for every match of a pattern or of a LIST query given as text; returns the rows.
std::uint64_t list(const Graph& graph, const std::string& query, const RowSink& sink, const MineOptions& options = {});

}  // namespace galena
