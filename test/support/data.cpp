#include "test/support/data.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace galena::test {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> split_tabs(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, '\t');) fields.push_back(field);
  return fields;
}

Truth parse_truth(const std::string& line) {
  const auto fields = split_tabs(line);
  if (fields.size() != 6) throw std::runtime_error("expected 6 columns, found " + std::to_string(fields.size()));
  if (fields[4] != "0" && fields[4] != "1") throw std::runtime_error("induced is 0 or 1, not '" + fields[4] + "'");
  if (fields[5].empty() || fields[5].find_first_not_of("0123456789") != std::string::npos)
    throw std::runtime_error("the count is a decimal number, not '" + fields[5] + "'");
  return {fields[0], std::stoi(fields[1]), fields[2], fields[3], fields[4] == "1", fields[5]};
}

}  // namespace

fs::path source_dir() { return GALENA_SOURCE_DIR; }

std::optional<fs::path> data_dir() {
  if (const char* set = std::getenv("GALENA_DATA_DIR"); set != nullptr && *set != '\0') {
    if (!fs::is_directory(set)) throw std::runtime_error(std::string("GALENA_DATA_DIR is not a folder: ") + set);
    return fs::path(set);
  }
  const fs::path beside = source_dir().parent_path() / "shared" / "data";
  if (fs::is_directory(beside)) return beside;
  return std::nullopt;
}

std::optional<fs::path> data_set(const std::string& name) {
  const auto root = data_dir();
  if (!root || !fs::is_directory(*root / name)) return std::nullopt;
  return *root / name;
}

std::vector<Truth> read_truths() {
  const auto root = data_dir();
  if (!root || !fs::exists(*root / "truths.tsv")) return {};
  return read_truths(*root / "truths.tsv");
}

std::vector<Truth> read_truths(const fs::path& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  std::vector<Truth> truths;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (line.empty() || line[0] == '#' || line.starts_with("graph\t")) continue;
    try {
      truths.push_back(parse_truth(line));
    } catch (const std::exception& error) {
      throw std::runtime_error(file.string() + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  return truths;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "galena-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder: " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path TemporaryFolder::write(const std::string& name, const std::string& text) const {
  const fs::path file = path_ / name;
  fs::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
  return file;
}

}  // namespace galena::test
