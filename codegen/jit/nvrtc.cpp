#include "codegen/jit/nvrtc.hpp"

#include <cuda_runtime_api.h>
#include <nvrtc.h>

#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "codegen/jit/cache.hpp"
#include "codegen/jit/jit.hpp"
#include "galena/error.hpp"
#include "src/base/sha256.hpp"
#include "src/base/shared_library.hpp"

namespace galena::jit {

namespace {

constexpr std::size_t kShown = 1500;  ///< characters of a compiler's complaint
const std::string kExtension = ".cubin";

/// NVRTC brings no C library: what the embedded headers use of it.
constexpr const char* kStddef = "#pragma once\nusing size_t = decltype(sizeof(0));\n";
constexpr const char* kStdint = R"(#pragma once
using int8_t = signed char; using int16_t = short; using int32_t = int; using int64_t = long long;
using uint8_t = unsigned char; using uint16_t = unsigned short; using uint32_t = unsigned int;
using uint64_t = unsigned long long;
#define INT64_C(x) x##LL
)";

/// That of the CUDA built with goes first: the driver may not load what a newer one compiles.
std::vector<std::string> names() {
  constexpr int kMajor = CUDART_VERSION / 1000, kOther = kMajor == 12 ? 13 : 12;
  const std::string name = "libnvrtc.so";
  return {name + "." + std::to_string(kMajor), name + "." + std::to_string(kOther), name, GALENA_NVRTC_BUILT_WITH};
}

/// The functions of the library, found when it is first asked for.
struct Nvrtc {
  base::SharedLibrary file{"NVRTC", "GALENA_NVRTC", names(), "install the CUDA Toolkit's runtime compiler"};
  decltype(&nvrtcVersion) version = nullptr;
  decltype(&nvrtcGetErrorString) error = nullptr;
  decltype(&nvrtcCreateProgram) create = nullptr;
  decltype(&nvrtcDestroyProgram) destroy = nullptr;
  decltype(&nvrtcCompileProgram) compile = nullptr;
  decltype(&nvrtcGetCUBINSize) cubin_size = nullptr;
  decltype(&nvrtcGetCUBIN) cubin = nullptr;
  decltype(&nvrtcGetProgramLogSize) log_size = nullptr;
  decltype(&nvrtcGetProgramLog) log = nullptr;

