#include "src/mine/kernels.hpp"

#include "codegen/builtin/registry.hpp"
#include "codegen/emit/cpp.hpp"
#include "codegen/jit/jit.hpp"
#include "galena/error.hpp"

namespace galena::mine {

namespace {

/// The interpreter takes up to eight times what a compiled kernel does, and a compilation a tenth of a second, of which
/// the other threads lose one core: below this many nanoseconds of the kernel (on one core) it cannot pay.
constexpr double kWorthCompiling = 1.5e8;
constexpr double kWorthLookup = 5e7;  ///< the same for a kernel that is in the cache

/// What an earlier run compiled. No cache folder, or one that others may write to, is no reason
/// to fail: the interpreter needs none.
std::shared_ptr<jit::Kernel> cached(const std::string& text) {
  try {
    return jit::lookup(text);
  } catch (const EnvironmentError&) {
    return nullptr;
  }
}

}  // namespace

bool built_in(const codegen::Plan& plan) { return codegen::builtin::find(codegen::emit_cpp(plan)) != nullptr; }

Executable::Executable(const codegen::Plan& plan, double estimate, const MineOptions& options) : interpreter_(plan) {
  if (options.device == MineDevice::cuda) {  // what runs here is the rare chunk that fits no buffer there
    engine_ = "cuda";
    on_gpu_ = true;
    return;
  }
  if (options.engine == Engine::interpreter) return;
  const std::string text = codegen::emit_cpp(plan);
  if (options.engine == Engine::jit) {
    compile_now(text);
    return;
  }
  if (const rt::RunFn known = codegen::builtin::find(text)) {
    run_ = known;
    engine_ = "built-in";
    return;
  }
  if (estimate < kWorthLookup) return;
  if (auto kernel = cached(text)) {
    set_kernel(std::move(kernel));
    engine_ = "jit";
  } else if (estimate >= kWorthCompiling) {
    compile_behind(text, options);
  }
}

Executable::~Executable() {
  __atomic_store_n(&abandon_, 1, __ATOMIC_RELAXED);
  if (compiler_.joinable()) compiler_.join();
}

void Executable::set_kernel(std::shared_ptr<jit::Kernel> kernel) {
  kernel_ = std::move(kernel);
  run_.store(kernel_->run(), std::memory_order_release);
}

void Executable::compile_now(const std::string& text) {
  jit::JitResult result = jit::compile(text);
  compile_seconds_ = result.seconds;
  set_kernel(std::move(result.kernel));
  engine_ = "jit";
}

void Executable::compile_behind(const std::string& text, const MineOptions& options) {
  std::string why;
  if (!jit::compiler_available(&why)) {
    if (options.warn) options.warn("no C++ compiler (" + why + "): this query is interpreted, about half as fast");
    return;
  }
  compiler_ = std::thread([this, text, warn = options.warn] {
    try {
      jit::JitOptions jit_options;
      jit_options.stop = &abandon_;
      jit::JitResult result = jit::compile(text, jit_options);
      if (result.kernel) set_kernel(std::move(result.kernel));
    } catch (const std::exception& error) {  // the interpreter goes on: no query fails for want of a compiler
      const std::string what = error.what();
      if (warn) warn("this query is interpreted, about half as fast: " + what.substr(0, what.find('\n')));
    }
  });
}

void Executable::run(rt::Worker& worker, const rt::Chunk& chunk) const {
  if (const rt::RunFn compiled = run_.load(std::memory_order_acquire)) return compiled(&worker, &chunk);
  interpreted_.store(true, std::memory_order_relaxed);
  interpreter_.run(worker, chunk);
}

std::string Executable::engine() const {
  if (on_gpu_) return engine_;
  if (run_.load() == nullptr) return "interpreter";
  if (engine_ != "interpreter") return engine_;
  return interpreted_.load() ? "interpreter+jit" : "jit";
}

}  // namespace galena::mine
