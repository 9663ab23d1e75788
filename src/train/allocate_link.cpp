// A robust line: the median of slopes between samples (H. Theil 1950, P. Sen 1968) does not notice a minority of delayed
// transfers; least squares from there, of relative errors and with P. Huber's weights, uses the rest to the full.
// Relative, because a link's sizes span orders of magnitude and its noise grows with the time.
#include "src/train/allocate_link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "galena/error.hpp"

namespace galena::train {
namespace {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

void check(std::span<const LinkSample> samples) {
  constexpr const char* kWho = "link fit";
  bool two_sizes = false;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& [bytes, seconds] = samples[i];
    if (!(std::isfinite(bytes) && bytes >= 0 && std::isfinite(seconds) && seconds > 0)) {
      throw InputError(
          fmt::format("{}: sample {} took {} seconds for {} bytes; expected finite numbers, seconds above 0", kWho, i,
                      seconds, bytes));
    }
    two_sizes = two_sizes || bytes != samples[0].bytes;
  }
  if (!two_sizes) {
    throw InputError(
        fmt::format("{}: {} samples of one size; latency and speed want at least two sizes", kWho, samples.size()));
  }
}

/// One sample a size: the median time.
std::vector<LinkSample> medians(std::span<const LinkSample> samples) {
  std::vector<LinkSample> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted, {}, &LinkSample::bytes);
  std::vector<LinkSample> result;
  for (std::size_t i = 0; i < sorted.size();) {
    std::vector<double> times;
    const double bytes = sorted[i].bytes;
    for (; i < sorted.size() && sorted[i].bytes == bytes; ++i) times.push_back(sorted[i].seconds);
    result.push_back({bytes, median(std::move(times))});
  }
  return result;
}

LinkFit median_line(std::span<const LinkSample> samples) {
  const auto sizes = medians(samples);
  const std::size_t stride = sizes.size() / 512 + 1;  // all pairs of at most 512
  std::vector<double> slopes, rests;
  for (std::size_t i = 0; i < sizes.size(); i += stride) {
    for (std::size_t j = i + stride; j < sizes.size(); j += stride) {
      slopes.push_back((sizes[j].seconds - sizes[i].seconds) / (sizes[j].bytes - sizes[i].bytes));
    }
  }
  if (slopes.empty())
    slopes.push_back((sizes.back().seconds - sizes[0].seconds) / (sizes.back().bytes - sizes[0].bytes));
  LinkFit fit{.seconds_per_byte = std::max(0.0, median(std::move(slopes)))};
  for (const auto& [bytes, seconds] : sizes) rests.push_back(seconds - fit.seconds_per_byte * bytes);
  fit.latency = std::max(0.0, median(std::move(rests)));
  return fit;
}

double predict(const LinkFit& fit, double bytes) { return fit.latency + fit.seconds_per_byte * bytes; }

/// Least squares with these weights, neither parameter negative: where one would be, the other alone.
LinkFit weighted_line(std::span<const LinkSample> samples, std::span<const double> weight) {
  double w = 0, x = 0, y = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    w += weight[i], x += weight[i] * samples[i].bytes, y += weight[i] * samples[i].seconds;
  }
  double xx = 0, xy = 0, raw_xx = 0, raw_xy = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& [bytes, seconds] = samples[i];
    const double dx = bytes - x / w;
    xx += weight[i] * dx * dx, xy += weight[i] * dx * (seconds - y / w);
    raw_xx += weight[i] * bytes * bytes, raw_xy += weight[i] * bytes * seconds;
  }
  const double slope = xx > 0 ? xy / xx : 0;
  const double latency = (y - slope * x) / w;
  if (slope < 0) return {.latency = y / w};
  if (latency < 0) return {.seconds_per_byte = raw_xy / raw_xx};
  return {.latency = latency, .seconds_per_byte = slope};
}

std::vector<double> relative_errors(std::span<const LinkSample> samples, const LinkFit& fit, double floor) {
  std::vector<double> errors;
  for (const auto& [bytes, seconds] : samples) {
    const double expected = std::max(predict(fit, bytes), floor);
    errors.push_back(std::abs(seconds - expected) / expected);
  }
  return errors;
}

}  // namespace

LinkFit fit_link(std::span<const LinkSample> samples) {
  check(samples);
  const double floor = 1e-6 * std::ranges::min(samples, {}, &LinkSample::seconds).seconds;  // no division by 0
  LinkFit fit = median_line(samples);
  for (int round = 0; round < 20; ++round) {
    const auto errors = relative_errors(samples, fit, floor);
    // Huber's constant, in standard deviations estimated from the median; exact samples all weigh the same.
    const double wide = std::max(1.345 * median(errors) / 0.6745, 1e-12);
    std::vector<double> weight;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double expected = std::max(predict(fit, samples[i].bytes), floor);
      weight.push_back(std::min(1.0, wide / errors[i]) / (expected * expected));
    }
    fit = weighted_line(samples, weight);
  }
  fit.spread = median(relative_errors(samples, fit, floor));
  return fit;
}

}  // namespace galena::train
