#pragma once
// Which code runs a plan: a kernel linked in, one compiled earlier, one being compiled, or the
// interpreter until then.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "codegen/interpret/interpreter.hpp"
#include "codegen/plan/plan.hpp"
#include "galena/mine.hpp"

namespace galena::jit {
class Kernel;
}

namespace galena::mine {

/// Runs chunks of one plan by the best code there is at the moment. Thread-safe.
class Executable {
 public:
  /// `estimate`: nanoseconds on one core. Engine::jit compiles here and now (EnvironmentError
  /// where it cannot); Engine::automatic starts a compiler in the background where the
  /// query is long enough to gain from it, and tells `warn` if there is none.
  Executable(const codegen::Plan& plan, double estimate, const MineOptions& options);
  ~Executable();
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  void run(rt::Worker& worker, const rt::Chunk& chunk) const;
  /// "built-in", "jit", "interpreter", "interpreter+jit" or "cuda".
  [[nodiscard]] std::string engine() const;
  /// Seconds the caller waited for a compiler.
  [[nodiscard]] double compile_seconds() const { return compile_seconds_; }

 private:
  void compile_now(const std::string& text);
  void compile_behind(const std::string& text, const MineOptions& options);
  void set_kernel(std::shared_ptr<jit::Kernel> kernel);

  codegen::Interpreter interpreter_;
  std::atomic<rt::RunFn> run_{nullptr};
  std::shared_ptr<jit::Kernel> kernel_;
  std::string engine_ = "interpreter";
  bool on_gpu_ = false;
  mutable std::atomic<bool> interpreted_{false};
  double compile_seconds_ = 0;
  std::thread compiler_;
  volatile int abandon_ = 0;
};

/// Whether the plan's code is linked in.
bool built_in(const codegen::Plan& plan);

}  // namespace galena::mine
