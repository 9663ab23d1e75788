#include "test/support/process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "test/support/data.hpp"

namespace galena::test {

namespace {

std::string read_all(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// An exit code does not tell a sanitizer's report from an error that the test expects: both may be 1.
void refuse_report(const std::string& err) {
  for (const char* mark : {"Sanitizer:", ": runtime error: "})
    if (err.find(mark) != std::string::npos) throw std::runtime_error("a sanitizer reports\n" + err);
}

void redirect(const std::filesystem::path& file, int flags, int descriptor) {
  const int opened = open(file.c_str(), flags, 0600);
  if (opened < 0 || dup2(opened, descriptor) < 0) _exit(126);
  close(opened);
}

[[noreturn]] void become(const std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  _exit(127);
}

}  // namespace

struct RunningProgram::Files {
  TemporaryFolder folder;  // files, not pipes: nothing can block
  std::filesystem::path in, out, err;
  explicit Files(const std::string& input)
      : in(folder.write("in", input)), out(folder.write("out", "")), err(folder.write("err", "")) {}
};

RunningProgram::RunningProgram(const std::vector<std::string>& arguments, const std::string& input)
    : files_(std::make_unique<Files>(input)), child_(fork()) {
  if (child_ < 0) throw std::runtime_error("cannot fork");
  if (child_ > 0) return;
  redirect(files_->in, O_RDONLY, STDIN_FILENO);
  redirect(files_->out, O_WRONLY | O_TRUNC, STDOUT_FILENO);
  redirect(files_->err, O_WRONLY | O_TRUNC, STDERR_FILENO);
  become(arguments);
}

RunningProgram::~RunningProgram() {
  if (child_ <= 0) return;
  kill(child_, SIGKILL);
  waitpid(child_, &status_, 0);
}

void RunningProgram::send(int signal) const {
  if (child_ > 0) kill(child_, signal);
}

bool RunningProgram::running() {
  if (child_ > 0 && waitpid(child_, &status_, WNOHANG) == child_) child_ = 0;
  return child_ > 0;
}

Outcome RunningProgram::wait() {
  if (child_ > 0 && waitpid(child_, &status_, 0) != child_) throw std::runtime_error("cannot wait for a program");
  child_ = 0;
  const int code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  Outcome outcome{code, read_all(files_->out), read_all(files_->err)};
  refuse_report(outcome.err);
  return outcome;
}

Outcome RunningProgram::wait_for(double seconds) {
  const auto begin = std::chrono::steady_clock::now();
  while (running()) {
    if (std::chrono::steady_clock::now() - begin > std::chrono::duration<double>(seconds)) {
      send(SIGTERM);  // a launcher ends its ranks
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      throw std::runtime_error("a program still runs after " + std::to_string(seconds) + " s");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return wait();
}

Outcome run_program(const std::vector<std::string>& arguments, const std::string& input) {
  return RunningProgram(arguments, input).wait();
}

Outcome run_galena(const std::vector<std::string>& arguments, const std::string& input) {
  std::vector<std::string> all{galena_path()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(all, input);
}

std::string galena_path() { return GALENA_COMMAND_PATH; }

}  // namespace galena::test
