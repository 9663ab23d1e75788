#include "apps/train_metrics.hpp"

#include "apps/train_json.hpp"
#include "galena/error.hpp"
#include "src/base/file_writer.hpp"

namespace galena::cli {
namespace {

// The epoch of a line; none where it is no whole record.
std::optional<int> epoch_of(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("epoch") || !json["epoch"].is_number_integer()) return std::nullopt;
  return json["epoch"].get<int>();
}

}  // namespace

MetricsFile::MetricsFile(std::string path, bool resumed) : path_(std::move(path)), untouched_(resumed) {
  if (!path_.empty()) open(resumed ? std::ios::app : std::ios::trunc);
}

void MetricsFile::open(std::ios::openmode mode) {
  out_.open(path_, mode);
  if (!out_) throw EnvironmentError(path_ + ": cannot be written; is the folder there?");
}

void MetricsFile::keep_before(int epoch) {
  if (base::replaced_by(path_).empty()) return;  // a stream: what went is gone
  out_.close();
  base::AtomicFile kept(path_);
  std::ifstream in(path_);
  for (std::string line; std::getline(in, line);)
    if (const auto found = epoch_of(line); found && *found < epoch) kept.write(line + "\n");
  kept.commit();
  open(std::ios::app);
}

void MetricsFile::add(const EpochRecord& record) {
  if (!out_.is_open()) return;
  if (std::exchange(untouched_, false)) keep_before(record.epoch);
  out_ << record_json(record).dump() << '\n' << std::flush;
  if (!out_) throw EnvironmentError(path_ + ": cannot be written; is the disk full?");
}

}  // namespace galena::cli
