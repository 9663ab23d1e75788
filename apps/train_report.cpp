#include "apps/train_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "apps/svg_chart.hpp"
#include "apps/train_json.hpp"
#include "src/base/file_writer.hpp"

namespace galena::cli {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #1b2330; --muted: #5b6675; --grid: #e3e7ec; --line: #d5dae1;
  --series-0: #2f6fde; --series-1: #d9822b; --series-2: #1f9d66; --series-3: #8a56c9; --series-4: #c8414b;
  --series-5: #6b7785; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181e; --card: #1c222a; --ink: #e6eaf0; --muted: #9aa6b5; --grid: #2b333d; --line: #343d49;
  --series-0: #6ea0ff; --series-1: #f0a355; --series-2: #4fc991; --series-3: #b68cf0; --series-4: #f07a83;
  --series-5: #94a1b1; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 28px 20px 48px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1180px; margin: 0 auto; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 0 0 10px; }
.lead { color: var(--muted); margin: 0 0 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-bottom: 16px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px; }
.tile .value { font-size: 22px; font-weight: 600; } .tile .name { color: var(--muted); font-size: 13px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 16px; }
svg { width: 100%; height: auto; display: block; overflow: visible; }
svg text { font-size: 12px; fill: var(--ink); } svg .label { fill: var(--muted); }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .chart-title { font-size: 15px; font-weight: 600; }
.grid { stroke: var(--grid); fill: none; } .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.area { opacity: .22; } .mark { stroke: var(--ink); stroke-dasharray: 3 3; fill: none; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: right; color: var(--muted); font-weight: 500; font-size: 13px; }
td { text-align: right; } th, td { padding: 4px 8px; border-bottom: 1px solid var(--grid); }
th:first-child, td:first-child { text-align: left; } ul { margin: 0; padding-left: 20px; }
.scroll { overflow-x: auto; } .wide { grid-column: 1 / -1; }
.options { columns: 240px; column-gap: 32px; } p.lead:last-child { margin: 12px 0 0; }
.options div { display: flex; justify-content: space-between; border-bottom: 1px solid var(--grid); padding: 3px 0;
  break-inside: avoid; gap: 12px; }
.options span:first-child { color: var(--muted); } code { font: 13px ui-monospace, Consolas, monospace; }
)";

std::string style() {
  std::string css = kStyle;
  for (int k = 0; k < 6; ++k)
    css += fmt::format(".fill-{0} {{ fill: var(--series-{0}); }} .stroke-{0} {{ stroke: var(--series-{0}); }}\n", k);
  return css;
}

std::string score_text(double score) { return std::isfinite(score) ? fmt::format("{:.4f}", score) : "none"; }

std::string card(const std::string& inside, const char* kind = "card") {
  return fmt::format("<section class=\"{}\">\n{}</section>\n", kind, inside);
}

std::string tile(const std::string& name, const std::string& value) {
  return fmt::format("<div class=\"card tile\"><div class=\"value\">{}</div><div class=\"name\">{}</div></div>\n",
                     escape_html(value), escape_html(name));
}

// --- what the run was

std::string messages_text(const TrainCommand& command) {
  const MessageOptions& m = command.train.messages;
  if (m.byte_budget > 0) return fmt::format("a budget of {:g} of the bytes", m.byte_budget);
  const std::string bits = m.bits == 0 ? "bits chosen for each row" : fmt::format("{} bits", m.bits);
  return fmt::format("boundary rate {:g}{}, {}", m.rate, m.by_importance ? " by importance" : "", bits);
}

std::string lead(const TrainCommand& command, const TrainResult& result) {
  const TrainOptions& t = command.train;
  std::string text = fmt::format("{} layers of {}, {} at {:g}, seed {}", t.model.layers, t.model.hidden,
                                 t.optimizer.name, t.optimizer.lr, t.seed);
  if (result.parts > 1)
    text += fmt::format("; {} parts over {}, {}{}", result.parts, result.transport, messages_text(command),
                        t.messages.stale ? ", one epoch stale" : "");
  return text;
}

