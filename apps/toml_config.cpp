#include "apps/toml_config.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>

#include <string_view>
#include <vector>

#include "galena/error.hpp"
#include "src/base/mapped_file.hpp"
#include "src/base/suggest.hpp"

namespace galena::cli {
namespace {

[[noreturn]] void fail(const std::string& path, const toml::node& node, const std::string& what) {
  throw InputError(fmt::format("{}:{}: {}", path, node.source().begin.line, what));
}

std::string text_of(const toml::node& node, const std::string& key, const std::string& path) {
  if (node.is_string()) return *node.value<std::string>();
  if (node.is_boolean()) return *node.value<bool>() ? "true" : "false";
  if (node.is_integer()) return std::to_string(*node.value<std::int64_t>());
  if (node.is_floating_point()) return fmt::format("{}", *node.value<double>());
  fail(path, node, fmt::format("'{}' is neither text, a number, true or false nor a list of them", key));
}

CLI::Option& find_option(CLI::App& command, const std::string& key, const toml::node& node, const std::string& path) {
  if (CLI::Option* option = command.get_option_no_throw("--" + key); option != nullptr) return *option;
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    if (!option->get_lnames().empty()) names.push_back(option->get_lnames().front());
  fail(path, node, fmt::format("there is no option '{}'{}", key, base::did_you_mean(key, names)));
}

// Options that the command line gave are not empty by now.
void read_option(CLI::App& command, const std::string& key, const toml::node& node, const std::string& path) {
  CLI::Option& option = find_option(command, key, node, path);
  if (!option.empty()) return;
  try {
    if (option.get_expected_min() == 0)  // a flag
      option.add_result(option.get_flag_value("--" + key, text_of(node, key, path)));
    else if (const toml::array* list = node.as_array())
      for (const auto& element : *list) option.add_result(text_of(element, key, path));
    else
      option.add_result(text_of(node, key, path));
    option.run_callback();
  } catch (const CLI::Error& error) {
    fail(path, node, error.what());
  }
}

void read_table(CLI::App& command, const toml::table& table, const std::string& path) {
  for (const auto& [key, node] : table) {
    if (const toml::table* inner = node.as_table())
      read_table(command, *inner, path);
    else
      read_option(command, std::string(key.str()), node, path);
  }
}

}  // namespace

void read_toml_options(CLI::App& command, const std::string& path) {
  const base::MappedFile file(path);
  const auto bytes = file.bytes();
  try {
    read_table(command, toml::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())), path);
  } catch (const toml::parse_error& error) {
    throw InputError(
        fmt::format("{}:{}:{}: {}", path, error.source().begin.line, error.source().begin.column, error.description()));
  }
}

}  // namespace galena::cli
