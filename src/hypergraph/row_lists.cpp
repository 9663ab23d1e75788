#include "src/hypergraph/row_lists.hpp"

#include <algorithm>
#include <tuple>

namespace galena::hyper {
namespace {

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void RowListWriter::add(std::uint32_t target, std::span<const std::uint32_t> sources, RowKind kind,
                        std::uint32_t factor) {
  rows_.push_back({target, factor, static_cast<std::uint32_t>(sources.size()), kind, sources_.size()});
  sources_.insert(sources_.end(), sources.begin(), sources.end());
}

void RowListWriter::end_level() {
  std::ranges::stable_sort(rows_, {}, [](const Row& row) { return std::tuple(row.kind, row.length); });
  RowGroup* group = nullptr;
  for (const Row& row : rows_) {
    if (group == nullptr || group->length != row.length || group->scaled != row.kind.scaled ||
        group->final != row.kind.final) {
      group = &list_.groups.emplace_back(RowGroup{0, row.length, row.kind.scaled, row.kind.final});
    }
    ++group->rows;
    list_.target.push_back(row.target);
    list_.factor.push_back(row.factor);
    const auto from = sources_.begin() + static_cast<std::ptrdiff_t>(row.source);
    list_.source.insert(list_.source.end(), from, from + row.length);
  }
  rows_.clear();
  sources_.clear();
}

void RowListWriter::end_part() {
  end_level();
  list_.start.push_back({list_.groups.size(), list_.target.size(), list_.source.size()});
}

RowList RowListWriter::take(bool factors) {
  if (!factors) list_.factor.clear();
  return std::move(list_);
}

RowList join(std::span<const RowList> lists) {
  RowList all;
  for (const RowList& list : lists) {
    const RowStart base = all.start.back();
    append(all.groups, list.groups);
    append(all.target, list.target);
    append(all.factor, list.factor);
    append(all.source, list.source);
    for (std::size_t part = 1; part < list.start.size(); ++part) {
      const RowStart& start = list.start[part];
      all.start.push_back({base.group + start.group, base.row + start.row, base.source + start.source});
    }
  }
  return all;
}

}  // namespace galena::hyper
