#pragma once
// Compiled kernels of a test go to a folder of its own, and with it.

#include <cstdlib>
#include <string>

#include "test/support/data.hpp"

namespace galena::test {

/// While one lives, $GALENA_CACHE is a fresh folder. One at a time.
class PrivateCache {
 public:
  PrivateCache() {
    if (const char* old = std::getenv(kName)) old_ = old;
    setenv(kName, folder_.path().c_str(), 1);
  }
  PrivateCache(const PrivateCache&) = delete;
  PrivateCache& operator=(const PrivateCache&) = delete;
  ~PrivateCache() {
    if (old_.empty())
      unsetenv(kName);
    else
      setenv(kName, old_.c_str(), 1);
  }

 private:
  static constexpr const char* kName = "GALENA_CACHE";
  TemporaryFolder folder_;
  std::string old_;
};

}  // namespace galena::test
