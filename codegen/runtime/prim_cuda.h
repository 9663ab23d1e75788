#pragma once
// What generated code calls on a GPU: one team of lanes a worker, which runs the same text as a CPU's
// thread does (prim_cpu.h) with every operation shared out among its lanes.
//
// A worker takes chunks, and pieces of them, from the launch's queue until there are none. What one finds is written
// in one place at its end (finish()), apart from what others find: where a piece did not fit its buffers, or was ended
// early, the host drops what all pieces of its chunk found, so that it can be run again, here or elsewhere.

#define GALENA_ISA gpu
#include "codegen/runtime/bits.h"
#include "codegen/runtime/chunk.h"
#include "codegen/runtime/gpu_job.h"
#include "codegen/runtime/team.h"

// Each needs what stands above it.
// clang-format off
#include "codegen/runtime/sets_search.h"
#include "codegen/runtime/sets_marks.h"
#include "codegen/runtime/prim.h"
#include "codegen/runtime/sets_team.h"
#include "codegen/runtime/alone.h"
#include "codegen/runtime/queue.h"
// clang-format on

namespace galena::rt::gpu {

template <class T>
class Gpu : public Access {
 public:
  /// Holds the product of two sizes, as lists of 2^31 elements and more are left to the CPU.
  using Product = int64_t;

  /// `piece`: the number of what is run.
  GALENA_DEVICE Gpu(const GpuJob& job, const T& team, uint64_t worker, uint64_t piece)
      : Access{job.graph},
        job_(job),
        team_(team),
        worker_(worker),
        piece_(piece),
        in_pieces_(piece >= job.n_chunks),
        overflow_(job.graph.max_degree >> 31 != 0) {}

  [[nodiscard]] GALENA_DEVICE vid* slot(int s) const {
    return job_.slots + (worker_ * job_.n_slots + static_cast<uint64_t>(s)) * job_.slot_capacity;
  }
  [[nodiscard]] GALENA_DEVICE uint32_t* counter(int c) const {
    return job_.counters + (worker_ * job_.n_counters + static_cast<uint64_t>(c)) * job_.n_padded;
  }
  [[nodiscard]] GALENA_DEVICE uint8_t* mark(int m) const {
    return job_.marks + (worker_ * job_.n_marks + static_cast<uint64_t>(m)) * job_.n_padded;
  }

  GALENA_DEVICE Span isect(vid* out, Span a, Span b) {
    const Span s = a.n <= b.n ? a : b;
    const Span l = a.n <= b.n ? b : a;
    finder_.prepare(team_, l);
    spend(s.n);
    return store(out, s, [&](uint64_t i) { return finder_.has(l, s.p[i]); });
  }
  GALENA_DEVICE Span diff(vid* out, Span a, Span b) {
    finder_.prepare(team_, b);
    spend(a.n);
    return store(out, a, [&](uint64_t i) { return !finder_.has(b, a.p[i]); });
  }
  GALENA_DEVICE vid isect_n(Span a, Span b) {
    const Span s = a.n <= b.n ? a : b;
    const Span l = a.n <= b.n ? b : a;
    finder_.prepare(team_, l);
    spend(s.n);
    return count_if(team_, s.n, [&](uint64_t i) { return finder_.has(l, s.p[i]); });
  }
  /// Of what isect_n() gives, what the lane found.
  GALENA_DEVICE int64_t isect_part(Span a, Span b) {
    const Span s = a.n <= b.n ? a : b;
    const Span l = a.n <= b.n ? b : a;
    finder_.prepare(team_, l);
    spend(s.n);
    int64_t mine = 0;
    each(team_, 0, s.n, [&](uint64_t i) { mine += finder_.has(l, s.p[i]) ? 1 : 0; });
    return mine;
  }
  /// The stretch s of adj(v), without what the label sets (null: any) do not allow.
  GALENA_DEVICE Span filtered(vid* out, vid v, Span s, const Labels* edges, const Labels* vertices) {
    spend(s.n);
    const uint32_t* arcs = edges != nullptr ? arc_labels(v) + (s.p - adj(v).p) : nullptr;
    return store(out, s, [&](uint64_t i) {
      return (edges == nullptr || has_label(*edges, arcs[i])) &&
             (vertices == nullptr || has_label(*vertices, g.vlabels[s.p[i]]));
    });
  }

