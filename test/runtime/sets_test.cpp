// Every set operation of every level this CPU runs, against the standard library.

#include "codegen/runtime/bits.h"
#include "codegen/runtime/dispatch.hpp"
#include "galena/error.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <iterator>
#include <random>
#include <vector>

namespace {

using galena::rt::SetOps;
using galena::rt::Span;
using galena::rt::vid;
using List = std::vector<vid>;
using Random = std::mt19937_64;

constexpr vid kCanary = 0xdeadbeef;
constexpr size_t kSlack = 16;

/// n distinct sorted values in [from, from + range), by random gaps.
List random_list(Random& random, size_t n, uint64_t range, uint64_t from = 0) {
  List list;
  for (size_t left = n; left > 0; --left) {
    const uint64_t spare = range - left;
    const uint64_t gap = spare == 0 ? 0 : random() % (2 * spare / left + 1);
    const uint64_t step = std::min(gap, spare);
    list.push_back(static_cast<vid>(from + step));
    from += step + 1;
    range -= step + 1;
  }
  return list;
}

/// A list at an odd address in an allocation that ends with it, so that the address sanitizer
/// sees a read past either end.
class Placed {
 public:
  Placed(const List& list, size_t shift) : memory_(shift + list.size()), shift_(shift) {
    memory_.shrink_to_fit();
    std::copy(list.begin(), list.end(), memory_.begin() + static_cast<std::ptrdiff_t>(shift));
  }
  [[nodiscard]] Span span() const { return {memory_.data() + shift_, static_cast<vid>(memory_.size() - shift_)}; }

 private:
  List memory_;
  size_t shift_;
};

/// Room for `n` elements and the slack, then canaries.
class Output {
 public:
  explicit Output(size_t n) : room_(n + kSlack), memory_(n + 2 * kSlack, kCanary) {}
  vid* data() { return memory_.data(); }
  /// The first n elements; fails when a canary is gone.
  List take(vid n) {
    const auto end = memory_.begin() + static_cast<std::ptrdiff_t>(room_);
    if (n + kSlack > room_ || std::any_of(end, memory_.end(), [](vid x) { return x != kCanary; })) {
      FAIL("wrote past its room");
    }
    return {memory_.begin(), memory_.begin() + n};
  }

 private:
  size_t room_;
  List memory_;
};

List expected_isect(const List& a, const List& b) {
  List out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

List expected_diff(const List& a, const List& b) {
  List out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

void check_pair(const SetOps& ops, const List& a, const List& b, size_t shift = 0) {
  const Placed pa(a, shift);
  const Placed pb(b, shift * 3 % 7);
  const Span sa = pa.span();
  const Span sb = pb.span();
  const List both = expected_isect(a, b);
  const List only_a = expected_diff(a, b);
  INFO(ops.name << ": |a| = " << a.size() << ", |b| = " << b.size() << ", shift " << shift);
  Output isect(std::min(a.size(), b.size()));
  Output diff(a.size());
  const bool agree = isect.take(ops.isect(isect.data(), sa, sb)) == both &&
                     diff.take(ops.diff(diff.data(), sa, sb)) == only_a && ops.isect_n(sa, sb) == both.size() &&
                     ops.diff_n(sa, sb) == only_a.size();
  REQUIRE(agree);
}

}  // namespace

TEST_CASE("set operations agree with the standard library on all short lengths") {
  Random random(1);
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (size_t n = 0; n <= 70; ++n) {
      for (size_t m = 0; m <= 70; ++m) {
        const uint64_t range = (n * m) % 3 == 0 ? 80 : 80 + random() % 300;
        check_pair(*ops, random_list(random, n, range), random_list(random, m, range), (n + m) % 5);
      }
    }
  }
}

TEST_CASE("set operations agree with the standard library on long and lopsided lists") {
  Random random(2);
  const size_t sizes[] = {0,  1,  2,   7,   8,   15,  16,   17,   31,   33,   63,
                          64, 65, 100, 127, 129, 500, 1000, 1023, 2048, 5000, 40000};
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (const size_t n : sizes) {
      for (const size_t m : sizes) {
        const uint64_t dense = std::max(n, m) + std::max(n, m) / 3 + 2;
        check_pair(*ops, random_list(random, n, dense), random_list(random, m, dense), n % 4);
        check_pair(*ops, random_list(random, n, dense * 50), random_list(random, m, dense * 50), m % 4);
      }
    }
  }
}

TEST_CASE("set operations on clustered, disjoint, equal and nested lists") {
  Random random(3);
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (const size_t n : {1, 5, 16, 17, 40, 64, 90, 300, 3000}) {
      const List low = random_list(random, n, 2 * n);
      const List high = random_list(random, n, 2 * n, 2 * n);
      check_pair(*ops, low, high);
      check_pair(*ops, high, low);
      check_pair(*ops, low, low, 1);
      List both = low;
      both.insert(both.end(), high.begin(), high.end());
      check_pair(*ops, both, high, 2);
      check_pair(*ops, both, low, 2);
      check_pair(*ops, low, both, 3);
      check_pair(*ops, high, both, 3);
    }
  }
}

