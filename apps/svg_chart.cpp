#include "apps/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace galena::cli {
namespace {

constexpr double kWidth = 640, kHeight = 300;
constexpr double kLeft = 58, kRight = 16, kTop = 58, kBottom = 40;
constexpr double kBarHeight = 22, kBarGap = 12, kBarLeft = 150, kBarRight = 90;
constexpr std::size_t kMostPoints = 1000;  // more than a screen has columns for

/// A stretch of numbers mapped to a stretch of the drawing.
struct Scale {
  double low, high, begin, end;
  [[nodiscard]] double operator()(double value) const { return begin + (value - low) / (high - low) * (end - begin); }
};

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  /// Not empty, and of some length.
  void widen() {
    if (low > high) *this = {0, 1};
    if (low == high) {
      const double by = low == 0 ? 1 : std::abs(low) / 2;
      high += by;
      low -= low == 0 ? 0 : by;
    }
  }
};

bool finite(const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second);
}

std::string open(double height, const std::string& title) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\">\n"
      "<text class=\"chart-title\" x=\"0\" y=\"16\">{}</text>\n",
      kWidth, height, escape_html(title), escape_html(title));
}

std::string text_at(const char* kind, double x, double y, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", kind, x, y, escape_html(text));
}

std::string legend(const std::vector<std::string>& names, double left) {
  std::string svg;
  double x = left;
  for (std::size_t k = 0; k < names.size(); ++k) {
    svg += fmt::format("<rect class=\"fill-{}\" x=\"{:.1f}\" y=\"28\" width=\"12\" height=\"12\" rx=\"2\"/>\n", k, x);
    svg += text_at("label", x + 17, 38, names[k]);
    x += 35 + 6.6 * static_cast<double>(names[k].size());
  }
  return svg;
}

std::string grid(const LineChart& chart, const Scale& x, const Scale& y) {
  std::string svg;
  for (const double value : ticks(y.low, y.high, 5)) {
    svg += fmt::format("<path class=\"grid\" d=\"M{:g} {:.1f}H{:g}\"/>\n", x.begin, y(value), x.end);
    svg += text_at("label end", x.begin - 7, y(value) + 4, fmt::format("{:.6g}{}", value * chart.scale, chart.unit));
  }
  for (const double value : ticks(x.low, x.high, 7))
    if (value == std::floor(value))
      svg += text_at("label middle", x(value), y.begin + 17, fmt::format("{:.0f}", value));
  return svg + text_at("label end", x.end, y.begin + 34, chart.x_label);
}

std::string path_of(const std::vector<std::pair<double, double>>& points, const Scale& x, const Scale& y) {
  std::string path;
  const std::size_t step = std::max<std::size_t>(1, points.size() / kMostPoints);
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (k % step != 0 && k + 1 != points.size()) continue;
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(points[k].first), y(points[k].second));
  }
  return path;
}

std::string draw_curve(const Curve& curve, std::size_t number, const Scale& x, const Scale& y) {
  std::vector<std::pair<double, double>> points;
  std::ranges::copy_if(curve.points, std::back_inserter(points), finite);
  if (points.empty()) return {};
  if (points.size() == 1)
    return fmt::format("<circle class=\"fill-{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>\n", number,
                       x(points[0].first), y(points[0].second));
  const std::string path = path_of(points, x, y);
  std::string svg;
  if (curve.filled)
    svg += fmt::format("<path class=\"area fill-{}\" d=\"{}L{:.1f} {:.1f}L{:.1f} {:.1f}Z\"/>\n", number, path,
                       x(points.back().first), y.begin, x(points.front().first), y.begin);
  return svg + fmt::format("<path class=\"curve stroke-{}\" d=\"{}\"><title>{}</title></path>\n", number, path,
                           escape_html(curve.name));
}

std::string draw_mark(const LineChart& chart, const Scale& x, const Scale& y) {
  if (chart.mark < x.low || chart.mark > x.high) return {};
  const double at = x(chart.mark);
  const bool left = at > (x.begin + x.end) / 2;
  return fmt::format("<path class=\"mark\" d=\"M{:.1f} {:g}V{:g}\"/>\n", at, y.end, y.begin) +
         text_at(left ? "label end" : "label", at + (left ? 3 : -3), y.end - 5, chart.mark_label);
}

std::string draw_bar(const StackedBar& bar, const std::vector<std::string>& series, const Scale& x, double y) {
  std::string svg = text_at("label end", x.begin - 8, y + kBarHeight / 2 + 4, bar.label);
  double sum = 0;
  for (std::size_t k = 0; k < bar.values.size(); ++k) {
    const double width = x(sum + bar.values[k]) - x(sum);
    if (bar.values[k] > 0)
      svg += fmt::format(
          "<rect class=\"fill-{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:g}\"><title>{}: {}</title>"
          "</rect>\n",
          k, x(sum), y, std::max(width, 0.5), kBarHeight, escape_html(series[k]), format_bytes(bar.values[k]));
    sum += bar.values[k];
  }
  return svg + text_at("label", x(sum) + 7, y + kBarHeight / 2 + 4, format_bytes(sum));
}

}  // namespace

std::string escape_html(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string format_bytes(double bytes) {
  constexpr std::array kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 100 ? 0 : bytes >= 10 ? 1 : 2, kUnits[unit]);
}

std::vector<double> ticks(double low, double high, int wanted) {
  std::vector<double> values;
  if (!(high > low) || wanted < 1) return values;
  const double rough = (high - low) / wanted;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power > 5 ? 10 : rough / power > 2 ? 5 : rough / power > 1 ? 2 : 1);
  const auto first = static_cast<long long>(std::ceil(low / step - 1e-9));
  const auto last = static_cast<long long>(std::floor(high / step + 1e-9));
  for (long long k = first; k <= last; ++k) values.push_back(static_cast<double>(k) * step);
  return values;
}

std::string draw(const LineChart& chart) {
  Range across, up;
  std::vector<std::string> names;
  for (const Curve& curve : chart.curves) {
    names.push_back(curve.name);
    for (const auto& point : curve.points)
      if (finite(point)) across.add(point.first), up.add(point.second);
  }
  if (chart.from_zero && up.low <= up.high) up.add(0);
  across.widen();
  up.widen();
  const double room = chart.from_zero ? 0 : (up.high - up.low) * 0.04;
  const Scale x{across.low, across.high, kLeft, kWidth - kRight};
  const Scale y{up.low - room, up.high + (up.high - up.low) * 0.04, kHeight - kBottom, kTop};
  std::string svg = open(kHeight, chart.title) + legend(names, kLeft) + grid(chart, x, y);
  for (std::size_t k = 0; k < chart.curves.size(); ++k) svg += draw_curve(chart.curves[k], k, x, y);
  return svg + draw_mark(chart, x, y) + "</svg>\n";
}

std::string draw(const BarChart& chart) {
  double most = 0;
  for (const StackedBar& bar : chart.bars) {
    double sum = 0;
    for (const double value : bar.values) sum += value;
    most = std::max(most, sum);
  }
  const Scale x{0, most > 0 ? most : 1, kBarLeft, kWidth - kBarRight};
  const double height = kTop + static_cast<double>(chart.bars.size()) * (kBarHeight + kBarGap);
  std::string svg = open(height, chart.title) + legend(chart.series, kBarLeft);
  double top = kTop;
  for (const StackedBar& bar : chart.bars) {
    svg += draw_bar(bar, chart.series, x, top);
    top += kBarHeight + kBarGap;
  }
  return svg + "</svg>\n";
}

}  // namespace galena::cli