  /// Whether looking b up in the marks of a takes fewer steps than searching a for it.
  [[nodiscard]] GALENA_DEVICE static bool marks_pay(Span a, Span b) { return b.n <= 8 * a.n; }
  [[nodiscard]] GALENA_DEVICE uint64_t marked_n(int m, Span b) const {
    const uint8_t* const marks = mark(m);
    return count_if(team_, b.n, [&](uint64_t i) { return marks[b.p[i]] != 0; });
  }
  GALENA_DEVICE void mark_in(int m, Span s) const { put_marks(mark(m), s, 1); }
  GALENA_DEVICE void mark_out(int m, Span s) const { put_marks(mark(m), s, 0); }

  /// Adds 1 to counter[y] for each x in s and each neighbour y of x with low <= y < high.
  /// Returns how many increments that were.
  GALENA_DEVICE uint64_t raise(uint32_t* counter, Span s, uint64_t low, uint64_t high) {
    const uint64_t increments = around(s, low, high, [&](vid y) { count_one(counter + y); });
    spend(increments);
    team_.sync();
    return increments;
  }
  /// raise(), which also adds to `found` what each increment found: the sum over y of
  /// k * (k - 1) / 2 for counters k that were 0.
  GALENA_DEVICE uint64_t raise_summing(uint32_t* counter, Span s, uint64_t low, uint64_t high, i128& found) {
    i128 mine = 0;
    const uint64_t increments = around(s, low, high, [&](vid y) { mine += raise_one(counter + y); });
    spend(increments);
    team_.sync();
    found += team_.total(mine, lost_);
    return increments;
  }
  /// Undoes raise(): walks the same lists again, or clears the whole range where that is less.
  GALENA_DEVICE void clear(uint32_t* counter, Span s, uint64_t low, uint64_t high, uint64_t increments) const {
    constexpr uint64_t kClearedPerIncrement = 8;
    team_.sync();  // others may still read
    if (high - low <= kClearedPerIncrement * increments)
      each(team_, low, high, [&](uint64_t y) { counter[y] = 0; });
    else
      around(s, low, high, [&](vid y) { counter[y] = 0; });
    team_.sync();
  }