TEST_CASE("set operations with zero and the largest value") {
  const uint64_t top = (uint64_t{1} << 32) - 200;
  Random random(4);
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (const size_t n : {1, 3, 15, 16, 17, 50, 120}) {
      for (const size_t m : {1, 16, 31, 120, 150}) {
        List a = random_list(random, n, 200, top);
        List b = random_list(random, m, 200, top);
        check_pair(*ops, a, b);
        a.insert(a.begin(), 0);
        check_pair(*ops, a, b);
        check_pair(*ops, b, a);
        b.insert(b.begin(), 0);
        b.back() = 0xffffffff;
        a.back() = 0xffffffff;
        check_pair(*ops, a, b, 1);
      }
    }
  }
}

TEST_CASE("zero is not found in a long list without it") {
  Random random(7);
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (const size_t n : {1025, 1400, 3000, 5001}) {
      const List large = random_list(random, n, 3 * n, 1);
      for (size_t m = 1; m <= 40; ++m) {
        List small = random_list(random, m, 3 * n, 1);
        small.insert(small.begin(), 0);
        check_pair(*ops, small, large);
        check_pair(*ops, large, small);
      }
    }
  }
}

TEST_CASE("rows of bits say which of their columns are in a list") {
  Random random(8);
  const size_t sizes[] = {0, 1, 2, 7, 8, 16, 17, 31, 32, 33, 63, 64, 65, 100, 129, 700, 1025, 3000, 40000};
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (const size_t n : sizes) {
      for (const size_t m : sizes) {
        const uint64_t range = std::max(n, m) * (1 + random() % 20) + 2;
        const List columns = random_list(random, n, range, random() % 2), list = random_list(random, m, range);
        const Placed placed(columns, n % 5), other(list, m % 3);
        std::vector<uint32_t> row(galena::rt::row_words(n) + 1, kCanary);
        ops->fill_row(row.data(), placed.span(), other.span());
        bool agree = row.back() == kCanary;
        for (size_t i = 0; i < n; ++i) {
          const bool in = std::binary_search(list.begin(), list.end(), columns[i]);
          agree = agree && ((row[i / 32] >> (i % 32)) & 1U) == (in ? 1U : 0U);
        }
        INFO(ops->name << ": " << n << " columns, a list of " << m);
        REQUIRE(agree);
      }
    }
  }
}

TEST_CASE("rows of bits are combined and counted within any range") {
  Random random(9);
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (const size_t n : {1, 31, 64, 65, 128, 500, 513, 2000}) {
      const size_t words = galena::rt::row_words(n);
      std::vector<uint32_t> a(words), b(words);
      for (uint32_t& word : a) word = static_cast<uint32_t>(random());
      for (uint32_t& word : b) word = static_cast<uint32_t>(random());
      const auto has = [](const std::vector<uint32_t>& row, size_t i) { return ((row[i / 32] >> (i % 32)) & 1U) != 0; };
      for (int repeat = 0; repeat < 60; ++repeat) {
        const size_t begin = repeat < 2 ? 0 : random() % (n + 1);
        const size_t end = repeat < 2 ? n : begin + random() % (n - begin + 1);
        std::vector<uint32_t> both(words + 1, kCanary), without(words + 1, kCanary);
        ops->both(both.data(), a.data(), b.data(), begin, end);
        ops->without(without.data(), a.data(), b.data(), begin, end);
        vid expected_both = 0, expected_without = 0;
        bool agree = both.back() == kCanary && without.back() == kCanary;
        for (size_t i = begin; i < end; ++i) {
          expected_both += has(a, i) && has(b, i) ? 1 : 0;
          expected_without += has(a, i) && !has(b, i) ? 1 : 0;
          agree = agree && has(both, i) == (has(a, i) && has(b, i)) && has(without, i) == (has(a, i) && !has(b, i));
        }
        INFO(ops->name << ": [" << begin << ", " << end << ") of " << n);
        REQUIRE(agree);
        REQUIRE(ops->both_n(a.data(), b.data(), begin, end) == expected_both);
        REQUIRE(ops->without_n(a.data(), b.data(), begin, end) == expected_without);
        const galena::rt::Bits bits{a.data(), static_cast<vid>(begin), static_cast<vid>(end)};
        vid ones = 0;
        for (vid i = bits.begin; i < bits.end; ++i) ones += has(a, i) ? 1 : 0;
        for (const vid least : {vid{0}, vid{1}, ones, ones + 1})
          REQUIRE(galena::rt::fewer_than(least, bits) == (ones < least));
        for (const auto next : {galena::rt::next_bit, galena::rt::next_bit_by_words}) {
          vid walked = next(bits, bits.begin), counted = 0;
          for (vid i = bits.begin; i < bits.end; ++i)
            if (has(a, i)) {
              REQUIRE(walked == i);
              walked = next(bits, i + 1);
            }
          REQUIRE(walked == end);
          for (vid word = bits.begin / 32; bits.begin < bits.end && word <= (bits.end - 1) / 32; ++word)
            counted += static_cast<vid>(std::popcount(galena::rt::word_within(word, bits.begin, bits.end)));
          REQUIRE(counted == bits.end - bits.begin);
        }
      }
    }
  }
}

