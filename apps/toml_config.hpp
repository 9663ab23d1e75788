#pragma once
// Options from a TOML file, under their names on the command line without the dashes. Tables only group keys: hidden
// under [model] is --hidden.

#include <CLI/CLI.hpp>

namespace galena::cli {

/// For CLI::App::config_formatter(). Throws InputError naming file, line and column of what is no TOML.
class TomlConfig : public CLI::Config {
 public:
  explicit TomlConfig(const std::string* path) : path_(path) {}
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

 private:
  const std::string* path_;
};

}  // namespace galena::cli
