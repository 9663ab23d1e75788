#include <dlfcn.h>

#include "codegen/jit/jit.hpp"
#include "codegen/runtime/dispatch.hpp"
#include "galena/error.hpp"

namespace galena::jit {

Kernel::~Kernel() { dlclose(handle_); }

std::shared_ptr<Kernel> Kernel::load(const std::string& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    throw EnvironmentError("cannot load a compiled kernel: " + std::string(why != nullptr ? why : path));
  }
  const auto run = reinterpret_cast<rt::RunFn>(dlsym(handle, "galena_run"));
  std::shared_ptr<Kernel> kernel(new Kernel(handle, run));
  if (run == nullptr) throw InternalError(path + ": generated code does not define galena_run");
  // Absent where the set operations were compiled in.
  using Bind = void (*)(const rt::SetOps*);
  if (const auto bind = reinterpret_cast<Bind>(dlsym(handle, "galena_bind"))) bind(&rt::set_ops());
  return kernel;
}

}  // namespace galena::jit
