#include "apps/mine_results.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "apps/cli.hpp"

namespace galena::cli {
namespace {

using Json = nlohmann::ordered_json;

/// By number of edges; a support that only EXISTS asked for is a lower bound.
Json frequent_json(const QueryResult& result) {
  Json patterns = Json::array();
  for (const FrequentPattern& each : result.frequent)
    patterns.push_back({{"pattern", each.pattern.to_string()},
                        {"edges", each.pattern.edges().size()},
                        {result.query.frequent.exact ? "support" : "support_at_least", each.support}});
  return patterns;
}

Json result_json(const QueryResult& result, const Graph& graph, bool rows_written) {
  Json json{{"query", result.query.text}};
  if (result.query.kind == QueryKind::local) {
    if (!rows_written) {
      json["local"] = Json::array();
      for (VertexId v = 0; v < graph.num_vertices(); ++v)
        json["local"].push_back({{"vertex", graph.original_id(v)}, {"count", result.local[v].to_string()}});
    }
  } else {
    json["count"] = result.count.to_string();
  }
  if (result.interval) {
    json["low"] = result.interval->low.to_string();
    json["high"] = result.interval->high.to_string();
    json["confidence"] = 0.95;
  }
  if (result.query.kind == QueryKind::frequent) json["patterns"] = frequent_json(result);
  json["seconds"] = result.seconds;
  if (result.processes > 1) {
    json["processes"] = result.processes;
    json["balance"] = result.balance;
  }
  json["plan_seconds"] = result.plan_seconds;
  json["compile_seconds"] = result.compile_seconds;
  if (result.engine == "cuda") json["kernel_seconds"] = result.kernel_seconds;
  json["engine"] = result.engine;
  if (result.partial) {
    json["partial"] = true;
    json["done"] = result.done;
  }
  return json;
}

}  // namespace

void add_results(Json& list, const QueryResult& result, const Graph& graph, bool rows_written) {
  if (result.query.kind != QueryKind::motifs && result.query.kind != QueryKind::cliques) {
    list.push_back(result_json(result, graph, rows_written));
    return;
  }
  for (const MotifCount& motif : result.motifs) {
    Json entry{{"query", result.query.text},
               {"pattern", motif.name},
               {"count", motif.count.to_string()},
               {"seconds", result.seconds},
               {"engine", result.engine}};
    if (result.partial) entry["partial"] = true;
    list.push_back(std::move(entry));
  }
}

namespace {

void print_frequent(const QueryResult& result) {
  for (const FrequentPattern& each : result.frequent)
    fmt::print("  {:<60} {}{:>14}\n", each.pattern.to_string(),
               result.query.frequent.exact ? "  " : ">=", format_count(each.support));
}

}  // namespace

void print_result(const QueryResult& result, const Graph& graph, bool rows_written) {
  const std::string tail =
      result.partial ? fmt::format("   (PARTIAL: {:.1f}% of the work done)", 100 * result.done) : "";
  const std::string time = format_seconds(result.seconds);
  switch (result.query.kind) {
    case QueryKind::cliques:
    case QueryKind::motifs:
      fmt::print("{}   {}{}\n", result.query.text, time, tail);
      for (const MotifCount& motif : result.motifs)
        fmt::print("  {:<28} {:>26}\n", motif.name, format_count(motif.count.to_string()));
      break;
    case QueryKind::exists:
      fmt::print("{:<40} {:>26}   {}{}\n", result.query.text,
                 result.count.low() != 0 ? "yes"
                 : result.partial        ? "not found yet"
                                         : "no",
                 time, tail);
      break;
    case QueryKind::local:
      if (rows_written) return;
      fmt::print("# vertex\tcount of {}{}\n", result.query.text, tail);
      for (VertexId v = 0; v < graph.num_vertices(); ++v)
        fmt::print("{}\t{}\n", graph.original_id(v), result.local[v].to_string());
      break;
    case QueryKind::list:
      if (!rows_written) return;
      [[fallthrough]];
    case QueryKind::frequent:
    case QueryKind::count:
      fmt::print("{:<40} {:>26}   {}{}\n", result.query.text, format_count(result.count.to_string()), time, tail);
      if (result.query.approx > 0 && !result.interval && !result.partial) fmt::print("  exact\n");
      if (result.interval)
        fmt::print("  from {} to {} (95% confidence), by {:.1f}% of the work\n",
                   format_count(result.interval->low.to_string()), format_count(result.interval->high.to_string()),
                   100 * result.done);
      print_frequent(result);
      break;
  }
}

}  // namespace galena::cli
