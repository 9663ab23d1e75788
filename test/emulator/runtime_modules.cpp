// Code: what nvcc put into the program, libraries that are loaded, attributes of kernels.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

#include "test/emulator/runtime.hpp"

namespace galena::emulator {

std::unordered_map<const void*, CUkern_st*>& functions() {
  static auto* m = new std::unordered_map<const void*, CUkern_st*>;
  return *m;
}
std::set<CUkern_st*>& kernels() {
  static auto* m = new std::set<CUkern_st*>;
  return *m;
}

struct FatWrapper {
  unsigned magic, version;
  const void* data;
  void* more;
};
struct FatHeader {
  unsigned magic;
  unsigned short version, header;
  u64 size;
};
struct FatEntry {
  unsigned short kind, attr;
  unsigned header;
  u64 size;
  unsigned compressed;
  unsigned a;
  unsigned short minor, major;
  unsigned arch;
  unsigned name_offset, name_size;
  u64 flags, zero, raw;
};

std::string ptx_of(const void* data) {
  const auto* h = static_cast<const FatHeader*>(data);
  if (h->magic != 0xBA55ED50) {
    say("a fat binary with magic %x", h->magic);
    abort();
  }
  const char* p = static_cast<const char*>(data) + h->header;
  const char* const end = p + h->size;
  while (p < end) {
    const auto* e = reinterpret_cast<const FatEntry*>(p);
    if (e->kind == 1) {
      if (e->flags & 0xf000) {
        say("a compressed fat binary: build with --no-compress");
        abort();
      }
      std::string text(p + e->header, e->size);
      while (!text.empty() && text.back() == 0) text.pop_back();
      return text;
    }
    p += e->header + e->size;
  }
  return {};
}

bool load(Mod& m) {
  if (m.loaded) return true;
  if (!m.failure.empty()) return false;
  try {
    m.loaded = ptx::load(m.text);
  } catch (const std::exception& e) {
    m.failure = e.what();
    say("PTX was not understood: %s", e.what());
    return false;
  }
  for (const ptx::Range& r : ptx::storage(*m.loaded))
    for (Device& d : world().devices) add_range(d.memory, r);
  return true;
}
const ptx::Kernel* info_of(CUkern_st* k) {
  if (k->info == nullptr && load(*k->mod)) k->info = ptx::find(*k->mod->loaded, k->name);
  return k->info;
}
CUkern_st* kernel_of(const void* f) {
  if (const auto found = functions().find(f); found != functions().end()) return found->second;
  if (auto* k = static_cast<CUkern_st*>(const_cast<void*>(f)); kernels().contains(k)) {
    if (k->dead) {
      say("use of a kernel whose library is unloaded: %s", k->name.c_str());
      return nullptr;
    }
    return k;
  }
  return nullptr;
}

void register_function(const void* host, CUkern_st* kernel) {
  kernels().insert(kernel);
  functions()[host] = kernel;
}

}  // namespace galena::emulator

using namespace galena;
using namespace galena::emulator;

extern "C" {

void** __cudaRegisterFatBinary(void* fat) {
  LOCK;
  const auto* wrapper = static_cast<const FatWrapper*>(fat);
  if (wrapper->magic != 0x466243b1) {
    say("a fat binary wrapper with magic %x", wrapper->magic);
    abort();
  }
  return reinterpret_cast<void**>(new std::shared_ptr<Mod>(new Mod{ptx_of(wrapper->data), nullptr, {}}));
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void** handle, const char* host, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*,
                            int*) {
  LOCK;
  auto* k = new CUkern_st{*reinterpret_cast<std::shared_ptr<Mod>*>(handle), name};
  register_function(host, k);
}
void __cudaRegisterVar(void**, char*, char*, const char* name, int, size_t, int, int) {
  if (settings().trace) say("variable %s registered", name);
}
char __cudaInitModule(void**) { return 1; }
cudaError_t cudaLibraryLoadData(cudaLibrary_t* library, const void* code, cudaJitOption*, void**, unsigned,
                                cudaLibraryOption*, void**, unsigned) {
  ENTER;
  if (const auto e = unsafe("cudaLibraryLoadData")) return set(e);
  auto mod = std::make_shared<Mod>(Mod{static_cast<const char*>(code), nullptr, {}});
  if (!load(*mod)) return set(cudaErrorInvalidKernelImage);
  *library = new CUlib_st{mod, {}};
  live_handles().insert(*library);
  kinds()[*library] = "library";
  return cudaSuccess;
}
cudaError_t cudaLibraryGetKernel(cudaKernel_t* k, cudaLibrary_t library, const char* name) {
  ENTER;
  if (!live_handles().contains(library)) return set(cudaErrorInvalidResourceHandle);
  if (const auto found = library->kernels.find(name); found != library->kernels.end()) {
    *k = found->second;
    return cudaSuccess;
  }
  if (ptx::find(*library->mod->loaded, name) == nullptr) {
    say("no kernel %s in a library", name);
    return set(cudaErrorSymbolNotFound);
  }
  *k = library->kernels[name] = new CUkern_st{library->mod, name};
  kernels().insert(*k);
  return cudaSuccess;
}
cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
  LOCK;
  if (!live_handles().contains(library)) return set(cudaErrorInvalidResourceHandle);
  for (int d = 0; d < settings().devices; ++d) drain_device(d);
  for (const auto& [name, k] : library->kernels) k->dead = true;
  if (library->mod->loaded)
    for (const ptx::Range& r : ptx::storage(*library->mod->loaded))
      for (Device& d : world().devices) drop_range(d.memory, r.begin);
  live_handles().erase(library);
  delete library;
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* a, const void* f) {
  ENTER;
  CUkern_st* const k = kernel_of(f);
  if (k == nullptr || info_of(k) == nullptr) return set(cudaErrorInvalidDeviceFunction);
  memset(a, 0, sizeof *a);
  a->sharedSizeBytes = k->info->static_shared;
  a->maxThreadsPerBlock = int(k->info->max_threads);
  a->numRegs = 32;
  a->ptxVersion = a->binaryVersion = 90;
  a->maxDynamicSharedSizeBytes = int(k->dynamic_limit - k->info->static_shared);
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void* f, cudaFuncAttribute a, int v) {
  ENTER;
  CUkern_st* const k = kernel_of(f);
  if (k == nullptr) return set(cudaErrorInvalidDeviceFunction);
  if (a == cudaFuncAttributeMaxDynamicSharedMemorySize) {
    if (v < 0 || size_t(v) + (info_of(k) ? info_of(k)->static_shared : 0) > 232448) return set(cudaErrorInvalidValue);
    k->dynamic_limit = size_t(v);
  }
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* n, const void* f, int threads, size_t dynamic) {
  ENTER;
  CUkern_st* const k = kernel_of(f);
  if (k == nullptr || info_of(k) == nullptr) return set(cudaErrorInvalidDeviceFunction);
  if (threads > int(k->info->max_threads)) {
    *n = 0;
    return cudaSuccess;
  }
  const size_t shared = k->info->static_shared + dynamic + 1024;
  *n = int(std::min<size_t>({size_t(2048 / std::max(1, threads)), 233472 / shared, 32, size_t(settings().occupancy)}));
  if (k->info->static_shared + dynamic > (k->dynamic_limit > 49152 ? 232448u : 49152u)) *n = 0;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* n, const void* f, int threads, size_t dynamic,
                                                                   unsigned) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(n, f, threads, dynamic);
}
}  // extern "C"