  /// Local graphs (bits.h): in the team's shared memory, of which each has an equal part, where all rows fit there.
  [[nodiscard]] GALENA_DEVICE Local local(int l, Span rows, Span columns) {
    const auto number = static_cast<uint64_t>(l);
    const uint64_t near = job_.n_locals > 0 ? static_cast<uint64_t>(T::kRows) / job_.n_locals : 0;
    const bool fit = rows.n * (row_words(columns.n) + 1) <= near;
    uint32_t* const memory =
        fit ? team_.rows() + number * near : job_.locals + (worker_ * job_.n_locals + number) * job_.local_capacity;
    const Local g = local_graph(memory, fit ? near : job_.local_capacity, rows, columns);
    if (g.entries == 0 && rows.n > 0) overflow_ = true;
    team_.sync();  // others may still read what was there
    each(team_, 0, g.entries, [&](uint64_t i) { g.tags[i] = 0; });
    team_.sync();
    return g;
  }
  /// A row, until the next one is asked for.
  [[nodiscard]] GALENA_DEVICE Bits row(const Local& g, vid at) {
    if (g.entries == 0) return Bits{g.bits, 0, 0};
    const vid entry = entry_of(g, at);
    uint32_t* const bits = row_at(g, entry);
    if (g.tags[entry] != at + 1) {
      fill_row(bits, g, adj(g.rows.p[at]));
      team_.lanes([&](int lane) {
        if (lane == 0) g.tags[entry] = at + 1;
      });
      team_.sync();
    }
    return Bits{bits, 0, g.columns.n};
  }
  /// A row that stays.
  [[nodiscard]] GALENA_DEVICE Bits kept_row(vid* out, const Local& g, vid at) {
    if (is_whole(g) || g.entries == 0) return row(g, at);
    if (!fits(g.columns.n)) return Bits{g.bits, 0, 0};
    fill_row(out, g, adj(g.rows.p[at]));
    return Bits{out, 0, g.columns.n};
  }
  /// The columns that a row lacks.
  [[nodiscard]] GALENA_DEVICE Bits others(vid* out, const Local& g, vid at) {
    const Bits b = row(g, at);
    return store_bits(out, b, [&](vid word) { return ~b.p[word]; });
  }
  /// Sets of bits over the range of a, which that of b holds.
  GALENA_DEVICE Bits both(vid* out, Bits a, Bits b) {
    return store_bits(out, met(a, b), [&](vid word) { return a.p[word] & b.p[word]; });
  }
  GALENA_DEVICE Bits without(vid* out, Bits a, Bits b) {
    return store_bits(out, met(a, b), [&](vid word) { return a.p[word] & ~b.p[word]; });
  }
  GALENA_DEVICE vid both_n(Bits a, Bits b) { return whole(both_part(a, b)); }
  GALENA_DEVICE vid without_n(Bits a, Bits b) { return whole(without_part(a, b)); }
  GALENA_DEVICE vid ones_n(Bits a) { return whole(ones_part(a)); }
  GALENA_DEVICE vid zeros_n(Bits a) { return whole(zeros_part(a)); }
  /// Of each of these, what the lane found.
  GALENA_DEVICE int64_t both_part(Bits a, Bits b) {
    return part(a, [&](const Share& share) { return share.both_part(a, b); });
  }
  GALENA_DEVICE int64_t without_part(Bits a, Bits b) {
    return part(a, [&](const Share& share) { return share.without_part(a, b); });
  }
  GALENA_DEVICE int64_t ones_part(Bits a) {
    return part(a, [&](const Share& share) { return share.ones_part(a); });
  }
  GALENA_DEVICE int64_t zeros_part(Bits a) {
    return part(a, [&](const Share& share) { return share.zeros_part(a); });
  }

  /// Calls f(i, y, sums) for each i in the set, where y is who runs the round: a lane alone, each lane a part of it, or the
  /// team. True where the run is to end.
  template <class Nest, class F, int N>
  [[nodiscard]] GALENA_DEVICE bool apart(Nest /*nest*/, const Local& g, Bits set, i128 (&sums)[N], F&& f) {
    if (runs_alone(g)) {
      fill_all(g);
      spend(set.end - set.begin);
      in_words(g, [&](auto words) { each_alone<decltype(words)::kWords>(team_, g, set, sums, f); });
      return stopped();
    }
    if constexpr (Nest::kBare) return count_rows(g, set, sums, f);
    for (vid i = next_bit(set, set.begin); i < set.end; i = next_bit(set, i + 1)) {
      if (stopped()) return true;
      f(i, *this, sums);
    }
    return stopped();
  }
  /// The same for so many positions as batch() says, or as are left.
  template <class Nest, class F, int N>
  [[nodiscard]] GALENA_DEVICE bool apart_rows(Nest /*nest*/, const Local& g, vid at, uint64_t left, i128 (&sums)[N],
                                              F&& f) {
    if (!runs_alone(g)) {
      f(at, *this, sums);
      return stopped();
    }
    fill_all(g);
    const vid end = at + static_cast<vid>(left < T::kLanes ? left : T::kLanes);
    in_words(g, [&](auto words) {
      if constexpr (Nest::kFlat)
        spend(each_pair<decltype(words)::kWords>(team_, g, at, end, sums, f));
      else
        each_row<decltype(words)::kWords>(team_, g, at, end, sums, f);
    });
    return stopped();
  }
  [[nodiscard]] GALENA_DEVICE static uint64_t batch(const Local& g) { return runs_alone(g) ? T::kLanes : 1; }

