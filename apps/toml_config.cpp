#include "apps/toml_config.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>

#include <iterator>

#include "galena/error.hpp"

namespace galena::cli {
namespace {

std::string text_of(const toml::node& node, const std::string& key, const std::string& path) {
  if (const auto text = node.value<std::string>(); node.is_string()) return *text;
  if (node.is_boolean()) return *node.value<bool>() ? "true" : "false";
  if (node.is_integer()) return std::to_string(*node.value<std::int64_t>());
  if (node.is_floating_point()) return fmt::format("{}", *node.value<double>());
  throw InputError(fmt::format("{}:{}: '{}' is neither text, a number, true or false nor a list of them", path,
                               node.source().begin.line, key));
}

void collect(const toml::table& table, const std::string& path, std::vector<CLI::ConfigItem>& items) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (const auto* inner = node.as_table()) {
      collect(*inner, path, items);
      continue;
    }
    CLI::ConfigItem item;
    item.name = name;
    if (const auto* list = node.as_array())
      for (const auto& element : *list) item.inputs.push_back(text_of(element, name, path));
    else
      item.inputs.push_back(text_of(node, name, path));
    items.push_back(std::move(item));
  }
}

}  // namespace

std::vector<CLI::ConfigItem> TomlConfig::from_config(std::istream& input) const {
  const std::string text((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
  std::vector<CLI::ConfigItem> items;
  try {
    collect(toml::parse(text), *path_, items);
  } catch (const toml::parse_error& error) {
    throw InputError(fmt::format("{}:{}:{}: {}", *path_, error.source().begin.line, error.source().begin.column,
                                 error.description()));
  }
  return items;
}

}  // namespace galena::cli