std::string tiles(const TrainResult& result) {
  std::string html = tile("test " + result.metric, score_text(result.best.test)) +
                     tile("valid " + result.metric, score_text(result.best.valid)) +
                     tile("best of " + format_count(static_cast<std::uint64_t>(result.epochs)) + " epochs, from 0",
                          result.best_epoch < 0 ? "none" : std::to_string(result.best_epoch)) +
                     tile("an epoch, median", fmt::format("{:.2f} ms", result.epoch_median * 1e3)) +
                     tile("parameters", format_count(static_cast<std::uint64_t>(result.parameters)));
  if (result.parts > 1)
    html += tile("payload an epoch", format_bytes(static_cast<double>(result.bytes_per_epoch.payload)));
  return "<div class=\"tiles\">\n" + html + "</div>\n";
}

// --- curves

template <class Value>
Curve curve_of(const std::string& name, const TrainResult& result, const Value& value) {
  Curve curve{.name = name};
  for (const EpochRecord& record : result.records) curve.points.emplace_back(record.epoch, value(record));
  return curve;
}

LineChart over_epochs(const std::string& title, const TrainResult& result) {
  LineChart chart{.title = title, .x_label = "epoch"};
  chart.mark = result.best_epoch;
  chart.mark_label = "best";
  return chart;
}

std::string loss_chart(const TrainResult& result) {
  LineChart chart = over_epochs("Training loss", result);
  chart.from_zero = true;
  chart.curves = {curve_of("loss", result, [](const EpochRecord& r) { return r.loss; })};
  std::string after;
  if (!result.records.empty() && result.records.front().epoch > 0)
    after = fmt::format("<p class=\"lead\">Curves begin with epoch {}, where the run was resumed.</p>\n",
                        result.records.front().epoch);
  return card(draw(chart) + after);
}

std::string score_chart(const TrainResult& result) {
  LineChart chart = over_epochs("Score: " + result.metric, result);
  const auto score = [&](const char* name, double Scores::*member) {
    return curve_of(name, result, [member](const EpochRecord& r) { return r.scores ? (*r.scores).*member : NAN; });
  };
  chart.curves = {score("train", &Scores::train), score("valid", &Scores::valid), score("test", &Scores::test)};
  return card(draw(chart));
}

std::string time_chart(const TrainResult& result) {
  double seconds = 0, waiting = 0;
  for (const EpochRecord& record : result.records) {
    seconds += record.seconds;
    waiting += record.wait_seconds;
  }
  LineChart chart{.title = "Time of an epoch", .x_label = "epoch"};
  chart.from_zero = true;
  chart.scale = 1e3;
  chart.unit = " ms";
  chart.curves = {curve_of("epoch", result, [](const EpochRecord& r) { return r.seconds; })};
  if (result.parts > 1) {
    if (seconds > 0) chart.title += fmt::format(", {:.0f}% of it waiting for rows", 100 * waiting / seconds);
    chart.curves.push_back(curve_of("of that, waiting", result, [](const EpochRecord& r) { return r.wait_seconds; }));
    chart.curves.back().filled = true;
  }
  return card(draw(chart));
}

// --- bytes: a bar for each layer and direction, in parts by kind; what belongs to no layer as a sentence

/// Means over the epochs that know their traffic.
struct MeanTraffic {
  std::map<std::pair<int, bool>, std::map<std::string, double>> layers;  ///< (layer, backward): bytes by kind
  std::map<std::string, double> rest;                                    ///< bytes by kind
};

MeanTraffic mean_traffic(const TrainResult& result) {
  const auto known = std::ranges::count_if(result.records, [](const EpochRecord& r) { return !r.traffic.empty(); });
  MeanTraffic mean;
  for (const EpochRecord& record : result.records)
    for (const TrafficRow& row : record.traffic) {
      if (row.bytes == 0) continue;
      auto& kinds = row.layer < 0 ? mean.rest : mean.layers[{row.layer, row.direction == "backward"}];
      kinds[row.kind] += static_cast<double>(row.bytes) / static_cast<double>(known);
    }
  return mean;
}

