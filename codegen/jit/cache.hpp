#pragma once
// The folder of compiled kernels. Code is loaded from it, so nobody else may write there.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "codegen/jit/jit.hpp"

namespace galena::jit {

/// Kernels by key. Every entry carries a digest of itself: one that was cut short or
/// changed is as good as absent. Entries appear whole, by rename.
class Cache {
 public:
  /// Makes the folder (mode 0700) where it is missing. EnvironmentError when it cannot be made,
  /// or belongs to or can be written by someone else.
  /// `extension` is that of the entries: of shared objects or of cubins.
  explicit Cache(std::string extension = ".so");

  /// Null when the entry is missing or damaged; EnvironmentError when it is another user's.
  [[nodiscard]] std::shared_ptr<Kernel> load(const std::string& key) const;

  /// The bytes of an entry that is not loaded as it stands; nothing and errors as load().
  [[nodiscard]] std::optional<std::string> bytes(const std::string& key) const;
  /// Makes `bytes` the entry of `key`.
  void keep(const std::string& bytes, const std::string& key) const;

  /// A name in the folder that no other thread or process uses.
  [[nodiscard]] std::filesystem::path scratch(const std::string& key, const std::string& extension) const;

  /// Makes a shared object in the folder the entry of `key`.
  void publish(const std::filesystem::path& object, const std::string& key) const;

  /// Removes the oldest entries until all take at most `bytes`, and scratch files left behind.
  void trim(std::uint64_t bytes) const;

 private:
  [[nodiscard]] std::filesystem::path entry(const std::string& key) const { return folder_ / (key + extension_); }
  std::string extension_;
  std::filesystem::path folder_;
};

}  // namespace galena::jit
