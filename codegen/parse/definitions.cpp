#include "codegen/parse/definitions.hpp"

#include <utility>

namespace galena::codegen {
namespace {

constexpr std::size_t kMostParts = std::size_t{1} << 22;

std::size_t weight(const Condition& condition) {
  std::size_t total = 4;
  for (const Condition& child : condition.children) total += weight(child);
  return total;
}

std::size_t weight(const Pattern& pattern) {
  std::size_t total = 16;
  for (int v = 0; v < pattern.size(); ++v) total += 2 + pattern.vertex(v).label.labels.size() / 8;
  for (const Pattern::Edge& edge : pattern.edges()) total += 1 + edge.label.labels.size() / 8;
  for (const Condition& condition : pattern.conditions()) total += weight(condition);
  return total;
}

}  // namespace

const Definition* Definitions::find(const std::string& name) const {
  const auto place = by_name_.find(name);
  return place == by_name_.end() ? nullptr : &place->second;
}

void Definitions::add(const std::string& name, Definition definition) { by_name_.emplace(name, std::move(definition)); }

std::vector<std::string> Definitions::names() const {
  std::vector<std::string> names;
  for (const auto& [name, definition] : by_name_) names.push_back(name);
  return names;
}

void Definitions::leave_text() {
  for (auto& [name, definition] : by_name_) definition.at = kElsewhere;
}

void Definitions::charge(const Cursor& cursor, const Pattern& pattern, const Token& at) {
  spent_ += weight(pattern);
  if (spent_ > kMostParts) cursor.fail(at, "the text expands to too many patterns; split it");
}

}  // namespace galena::codegen
