#include <algorithm>

#include "codegen/emit/cpp.hpp"
#include "codegen/jit/jit.hpp"
#include "codegen/passes/planner.hpp"
#include "galena/error.hpp"
#include "galena/mine.hpp"

namespace galena {

std::string Count::to_string() const {
  if (value_ == 0) return "0";
  std::string digits;
  for (Wide rest = value_; rest > 0; rest /= 10) digits += static_cast<char>('0' + static_cast<int>(rest % 10));
  std::reverse(digits.begin(), digits.end());
  return digits;
}

namespace {

Query one_query(const std::string& text) {
  std::vector<Query> queries = parse_queries(text);
  if (queries.size() != 1)
    throw InputError("expected one query, found " + std::to_string(queries.size()) + " in '" + text + "'");
  return std::move(queries.front());
}

Query query_of_kind(const std::string& text, QueryKind kind, const char* word) {
  Query query = one_query(text);
  if (query.kind != kind) throw InputError(std::string("expected a ") + word + " query, found '" + text + "'");
  return query;
}

}  // namespace

CompiledQuery::CompiledQuery(const std::string& query, MineOptions options)
    : query_(one_query(query)), options_(std::move(options)) {}

QueryResult CompiledQuery::run(const Graph& graph, const RowSink& sink) const {
  return Miner(graph, options_).run(query_, sink);
}

Count count(const Graph& graph, const std::string& query, const MineOptions& options) {
  return Miner(graph, options).run(query_of_kind(query, QueryKind::count, "COUNT")).count;
}

std::uint64_t list(const Graph& graph, const std::string& query, const RowSink& sink, const MineOptions& options) {
  Query parsed = one_query(query);
  if (parsed.kind == QueryKind::count) parsed.kind = QueryKind::list;
  if (parsed.kind != QueryKind::list) throw InputError("expected a LIST query, found '" + query + "'");
  return Miner(graph, options).run(parsed, sink).count.low();
}

}  // namespace galena