  /// Calls f(i) for each i in [begin, end), each in one lane.
  template <class F>
  GALENA_DEVICE void lanes(uint64_t begin, uint64_t end, F&& f) {
    spend(end - begin);
    each(team_, begin, end, f);
  }
  /// What a whole team adds once: all of it in the first lane.
  template <class N>
  [[nodiscard]] GALENA_DEVICE N once(N value) const {
    return team_.once(value);
  }

  /// Sums that may leave 128 bits; the first that does makes the chunk lost.
  [[nodiscard]] GALENA_DEVICE i128 add(i128 a, i128 b) { return add_checked(a, b, lost_); }
  [[nodiscard]] GALENA_DEVICE i128 mul(i128 a, int64_t b) { return mul_checked(a, b, lost_); }

  /// Each lane's part of the chunk's sum for output `i`.
  GALENA_DEVICE void flush(int i, i128 part) {
    const i128 sum = team_.total(part, lost_);
    i128* const to = job_.sums + piece_ * job_.n_outputs + static_cast<uint64_t>(i);
    team_.lanes([&](int lane) {
      if (lane == 0) *to = sum;
    });
  }
  /// Each lane's part of the count of v.
  GALENA_DEVICE void flush_local(vid v, i128 part) {
    const i128 count = team_.total(part, lost_);
    if (count == 0) return;
    const auto bits = static_cast<u128>(count);
    const vid entry[kLocalWords] = {v, static_cast<vid>(bits), static_cast<vid>(bits >> 32),
                                    static_cast<vid>(bits >> 64), static_cast<vid>(bits >> 96)};
    log(entry, kLocalWords);
  }
  /// Reports a match; true ends the run.
  [[nodiscard]] GALENA_DEVICE bool emit(int /*output*/, const vid* matched, int size) {
    if (overflow_) return true;  // what was matched may come of a list that was cut short
    if (matched != nullptr) return !log(matched, size);
    team_.lanes([&](int lane) {
      if (lane != 0) return;
      write_now(job_.found, 1);
      write_now(job_.stop, 1);
    });
    return true;
  }
  GALENA_DEVICE void abort() { aborted_ = true; }
  /// The label that takes the place of number i.
  [[nodiscard]] GALENA_DEVICE Labels given(int i) const { return Labels{job_.images.labels + i, 1, 0}; }
  /// Whether it is yet to be decided if v is an image: asks the others, who may find it out at any time.
  [[nodiscard]] GALENA_DEVICE bool undecided(vid v) const {
    const volatile uint32_t* const found = job_.images.found;
    return bit_of(job_.images.asked, v) &&
           team_.first([&]() -> uint64_t { return (found[v / 32] >> (v % 32)) & 1U; }) == 0;
  }
  /// Notes that v is an image; true ends the run.
  [[nodiscard]] GALENA_DEVICE bool image(int output, vid v) {
    if (overflow_) return true;
    const ImageTask& task = job_.images;
    const bool enough = team_.first([&]() -> uint64_t {
      return set_bit(task.found, v) && fetch_add(task.count, 1) + 1 >= task.enough ? 1 : 0;
    }) != 0;
    return enough && emit(output, nullptr, 0);
  }

  /// Whether to end early. Asks the others now and then; once so, always so, as every loop around asks for itself.
  [[nodiscard]] GALENA_DEVICE bool stopped() {
    if (overflow_ || halted_) return true;
    if (++asked_ % kAskEvery != 0) return false;
    const int* const stop = job_.stop;
    halted_ = team_.first([&] { return static_cast<uint64_t>(read_now(stop)); }) != 0;
    return halted_;
  }

