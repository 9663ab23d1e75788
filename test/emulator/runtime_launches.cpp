// Launches of kernels.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>

#include "test/emulator/runtime.hpp"

namespace galena::emulator {

namespace {

struct Arguments {
  std::vector<std::unique_ptr<unsigned char[]>> raw;
  std::vector<const void*> pointers;
};

std::string shown(const CUkern_st* k, dim3 g, dim3 b, size_t shared) {
  char text[160];
  snprintf(text, sizeof text, " <<<%u,%u,%u | %u,%u,%u | %zu>>>", g.x, g.y, g.z, b.x, b.y, b.z, shared);
  return "kernel " + k->name.substr(0, 160) + text;
}

cudaError_t launch_kernel(CUkern_st* k, dim3 grid, dim3 block, void** args, size_t shared, cudaStream_t stream) {
  const auto s = state_of(stream);
  if (k == nullptr) return set(cudaErrorInvalidDeviceFunction);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (s->device != current) {
    say("a launch into a stream of device %d by a thread on device %d", s->device, current);
    return set(cudaErrorInvalidResourceHandle);
  }
  const ptx::Kernel* const info = info_of(k);
  if (info == nullptr) return set(k->mod->failure.empty() ? cudaErrorSymbolNotFound : cudaErrorInvalidKernelImage);
  const u64 threads = u64(block.x) * block.y * block.z;
  const auto refuse = [&](cudaError_t e, const char* why) {
    say("launch refused (%s): %s", why, shown(k, grid, block, shared).c_str());
    return set(e);
  };
  if (threads == 0 || threads > 1024 || block.z > 64) return refuse(cudaErrorInvalidConfiguration, "block size");
  if (threads > info->max_threads) return refuse(cudaErrorInvalidValue, "more threads than launch bounds");
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535)
    return refuse(cudaErrorInvalidConfiguration, "grid size");
  if (shared > k->dynamic_limit ||
      shared + info->static_shared > std::max<size_t>(49152, k->dynamic_limit + info->static_shared) ||
      (k->dynamic_limit <= 49152 && shared + info->static_shared > 49152))
    return refuse(cudaErrorInvalidValue, "shared memory");
  auto a = std::make_shared<Arguments>();
  for (size_t i = 0; i < info->params.size(); ++i) {
    const size_t n = info->params[i].size;
    auto* const copy = new (std::align_val_t(64)) unsigned char[n + 64];  // leaked alignment is of no matter here
    memcpy(copy, args[i], n);
    a->raw.emplace_back(nullptr);
    a->pointers.push_back(copy);
  }
  struct Freer {
    void operator()(Arguments* x) const {
      for (const void* p : x->pointers) ::operator delete[](const_cast<void*>(p), std::align_val_t(64));
      delete x;
    }
  };
  const std::shared_ptr<Arguments> owned(new Arguments(std::move(*a)), Freer{});
  a->pointers.clear();
  const auto mod = k->mod;
  const std::string name = k->name;
  const int device = s->device;
  return set(enqueue(s, {shown(k, grid, block, shared),
                         [=] {
                           const u64 n = ++world().launches;
                           ptx::Options options;
                           options.seed = settings().seed == 0 ? 0 : settings().seed * 1000003 + n;
                           options.resident_blocks = settings().resident;
                           options.strict = settings().strict;
                           options.instructions = settings().limit;
                           options.races = ptx::Races(settings().races);
                           options.races_of_blocks = settings().races_of_blocks;
                           options.profile = settings().profile != 0;
                           options.races_of_equals = settings().races_of_equals;
                           ptx::launch(*mod->loaded, name, {grid.x, grid.y, grid.z}, {block.x, block.y, block.z},
                                       shared, owned->pointers.data(), world().devices[device].memory, options);
                         },
                         nullptr, nullptr}));
}

struct Configuration {
  dim3 grid, block;
  size_t shared;
  cudaStream_t stream;
};
thread_local std::vector<Configuration> configurations;

}  // namespace
}  // namespace galena::emulator

using namespace galena;
using namespace galena::emulator;

extern "C" {

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, struct CUstream_st* stream) {
  configurations.push_back({grid, block, shared, stream});
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared, void* stream) {
  const Configuration c = configurations.back();
  configurations.pop_back();
  *grid = c.grid;
  *block = c.block;
  *shared = c.shared;
  *static_cast<cudaStream_t*>(stream) = c.stream;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t* out, const void* f) {
  LOCK;
  *out = kernel_of(f);
  return *out != nullptr ? cudaSuccess : cudaErrorInvalidDeviceFunction;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t k, dim3 grid, dim3 block, void** args, size_t shared, cudaStream_t stream) {
  ENTER;
  return launch_kernel(k, grid, block, args, shared, stream);
}

cudaError_t cudaLaunchKernel(const void* f, dim3 grid, dim3 block, void** args, size_t shared, cudaStream_t stream) {
  ENTER;
  return launch_kernel(kernel_of(f), grid, block, args, shared, stream);
}
}  // extern "C"
