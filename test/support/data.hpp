#pragma once
// Real data sets for tests. They are not part of the repository: a test that wants them
// skips where they are absent.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace galena::test {

/// The root of the source tree.
std::filesystem::path source_dir();

/// The folder of real data sets: $GALENA_DATA_DIR, else ../shared/data beside the source tree,
/// where it exists.
std::optional<std::filesystem::path> data_dir();

/// The folder of one data set, if it is there.
std::optional<std::filesystem::path> data_set(const std::string& name);

/// A line of truths.tsv: a count that is known.
struct Truth {
  std::string graph;     ///< folder name of the data set
  int vertices = 0;      ///< of the pattern
  std::string pattern;   ///< "house", "clique(5)"
  std::string edges;     ///< "0-1 1-2 0-2"
  bool induced = false;  ///< vertex-induced, else edge-induced
  std::string count;     ///< decimal; may exceed 64 bits
};

/// All of data_dir()/truths.tsv; empty where it is absent. Throws std::runtime_error with the
/// line's number where a line is not as above.
std::vector<Truth> read_truths();
std::vector<Truth> read_truths(const std::filesystem::path& file);

/// A fresh folder under the system's temporary one, removed with everything in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Writes a file in it and returns its path.
  [[nodiscard]] std::filesystem::path write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

}  // namespace galena::test
