#pragma once
// What mining needs of a GPU. There are CUDA devices, and in tests one that is simulated.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "codegen/plan/plan.hpp"
#include "codegen/runtime/gpu_job.h"

namespace galena::mine::gpu {

/// Who works on a chunk.
enum class Team { warp, block };

/// One device. Functions throw EnvironmentError where the device fails; one thread at a time.
class Machine {
 public:
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;

  /// For messages.
  [[nodiscard]] virtual std::string name() const { return "the device"; }
  /// Whether launches must end within a second or so.
  [[nodiscard]] virtual bool hurried() const { return false; }
  [[nodiscard]] virtual std::uint64_t free_bytes() const = 0;
  /// Null where there is no room.
  virtual void* allocate(std::uint64_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  virtual void upload(void* to, const void* from, std::uint64_t bytes) = 0;
  virtual void download(void* to, const void* from, std::uint64_t bytes) = 0;
  virtual void zero(void* memory, std::uint64_t bytes) = 0;

  struct Loaded {
    double seconds = 0;   ///< that compiling took, and putting the kernels onto the device
    std::string warning;  ///< for people, or empty; none is told twice
  };
  /// Makes the plan's kernels those that run() launches.
  virtual Loaded load(const codegen::Plan& plan) = 0;
  /// Workers that run at once.
  virtual std::uint64_t most_workers(Team team) = 0;
  /// Runs the job by so many workers, and waits. When `halt` (may be null) rises, raises the job's stop flag.
  virtual void run(Team team, const rt::GpuJob& job, std::uint64_t workers, const volatile int* halt) = 0;
};

/// All CUDA devices that can be used; of the others, says in `left_out` which and why not. EnvironmentError, saying why,
/// where none can or there is no NVRTC.
std::vector<std::unique_ptr<Machine>> cuda_machines(std::vector<std::string>& left_out);

/// Memory on a machine.
class Memory {
 public:
  Memory() = default;
  Memory(Machine& machine, std::uint64_t bytes) : machine_(&machine), data_(machine.allocate(bytes)), bytes_(bytes) {}
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Memory() {
    if (data_ != nullptr) machine_->release(data_);
  }
  /// Null where there was no room.
  [[nodiscard]] void* data() const { return data_; }
  template <class T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(data_);
  }
  [[nodiscard]] std::uint64_t bytes() const { return data_ == nullptr ? 0 : bytes_; }

 private:
  void swap(Memory& other) noexcept {
    std::swap(machine_, other.machine_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }
  Machine* machine_ = nullptr;
  void* data_ = nullptr;
  std::uint64_t bytes_ = 0;
};

}  // namespace galena::mine::gpu
