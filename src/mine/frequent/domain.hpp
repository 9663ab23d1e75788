#pragma once
// A set of vertices of one label, as a bitmap by rank within the label.

#include <atomic>
#include <bit>
#include <cstdint>
#include <vector>

namespace galena::mine::frequent {

/// Threads may set, clear and test bits at once; counting waits until they are done.
class Domain {
 public:
  Domain() = default;
  /// The empty subset of `size` vertices.
  explicit Domain(std::uint64_t size) : words_((size + 63) / 64) {}

  [[nodiscard]] bool test(std::uint64_t rank) const { return ((word(rank >> 6) >> (rank & 63)) & 1U) != 0; }
  /// Whether it was clear before.
  bool set(std::uint64_t rank) {
    const std::uint64_t bit = std::uint64_t{1} << (rank & 63);
    return !test(rank) && (atom(rank >> 6).fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
  }
  /// While no other thread is at it.
  void add(std::uint64_t rank) { words_[rank >> 6] |= std::uint64_t{1} << (rank & 63); }
  void clear(std::uint64_t rank) { clear_bits(rank >> 6, std::uint64_t{1} << (rank & 63)); }
  /// Those of a word that `bits` has.
  void clear_bits(std::size_t word, std::uint64_t bits) { atom(word).fetch_and(~bits, std::memory_order_relaxed); }
  void intersect(const Domain& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }

  [[nodiscard]] std::size_t words() const { return words_.size(); }
  [[nodiscard]] std::uint64_t word(std::size_t i) const {
    return std::atomic_ref(const_cast<std::uint64_t&>(words_[i])).load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : words_) sum += static_cast<std::uint64_t>(std::popcount(each));
    return sum;
  }
  [[nodiscard]] std::uint64_t bytes() const { return words_.size() * sizeof(std::uint64_t); }

 private:
  std::atomic_ref<std::uint64_t> atom(std::size_t i) { return std::atomic_ref(words_[i]); }

  std::vector<std::uint64_t> words_;
};

}  // namespace galena::mine::frequent