  /// Whether to give away work: others have none, and enough was done since the last look. As much at least as was
  /// done before the first, which whoever takes a piece has to do again.
  [[nodiscard]] GALENA_DEVICE bool wanted() {
    if (job_.most_given == 0 || overflow_) return false;
    if (job_.give_every > 0 && ++spent_ < patience_) return false;
    if (job_.give_every > 0 && patience_ == 0) return grow_patient();
    spent_ = 0;
    return some_wait(job_, team_);
  }
  /// Gives away half of what is left of the roots, or where they are at their last, of a walk below: position `i` of
  /// those up to `q.end`, which moves.
  GALENA_DEVICE bool give(const Piece& p, uint64_t i0, Slice& q0) {
    const uint64_t middle = half_after(i0, q0.end);
    if (middle == q0.end) return false;
    if (hand_over(of_roots(g, p, middle, q0.end))) q0.end = middle;
    return true;
  }
  GALENA_DEVICE bool give(const Piece& p, uint64_t i0, Slice& q0, uint32_t loop1, uint64_t i1, Slice& q1) {
    if (give(p, i0, q0)) return true;
    const uint64_t middle = half_after(i1, q1.end);
    if (middle == q1.end) return false;
    if (hand_over(of_second(p, i0, loop1, middle, q1.end))) q1.end = middle;
    return true;
  }
  GALENA_DEVICE bool give(const Piece& p, uint64_t i0, Slice& q0, uint32_t loop1, uint64_t i1, Slice& q1,
                          uint32_t loop2, uint64_t i2, Slice& q2) {
    if (give(p, i0, q0, loop1, i1, q1)) return true;
    const uint64_t middle = half_after(i2, q2.end);
    if (middle == q2.end) return false;
    if (hand_over(of_third(p, i0, loop1, i1, loop2, middle, q2.end))) q2.end = middle;
    return true;
  }

  /// Says what became of the piece, and hands on what it logged.
  GALENA_DEVICE void finish() {
    const bool lost = team_.vote([&](int) { return lost_; }).count() != 0;
    if (aborted_ || overflow_) clean();
    ChunkState state = overflow_   ? ChunkState::overflow
                       : !aborted_ ? ChunkState::done
                       : enough()  ? ChunkState::cut
                                   : ChunkState::untouched;
    if (state == ChunkState::done && lost) state = ChunkState::lost;
    if ((state == ChunkState::done || state == ChunkState::cut) && logged_ > 0)
      job_.local != nullptr && !in_pieces_ ? publish_local() : publish_rows();
    team_.lanes([&](int lane) {
      if (lane == 0) job_.states[piece_] = state;
    });
  }

  /// Whether its rows are still in the worker's log, which takes no more.
  [[nodiscard]] GALENA_DEVICE bool keeps_rows() const { return keeps_rows_; }

 private:
  static constexpr uint32_t kAskEvery = 1024;
  static constexpr vid kShortRow = 32;  ///< words that one lane may count alone

  /// Counts rounds of the lanes over n elements.
  GALENA_DEVICE void spend(uint64_t n) { spent_ += 1 + static_cast<uint32_t>(n / T::kLanes); }

  /// At the first look after the first work.
  GALENA_DEVICE bool grow_patient() {
    if (spent_ > 1) {
      patience_ = spent_ > job_.give_every ? spent_ : job_.give_every;
      spent_ = 0;
    }
    return false;
  }
  GALENA_DEVICE bool hand_over(const Piece& piece) {
    if (!gpu::give(job_, team_, piece)) return false;
    in_pieces_ = true;
    return true;
  }

  /// The elements i of s for which keep(i), written to `out` where they fit.
  template <class Keep>
  GALENA_DEVICE Span store(vid* out, Span s, Keep&& keep) {
    const uint64_t room = job_.slot_capacity;
    team_.sync();  // others may still read what was there
    const uint64_t kept = compact(team_, s.n, keep, [&](uint64_t i, uint64_t k) {
      if (k < room) out[k] = s.p[i];
    });
    team_.sync();
    finder_.forget();
    if (kept > room) overflow_ = true;
    return Span{out, static_cast<vid>(kept < room ? kept : room)};
  }

  /// Whether a slot holds a row over so many columns; where not, the chunk overflows.
  GALENA_DEVICE bool fits(uint64_t columns) {
    if (row_words(columns) > job_.slot_capacity) overflow_ = true;
    return row_words(columns) <= job_.slot_capacity;
  }

