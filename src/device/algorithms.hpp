#pragma once
// Parallel algorithms over host arrays: a narrow door to Thrust, whose headers stay in this folder.
// `threads` 0 = all cores. Types: 32- and 64-bit unsigned integers.

#include <cstddef>
#include <cstdint>
#include <span>

namespace galena::device {

/// Sorts in increasing order.
template <class T>
void sort(std::span<T> values, int threads = 0);

/// Moves the first of each run of equal values to the front; returns how many there are.
template <class T>
std::size_t unique(std::span<T> values, int threads = 0);

/// values[i] becomes the sum of values[0..i-1]; returns the sum of all.
template <class T>
T exclusive_scan(std::span<T> values, int threads = 0);

extern template void sort(std::span<std::uint32_t>, int);
extern template void sort(std::span<std::uint64_t>, int);
extern template std::size_t unique(std::span<std::uint32_t>, int);
extern template std::size_t unique(std::span<std::uint64_t>, int);
extern template std::uint32_t exclusive_scan(std::span<std::uint32_t>, int);
extern template std::uint64_t exclusive_scan(std::span<std::uint64_t>, int);

}  // namespace galena::device
