// galena train --config: options from a file.

#include <fstream>
#include <nlohmann/json.hpp>

#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/process.hpp"

using galena::test::contains;
using galena::test::run_galena;

namespace {

/// galena train karate with a file of this text, and further options.
galena::test::Outcome train_with(const std::string& text, std::vector<std::string> more = {}) {
  const galena::test::TemporaryFolder folder;
  const std::string path = (folder.path() / "options.toml").string();
  std::ofstream(path) << text;
  std::vector<std::string> arguments{"train", "karate", "--json", "--config", path};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_galena(arguments);
}

nlohmann::json result_of(const galena::test::Outcome& run) {
  INFO(run.err);
  REQUIRE(run.code == 0);
  return nlohmann::json::parse(run.out);
}

void check_config_refused(const std::string& text, const std::string& part) {
  const auto run = train_with(text);
  CHECK(run.code == 2);
  CHECK(run.out.empty());
  CHECK_THAT(run.err, contains(part));
}

}  // namespace

TEST_CASE("train takes its options from a TOML file, tables only group them") {
  const auto result = result_of(train_with("epochs = 3\n[model]\nmodel = \"sage\"\nhidden = 4\nresidual = true\n"));
  CHECK(result["model"] == "sage");
  CHECK(result["epochs"] == 3);
  const auto plain = result_of(train_with("epochs = 3\nmodel = \"sage\"\nhidden = 4\n"));
  CHECK(result["parameters"] > plain["parameters"]);  // the residual's linear map
}

TEST_CASE("options on the command line come before the file's") {
  const auto result = result_of(train_with("epochs = 3\nmodel = \"gat\"\n", {"--epochs", "2"}));
  CHECK(result["epochs"] == 2);
  CHECK(result["model"] == "gat");
}

TEST_CASE("a file of options that does not fit is refused with its line") {
  check_config_refused("epochs = 3\nhiden = 4\n", "options.toml:2: there is no option 'hiden'; did you mean 'hidden'?");
  check_config_refused("layers = \"two\"\n", "options.toml:1: ");
  check_config_refused("[model]\nnorm = \"foo\"\n", "options.toml:2: ");
  check_config_refused("precision = \"bf16\"\n", "--precision bf16 is for GPUs (--device cuda)");
  check_config_refused("epochs = [\n", "options.toml:");
  check_config_refused("epochs = 1979-05-27\n", "neither text, a number, true or false");
  const auto run = run_galena({"train", "karate", "--config", "no/such.toml"});
  CHECK(run.code == 2);
  CHECK_THAT(run.err, contains("no/such.toml"));
}
