#pragma once
// Collections of labelled query graphs with known numbers of maps.

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "galena/pattern.hpp"
#include "src/base/inflate.hpp"

namespace galena::test {

/// "q name n m", then "v id label" and "e u v" lines, query after query.
inline std::map<std::string, Pattern> read_query_graphs(const std::filesystem::path& file) {
  std::ostringstream packed;
  packed << std::ifstream(file, std::ios::binary).rdbuf();
  const std::string bytes = packed.str();
  std::istringstream text(base::inflate_all(std::as_bytes(std::span(bytes)), file.string()));
  std::map<std::string, Pattern> patterns;
  Pattern* current = nullptr;
  for (std::string line; std::getline(text, line);) {
    std::istringstream fields(line);
    std::string kind, name;
    int a = 0, b = 0;
    fields >> kind;
    if (kind == "q") {
      fields >> name >> a;
      current = &patterns.emplace(name, Pattern(a, {})).first->second;
    } else if (kind == "v" && fields >> a >> b) {
      current->set_label(a, {LabelSet::Kind::one_of, {static_cast<Label>(b)}});
    } else if (kind == "e" && fields >> a >> b) {
      current->add_edge(a, b);
    }
  }
  return patterns;
}

/// Query and count of each row of expected_counts.tsv that is a full count.
inline std::vector<std::pair<std::string, std::string>> read_exact_counts(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::vector<std::pair<std::string, std::string>> rows;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream fields(line);
    std::string query, count, status;
    if (fields >> query >> count >> status && status.starts_with("exact")) rows.emplace_back(query, count);
  }
  return rows;
}

}  // namespace galena::test
