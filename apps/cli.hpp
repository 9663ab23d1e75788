#pragma once
// What the subcommands share: common options, interruption, progress and results.
//
// A subcommand is a file cmd_NAME.cpp with one function add_NAME, listed below and in main.cpp. It adds
// its options with cli::subcommand() and a callback that does the work, throws galena::Error where that
// fails, and writes its result with cli::print_json() or fmt::print() to stdout; all else goes to stderr.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>

namespace galena::cli {

/// Options of every subcommand.
struct Common {
  bool json = false;   ///< one JSON object on stdout, nothing else there
  int threads = 0;     ///< 0 = all cores
  bool quiet = false;  ///< no notes and no progress
};

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2, kInterrupted = 130 };

// One a file, cmd_NAME.cpp.
void add_mine(CLI::App& app, Common& common);
void add_convert(CLI::App& app, Common& common);
void add_info(CLI::App& app, Common& common);
void add_generate(CLI::App& app, Common& common);
void add_dataset(CLI::App& app, Common& common);
void add_partition(CLI::App& app, Common& common);
void add_train(CLI::App& app, Common& common);

/// Adds a subcommand that has --json, --threads and --quiet.
CLI::App& subcommand(CLI::App& app, Common& common, const std::string& name, const std::string& description);

/// Parses and runs. Never throws; prints at most one `galena: error: ...` line, with a remedy.
int run(int argc, char** argv);

/// Adds an option for a 64-bit seed; what is no such number is refused.
CLI::Option* seed_option(CLI::App& command, const std::string& name, std::uint64_t& seed,
                         const std::string& description);

// --- interruption

/// Points to a flag that the first Ctrl-C (or SIGTERM) sets; a second one, half a second later or more, kills the process.
const volatile int* stop_flag();
/// Whether it is up.
bool stop_asked();

/// Thrown by a command that ended early because of stop_flag(): exit code 130.
class Interrupted : public std::runtime_error {
 public:
  /// `note` goes to stderr, e.g. how to resume.
  explicit Interrupted(const std::string& note = "interrupted") : std::runtime_error(note) {}
};

/// Throws Interrupted if stop_flag() is set.
void check_interrupted();

/// Says on stderr why this process of several ended; returns the exit code of the error's kind.
int say_failure(const std::exception_ptr& error);

// --- output

/// Writes the one object and a newline to stdout, members in the order given.
void print_json(const nlohmann::ordered_json& object);

/// A line on stderr, `galena: text`, unless quiet.
void note(const Common& common, const std::string& text);

/// "0.42 s", "3 min 20 s", "2 h 5 min".
std::string format_seconds(double seconds);

/// "1,234,567".
std::string format_count(std::string digits);
std::string format_count(std::uint64_t count);

double seconds_since(std::chrono::steady_clock::time_point start);

/// Progress on stderr, only of what takes over two seconds: a bar with an estimate of the time left on a
/// terminal, else a line every half a minute. The bar is wiped at the end. For one thread.
class Progress {
 public:
  Progress(const Common& common, std::string label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// `share` in [0, 1]; `left` seconds remain where the caller knows better than the share says.
  /// `detail` stands behind the share. Cheap: draws a few times a second at most.
  void update(double share, double left = -1, const std::string& detail = {});
  /// The same as a function, for LoadOptions::progress and the like. Lives no longer than this.
  [[nodiscard]] std::function<void(double)> callback();

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool enabled_, terminal_;
  bool drawn_ = false;
  double last_left_ = 0;
  Clock::time_point start_ = Clock::now(), next_;
};

}  // namespace galena::cli