  /// The words of range b, each made by one lane.
  template <class F>
  GALENA_DEVICE Bits store_bits(vid* out, Bits b, F&& word) {
    if (!fits(b.end)) return Bits{b.p, 0, 0};
    if (b.begin < b.end) spend((b.end - b.begin) / kWarp);
    team_.sync();  // others may still read what was there
    if (b.begin < b.end)
      each(team_, b.begin / 64 * 2, row_words(b.end), [&](uint64_t i) { out[i] = word(static_cast<vid>(i)); });
    team_.sync();
    finder_.forget();
    return Bits{out, b.begin, b.begin < b.end ? b.end : b.begin};
  }
  template <class F>
  GALENA_DEVICE int64_t part(Bits b, F&& count) {
    if (b.begin < b.end) spend((b.end - b.begin) / kWarp);
    int64_t mine = 0;
    team_.lanes([&](int lane) { mine += count(Share{static_cast<vid>(lane), T::kLanes}); });
    return mine;
  }
  GALENA_DEVICE vid whole(int64_t part) const { return team_.total(static_cast<uint32_t>(part)); }

  /// Whether lanes run nests alone: all rows are kept, and are short.
  [[nodiscard]] GALENA_DEVICE static bool runs_alone(const Local& g) {
    return is_whole(g) && g.columns.n <= kAloneColumns && g.rows.p == g.columns.p && g.rows.n == g.columns.n;
  }
  /// A loop whose rounds each count in one row: a lane a round where rows are short and kept, else all lanes a part of it.
  template <class F, int N>
  [[nodiscard]] GALENA_DEVICE bool count_rows(const Local& g, Bits set, i128 (&sums)[N], F& f) {
    if (is_whole(g) && g.stride <= kShortRow) {
      fill_rows(g, set);
      spend(set.end - set.begin);
      Share y{0, 1};
      each_one(team_, set, y, sums, f);
      return stopped();
    }
    for (vid i = next_bit(set, set.begin); i < set.end; i = next_bit(set, i + 1)) {
      if (stopped()) return true;
      const Bits filled = row(g, i);
      spend((filled.end - filled.begin) / kWarp);
      team_.lanes([&](int lane) {
        Share y{static_cast<vid>(lane), T::kLanes};
        f(i, y, sums);
      });
    }
    return stopped();
  }

  /// Fills what is not of the rows of a local graph that keeps all rows.
  GALENA_DEVICE void fill_all(const Local& g) {
    uint32_t missing = 0;
    for (vid base = 0; base < g.rows.n; base += T::kLanes)
      missing += team_
                     .vote([&](int lane) {
                       const vid i = base + static_cast<vid>(lane);
                       return i < g.rows.n && g.tags[i] != i + 1;
                     })
                     .count();
    if (missing == 0) return;
    spend(static_cast<uint64_t>(g.rows.n) * g.columns.n);
    fill_matrix(team_, g, [&](vid v) { return adj_below(v); });
    finder_.forget();
  }
  /// The same of its rows in the set.
  GALENA_DEVICE void fill_rows(const Local& g, Bits b) {
    for (vid base = b.begin; base < b.end; base += T::kLanes) {
      const auto missing = team_.vote([&](int lane) {
        const vid i = base + static_cast<vid>(lane);
        return i < b.end && bit_of(b.p, i) && g.tags[i] != i + 1;
      });
      if (missing.count() == 0) continue;
      for (int lane = 0; lane < T::kLanes; ++lane)
        if (missing.has(lane)) (void)row(g, base + static_cast<vid>(lane));
    }
  }
  GALENA_DEVICE void fill_row(uint32_t* out, const Local& g, Span list) {
    spend(lesser(list.n, g.columns.n));
    gpu::fill_row(team_, out, g.columns, list);
    finder_.forget();
  }

  /// Calls f(y) for each x in s and each neighbour y of x with low <= y < high: a warp a list. Returns how many
  /// calls that were.
  template <class F>
  GALENA_DEVICE uint64_t around(Span s, uint64_t low, uint64_t high, F&& f) const {
    uint64_t mine = 0;
    team_.lanes([&](int lane) {
      for (uint64_t i = static_cast<uint64_t>(lane / kWarp); i < s.n; i += T::kLanes / kWarp) {
        const Span list = within(adj(s.p[i]), low, high);
        for (uint64_t j = static_cast<uint64_t>(lane % kWarp); j < list.n; j += kWarp, ++mine) f(list.p[j]);
      }
    });
    return team_.total(mine);
  }

