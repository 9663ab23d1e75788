#pragma once
// What the tests of `galena train` share.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/base/npy.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/process.hpp"

namespace galena::test {

using Json = nlohmann::ordered_json;

inline Outcome train(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "train");
  return run_galena(arguments);
}

/// The object that --json prints of a run that must succeed.
inline Json train_json(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const Outcome run = train(arguments);
  CAPTURE(arguments, run.err);
  REQUIRE(run.code == 0);
  return Json::parse(run.out);
}

/// A failure: the exit code, nothing on stdout, and an error line that contains the part.
inline void check_refused(const std::vector<std::string>& arguments, const std::string& part, int code = 2) {
  const Outcome run = train(arguments);
  CAPTURE(arguments);
  CHECK(run.code == code);
  CHECK(run.out.empty());
  CHECK_THAT(run.err, contains("galena: error: ") && contains(part));
}

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Matrix {
  std::uint64_t rows = 0, cols = 0;
  std::vector<double> values;
  [[nodiscard]] double at(std::uint64_t row, std::uint64_t col) const { return values[row * cols + col]; }
};

inline Matrix matrix_of(const std::filesystem::path& path) {
  const base::NpyArray array = base::read_npy(path);
  REQUIRE(array.shape().size() == 2);
  return {array.shape()[0], array.shape()[1], array.values<double>()};
}

}  // namespace galena::test