  Nvrtc() {
    file.find("nvrtcVersion", version).find("nvrtcGetErrorString", error);
    file.find("nvrtcCreateProgram", create).find("nvrtcDestroyProgram", destroy);
    file.find("nvrtcCompileProgram", compile).find("nvrtcGetCUBINSize", cubin_size).find("nvrtcGetCUBIN", cubin);
    file.find("nvrtcGetProgramLogSize", log_size).find("nvrtcGetProgramLog", log);
  }
};

const Nvrtc& nvrtc() {
  static const Nvrtc loaded;
  return loaded;
}

void check(nvrtcResult result, const char* what) {
  if (result != NVRTC_SUCCESS)
    throw EnvironmentError(std::string("NVRTC: ") + what + ": " + nvrtc().error(result) + " (" + nvrtc().file.name() +
                           ")");
}

/// Destroys the program when it goes out of scope.
class Program {
 public:
  explicit Program(const std::string& source) {
    const std::array<const char*, 2> headers{kStddef, kStdint};
    const std::array<const char*, 2> names{"stddef.h", "stdint.h"};
    check(nvrtc().create(&program_, source.c_str(), "kernel.cu", 2, headers.data(), names.data()), "no program");
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { nvrtc().destroy(&program_); }

  std::string compile(const std::vector<std::string>& flags) {
    std::vector<const char*> options;
    for (const std::string& flag : flags) options.push_back(flag.c_str());
    const nvrtcResult result = nvrtc().compile(program_, static_cast<int>(options.size()), options.data());
    if (result != NVRTC_SUCCESS)
      throw EnvironmentError("NVRTC could not compile generated code (" + std::string(nvrtc().error(result)) + "):\n" +
                             log().substr(0, kShown));
    std::size_t size = 0;
    check(nvrtc().cubin_size(program_, &size), "no cubin");
    std::string bytes(size, '\0');
    check(nvrtc().cubin(program_, bytes.data()), "no cubin");
    return bytes;
  }

 private:
  std::string log() {
    std::size_t size = 0;
    check(nvrtc().log_size(program_, &size), "no log");
    std::string text(size, '\0');
    check(nvrtc().log(program_, text.data()), "no log");
    return text;
  }

  nvrtcProgram program_ = nullptr;
};

std::pair<int, int> version() {
  std::pair<int, int> version;
  check(nvrtc().version(&version.first, &version.second), "no version");
  return version;
}

/// Of all that a cubin depends on.
std::string key_of(const std::string& source, const std::vector<std::string>& flags) {
  const auto [major, minor] = version();
  std::string all = "nvrtc " + std::to_string(major) + "." + std::to_string(minor) + " " + nvrtc().file.name() + "\n";
  for (const std::string& flag : flags) all += flag + "\n";
  for (const char* header : {kStddef, kStdint}) all += header;
  all += source;
  return base::sha256_hex(std::as_bytes(std::span(all))).substr(0, 40);
}

/// What it throws is noted: a folder that is of no use is no reason to fail.
template <class F>
void use_cache(Cubin& cubin, F&& f) {
  try {
    f(Cache(kExtension));
  } catch (const EnvironmentError& error) {
    cubin.not_kept = error.what();
  }
}

Cubin make(const std::string& source, const std::vector<std::string>& flags, const std::string& key) {
  Cubin cubin;
  use_cache(cubin, [&](const Cache& cache) {
    if (auto kept = cache.bytes(key)) {
      cubin.bytes = std::move(*kept);
      cubin.cached = true;
    }
  });
  if (cubin.cached) return cubin;
  cubin.bytes = Program(source).compile(flags);
  use_cache(cubin, [&](const Cache& cache) {
    cache.keep(cubin.bytes, key);
    cache.trim(JitOptions{}.cache_bytes);
  });
  return cubin;
}

/// Cubins that are being made, by key. Whoever asks for one of them waits for it: each device's thread asks for the same.
class Pending {
 public:
  Cubin get(const std::string& key, const std::function<Cubin()>& make) {
    std::promise<Cubin> promise;
    {
      std::unique_lock lock(mutex_);
      const auto [place, fresh] = pending_.try_emplace(key);
      if (!fresh) return wait(place->second, lock);
      place->second = promise.get_future().share();
    }
    try {
      Cubin made = make();
      promise.set_value(made);
      forget(key);
      return made;
    } catch (...) {
      promise.set_exception(std::current_exception());
      forget(key);
      throw;
    }
  }

 private:
  static Cubin wait(std::shared_future<Cubin> other, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    Cubin made = other.get();
    made.cached = true;
    return made;
  }
  void forget(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    pending_.erase(key);
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_future<Cubin>> pending_;
};

}  // namespace

bool nvrtc_available(std::string* why_not) {
  if (why_not != nullptr) *why_not = nvrtc().file.why_not();
  return nvrtc().file.whole();
}

Cubin compile_cuda(const std::string& text, int arch, bool hastily) {
  const auto start = std::chrono::steady_clock::now();
  nvrtc().file.require();
  const std::string source = expand(text);
  // A generic lambda of a kernel is taken for a function of the host's but for the fourth.
  std::vector<std::string> flags{
      "--gpu-architecture=sm_" + std::to_string(arch), "--std=c++20",        "--device-int128",
      "--device-as-default-execution-space",           "--disable-warnings", "-D__extension__="};
  if (hastily && version() >= std::pair(12, 8)) flags.emplace_back("--Ofast-compile=max");
  const std::string key = key_of(source, flags);
  static Pending pending;
  Cubin result = pending.get(key, [&] { return make(source, flags, key); });
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace galena::jit
