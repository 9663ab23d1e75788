// galena train --report: the page holds the run and nothing from elsewhere.

#include <regex>

#include "apps/svg_chart.hpp"
#include "test/apps/train_command.hpp"

using namespace galena::test;
namespace cli = galena::cli;

namespace {

struct Report {
  Json json;
  std::string html;
  std::vector<Json> epochs;
};

Report report_of(std::vector<std::string> arguments) {
  const TemporaryFolder folder;
  const std::string page = folder.path() / "r.html", metrics = folder.path() / "m.jsonl";
  arguments.insert(arguments.end(), {"--report", page, "--metrics", metrics});
  Report report{train_json(arguments), text_of(page), {}};
  std::ifstream lines(metrics);
  for (std::string line; std::getline(lines, line);) report.epochs.push_back(Json::parse(line));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);  // nothing half-written
  return report;
}

/// The chart that has this title.
std::string chart(const std::string& html, const std::string& title) {
  const auto begin = html.find("aria-label=\"" + title);
  REQUIRE(begin != std::string::npos);
  return html.substr(begin, html.find("</svg>", begin) - begin);
}

/// The points of the first curves of a chart, as drawn.
std::vector<std::pair<double, double>> points(const std::string& svg, const std::string& curve) {
  std::smatch match;
  const std::regex path("<path class=\"curve [^\"]*\" d=\"([^\"]*)\"><title>" + curve + "</title>");
  REQUIRE(std::regex_search(svg, match, path));
  const std::string text = match[1];
  std::vector<std::pair<double, double>> all;
  const std::regex point("[ML]([-0-9.]+) ([-0-9.]+)");
  for (std::sregex_iterator it(text.begin(), text.end(), point), end; it != end; ++it)
    all.emplace_back(std::stod((*it)[1]), std::stod((*it)[2]));
  return all;
}

}  // namespace

TEST_CASE("the report refers to nothing outside itself") {
  const Report report = report_of({"karate", "--epochs", "10", "--parts", "2"});
  CHECK(report.html.starts_with("<!DOCTYPE html>"));
  CHECK(report.html.ends_with("</html>\n"));
  for (const char* outside : {"http", "src=", "href", "url(", "@import", "<link", "<script", "<iframe"})
    CHECK_THAT(report.html, !contains(outside));
  CHECK_THAT(report.html, contains("prefers-color-scheme: dark"));
}

TEST_CASE("the report holds the curves of loss and scores") {
  const Report report = report_of({"karate", "--epochs", "30"});
  REQUIRE(report.epochs.size() == 30);
  const auto loss = points(chart(report.html, "Training loss"), "loss");
  REQUIRE(loss.size() == 30);
  // Heights above the axis are as the losses; the axis is the lowest grid line.
  std::smatch axis;
  const std::string svg = chart(report.html, "Training loss");
  REQUIRE(std::regex_search(svg, axis, std::regex("class=\"grid\" d=\"M[0-9.]+ ([0-9.]+)H")));
  const double zero = std::stod(axis[1]);
  for (std::size_t k = 1; k < 30; ++k) {
    const double drawn = (zero - loss[k].second) / (zero - loss[0].second);
    CHECK(drawn ==
          Approx(report.epochs[k]["loss"].get<double>() / report.epochs[0]["loss"].get<double>()).margin(0.002));
  }
  for (const char* split : {"train", "valid", "test"})
    CHECK(points(chart(report.html, "Score: accuracy"), split).size() == 30);
  CHECK_THAT(chart(report.html, "Score: accuracy"), contains(">best</text>"));
}

TEST_CASE("the report holds the bytes by exchange and direction, the partition, notes and options") {
  const Report report = report_of({"karate", "--epochs", "6", "--parts", "2", "--message-bits", "8"});
  const std::string bytes = chart(report.html, "Bytes sent in an epoch");
  CHECK_THAT(bytes, contains("exchange 0, forward") && contains("exchange 1, backward") && contains("payload: "));
  CHECK_THAT(report.html, contains("of gradients") && contains("of that, waiting"));
  CHECK_THAT(report.html, contains("<h2>Partition</h2>") && contains("largest by mean"));
  for (const auto& note : report.json["notes"])
    CHECK_THAT(report.html, contains(cli::escape_html(note.get<std::string>())));
  CHECK_THAT(report.html, contains("<span>message-bits</span><code>8</code>"));
}

TEST_CASE("a report of no epochs is a page too") {
  const Report report = report_of({"karate", "--epochs", "0"});
  CHECK_THAT(report.html, contains("<div class=\"value\">none</div>"));
}

TEST_CASE("names with signs of HTML are shown as they are") {
  const TemporaryFolder folder;
  const auto odd = folder.path() / "a<b>&c";
  std::filesystem::copy(source_dir() / "datasets/karate", odd);
  const Report report = report_of({odd.string(), "--epochs", "2"});
  CHECK_THAT(report.html, contains("a&lt;b&gt;&amp;c") && !contains("a<b>"));
}

TEST_CASE("axes have round numbers") {
  const auto same = [](const std::vector<double>& found, const std::vector<double>& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t k = 0; k < found.size(); ++k) CHECK(found[k] == Approx(expected[k]).margin(1e-12));
  };
  same(cli::ticks(0, 1, 5), {0, 0.2, 0.4, 0.6, 0.8, 1});
  same(cli::ticks(0, 99, 5), {0, 20, 40, 60, 80});
  same(cli::ticks(-3, 3, 3), {-2, 0, 2});
  same(cli::ticks(0.0012, 0.0031, 4), {0.0015, 0.002, 0.0025, 0.003});
  CHECK(cli::ticks(1, 1, 5).empty());
  CHECK(cli::format_bytes(0) == "0 B");
  CHECK(cli::format_bytes(1500) == "1.50 kB");
  CHECK(cli::format_bytes(12345678) == "12.3 MB");
}

TEST_CASE("values that are not finite leave a curve whole, and many points are thinned") {
  cli::LineChart drawing;
  drawing.title = "t";
  cli::Curve curve{.name = "c"};
  for (int k = 0; k < 100000; ++k) curve.points.emplace_back(k, k % 7 == 0 ? NAN : 1.0 / (k + 1));
  drawing.curves = {curve};
  const std::string svg = cli::draw(drawing);
  CHECK(svg.size() < 40000);
  CHECK_THAT(svg, !contains("nan") && !contains("inf"));
  drawing.curves.front().points = {{0, NAN}};
  CHECK_THAT(cli::draw(drawing), contains("</svg>"));
}
