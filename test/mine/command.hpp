#pragma once
// What the tests of `galena mine` share.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "test/support/catch.hpp"
#include "test/support/process.hpp"

namespace galena::test {

inline Outcome mine(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "mine");
  return run_galena(arguments);
}

/// As a person runs it with a variable set: `assignments` are NAME=VALUE.
inline Outcome mine_with(const std::vector<std::string>& assignments, const std::vector<std::string>& arguments) {
  std::vector<std::string> all{"env"};
  all.insert(all.end(), assignments.begin(), assignments.end());
  all.insert(all.end(), {galena_path(), "mine"});
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(all);
}

/// A failure: the exit code, nothing on stdout, and an error that contains every part.
inline void check_fails(const std::vector<std::string>& arguments, int code, const std::vector<std::string>& parts) {
  const Outcome outcome = mine(arguments);
  CAPTURE(arguments, outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, contains("galena: error: "));
  for (const std::string& part : parts) CHECK_THAT(outcome.err, contains(part));
}

/// The counts of all queries, from --json.
inline std::vector<std::string> counts(const Outcome& outcome) {
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  std::vector<std::string> all;
  const auto result = nlohmann::json::parse(outcome.out);
  for (const auto& query : result.at("queries")) all.push_back(query.at("count").get<std::string>());
  return all;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

}  // namespace galena::test
