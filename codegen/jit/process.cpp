#include "codegen/jit/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "codegen/runtime/abi.h"
#include "galena/error.hpp"

extern char** environ;

namespace galena::jit {

namespace {

constexpr size_t kKeptOutput = 64 << 10;
constexpr int kPollMilliseconds = 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  [[nodiscard]] int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& program, int error) {
  throw EnvironmentError("cannot run " + program + ": " + std::strerror(error));
}

/// What the child starts with: no input, output into the pipe, no signal blocked or ignored.
class SpawnSettings {
 public:
  explicit SpawnSettings(int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    sigset_t usual;
    sigemptyset(&usual);
    for (const int s : {SIGINT, SIGTERM, SIGPIPE, SIGCHLD}) sigaddset(&usual, s);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &usual);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

pid_t start(const std::vector<std::string>& arguments, int output) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const SpawnSettings settings(output);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], settings.actions(), settings.attributes(), argv.data(), environ);
  if (error != 0) fail(arguments[0], error);
  return pid;
}

/// Reads until every writer has closed; false when `stop` rose first.
bool drain(int fd, const volatile int* stop, std::string& output) {
  std::array<char, 4096> buffer{};
  for (;;) {
    if (rt::raised(stop)) return false;
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, stop != nullptr ? kPollMilliseconds : -1);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    const size_t room = kKeptOutput - output.size();
    output.append(buffer.data(), std::min(room, static_cast<size_t>(got)));
  }
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Finished run_program(const std::vector<std::string>& arguments, const volatile int* stop) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(arguments[0], errno);
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  Finished finished;
  const pid_t pid = start(arguments, write_end.get());
  write_end.close();
  finished.abandoned = !drain(read_end.get(), stop, finished.output);
  if (finished.abandoned) kill(-pid, SIGTERM);  // the compiler removes its temporary files
  finished.status = wait_for(pid);
  return finished;
}

}  // namespace galena::jit
