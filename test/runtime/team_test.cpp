// The collective primitives of GPU kernels by simulated teams, against the standard library: of one warp and of a
// block, lanes looped and lanes as fibers.

#include <algorithm>
#include <functional>
#include <iterator>
#include <random>
#include <vector>

#include "codegen/runtime/team_run.h"
#include "test/support/catch.hpp"

namespace {

using namespace galena::rt;
using gpu::Nest;
using List = std::vector<vid>;

constexpr vid kLast = 0xffffffffU;

Span span(const List& list) { return {list.data(), static_cast<vid>(list.size())}; }

/// A job of no graph whose buffers are these lists.
struct Bench {
  uint64_t n0[1] = {0};
  int stop = 0, found = 0;
  List slots;
  GpuJob job{};

  explicit Bench(std::size_t room) : slots(room + 1, 7) {
    job.graph.indptr = n0;
    job.slots = slots.data();
    job.slot_capacity = room;
    job.n_slots = 1;
    job.stop = &stop;
    job.found = &found;
  }
};

/// Calls f(x) by a team of each kind: once for a looped team, by every lane for fibers.
template <int W, int R = 0, class F>
void by_teams(Bench& bench, F&& f) {
  gpu::Shared<W, R> shared;
  {
    const gpu::HostTeam<W, R> team(&shared);
    gpu::Gpu x(bench.job, team, 0, 0);
    f(x);
  }
  gpu::Fibers<W> fibers;
  fibers.run([&](int lane) {
    const gpu::FiberTeam<W, R> team(&fibers, &shared, lane);
    gpu::Gpu x(bench.job, team, 0, 0);
    f(x);
  });
  CHECK(!fibers.diverged());
}

/// `wrong` counts what any lane of any team finds wrong: assertions are made by one thread afterwards.
template <int W>
void check_pair(const List& a, const List& b) {
  List both, rest;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  Bench bench(a.size());
  int wrong = 0;
  int64_t in_parts = 0;
  by_teams<W>(bench, [&](auto& x) {
    in_parts += x.isect_part(span(a), span(b));
    const Span met = x.isect(x.slot(0), span(a), span(b));
    wrong += !std::equal(met.p, met.p + met.n, both.begin(), both.end());
    wrong += x.isect_n(span(a), span(b)) != both.size();
    wrong += x.isect_n(span(b), span(a)) != both.size();
    const Span left = x.diff(x.slot(0), span(a), span(b));
    wrong += !std::equal(left.p, left.p + left.n, rest.begin(), rest.end());
    wrong += x.stopped() ? 1 : 0;
  });
  INFO(a.size() << " and " << b.size() << " elements, " << W << " warps");
  CHECK(wrong == 0);
  CHECK(in_parts == 2 * static_cast<int64_t>(both.size()));  // by two teams
  CHECK(bench.slots.back() == 7);                            // nothing past its room
}

List random_list(std::mt19937_64& random, std::size_t n, uint64_t first, uint64_t range) {
  List list;
  while (list.size() < n) {
    list.push_back(static_cast<vid>(first + random() % range));
    if (list.size() < n) continue;
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  return list;
}

}  // namespace

TEST_CASE("teams intersect and subtract lists of every awkward length") {
  std::mt19937_64 random(1);
  for (const std::size_t n : {0, 1, 2, 31, 32, 33, 63, 64, 65, 255, 256, 257}) {
    for (const std::size_t m : {0, 1, 31, 32, 33, 64, 65, 300, 5000}) {
      const List a = random_list(random, n, 0, 3 * std::max(n, m) + 1),
                 b = random_list(random, m, 0, 3 * std::max(n, m) + 1);
      check_pair<1>(a, b);
    }
    const List a = random_list(random, n, 0, 2 * n + 1), b = random_list(random, n, 0, 2 * n + 1);
    check_pair<1>(a, a);
    check_pair<kWarpsPerWorker>(a, b);
  }
}

TEST_CASE("teams search ids up to the largest") {
  std::mt19937_64 random(2);
  for (const std::size_t n : {1, 33, 100, 1000}) {
    List a = random_list(random, n, kLast - 4 * n, 4 * n), b = random_list(random, n, kLast - 4 * n, 4 * n);
    a.push_back(kLast);
    b.push_back(kLast);
    check_pair<1>(a, b);
    check_pair<1>({0, kLast}, b);
    check_pair<kWarpsPerWorker>(b, a);
  }
}

TEST_CASE("the list that is searched may change behind the same pointer") {
  std::mt19937_64 random(3);
  List a = random_list(random, 200, 0, 1000), b = random_list(random, 200, 0, 1000);
  const std::size_t n = std::min(a.size(), b.size());
  a.resize(n);
  b.resize(n);
  Bench bench(n);
  int wrong = 0;
  by_teams<1>(bench, [&](auto& x) {
    for (const List* list : {&a, &b, &a}) {
      const Span copy = x.filtered(x.slot(0), 0, span(*list), nullptr, nullptr);  // the same slot and length
      List both;
      std::set_intersection(a.begin(), a.end(), list->begin(), list->end(), std::back_inserter(both));
      wrong += x.isect_n(span(a), copy) != both.size();
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("what does not fit a slot is reported, not written") {
  List all(100);
  for (vid i = 0; i < 100; ++i) all[i] = i;
  Bench bench(40);
  int wrong = 0;
  by_teams<1>(bench, [&](auto& x) {
    wrong += x.stopped() ? 1 : 0;
    wrong += x.isect(x.slot(0), span(all), span(all)).n != 40;
    wrong += x.stopped() ? 0 : 1;
  });
  CHECK(wrong == 0);
  CHECK(bench.slots.back() == 7);
}

TEST_CASE("a match that is enough stops all teams") {
  Bench bench(1);
  int wrong = 0;
  by_teams<1>(bench, [&](auto& x) {
    wrong += x.emit(0, nullptr, 0) ? 0 : 1;
    int asked = 0;
    while (!x.stopped() && asked < 1 << 20) ++asked;
    wrong += asked == 1 << 20;
  });
  CHECK(wrong == 0);
  CHECK((bench.stop == 1 && bench.found == 1));
}

/// Local graphs over `n` columns of lists around `m`, with memory for `room` rows; R: words of shared memory.
template <int W, int R = 0>
void check_local(std::mt19937_64& random, std::size_t n, std::size_t m, std::size_t room) {
  constexpr std::size_t kRows = 7;
  const uint64_t range = 2 * std::max(n, m) + kRows;
  const List columns = random_list(random, n, 0, range);
  List rows(kRows), indices;
  std::vector<uint64_t> indptr{0};
  std::vector<List> lists;
  for (std::size_t i = 0; i < kRows; ++i) {
    rows[i] = static_cast<vid>(i);
    lists.push_back(random_list(random, m + i, 0, range));
    indices.insert(indices.end(), lists[i].begin(), lists[i].end());
    indptr.push_back(indices.size());
  }
  Bench bench(row_words(columns.size()));
  bench.job.graph.indptr = indptr.data();
  bench.job.graph.indices = indices.data();
  const uint64_t capacity = room * (row_words(columns.size()) + 1);
  List memory(capacity + 1, 7);
  bench.job.locals = memory.data();
  bench.job.local_capacity = capacity;
  bench.job.n_locals = 1;
  const auto has = [&](std::size_t row, std::size_t i) {
    return std::binary_search(lists[row].begin(), lists[row].end(), columns[i]);
  };
  int64_t counted = 0, expected = 0;  // by all lanes: how many of a row's columns each row of its own first has
  for (std::size_t i = 0; i < std::min(kRows, columns.size()); ++i) {
    if (!has(5, i)) continue;
    ++expected;
    for (std::size_t j = 0; j < columns.size(); ++j) expected += has(5, j) && has(i, j) ? 1 : 0;
    for (std::size_t j = i; j < columns.size(); ++j) expected += has(i, j) ? 0 : 1;
  }
  int64_t parts = 0, expected_parts = 0;
  for (std::size_t j = 1; j < columns.size(); ++j) expected_parts += 1 + (has(5, j) && !has(6, j) ? 1 : 0);
  int wrong = 0;
  const bool near = kRows * (row_words(columns.size()) + 1) <= R;
  by_teams<W, R>(bench, [&](auto& x) {
    const Local g = x.local(0, span(rows), span(columns));
    const bool far = g.bits >= memory.data() && g.bits < memory.data() + memory.size();
    wrong += far == near || (near && !is_whole(g));
    for (const vid at : {0, 3, 6, 3, 1, 0}) {
      const vid all = span(columns).n, begin = all / 3, end = all - all / 5;
      vid ones = 0, both = 0, without = 0;
      for (vid i = begin; i < end; ++i) {
        ones += has(at, i) ? 1 : 0;
        both += has(at, i) && has(5, i) ? 1 : 0;
        without += has(at, i) && !has(5, i) ? 1 : 0;
      }
      const Bits kept = bits_below(bits_from(x.kept_row(x.slot(0), g, at), begin), end);
      wrong += x.ones_n(kept) != ones || x.zeros_n(kept) != end - begin - ones;
      wrong += none_of(kept) != (ones == 0);
      for (vid least = 0; least < ones + 3; ++least) wrong += fewer_than(least, kept) != (ones < least);
      wrong += x.both_n(kept, x.row(g, 5)) != both || x.without_n(kept, x.row(g, 5)) != without;
      const Bits met = x.both(x.slot(0), bits_below(bits_from(x.row(g, at), begin), end), x.row(g, at));
      wrong += x.ones_n(met) != ones;
      const Bits others = bits_below(bits_from(x.others(x.slot(0), g, at), begin), end);
      wrong += x.ones_n(others) != end - begin - ones;
      vid walked = next_bit(others, begin);
      for (vid i = begin; i < end; ++i)
        if (!has(at, i)) {
          wrong += walked != i;
          walked = next_bit(others, i + 1);
        }
      wrong += walked != end;
      const Bits left = x.without(x.slot(0), bits_below(bits_from(x.row(g, at), begin), end), x.row(g, at));
      wrong += !none_of(left);
    }
    const Bits kept = x.kept_row(x.slot(0), g, 5);
    i128 sums[1] = {};
    wrong += x.apart(Nest<1, false, true>{}, g, bits_below(kept, kRows), sums,
                     [&](vid i, auto&& y, auto& sum) {
                       const auto row = y.row(g, i);
                       sum[0] += y.both_part(kept, row) + y.zeros_part(bits_from(row, i)) + y.once(int64_t{1});
                     })
                 ? 1
                 : 0;
    counted += static_cast<int64_t>(sums[0]);
    const Bits last = bits_from(x.row(g, 6), 1);
    parts += x.ones_part(last) + x.zeros_part(last) + x.without_part(bits_from(kept, 1), last);
    wrong += x.stopped() ? 1 : 0;
  });
  INFO(columns.size() << " columns, lists of " << m << ", room for " << room << " rows, " << W << " warps");
  CHECK(wrong == 0);
  CHECK(counted == 2 * expected);  // by two teams
  CHECK(parts == 2 * expected_parts);
  CHECK(std::all_of(memory.begin() + (near ? 0 : static_cast<std::ptrdiff_t>(capacity)), memory.end(),
                    [](vid word) { return word == 7; }));
  CHECK(bench.slots.back() == 7);
}

TEST_CASE("teams fill, combine and count rows of bits") {
  std::mt19937_64 random(7);
  for (const std::size_t n : {0, 1, 31, 32, 33, 64, 65, 300})
    for (const std::size_t m : {0, 1, 33, 64, 400})
      for (const std::size_t room : {1, 2, 7, 9}) check_local<1>(random, n, m, room);
  for (const std::size_t n : {1, 64, 300}) check_local<kWarpsPerWorker>(random, n, 100, 2);
}

TEST_CASE("rows lie in shared memory where all of them fit there") {
  std::mt19937_64 random(8);
  for (const std::size_t n : {1, 64, 65, 128, 129, 400}) {  // up to 128 columns: 7 rows of 5 words
    check_local<1, 35>(random, n, 100, 2);
    check_local<kWarpsPerWorker, 35>(random, n, 100, 2);
  }
}

/// A graph, and the list of its vertices that a local graph is of.
struct Neighbourhood {
  std::vector<uint64_t> indptr{0};
  List indices, list;
  std::vector<vid> split;

  Neighbourhood(std::mt19937_64& random, vid n, double share) {
    const vid all = n + n / 2 + 1;
    std::vector<std::vector<char>> joined(all, std::vector<char>(all));
    for (vid a = 0; a < all; ++a)
      for (vid b = 0; b < a; ++b)
        joined[a][b] = joined[b][a] = std::uniform_real_distribution<>()(random) < share ? 1 : 0;
    for (vid a = 0; a < all; ++a) {
      for (vid b = 0; b < all; ++b)
        if (joined[a][b] != 0) indices.push_back(b);
      const auto begin = indices.begin() + static_cast<std::ptrdiff_t>(indptr.back());
      split.push_back(static_cast<vid>(std::lower_bound(begin, indices.end(), a) - begin));
      indptr.push_back(indices.size());
      if (a % 3 != 1 && list.size() < n) list.push_back(a);
    }
  }
  [[nodiscard]] bool joined(vid i, vid j) const {
    const vid a = list[i], b = list[j];
    return std::binary_search(indices.begin() + static_cast<std::ptrdiff_t>(indptr[a]),
                              indices.begin() + static_cast<std::ptrdiff_t>(indptr[a + 1]), b);
  }
};

/// Of all a < b < c in the list: triangles; paths a-b-c that no edge closes; and elements that neither a nor b has, for
/// each edge a-b.
struct Counts {
  int64_t triangles = 0, open = 0, others = 0;

  explicit Counts(const Neighbourhood& g) {
    const auto n = static_cast<vid>(g.list.size());
    for (vid a = 0; a < n; ++a)
      for (vid b = a + 1; b < n; ++b) {
        if (!g.joined(a, b)) continue;
        for (vid c = 0; c < n; ++c) others += !g.joined(a, c) && !g.joined(b, c) ? 1 : 0;
        for (vid c = b + 1; c < n; ++c)
          if (g.joined(b, c)) ++(g.joined(a, c) ? triangles : open);
      }
  }
};

/// R: words of shared memory, whose lack makes the team run the nest.
template <int W, int R>
void check_nest(std::mt19937_64& random, vid n, double share) {
  const Neighbourhood neighbours(random, n, share);
  const Counts expected(neighbours);
  Bench bench(3 * row_words(n));
  bench.job.slot_capacity = row_words(n);
  bench.job.n_slots = 3;
  bench.job.graph.n = static_cast<vid>(neighbours.split.size());
  bench.job.graph.indptr = neighbours.indptr.data();
  bench.job.graph.indices = neighbours.indices.data();
  bench.job.graph.split = neighbours.split.data();
  List memory(3 * (row_words(n) + 1));  // three rows
  bench.job.locals = memory.data();
  bench.job.local_capacity = memory.size();
  bench.job.n_locals = 1;
  const Span list = span(neighbours.list);
  i128 sums[3] = {};
  int ended = 0;
  by_teams<W, R>(bench, [&](auto& x) {
    i128 mine[3] = {};
    const Local g = x.local(0, list, list);
    for (uint64_t i = 0; i < list.n; i += x.batch(g))
      ended += x.apart_rows(Nest<2, true, false>{}, g, static_cast<vid>(i), list.n - i, mine,
                            [&](vid a, auto&& y, auto& sum) {
                              const auto after = bits_from(y.kept_row(y.slot(0), g, a), a + 1);
                              if (fewer_than(2, after)) return;
                              (void)y.apart(Nest<1, false, true>{}, g, after, sum, [&](vid b, auto&& z, auto& found) {
                                const auto row = z.row(g, b);
                                found[0] += z.both_part(bits_from(after, b + 1), row);
                              });
                            });
    for (uint64_t i = 0; i < list.n; i += x.batch(g))
      ended += x.apart_rows(
          Nest<2, false, false>{}, g, static_cast<vid>(i), list.n - i, mine, [&](vid a, auto&& y, auto& sum) {
            const auto rest = y.others(y.slot(0), g, a);
            sum[2] += y.once(int64_t{0});
            const auto below = bits_below(y.kept_row(y.slot(1), g, a), a);
            (void)y.apart(Nest<1, false, true>{}, g, below, sum,
                          [&](vid b, auto&& z, auto& found) { found[2] += z.without_part(rest, z.row(g, b)); });
            const auto above = bits_from(y.kept_row(y.slot(1), g, a), a + 1);
            (void)y.apart(Nest<1, false, false>{}, g, below, sum, [&](vid b, auto&& z, auto& found) {
              const auto open = z.without(z.slot(2), above, z.row(g, b));
              found[1] += z.ones_part(open);
            });
          });
    for (int o = 0; o < 3; ++o) sums[o] += mine[o];
  });
  INFO(n << " vertices, " << W << " warps, room for " << R << " words");
  CHECK(ended == 0);
  CHECK(sums[0] == 2 * expected.triangles);
  CHECK(sums[2] == 2 * expected.others);
  CHECK(sums[1] == 2 * expected.open);
}

TEST_CASE("a stop that a loop within a nest sees ends those around it") {
  std::mt19937_64 random(10);
  constexpr vid kVertices = 300;  // more than lanes take alone
  const Neighbourhood neighbours(random, kVertices, 0.9);
  Bench bench(row_words(kVertices));
  bench.job.graph.n = static_cast<vid>(neighbours.split.size());
  bench.job.graph.indptr = neighbours.indptr.data();
  bench.job.graph.indices = neighbours.indices.data();
  bench.job.graph.split = neighbours.split.data();
  List memory(kVertices * (row_words(kVertices) + 1));
  bench.job.locals = memory.data();
  bench.job.local_capacity = memory.size();
  bench.job.n_locals = 1;
  const Span list = span(neighbours.list);
  int unheard = 0;
  by_teams<1>(bench, [&](auto& x) {
    bench.stop = 1;
    i128 sums[1] = {};
    const Local g = x.local(0, list, list);
    bool ended = false;
    vid rows = 0;
    for (; rows < kVertices && !ended; ++rows)
      ended = x.apart_rows(Nest<2, true, false>{}, g, rows, list.n - rows, sums, [&](vid a, auto&& y, auto& sum) {
        const auto all = y.kept_row(y.slot(0), g, a);
        (void)y.apart(Nest<1, false, false>{}, g, all, sum, [](vid, auto&&, auto&) {});
      });
    unheard += !ended || rows > 8 ? 1 : 0;  // it asks every 1024 rounds
  });
  CHECK(unheard == 0);
}

TEST_CASE("nests of rows count alike by lanes alone and by teams") {
  std::mt19937_64 random(9);
  for (const vid n : {0, 1, 2, 31, 32, 33, 64, 65, 100, 129, 300, 513}) {
    const double share = n > 200 ? 0.05 : 0.4;
    check_nest<1, 20000>(random, n, share);
    check_nest<1, 0>(random, n, share);
  }
  for (const vid n : {3, 33, 100}) check_nest<kWarpsPerWorker, 2000>(random, n, 0.4);
}

TEST_CASE("local graphs without memory for a row are reported, not written") {
  List columns(100);
  for (vid i = 0; i < 100; ++i) columns[i] = i;
  Bench bench(100);
  List memory(3, 7);
  bench.job.locals = memory.data();
  bench.job.local_capacity = 2;
  bench.job.n_locals = 1;
  int wrong = 0;
  by_teams<1>(bench, [&](auto& x) {
    wrong += x.stopped() ? 1 : 0;
    const Local g = x.local(0, span(columns), span(columns));
    const Bits row = x.kept_row(x.slot(0), g, 3);
    wrong += !none_of(row) || x.ones_n(row) != 0 || x.ones_n(x.both(x.slot(0), row, x.row(g, 4))) != 0;
    wrong += x.stopped() ? 0 : 1;
  });
  CHECK(wrong == 0);
  CHECK(memory.back() == 7);
}

TEST_CASE("sums of lanes count each lane once, in 128 bits") {
  Bench bench(1);
  i128 sums[1] = {};
  bench.job.sums = sums;
  bench.job.n_outputs = 1;
  const i128 big = i128{1} << 100;
  const i128 expected = 1000 * big + 5;
  int wrong = 0;
  by_teams<1>(bench, [&](auto& x) {
    i128 a = 0;
    x.lanes(0, 1000, [&](uint64_t) { a += big; });
    a += x.once(5);
    x.flush(0, a);
    wrong += sums[0] != expected && sums[0] != 0;  // lanes after the first may see it not yet written
  });
  CHECK(wrong == 0);
  CHECK((sums[0] == expected));
}

TEST_CASE("checked arithmetic notices what leaves 128 bits") {
  std::mt19937_64 random(4);
  const i128 most = static_cast<i128>(~u128{0} >> 1);
  for (int round = 0; round < 20000; ++round) {
    const int shift = static_cast<int>(random() % 128);
    i128 a = static_cast<i128>((static_cast<u128>(random()) << 64 | random()) >> shift);
    const auto b = static_cast<int64_t>(random() >> (random() % 64)) * (random() % 2 == 0 ? 1 : -1);
    if (random() % 2 == 0) a = -a;
    if (round == 0) a = most;
    if (round == 1) a = -most - 1;
    i128 expected = 0;
    bool lost = false;
    const bool over = __builtin_mul_overflow(a, static_cast<i128>(b), &expected);
    const i128 product = gpu::mul_checked(a, b, lost);
    REQUIRE(lost == over);
    REQUIRE((over || product == expected));
    lost = false;
    const bool past = __builtin_add_overflow(a, static_cast<i128>(b) << shift / 2, &expected);
    const i128 sum = gpu::add_checked(a, static_cast<i128>(b) << shift / 2, lost);
    REQUIRE(lost == past);
    REQUIRE((past || sum == expected));
  }
}

TEST_CASE("wide sums carry between their halves") {
  std::mt19937_64 random(5);
  i128 sum = 0, expected = 0;
  for (int i = 0; i < 1000; ++i) {
    const i128 n = static_cast<i128>(static_cast<u128>(random()) << (random() % 60)) * (i % 3 == 0 ? -1 : 1);
    gpu::add_wide(&sum, n);
    expected += n;
    REQUIRE((sum == expected));
  }
}

TEST_CASE("the ones of a set are found by number") {
  std::mt19937 random(9);
  List words(9);
  for (int round = 0; round < 200; ++round) {
    for (vid& word : words) word = static_cast<vid>(random() & (round % 3 == 0 ? random() & random() : ~0U));
    const vid end = static_cast<vid>(random() % (32 * words.size() + 1)),
              begin = end == 0 ? 0 : static_cast<vid>(random() % end);
    const Bits b{words.data(), begin, end};
    vid k = 0;
    for (vid at = next_bit(b, begin); at < end; at = next_bit(b, at + 1)) REQUIRE(gpu::nth_bit(b, k++) == at);
    REQUIRE(gpu::nth_bit(b, k) == end);
    REQUIRE(gpu::nth_bit(b, k + 40) == end);
  }
}

TEST_CASE("graphs with a list of 2^31 elements are left to the CPU") {
  Bench bench(1);
  bench.job.graph.max_degree = vid{1} << 31;
  int wrong = 0;
  by_teams<1>(bench, [&](auto& x) { wrong += x.stopped() ? 0 : 1; });
  CHECK(wrong == 0);
}

TEST_CASE("votes rank lanes across warps") {
  std::mt19937 random(6);
  gpu::Votes<kWarpsPerWorker> votes{};
  for (uint32_t& mask : votes.warp) mask = static_cast<uint32_t>(random());
  uint32_t before = 0;
  for (int lane = 0; lane < 32 * kWarpsPerWorker; ++lane) {
    CHECK(votes.rank(lane) == before);
    before += votes.has(lane) ? 1 : 0;
  }
  CHECK(votes.count() == before);
}

TEST_CASE("lanes that part ways are noticed") {
  gpu::Fibers<1> fibers;
  fibers.run([&](int lane) { fibers.meet(lane, lane == 3 ? gpu::Meeting::sync : gpu::Meeting::vote, 0); });
  CHECK(fibers.diverged());
}
