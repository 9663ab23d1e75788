#include "codegen/jit/jit.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "codegen/jit/cache.hpp"
#include "codegen/jit/compiler.hpp"
#include "codegen/jit/process.hpp"
#include "galena/error.hpp"
#include "src/base/sha256.hpp"

namespace galena::jit {

namespace fs = std::filesystem;

namespace {

constexpr int kShownLines = 12;

/// Everything the machine code depends on. Lengths keep neighbouring parts apart.
std::string key_of(const std::string& source, const Compiler& compiler, const std::vector<std::string>& flags) {
  std::string all;
  const auto add = [&all](const std::string& part) { all += std::to_string(part.size()) + ":" + part; };
  add(source);
  add(compiler.path);
  add(compiler.version);
  for (const std::string& flag : flags) add(flag);
  add(cpu_identity());
  return base::sha256_hex(std::as_bytes(std::span(all))).substr(0, 40);
}

/// From the line on that says what is wrong, not from the templates that were unfolded before.
std::string first_lines(std::string_view text) {
  if (const size_t error = text.find(" error: "); error != std::string_view::npos)
    text.remove_prefix(text.rfind('\n', error) + 1);
  size_t end = 0;
  for (int i = 0; i < kShownLines && end < text.size(); ++i) end = std::min(text.size(), text.find('\n', end) + 1);
  return std::string(text.substr(0, end));
}

/// Removes a file when it goes out of scope.
struct Remover {
  fs::path path;
  explicit Remover(fs::path file) : path(std::move(file)) {}
  Remover(const Remover&) = delete;
  Remover& operator=(const Remover&) = delete;
  ~Remover() {
    std::error_code ignored;
    if (!path.empty()) fs::remove(path, ignored);
  }
};

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw EnvironmentError(path.string() + ": cannot be written; is the disk full?");
}

/// One compilation: what is compiled, with what, into which entry.
struct Job {
  std::string source;
  const Compiler* compiler;
  std::vector<std::string> flags;
  std::string key;
};

Job prepare(const std::string& text, const Compiler& compiler, const JitOptions& options) {
  Job job{expand(text), &compiler, compiler_flags(options), ""};
  job.key = key_of(job.source, compiler, job.flags);
  return job;
}

/// False when it was abandoned.
bool build(const Cache& cache, const Job& job, const volatile int* stop) {
  Remover source(cache.scratch(job.key, ".cpp"));
  const Remover object(cache.scratch(job.key, ".so"));
  write_text(source.path, job.source);
  std::vector<std::string> command{job.compiler->path};
  command.insert(command.end(), job.flags.begin(), job.flags.end());
  command.insert(command.end(), {source.path.string(), "-o", object.path.string(), "-lgcc"});
  const Finished finished = run_program(command, stop);
  if (finished.abandoned) return false;
  if (finished.status != 0) {
    const std::string kept = std::exchange(source.path, "").string();
    throw EnvironmentError(job.compiler->path + " could not compile generated code (status " +
                           std::to_string(finished.status) + "), kept in " + kept + ":\n" +
                           first_lines(finished.output));
  }
  cache.publish(object.path, job.key);
  return true;
}

}  // namespace

JitResult compile(const std::string& text, const JitOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  std::string why_not;
  const Compiler* compiler = find_compiler(&why_not);
  if (compiler == nullptr) throw EnvironmentError(why_not);
  const Cache cache;
  const Job job = prepare(text, *compiler, options);
  JitResult result;
  result.kernel = cache.load(job.key);
  result.cached = result.kernel != nullptr;
  if (!result.cached && build(cache, job, options.stop)) {
    result.kernel = cache.load(job.key);
    if (!result.kernel) throw EnvironmentError(cache_folder() + ": a kernel just written there cannot be read back");
    cache.trim(options.cache_bytes);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

std::shared_ptr<Kernel> lookup(const std::string& text, const JitOptions& options) {
  const Compiler* compiler = find_compiler(nullptr);
  if (compiler == nullptr) return nullptr;
  return Cache().load(prepare(text, *compiler, options).key);
}

bool compiler_available(std::string* why_not) { return find_compiler(why_not) != nullptr; }

}  // namespace galena::jit