std::string rest_text(const MeanTraffic& mean) {
  std::string text;
  for (const auto& [kind, bytes] : mean.rest)
    text +=
        fmt::format("{}{} of {}", text.empty() ? "Besides, in sums over all parts: " : ", ", format_bytes(bytes), kind);
  return text.empty() ? "" : "<p class=\"lead\">" + text + "</p>\n";
}

std::string bytes_chart(const TrainResult& result) {
  const MeanTraffic mean = mean_traffic(result);
  if (mean.layers.empty() && mean.rest.empty()) return {};
  BarChart chart{.title = "Bytes sent in an epoch, the mean"};
  const auto series_of = [&](const std::string& kind) {
    const auto found = std::ranges::find(chart.series, kind);
    if (found == chart.series.end()) chart.series.push_back(kind);
    return static_cast<std::size_t>(std::ranges::find(chart.series, kind) - chart.series.begin());
  };
  for (const char* kind : {"payload", "parameters", "index"}) series_of(kind);
  for (const auto& [place, kinds] : mean.layers) {
    StackedBar bar{fmt::format("exchange {}, {}", place.first, place.second ? "backward" : "forward"), {}};
    for (const auto& [kind, bytes] : kinds) {
      bar.values.resize(std::max(bar.values.size(), series_of(kind) + 1));
      bar.values[series_of(kind)] = bytes;
    }
    chart.bars.push_back(std::move(bar));
  }
  return card(draw(chart) + rest_text(mean));
}

// --- tables

std::string row(const char* cell, const std::vector<std::string>& cells) {
  std::string html = "<tr>";
  for (const std::string& text : cells) html += fmt::format("<{0}>{1}</{0}>", cell, escape_html(text));
  return html + "</tr>\n";
}

std::string partition_table(const TrainResult& result) {
  const PartitionReport& report = result.partition;
  if (report.parts.empty()) return {};
  std::string html =
      "<h2>Partition</h2>\n<div class=\"scroll\"><table>\n" + row("th", {"part", "inner", "halo", "edges", "train"});
  for (std::size_t p = 0; p < report.parts.size(); ++p) {
    const PartitionReport::Part& part = report.parts[p];
    html += row("td", {std::to_string(p), format_count(part.inner), format_count(part.halo), format_count(part.edges),
                       format_count(part.train)});
  }
  const auto ratio = [](double value) { return fmt::format("{:.3f}", value); };
  html += row("td", {"largest by mean", ratio(report.balance_vertices), ratio(report.balance_halo),
                     ratio(report.balance_edges), ratio(report.balance_train)});
  return card(html + fmt::format("</table></div>\n<p class=\"lead\">{} edges between parts, {} halo vertices</p>\n",
                                 format_count(report.cut_edges), format_count(report.volume)));
}

std::string notes_list(const TrainResult& result) {
  std::string html = "<h2>Preparation</h2>\n<ul>\n";
  for (const auto* const list : {&result.notes, &result.kernels})
    for (const std::string& note : *list) html += fmt::format("<li>{}</li>\n", escape_html(note));
  return card(html + "</ul>\n");
}

std::string options_list(const TrainCommand& command) {
  std::string html = "<h2>Options</h2>\n<div class=\"options\">\n";
  const Json options = options_json(command);
  for (const auto& [name, value] : options.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    html += fmt::format("<div><span>{}</span><code>{}</code></div>\n", escape_html(name), escape_html(text));
  }
  return card(html + "</div>\n", "card wide");
}

}  // namespace

std::string report_html(const TrainCommand& command, const TrainResult& result) {
  const std::string title = escape_html(fmt::format("{} on {}", command.train.model.name, command.dataset));
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n"
      "<style>{}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n",
      title, style(), title, escape_html(lead(command, result)));
  html += tiles(result) + "<div class=\"cards\">\n";
  html += loss_chart(result) + score_chart(result) + time_chart(result) + bytes_chart(result);
  html += partition_table(result) + notes_list(result) + options_list(command);
  return html + "</div>\n</main>\n</body>\n</html>\n";
}

void write_report(const TrainCommand& command, const TrainResult& result) {
  base::AtomicFile file(command.report);
  file.write(report_html(command, result));
  file.commit();
}

}  // namespace galena::cli
