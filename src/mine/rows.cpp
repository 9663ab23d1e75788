#include "src/mine/rows.hpp"

#include <algorithm>
#include <numeric>

namespace galena::mine {

namespace {
constexpr std::size_t kBuffered = 4096;  ///< ids a worker keeps
}

Rows::Rows(const Prepared& graph, const Query& query, const std::vector<int>& order, int threads, const RowSink& sink)
    : graph_(graph),
      sink_(sink),
      ordered_(query.ordered),
      limit_(query.limit),
      buffers_(static_cast<std::size_t>(threads)) {
  std::vector<int> columns = query.columns;
  if (columns.empty()) {
    columns.resize(order.size());
    std::iota(columns.begin(), columns.end(), 0);
  }
  for (const int column : columns)
    depth_of_column_.push_back(static_cast<int>(std::find(order.begin(), order.end(), column) - order.begin()));
  width_ = columns.size();
}

bool Rows::add(int thread, const rt::vid* matched, int) {
  Buffer& buffer = buffers_[static_cast<std::size_t>(thread)];
  for (const int depth : depth_of_column_) buffer.ids.push_back(graph_.original(matched[depth]));
  const bool small_limit = limit_ && *limit_ * width_ < kBuffered;
  return (buffer.ids.size() < kBuffered && !small_limit) || flush(buffer);
}

bool Rows::flush(Buffer& buffer) {
  const std::scoped_lock lock(mutex_);
  bool go_on = !enough_;
  if (ordered_) {
    kept_.insert(kept_.end(), buffer.ids.begin(), buffer.ids.end());
    if (limit_ && kept_.size() / width_ > 2 * *limit_ + kBuffered) keep_smallest();
  } else if (go_on) {
    go_on = pass_on(buffer.ids);
  }
  buffer.ids.clear();
  return go_on;
}

bool Rows::pass_on(const std::vector<std::uint64_t>& ids) {
  for (std::size_t at = 0; at < ids.size() && !enough_; at += width_) {
    if (limit_ && passed_ == *limit_) {
      enough_ = true;
      break;
    }
    ++passed_;
    if (sink_ && !sink_(std::span(ids).subspan(at, width_))) enough_ = true;
  }
  if (limit_ && passed_ == *limit_) enough_ = true;
  return !enough_;
}

void Rows::keep_smallest() {
  std::vector<std::size_t> rows(kept_.size() / width_);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const auto before = [&](std::size_t a, std::size_t b) {
    const auto* first = kept_.data() + a * width_;
    const auto* second = kept_.data() + b * width_;
    return std::lexicographical_compare(first, first + width_, second, second + width_);
  };
  std::sort(rows.begin(), rows.end(), before);
  if (limit_ && rows.size() > *limit_) rows.resize(*limit_);
  std::vector<std::uint64_t> sorted;
  sorted.reserve(rows.size() * width_);
  for (const std::size_t row : rows)
    sorted.insert(sorted.end(), kept_.begin() + static_cast<std::ptrdiff_t>(row * width_),
                  kept_.begin() + static_cast<std::ptrdiff_t>((row + 1) * width_));
  kept_ = std::move(sorted);
}

std::uint64_t Rows::finish() {
  for (Buffer& buffer : buffers_) flush(buffer);
  if (ordered_) {
    keep_smallest();
    pass_on(kept_);
  }
  return passed_;
}

}  // namespace galena::mine
