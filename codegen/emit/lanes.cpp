#include "codegen/emit/lanes.hpp"

#include <algorithm>
#include <cmath>

#include "codegen/plan/walk.hpp"

namespace galena::codegen {

namespace {

const SetDef& set_of(const Plan& plan, int id) { return plan.sets[static_cast<std::size_t>(id)]; }
const SizeDef& size_of(const Plan& plan, int id) { return plan.sizes[static_cast<std::size_t>(id)]; }
bool is_bits(const Plan& plan, int set) { return set >= 0 && set_of(plan, set).local >= 0; }

constexpr long double kLongestList = 2147483647;

/// An upper bound of what the terms add up to; `most_of_size` bounds a size.
template <class F>
long double most_of(const std::vector<Term>& terms, F&& most_of_size) {
  long double most = 0;
  for (const Term& term : terms) {
    long double product = std::abs(static_cast<long double>(term.coefficient));
    for (const Factor& f : term.factors) product *= most_of_size(f.size);
    most += product;
  }
  return most;
}

/// Looks whether a loop and those within it are a nest of one local graph.
class NestSearch {
 public:
  NestSearch(const Plan& plan, const std::vector<bool>& parts, int local, int top)
      : plan_(plan), parts_(parts), local_(local), top_(top) {}

  /// The number of levels; 0: it is none.
  int levels(const Loop& loop) {
    if (home_of(plan_, loop) != columns() || !simple(loop.body)) return 0;
    int below = 0;
    for (const Loop& inner : loop.body.loops) {
      if (!is_bits(plan_, inner.from.set) || set_of(plan_, inner.from.set).local != local_) return 0;
      const int here = levels(inner);
      if (here == 0) return 0;
      below = std::max(below, here);
    }
    return 1 + below;
  }
  /// Whether sums of so many levels stay within 64 bits: a lane's lists have at most kLongest elements.
  [[nodiscard]] bool counts_fit(int levels) const {
    return most_ * std::pow(kLongest, static_cast<long double>(levels)) < 4e18L;
  }
  [[nodiscard]] bool uses_rows() const { return uses_; }
  [[nodiscard]] bool bare() const { return bare_; }

 private:
  static constexpr long double kLongest = 1024;

  [[nodiscard]] int columns() const { return plan_.locals[static_cast<std::size_t>(local_)].columns; }
  [[nodiscard]] bool among_rows(int set) const {
    return set == columns() || (is_bits(plan_, set) && set_of(plan_, set).local == local_);
  }

  bool simple(const Block& b) {
    if (!b.locals.empty() || !b.marks.empty() || !b.counters.empty() || !b.emits.empty()) return false;
    for (const int s : b.sets) {
      const SetDef& def = set_of(plan_, s);
      if (is_view(def)) continue;
      if (def.local != local_ || def.vertex < top_ || !among_rows(def.a)) return false;
      uses_ = true;
      bare_ = false;
    }
    for (const int s : b.sizes) {
      const SizeDef& def = size_of(plan_, s);
      if (!parts_[static_cast<std::size_t>(s)] || !among_rows(def.a.set)) return false;
      if (def.local >= 0 ? def.local != local_ || def.vertex < top_ : !is_bits(plan_, def.a.set)) return false;
      uses_ = uses_ || def.local >= 0;
      bare_ = bare_ && (def.local < 0 || def.vertex == b.depth);
    }
    for (const Sum& sum : b.sums) {
      const Output::Kind kind = plan_.outputs[static_cast<std::size_t>(sum.output)].kind;
      if (kind != Output::Kind::count && kind != Output::Kind::local) return false;
      if (!is_narrow(plan_, sum.terms)) return false;
      // What is no part is a size of a block around, maybe of any list.
      most_ += most_of(sum.terms,
                       [this](int size) { return parts_[static_cast<std::size_t>(size)] ? kLongest : kLongestList; });
    }
    return true;
  }

  const Plan& plan_;
  const std::vector<bool>& parts_;
  int local_, top_;
  bool uses_ = false, bare_ = true;
  long double most_ = 0;
};

}  // namespace

std::vector<bool> sizes_in_parts(const Plan& plan) {
  std::vector<bool> parts(plan.sizes.size());
  if (plan.checked) return parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const SizeDef& size = plan.sizes[i];
    const bool bits = size.moment == 0 && is_bits(plan, size.a.set);
    parts[i] = size.moment == 0 && size.counter < 0 && size.mark < 0 && (size.b >= 0 || size.local >= 0 || bits);
  }
  const std::vector<bool> apart = parts;
  for_each_loop(plan, [&](const Loop& loop) {
    const std::vector<int>& own = loop.body.sizes;
    for (const Sum& sum : loop.body.sums) {
      const bool added = plan.outputs[static_cast<std::size_t>(sum.output)].kind != Output::Kind::exists;
      for (const Term& term : sum.terms) {
        const auto is_apart = [&](const Factor& f) { return apart[static_cast<std::size_t>(f.size)]; };
        const bool one = std::count_if(term.factors.begin(), term.factors.end(), is_apart) == 1;
        for (const Factor& f : term.factors)
          if (!added || !one || std::find(own.begin(), own.end(), f.size) == own.end())
            parts[static_cast<std::size_t>(f.size)] = false;
      }
    }
  });
  return parts;
}

bool is_narrow(const Plan& plan, const std::vector<Term>& terms) {
  for (const Term& term : terms)
    for (const Factor& f : term.factors)
      if (size_of(plan, f.size).moment > 0) return false;
  return !plan.checked && most_of(terms, [](int) { return kLongestList; }) < 9.2e18L;
}

Nest nest_of(const Plan& plan, const Loop& loop, const std::vector<bool>& parts, int top) {
  const int home = home_of(plan, loop);
  if (home < 0 || plan.checked) return {};
  for (std::size_t l = 0; l < plan.locals.size(); ++l) {
    const LocalDef& def = plan.locals[l];
    if (def.rows != home || def.columns != home || def.depth >= top) continue;
    NestSearch search(plan, parts, static_cast<int>(l), top);
    const int levels = search.levels(loop);
    if (levels == 0 || !search.counts_fit(levels)) continue;
    if (top == loop.body.depth && !search.uses_rows()) continue;  // within a nest, that of others is one
    const bool flat = levels > 1 && loop.body.loops.size() == 1 && loop.body.sums.empty();
    return {static_cast<int>(l), levels, flat, levels == 1 && search.bare()};
  }
  return {};
}

}  // namespace galena::codegen