  GALENA_DEVICE void put_marks(uint8_t* marks, Span s, uint8_t value) const {
    team_.sync();
    each(team_, 0, s.n, [&](uint64_t i) { marks[s.p[i]] = value; });
    team_.sync();
  }

  /// Whether this piece alone logged as many rows as a launch is to find.
  [[nodiscard]] GALENA_DEVICE bool enough() const { return job_.enough_rows > 0 && logged_ >= job_.enough_rows; }

  /// False where it does not fit, or where no more is wanted.
  GALENA_DEVICE bool log(const vid* words, int n) {
    if (logged_ + static_cast<uint64_t>(n) > job_.log_capacity) {
      overflow_ = true;
      return false;
    }
    vid* const to = job_.logs + worker_ * job_.log_capacity + logged_;
    team_.lanes([&](int lane) {
      if (lane != 0) return;
      for (int i = 0; i < n; ++i) to[i] = words[i];
    });
    logged_ += static_cast<uint64_t>(n);
    return !enough();
  }

  GALENA_DEVICE void publish_local() const {
    const vid* const log = job_.logs + worker_ * job_.log_capacity;
    team_.sync();
    each(team_, 0, logged_ / kLocalWords, [&](uint64_t i) {
      const vid* const entry = log + i * kLocalWords;
      add_wide(job_.local + entry[0], logged_count(entry));
    });
    team_.sync();
  }

  GALENA_DEVICE void publish_rows() {
    const uint64_t begin = team_.first([&] { return fetch_add(job_.row_used, logged_); });
    keeps_rows_ = begin + logged_ > job_.row_capacity;
    const uint64_t place = worker_ * job_.log_capacity;
    team_.sync();
    if (!keeps_rows_) each(team_, 0, logged_, [&](uint64_t i) { job_.rows[begin + i] = job_.logs[place + i]; });
    team_.lanes([&](int lane) {
      if (lane != 0) return;
      job_.row_begin[piece_] = keeps_rows_ ? job_.row_capacity + place : begin;
      job_.row_size[piece_] = logged_;
      if (job_.enough_rows > 0 && begin + logged_ >= job_.enough_rows) write_now(job_.stop, 1);
    });
    team_.sync();
  }

  /// Makes the tables zero again after a chunk that was left in its middle.
  GALENA_DEVICE void clean() const {
    team_.sync();
    uint32_t* const counters = counter(0);
    uint8_t* const marks = mark(0);
    each(team_, 0, job_.n_counters * job_.n_padded, [&](uint64_t i) { counters[i] = 0; });
    each(team_, 0, job_.n_marks * job_.n_padded, [&](uint64_t i) { marks[i] = 0; });
    team_.sync();
  }

  const GpuJob& job_;
  const T& team_;
  uint64_t worker_, piece_;
  Finder finder_;
  uint64_t logged_ = 0;
  uint32_t asked_ = 0;
  uint32_t spent_ = 0, patience_ = 0;
  // The same in all lanes, as all above.
  bool in_pieces_;  ///< of a chunk that more than this team works on
  bool keeps_rows_ = false;
  bool overflow_;
  bool aborted_ = false;
  bool halted_ = false;
  bool lost_ = false;  ///< each lane's own
};

/// One worker: takes pieces until there are none, or until its log is not to be written over. `task(x, piece)` runs one.
template <class T, class Task>
GALENA_DEVICE static inline void work(const GpuJob& job, const T& team, uint64_t worker, Task&& task) {
  for (uint64_t at = take(job, team); at != kNoWork; at = take(job, team)) {
    Gpu<T> x(job, team, worker, at);
    task(x, job.pieces[at]);
    x.finish();
    team.sync();  // the log and the slots are the next piece's
    finished(job, team);
    if (x.keeps_rows()) return;
  }
}

}  // namespace galena::rt::gpu
