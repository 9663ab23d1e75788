#include "src/base/shared_library.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <utility>

#include "galena/error.hpp"

namespace galena::base {

SharedLibrary::SharedLibrary(std::string title, const char* variable, std::vector<std::string> names,
                             std::string remedy)
    : title_(std::move(title)), remedy_(std::move(remedy) + ", or set " + variable + " to its file") {
  if (const char* wanted = std::getenv(variable); wanted != nullptr && *wanted != '\0') names = {wanted};
  for (const std::string& name : names) {
    handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) continue;
    name_ = name;
    return;
  }
  why_not_ = title_ + " was not found (" + names.front() + "): " + remedy_;
}

void* SharedLibrary::address(const char* name) {
  if (handle_ == nullptr) return nullptr;
  void* const found = dlsym(handle_, name);
  if (found == nullptr && why_not_.empty())
    why_not_ = title_ + " (" + name_ + ") has no " + name + ", so it is too old or another library: " + remedy_;
  return found;
}

void SharedLibrary::require() const {
  if (!whole()) throw EnvironmentError(why_not_);
}

}  // namespace galena::base
