// Copies and fills.

#include <cstring>
#include <stdexcept>

#include "test/emulator/runtime.hpp"

namespace galena::emulator {

namespace {

void do_copy(void* to, const void* from, u64 bytes, const char* what) {
  ++world().copies;
  if (is_arena(to)) need_device(to, bytes, what);
  if (is_arena(from)) need_device(from, bytes, what);
  memmove(to, from, bytes);
}
bool is_device(const void* p) {
  if (is_arena(p)) return true;
  return false;
}

cudaError_t copy_async(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  const bool to_device = is_device(to), from_device = is_device(from);
  const auto wrong = [&] {
    say("cudaMemcpyAsync of kind %d from %s to %s", int(kind), describe(from).c_str(), describe(to).c_str());
    backtrace_here();
    return set(cudaErrorInvalidValue);
  };
  if ((kind == cudaMemcpyHostToDevice && (!to_device || from_device)) ||
      (kind == cudaMemcpyDeviceToHost && (to_device || !from_device)) ||
      (kind == cudaMemcpyDeviceToDevice && !(to_device && from_device)) ||
      (kind == cudaMemcpyHostToHost && (to_device || from_device)))
    return wrong();
  // What is plainly wrong at the call.
  for (const void* p : {static_cast<const void*>(to), from})
    if (is_device(p)) {
      const Alloc* a = find_alloc(p);
      if (a == nullptr || u64(p) + bytes > a->begin + a->size) return wrong();
      if (a->life == Life::freed && !s->capture) return wrong();
    }
  const std::string what = std::string("copy of ") + std::to_string(bytes) +
                           (from_device ? to_device ? " D2D" : " D2H"
                            : to_device ? " H2D"
                                        : " H2H");
  const bool to_pinned = !to_device && find_pinned(to) != nullptr,
             from_pinned = !from_device && find_pinned(from) != nullptr;
  if (s->capture && ((!to_device && !to_pinned) || (!from_device && !from_pinned)))
    say("WARNING: a copy with pageable host memory is captured");
  if (!s->capture && !from_device && !from_pinned) {  // staged at once
    auto staged = std::make_shared<std::vector<unsigned char>>(static_cast<const unsigned char*>(from),
                                                               static_cast<const unsigned char*>(from) + bytes);
    const cudaError_t e =
        enqueue(s, {what + " staged", [=] { do_copy(to, staged->data(), bytes, what.c_str()); }, nullptr, nullptr});
    if (e == cudaSuccess && bytes > 65536) {
      drain(s);
      return set(sticky(s->device));
    }
    return set(e);
  }
  const cudaError_t e = enqueue(s, {what,
                                    [=] {
                                      for (const void* p : {static_cast<const void*>(to), from})
                                        if (!is_device(p)) {
                                          const bool pin = p == to ? to_pinned : from_pinned;
                                          if (pin && find_pinned(p) == nullptr)
                                            throw std::runtime_error("pinned memory was freed before the copy ran");
                                        }
                                      do_copy(to, from, bytes, what.c_str());
                                    },
                                    nullptr, nullptr});
  if (e == cudaSuccess && !s->capture && !to_device && !to_pinned) {
    const bool lazy = settings().lazy_copies && (settings().order != "random" || rng()() % 2 == 0);
    if (!lazy) {
      drain(s);
      return set(sticky(s->device));
    }
  }
  return set(e);
}

}  // namespace
}  // namespace galena::emulator

using namespace galena;
using namespace galena::emulator;

extern "C" {

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  ENTER;
  return copy_async(to, from, bytes, kind, stream);
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  ENTER;
  if (const auto e = unsafe("cudaMemcpy")) return set(e);
  if (const auto e = copy_async(to, from, bytes, kind, nullptr)) return e;
  drain(state_of(nullptr));
  return set(sticky(current));
}
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  const Alloc* a = find_alloc(to);
  if (a == nullptr || u64(to) + bytes > a->begin + a->size || a->life == Life::freed) {
    say("cudaMemsetAsync of %zu at %s", bytes, describe(to).c_str());
    backtrace_here();
    return set(cudaErrorInvalidValue);
  }
  return set(enqueue(s, {"memset of " + std::to_string(bytes),
                         [=] {
                           need_device(to, bytes, "memset");
                           memset(to, value, bytes);
                         },
                         nullptr, nullptr}));
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  {
    ENTER;
    if (const auto e = unsafe("cudaMemset")) return set(e);
  }
  return cudaMemsetAsync(to, value, bytes, nullptr);
}

}  // extern "C"
