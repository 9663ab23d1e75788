#pragma once
// Options from a TOML file, under their names on the command line without the dashes. Tables only group keys: hidden
// under [model] is --hidden.

#include <CLI/CLI.hpp>

#include <string>

namespace galena::cli {

/// Gives `command` the options of the file that were not given on the command line. To be called in the command's
/// callback: CLI11 itself reads files of the main application only. Throws InputError naming file and line of what is
/// no TOML, of a name that is no option (with a suggestion) and of a value that the option does not take.
void read_toml_options(CLI::App& command, const std::string& path);

}  // namespace galena::cli
