#pragma once
// The file of --metrics: a JSON line an epoch, there as soon as the epoch is over.

#include <fstream>
#include <string>

#include "galena/train.hpp"

namespace galena::cli {

class MetricsFile {
 public:
  /// Empty path: nothing is written. `resumed`: what the file holds of epochs before the first one added stays; later
  /// ones, which a run wrote that was killed before its next checkpoint, and a line cut short go. Else it is emptied.
  /// Throws EnvironmentError where it cannot be written.
  MetricsFile(std::string path, bool resumed);
  void add(const EpochRecord& record);

 private:
  void open(std::ios::openmode mode);
  void keep_before(int epoch);

  std::string path_;
  bool untouched_;  ///< lines of an earlier run have not been looked at
  std::ofstream out_;
};

}  // namespace galena::cli
