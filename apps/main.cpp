// The `galena` command: parses, runs one subcommand, and turns what it throws into one line and an exit code.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli.hpp"
#include "apps/interrupt.hpp"
#include "galena/error.hpp"
#include "galena/version.hpp"
#include "src/base/suggest.hpp"
#include "src/comm/transports.hpp"
#include "src/device/cuda_device.hpp"

namespace galena::cli {

namespace {

/// Wrong usage: exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::string cuda_text() {
  if (!device::built_with_cuda()) return "not built in";
  const auto devices = device::cuda_device_names();
  return devices.empty() ? "no device: " + device::why_no_cuda() : fmt::format("{}", fmt::join(devices, ", "));
}

std::string version_text() {
  const auto or_none = [](const std::string& version) { return version.empty() ? "not built in" : version; };
  return fmt::format("galena {}\nCUDA  {}\nMPI   {}\nNCCL  {}", kVersion, cuda_text(), or_none(comm::mpi_version()),
                     or_none(comm::nccl_version()));
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// The first word must be a subcommand: said here, since CLI11 offers no suggestion.
void check_subcommand(const CLI::App& app, std::span<char* const> arguments) {
  for (const std::string word : arguments) {
    if (word == "-h" || word == "--help" || word == "--version") return;
    if (word.starts_with('-')) continue;
    const auto names = subcommand_names(app);
    if (std::find(names.begin(), names.end(), word) != names.end()) return;
    throw UsageError(fmt::format("unknown command '{}'{} (see galena --help)", word, base::did_you_mean(word, names)));
  }
  if (!arguments.empty()) throw UsageError("expected a command (see galena --help)");
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

/// The subcommand that was being parsed, and its whole name.
std::pair<const CLI::App*, std::string> deepest(const CLI::App& app) {
  const CLI::App* parser = &app;
  std::string name = app.get_name();
  for (auto chosen = app.get_subcommands(); !chosen.empty(); chosen = parser->get_subcommands()) {
    parser = chosen.front();
    name += " " + parser->get_name();
  }
  return {parser, name};
}

/// CLI11's complaint, with the nearest option where one is unknown.
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const auto [parser, command] = deepest(app);
  const std::string help = fmt::format(" (see {} --help)", command);
  const auto extras = app.remaining(true);
  if (extras.empty()) return fmt::format("{}: {}{}", command, error.what(), help);
  const std::string name = extras.front().substr(0, extras.front().find('='));
  if (!name.starts_with("--")) return fmt::format("{}: unexpected argument '{}'{}", command, name, help);
  return fmt::format("{}: unknown option '{}'{}{}", command, name, base::did_you_mean(name, option_names(*parser)),
                     help);
}

void parse_and_run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help and --version
    app.exit(success, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    throw UsageError(explain(app, error));
  }
}

/// Results that did not reach their file must not look like success.
void flush_output() {
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout)
    throw EnvironmentError(std::string("cannot write to standard output: ") + std::strerror(errno));
}

int report(ExitCode code, const std::string& message) {
  fmt::print(stderr, "galena: error: {}\n", message);
  return code;
}

int report(const Error& error) {
  if (stop_asked()) return report(kInterrupted, error.what());
  if (error.kind() == ErrorKind::internal)
    return report(kFailed, fmt::format("{} (this is a bug in galena: please report it)", error.what()));
  return report(error.kind() == ErrorKind::input ? kUsage : kFailed, error.what());
}

}  // namespace

int run(int argc, char** argv) {
  try {
    Common common;
    CLI::App app("Mines patterns in graphs, and learns from them.", "galena");
    app.set_version_flag("--version", version_text);
    app.require_subcommand(1);
    add_mine(app, common);
    add_info(app, common);
    add_convert(app, common);
    add_generate(app, common);
    add_dataset(app, common);
    add_partition(app, common);
    add_train(app, common);
    if (argc <= 1) {
      std::fputs(app.help().c_str(), stderr);
      return kUsage;
    }
    check_subcommand(app, std::span(argv + 1, argv + argc));
    parse_and_run(app, argc, argv);
    flush_output();
    return kDone;
  } catch (const UsageError& error) {
    return report(kUsage, error.what());
  } catch (const Interrupted& interrupted) {
    fmt::print(stderr, "galena: {}\n", interrupted.what());
    return kInterrupted;
  } catch (const Error& error) {
    return report(error);
  } catch (const std::bad_alloc&) {
    return report(kFailed, "out of memory");
  } catch (const std::filesystem::filesystem_error& error) {
    return report(kFailed, fmt::format("{}: {}", error.path1().string(), error.code().message()));
  } catch (const std::exception& error) {
    return report(kFailed, fmt::format("{} (unexpected: please report it)", error.what()));
  }
}

}  // namespace galena::cli

int main(int argc, char** argv) {
  galena::cli::catch_signals();
  return galena::cli::run(argc, argv);
}
