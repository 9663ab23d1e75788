#pragma once
// Large arrays, and a check before they are asked for.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

namespace galena::base {

/// Throws EnvironmentError if `bytes` is more than the machine's memory. Linux would grant the
/// allocation all the same, and kill the process when it touches the pages.
void check_memory(std::uint64_t bytes, std::string_view what);

/// Bytes that could be had without swapping, as the system says (the machine's memory where it does not), within the
/// process's limit (ulimit -v).
std::uint64_t available_memory();

/// Uninitialised bytes, in huge pages where that pays: fewer page faults, fewer TLB misses. Throws std::bad_alloc.
void* allocate_pages(std::uint64_t bytes);
void free_pages(void* data) noexcept;

/// An array whose elements are not initialised, so that its pages are first touched, in parallel,
/// by the threads that fill it. For trivial types only.
template <class T>
class Array {
 public:
  Array() = default;
  /// Throws EnvironmentError if it cannot be had; `what` is named in the message.
  explicit Array(std::uint64_t size, std::string_view what = "an array") : size_(size) {
    check_memory(size * sizeof(T), what);
    data_.reset(static_cast<T*>(allocate_pages(size * sizeof(T))));
  }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] T* data() noexcept { return data_.get(); }
  [[nodiscard]] const T* data() const noexcept { return data_.get(); }
  [[nodiscard]] T& operator[](std::uint64_t i) noexcept { return data_[i]; }
  [[nodiscard]] const T& operator[](std::uint64_t i) const noexcept { return data_[i]; }
  [[nodiscard]] std::span<T> span() noexcept { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {data_.get(), size_}; }

 private:
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  struct Free {
    void operator()(T* data) const noexcept { free_pages(data); }
  };
  std::unique_ptr<T[], Free> data_;
  std::uint64_t size_ = 0;
};

}  // namespace galena::base
