#include "src/base/shared_library.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <utility>

#include "galena/error.hpp"

namespace galena::base {

namespace {

/// Whether the loader says that this file is not there; of one that needs another file it names that one.
bool absent(const std::string& name, const std::string& error) { return error.starts_with(name + ": cannot open"); }

}  // namespace

SharedLibrary::SharedLibrary(std::string title, const char* variable, std::vector<std::string> names,
                             std::string remedy, const Check& check)
    : title_(std::move(title)), remedy_(std::move(remedy) + ", or set " + variable + " to its file") {
  if (const char* wanted = std::getenv(variable); wanted != nullptr && *wanted != '\0') names = {wanted};
  std::string failures;
  for (const std::string& name : names) {
    const std::string failure = open(name, check);
    if (handle_ != nullptr) return;
    if (!absent(name, failure)) failures += (failures.empty() ? "" : "; ") + failure;
  }
  why_not_ = failures.empty() ? title_ + " was not found (" + names.front() + "): " + remedy_
                              : title_ + " cannot be used (" + failures + "): " + remedy_;
}

std::string SharedLibrary::open(const std::string& name, const Check& check) {
  handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) return dlerror();
  name_ = name;
  if (!check) return "";
  std::string failure = check(*this);
  if (failure.empty() && whole()) return "";
  if (failure.empty()) failure = "it has no " + missing_;
  handle_ = nullptr;  // it stays open: a library that has begun something may not like to be closed
  name_.clear();
  why_not_.clear();
  missing_.clear();
  return name + ": " + failure;
}

void* SharedLibrary::address(const char* name) {
  if (handle_ == nullptr) return nullptr;
  void* const found = dlsym(handle_, name);
  if (found == nullptr && missing_.empty()) {
    missing_ = name;
    why_not_ = title_ + " (" + name_ + ") has no " + name + ", so it is too old or another library: " + remedy_;
  }
  return found;
}

void SharedLibrary::require() const {
  if (!whole()) throw EnvironmentError(why_not_);
}

}  // namespace galena::base
