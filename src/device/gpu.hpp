#pragma once
// One CUDA device: memory, modules, launches. The twin without CUDA refuses to make one.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace galena::device {

/// A device and a stream of its own. Every function throws EnvironmentError, with the CUDA call that failed,
/// unless it says otherwise; safe from one thread at a time.
class Gpu {
 public:
  /// The device of this number (cuda_devices()).
  explicit Gpu(int number);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  /// E.g. 90 for compute capability 9.0.
  [[nodiscard]] int arch() const;
  [[nodiscard]] int processors() const;
  /// E.g. "GPU 0 (NVIDIA H200)".
  [[nodiscard]] std::string name() const;
  /// Whether the system ends kernels that run for some seconds, as where the device drives a screen.
  [[nodiscard]] bool ends_long_kernels() const;
  [[nodiscard]] std::uint64_t free_bytes() const;

  /// Null where the device has no room for it.
  void* allocate(std::uint64_t bytes);
  void release(void* memory) noexcept;
  void upload(void* to, const void* from, std::uint64_t bytes);
  void download(void* to, const void* from, std::uint64_t bytes);
  /// Before all that is called later; does not wait.
  void zero(void* memory, std::uint64_t bytes);

  /// Another module, whose kernels are launched from now on; returns its number.
  std::size_t load(const std::string& cubin);
  /// The module whose kernels are launched from now on.
  void choose(std::size_t module);
  /// All modules go.
  void unload() noexcept;
  /// Blocks of `threads` that fit on one processor at once.
  int blocks_per_processor(const char* kernel, int threads);
  /// Runs the kernel with one parameter, by value, and waits. When `halt` (may be null) rises meanwhile, writes 1 to
  /// the device's int at `stop`.
  void launch(const char* kernel, int blocks, int threads, const void* parameter, const volatile int* halt, int* stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace galena::device
