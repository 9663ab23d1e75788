#pragma once
// What is needed to go on with a run that was killed: for each plan, which chunks are done and
// what they summed to. Chunks and plans depend on graph and query only, so any machine and
// any number of threads may go on.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "codegen/runtime/abi.h"

namespace galena::mine {

class Checkpoint {
 public:
  struct Section {
    std::vector<std::uint8_t> done;  ///< by chunk
    std::vector<rt::i128> sums;      ///< of the chunks done
    std::vector<rt::i128> local;     ///< by vertex, for LOCAL
  };

  Checkpoint() = default;
  /// Reads `path` if it exists. InputError where it is not a checkpoint, is damaged, or is of
  /// another graph.
  Checkpoint(std::filesystem::path path, std::uint64_t graph_digest);

  [[nodiscard]] bool enabled() const { return !path_.empty(); }
  /// The section of this key; new ones are empty.
  [[nodiscard]] Section* find(const std::string& key);
  /// Replaces a section and writes the file beside itself, then renames.
  void store(const std::string& key, Section section);

 private:
  void read();
  void write() const;

  std::filesystem::path path_;
  std::uint64_t digest_ = 0;
  std::map<std::string, Section> sections_;
};

}  // namespace galena::mine
