#pragma once
// Charts as SVG text for a page of HTML: curves over a number, and stacked bars. Colours are the page's CSS variables
// --series-0 to --series-5, --ink, --muted, --grid, so that a chart follows its dark mode. Nothing is loaded.

#include <string>
#include <utility>
#include <vector>

namespace galena::cli {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points = {};  ///< x increasing; those that are not finite are left out
  bool filled = false;                                 ///< the area under it too
};

struct LineChart {
  std::string title, x_label;
  std::vector<Curve> curves = {};
  bool from_zero = false;  ///< y begins at 0
  double scale = 1;        ///< of values, as axes show them
  std::string unit = {};   ///< behind them
  double mark = -1;        ///< a vertical line at this x; negative: none
  std::string mark_label = {};
};

struct StackedBar {
  std::string label;
  std::vector<double> values;  ///< one a series
};

struct BarChart {
  std::string title;
  std::vector<std::string> series = {};
  std::vector<StackedBar> bars = {};
};

/// &, <, > and quotes as entities.
std::string escape_html(const std::string& text);

/// An <svg> element.
std::string draw(const LineChart& chart);
/// The same; lengths are bytes.
std::string draw(const BarChart& chart);

/// "1.5 kB", "12 MB": powers of 1000.
std::string format_bytes(double bytes);

/// Round numbers within [low, high], about `wanted` of them, in steps of 1, 2 or 5 times a power of ten.
std::vector<double> ticks(double low, double high, int wanted);

}  // namespace galena::cli
