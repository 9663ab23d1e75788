#include "src/device/gpu.hpp"

#include <chrono>
#include <thread>
#include <vector>

#include "src/device/cuda_call.hpp"

namespace galena::device {

namespace {

constexpr auto kPoll = std::chrono::microseconds(200);
constexpr auto kSpin = std::chrono::milliseconds(1);  ///< a launch's first time, without sleep

}  // namespace

struct Gpu::State {
  int number = 0;
  cudaDeviceProp properties{};
  cudaStream_t stream = nullptr, side = nullptr;  ///< work, and what must overtake it
  std::vector<cudaLibrary_t> modules;
  std::size_t current = 0;  ///< of them
  int* one = nullptr;       ///< in pinned memory, for `stop`

  explicit State(int which) : number(which) {
    use();
    GALENA_CUDA_CALL(cudaGetDeviceProperties(&properties, number));
    GALENA_CUDA_CALL(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    GALENA_CUDA_CALL(cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking));
    GALENA_CUDA_CALL(cudaMallocHost(reinterpret_cast<void**>(&one), sizeof(int)));
    *one = 1;
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    cudaSetDevice(number);
    unload();
    if (one != nullptr) cudaFreeHost(one);
    if (side != nullptr) cudaStreamDestroy(side);
    if (stream != nullptr) cudaStreamDestroy(stream);
  }

  void use() const { GALENA_CUDA_CALL(cudaSetDevice(number)); }
  void unload() noexcept {
    for (cudaLibrary_t module : modules) cudaLibraryUnload(module);
    modules.clear();
  }
  [[nodiscard]] const void* kernel(const char* name) const {
    cudaKernel_t found = nullptr;
    GALENA_CUDA_CALL(cudaLibraryGetKernel(&found, modules.at(current), name));
    return reinterpret_cast<const void*>(found);
  }
  void wait() const { GALENA_CUDA_CALL(cudaStreamSynchronize(stream)); }

  /// Waits for all that was queued, also where a call failed meanwhile: what a kernel uses may not be freed before.
  struct WaitAtEnd {
    const State& state;
    ~WaitAtEnd() {
      cudaStreamSynchronize(state.stream);
      cudaStreamSynchronize(state.side);
    }
  };
};

Gpu::Gpu(int number) : state_(std::make_unique<State>(number)) {}
Gpu::~Gpu() = default;

int Gpu::arch() const { return 10 * state_->properties.major + state_->properties.minor; }
int Gpu::processors() const { return state_->properties.multiProcessorCount; }
std::string Gpu::name() const { return "GPU " + std::to_string(state_->number) + " (" + state_->properties.name + ")"; }
bool Gpu::ends_long_kernels() const {
  int limited = 0;
  GALENA_CUDA_CALL(cudaDeviceGetAttribute(&limited, cudaDevAttrKernelExecTimeout, state_->number));
  return limited != 0;
}

std::uint64_t Gpu::free_bytes() const {
  state_->use();
  std::size_t free = 0, total = 0;
  GALENA_CUDA_CALL(cudaMemGetInfo(&free, &total));
  return free;
}

void* Gpu::allocate(std::uint64_t bytes) {
  state_->use();
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    return nullptr;
  }
  check_cuda(status, "cudaMalloc");
  return memory;
}

void Gpu::release(void* memory) noexcept {
  if (memory == nullptr) return;
  cudaSetDevice(state_->number);
  cudaFree(memory);
}

void Gpu::upload(void* to, const void* from, std::uint64_t bytes) {
  state_->use();
  GALENA_CUDA_CALL(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, state_->stream));
  state_->wait();
}

void Gpu::download(void* to, const void* from, std::uint64_t bytes) {
  state_->use();
  GALENA_CUDA_CALL(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, state_->stream));
  state_->wait();
}

void Gpu::zero(void* memory, std::uint64_t bytes) {
  state_->use();
  GALENA_CUDA_CALL(cudaMemsetAsync(memory, 0, bytes, state_->stream));
}

std::size_t Gpu::load(const std::string& cubin) {
  state_->use();
  cudaLibrary_t module = nullptr;
  GALENA_CUDA_CALL(cudaLibraryLoadData(&module, cubin.data(), nullptr, nullptr, 0, nullptr, nullptr, 0));
  state_->modules.push_back(module);
  return state_->current = state_->modules.size() - 1;
}

void Gpu::choose(std::size_t module) { state_->current = module; }

void Gpu::unload() noexcept {
  cudaSetDevice(state_->number);
  state_->unload();
}

int Gpu::blocks_per_processor(const char* kernel, int threads) {
  state_->use();
  int blocks = 0;
  GALENA_CUDA_CALL(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, state_->kernel(kernel), threads, 0));
  return blocks;
}

void Gpu::launch(const char* kernel, int blocks, int threads, const void* parameter, const volatile int* halt,
                 int* stop) {
  state_->use();
  void* parameters[] = {const_cast<void*>(parameter)};
  GALENA_CUDA_CALL(cudaLaunchKernel(state_->kernel(kernel), dim3(static_cast<unsigned>(blocks)),
                                    dim3(static_cast<unsigned>(threads)), parameters, 0, state_->stream));
  GALENA_CUDA_CALL(cudaGetLastError());
  const State::WaitAtEnd wait{*state_};
  const auto begin = std::chrono::steady_clock::now();
  for (bool told = halt == nullptr; !told;) {
    const cudaError_t status = cudaStreamQuery(state_->stream);
    if (status != cudaErrorNotReady) {
      check_cuda(status, "cudaStreamQuery after a launch");
      return;
    }
    static_cast<void>(cudaGetLastError());  // or the next launch might be told of it
    if (__atomic_load_n(halt, __ATOMIC_RELAXED) != 0) {
      GALENA_CUDA_CALL(cudaMemcpyAsync(stop, state_->one, sizeof(int), cudaMemcpyHostToDevice, state_->side));
      told = true;
    } else if (std::chrono::steady_clock::now() - begin > kSpin) {
      std::this_thread::sleep_for(kPoll);
    } else {
      std::this_thread::yield();
    }
  }
  state_->wait();
  GALENA_CUDA_CALL(cudaStreamSynchronize(state_->side));  // else it may land in what the next launch counts by
}

}  // namespace galena::device
