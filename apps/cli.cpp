#include "apps/cli.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "galena/error.hpp"

namespace galena::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto kQuietTime = 2s;      // what ends sooner shows no progress
constexpr auto kRedraw = 200ms;      // on a terminal
constexpr auto kLineInterval = 30s;  // elsewhere
constexpr int kBarWidth = 24;
constexpr double kGrowth = 1.02;  // of an estimate that keeps growing, from one line to the next

/// Columns of the terminal on stderr: a line that wraps cannot be wiped.
std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double share) {
  const int filled = static_cast<int>(share * kBarWidth);
  return std::string(static_cast<std::size_t>(filled), '#') +
         std::string(static_cast<std::size_t>(kBarWidth - filled), '.');
}

}  // namespace

CLI::App& subcommand(CLI::App& app, Common& common, const std::string& name, const std::string& description) {
  CLI::App& command = *app.add_subcommand(name, description);
  command.add_flag("--json", common.json, "One JSON object on standard output, nothing else there");
  command.add_option("--threads", common.threads, "CPU threads; 0 takes every core")
      ->check(CLI::Range(0, 4096))
      ->type_name("N");
  command.add_flag("-q,--quiet", common.quiet, "No notes and no progress on standard error");
  return command;
}

CLI::Option* seed_option(CLI::App& command, const std::string& name, std::uint64_t& seed,
                         const std::string& description) {
  const auto check = [](const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool good = error == std::errc() && end == text.data() + text.size();
    return good ? std::string() : fmt::format("{}: expected a whole number from 0 to 2^64 - 1", text);
  };
  return command.add_option(name, seed, description)->check(CLI::Validator(check, "", "seed"))->type_name("N");
}

void check_interrupted() {
  if (stop_asked()) throw Interrupted();
}

int say_failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Interrupted& e) {
    fmt::print(stderr, "galena: {}\n", e.what());
    return kInterrupted;
  } catch (const Error& e) {
    fmt::print(stderr, "galena: error: {}\n", e.what());
    return e.kind() == ErrorKind::input ? kUsage : kFailed;
  } catch (const std::exception& e) {
    fmt::print(stderr, "galena: error: {}\n", e.what());
    return kFailed;
  }
}

void print_json(const nlohmann::ordered_json& object) {
  // Names of files need not be UTF-8: what is not becomes U+FFFD.
  const std::string text = object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void note(const Common& common, const std::string& text) {
  if (!common.quiet) fmt::print(stderr, "galena: {}\n", text);
}

std::string format_seconds(double seconds) {
  if (seconds < 60) return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 2 : 1);
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string format_count(std::string digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, 1, ',');
  }
  return digits;
}

std::string format_count(std::uint64_t count) { return format_count(std::to_string(count)); }

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Progress::Progress(const Common& common, std::string label)
    : label_(std::move(label)), enabled_(!common.quiet), terminal_(isatty(STDERR_FILENO) != 0) {
  next_ = start_ + (terminal_ ? std::chrono::milliseconds(kQuietTime) : std::chrono::milliseconds(kLineInterval));
}

Progress::~Progress() {
  if (drawn_ && terminal_) {
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
  }
}

void Progress::update(double share, double left, const std::string& detail) {
  const auto now = Clock::now();
  if (!enabled_ || now < next_) return;
  next_ = now + (terminal_ ? std::chrono::milliseconds(kRedraw) : std::chrono::milliseconds(kLineInterval));
  drawn_ = true;
  share = std::clamp(share, 0.0, 1.0);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  if (left < 0 && share > 0.005) left = elapsed / share * (1 - share);
  const bool grows = left > kGrowth * last_left_;  // then it says nothing yet
  last_left_ = left;
  std::string rest = detail;
  if (left >= 0 && !grows) rest += (detail.empty() ? "" : ", ") + format_seconds(left) + " left";
  if (terminal_) {
    const std::string line = fmt::format("{} [{}] {:3.0f}%  {}", label_, bar(share), share * 100, rest);
    fmt::print(stderr, "\r\033[K{}", line.substr(0, terminal_width() - 1));
  } else {
    fmt::print(stderr, "galena: {} {:.0f}%{}{}\n", label_, share * 100, rest.empty() ? "" : ", ", rest);
  }
  std::fflush(stderr);
}

std::function<void(double)> Progress::callback() {
  return [this](double share) { update(share); };
}

}  // namespace galena::cli
