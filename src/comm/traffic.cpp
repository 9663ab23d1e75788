#include "src/comm/traffic.hpp"

#include <algorithm>
#include <array>

namespace galena::comm {

namespace {

template <class Keep>
TrafficCounter::Row sum_rows(const std::vector<TrafficCounter::Row>& rows, Label label, Keep keep) {
  TrafficCounter::Row sum{label};
  for (const auto& row : rows)
    if (keep(row.label)) {
      sum.bytes += row.bytes;
      sum.messages += row.messages;
    }
  return sum;
}

}  // namespace

std::string_view name(Traffic kind) {
  constexpr std::array<std::string_view, kTrafficKinds> names{"payload", "parameters", "index", "gradients", "control"};
  return names.at(static_cast<std::size_t>(kind));
}

std::string_view name(Direction direction) {
  constexpr std::array<std::string_view, 3> names{"forward", "backward", "none"};
  return names.at(static_cast<std::size_t>(direction));
}

void TrafficCounter::add(Label label, std::uint64_t bytes, std::uint64_t messages) {
  auto row =
      std::lower_bound(rows_.begin(), rows_.end(), label, [](const Row& a, const Label& b) { return a.label < b; });
  if (row == rows_.end() || row->label != label) row = rows_.insert(row, Row{label});
  row->bytes += bytes;
  row->messages += messages;
}

TrafficCounter& TrafficCounter::operator+=(const TrafficCounter& other) {
  const std::vector<Row> theirs = other.rows_;  // a copy: `other` may be *this
  for (const Row& row : theirs) add(row.label, row.bytes, row.messages);
  return *this;
}

TrafficCounter::Row TrafficCounter::total() const {
  return sum_rows(rows_, Label{}, [](const Label&) { return true; });
}

TrafficCounter::Row TrafficCounter::total(Traffic kind) const {
  return sum_rows(rows_, Label{kind}, [=](const Label& label) { return label.kind == kind; });
}

TrafficCounter::Row TrafficCounter::total(Label label) const {
  return sum_rows(rows_, label, [&](const Label& other) { return other == label; });
}

}  // namespace galena::comm