TEST_CASE("lower, has, below and above agree with the standard library") {
  Random random(5);
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (size_t n = 0; n <= 130; ++n) {
      const List a = random_list(random, n, 3 * n + 3);
      const Placed placed(a, n % 3);
      const Span s = placed.span();
      for (vid x = 0; x < 3 * n + 5; ++x) {
        const auto at = std::lower_bound(a.begin(), a.end(), x);
        const auto after = std::upper_bound(a.begin(), a.end(), x);
        const Span low = ops->below(s, x);
        const Span high = ops->above(s, x);
        const bool agree = ops->lower(s, x) == at - a.begin() && ops->has(s, x) == (at != after) && low.p == s.p &&
                           low.n == at - a.begin() && high.p + high.n == s.p + s.n && high.n == a.end() - after;
        REQUIRE(agree);
      }
      REQUIRE(ops->lower(s, 0xffffffff) == n);
    }
  }
}

TEST_CASE("label filters keep what is listed, or what is not") {
  Random random(6);
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    for (const size_t n : {0, 1, 7, 8, 15, 16, 17, 40, 333}) {
      const size_t range = 2 * n + 1;
      const List a = random_list(random, n, range);
      List labels(range);
      for (vid& label : labels) label = static_cast<vid>(random() % 6);
      List arc_labels;
      for (const vid v : a) arc_labels.push_back(labels[v]);
      for (const List& set : {List{}, List{3}, List{0, 5}, List{0, 1, 2, 3, 4, 5}, List{1, 4, 0xffffffff}}) {
        for (const int negated : {0, 1}) {
          List kept;
          for (const vid v : a) {
            if (std::binary_search(set.begin(), set.end(), labels[v]) != (negated != 0)) kept.push_back(v);
          }
          const Placed placed(a, n % 3);
          const Placed placed_labels(arc_labels, n % 2);
          const auto count = static_cast<uint32_t>(set.size());
          Output by_vertex(n);
          Output by_arc(n);
          REQUIRE(by_vertex.take(ops->filter_vlabel(by_vertex.data(), placed.span(), labels.data(), set.data(), count,
                                                    negated)) == kept);
          REQUIRE(by_arc.take(ops->filter_elabel(by_arc.data(), placed.span(), placed_labels.span().p, set.data(),
                                                 count, negated)) == kept);
          Output in_place(n);
          std::copy(a.begin(), a.end(), in_place.data());
          const Span self{in_place.data(), static_cast<vid>(n)};
          REQUIRE(in_place.take(ops->filter_elabel(in_place.data(), self, placed_labels.span().p, set.data(), count,
                                                   negated)) == kept);
        }
      }
    }
  }
}

TEST_CASE("counters and marks count and clear") {
  for (const SetOps* ops : galena::rt::available_set_ops()) {
    const List a{1, 3, 4, 9};
    const List b{3, 9};
    List counters(10);
    std::vector<uint8_t> marks(10);
    const Placed pa(a, 0);
    const Placed pb(b, 1);
    ops->count_in(counters.data(), pa.span());
    ops->count_in(counters.data(), pb.span());
    CHECK(counters == List{0, 1, 0, 2, 1, 0, 0, 0, 0, 2});
    ops->count_out(counters.data(), pa.span());
    CHECK(counters == List(10));
    ops->mark_in(marks.data(), pa.span());
    CHECK(marks == std::vector<uint8_t>{0, 1, 0, 1, 1, 0, 0, 0, 0, 1});
    CHECK(ops->marked_n(marks.data(), pa.span()) == 4);
    CHECK(ops->marked_n(marks.data(), pb.span()) == 2);
    CHECK(ops->marked_n(marks.data(), Span{nullptr, 0}) == 0);
    const Placed others(List{0, 1, 2, 8, 9}, 1);
    CHECK(ops->marked_n(marks.data(), others.span()) == 2);
    ops->mark_out(marks.data(), pb.span());
    CHECK(marks == std::vector<uint8_t>{0, 1, 0, 0, 1, 0, 0, 0, 0, 0});
  }
}

TEST_CASE("an instruction set is chosen by name or refused") {
  CHECK(std::string(galena::rt::set_ops_named("scalar").name) == "scalar");
  CHECK(std::string(galena::rt::available_set_ops().back()->name) == "scalar");
  CHECK_THROWS_AS(galena::rt::set_ops_named("avx1024"), galena::InputError);
  CHECK_FALSE(galena::rt::isa_name().empty());
}
