#include "galena/tensor.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

#include "galena/error.hpp"
#include "src/base/memory.hpp"
#include "src/ops/bf16.hpp"
#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/tensor_memory.hpp"

namespace galena {
namespace {

using ops::fail;
using ops::shape_of;

/// An element as another type, and back. bf16 is known by its type: no tensor holds 16-bit integers.
template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<From, std::uint16_t>) {
    return convert<To>(ops::from_bf16(x));
  } else if constexpr (std::is_same_v<To, std::uint16_t>) {
    return ops::to_bf16(static_cast<float>(x));
  } else {
    return static_cast<To>(x);
  }
}

/// f(T{}) with the element type.
template <class F>
decltype(auto) with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::bf16: return f(std::uint16_t{});
    case DType::i32: return f(std::int32_t{});
    case DType::i64: return f(std::int64_t{});
    case DType::u8: break;
  }
  return f(std::uint8_t{});
}

std::string shape_text(std::int64_t rows, std::int64_t cols) {
  return std::to_string(rows) + " x " + std::to_string(cols);
}

std::shared_ptr<std::byte[]> allocate(std::int64_t rows, std::int64_t cols, DType dtype) {
  if (rows < 0 || cols < 0) fail("Tensor", "the shape is " + shape_text(rows, cols) + "; expected sizes of 0 or more");
  const auto most = std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(size_of(dtype));
  if (cols > 0 && rows > most / cols) fail("Tensor", "the shape " + shape_text(rows, cols) + " has over 2^63 bytes");
  const std::uint64_t bytes = static_cast<std::uint64_t>(rows * cols) * size_of(dtype);
  const std::string what = "a tensor of " + shape_text(rows, cols) + " " + name_of(dtype);
  if (OnDevice::current() == Device::cuda) return ops::device_memory(bytes, what);
  base::check_memory(bytes, what);
  try {
    return ops::tensor_memory(bytes);
  } catch (const std::bad_alloc&) {
    throw EnvironmentError("not enough memory for " + what + ": use fewer or narrower layers, or more partitions");
  }
}

Device& current_device() noexcept {
  thread_local Device device = Device::cpu;
  return device;
}

}  // namespace

OnDevice::OnDevice(Device device) noexcept : before_(current_device()) { current_device() = device; }
OnDevice::~OnDevice() { current_device() = before_; }
Device OnDevice::current() noexcept { return current_device(); }

std::size_t size_of(DType dtype) noexcept {
  return with_type(dtype, [](auto x) { return sizeof(x); });
}

const char* name_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32: return "f32";
    case DType::f64: return "f64";
    case DType::bf16: return "bf16";
    case DType::i32: return "i32";
    case DType::i64: return "i64";
    case DType::u8: return "u8";
  }
  return "?";
}

Tensor Tensor::empty(std::int64_t rows, std::int64_t cols, DType dtype) {
  Tensor result;
  result.storage_ = allocate(rows, cols, dtype);
  result.rows_ = rows;
  result.cols_ = cols;
  result.dtype_ = dtype;
  result.device_ = OnDevice::current();
  return result;
}

Tensor Tensor::zeros(std::int64_t rows, std::int64_t cols, DType dtype) { return full(rows, cols, 0, dtype); }

Tensor Tensor::full(std::int64_t rows, std::int64_t cols, double value, DType dtype) {
  Tensor result = empty(rows, cols, dtype);
  result.fill(value);
  return result;
}

template <class T>
Tensor Tensor::from(std::int64_t rows, std::int64_t cols, std::span<const T> values) {
  Tensor result = empty(rows, cols, kDType<T>);
  if (values.size() != static_cast<std::size_t>(result.size())) {
    fail("Tensor::from", std::to_string(values.size()) + " values for " + shape_of(result));
  }
  if (values.empty()) return result;
  if (result.device() == Device::cuda)
    ops::device_ops().upload(result.raw(), values.data(), result.bytes());
  else
    std::memcpy(result.raw(), values.data(), result.bytes());
  return result;
}

template Tensor Tensor::from(std::int64_t, std::int64_t, std::span<const float>);
template Tensor Tensor::from(std::int64_t, std::int64_t, std::span<const double>);
template Tensor Tensor::from(std::int64_t, std::int64_t, std::span<const std::uint16_t>);
template Tensor Tensor::from(std::int64_t, std::int64_t, std::span<const std::int32_t>);
template Tensor Tensor::from(std::int64_t, std::int64_t, std::span<const std::int64_t>);
template Tensor Tensor::from(std::int64_t, std::int64_t, std::span<const std::uint8_t>);

void Tensor::check_type(DType wanted) const {
  if (device_ != Device::cpu) {
    throw InputError("an operation that runs on the CPU only was given a tensor (" + shape_of(*this) +
                     ") in a GPU's memory: use --device cpu, or Tensor::to(Device::cpu)");
  }
  if (dtype_ == wanted) return;
  throw InternalError(std::string("Tensor::data: the elements are ") + name_of(dtype_) + ", asked for as " +
                      name_of(wanted));
}

double Tensor::item(std::int64_t row, std::int64_t col) const {
  if (row < 0 || row >= rows_ || col < 0 || col >= cols_) {
    fail("Tensor::item", "element (" + std::to_string(row) + ", " + std::to_string(col) + ") of " + shape_of(*this));
  }
  if (device_ == Device::cuda) return slice(row, row + 1).to(Device::cpu).item(0, col);
  return with_type(dtype_, [&](auto x) { return convert<double>(at<decltype(x)>(row, col)); });
}

Tensor Tensor::slice(std::int64_t begin, std::int64_t end) const {
  if (begin < 0 || end < begin || end > rows_) {
    fail("Tensor::slice", "rows " + std::to_string(begin) + " to " + std::to_string(end) + " of " + shape_of(*this));
  }
  Tensor result = *this;
  result.offset_ += static_cast<std::size_t>(begin * cols_) * size_of(dtype_);
  result.rows_ = end - begin;
  return result;
}

Tensor Tensor::reshape(std::int64_t rows, std::int64_t cols) const {
  if (rows < 0 || cols < 0 || rows * cols != size()) {
    fail("Tensor::reshape", shape_of(*this) + " as " + shape_text(rows, cols) + ": another number of elements");
  }
  Tensor result = *this;
  result.rows_ = rows;
  result.cols_ = cols;
  return result;
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  const OnDevice here(device_);
  Tensor result = empty(rows_, cols_, dtype_);
  if (device_ == Device::cuda) {
    result.copy_from(*this);
    return result;
  }
  const auto size = static_cast<std::int64_t>(bytes());
  ops::parallel_ranges(size, 1, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(result.raw() + begin, raw() + begin, static_cast<std::size_t>(end - begin));
  });
  return result;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_ || !defined()) return *this;
  const OnDevice here(device_);
  Tensor result = empty(rows_, cols_, dtype);
  if (device_ == Device::cuda) {
    ops::device_ops().convert(*this, result);
    return result;
  }
  with_type(dtype_, [&](auto from) {
    with_type(dtype, [&](auto to) {
      const auto* const x = data<decltype(from)>();
      auto* const y = result.data<decltype(to)>();
      ops::parallel_ranges(size(), 1, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) y[i] = convert<decltype(to)>(x[i]);
      });
    });
  });
  return result;
}

Tensor Tensor::to(Device device) const {
  if (device == device_ || !defined()) return *this;
  const OnDevice there(device);
  Tensor result = empty(rows_, cols_, dtype_);
  result.copy_from(*this);
  return result;
}

void Tensor::copy_from(const Tensor& other) const {
  if (other.size() != size() || other.dtype() != dtype_) {
    fail("Tensor::copy_from", shape_of(other) + " into " + shape_of(*this));
  }
  if (size() == 0) return;
  if (device_ == Device::cpu && other.device_ == Device::cpu) {
    std::memcpy(raw(), other.raw(), bytes());
  } else if (device_ == Device::cpu) {
    ops::device_ops().download(raw(), other.raw(), bytes());
  } else if (other.device_ == Device::cpu) {
    ops::device_ops().upload(raw(), other.raw(), bytes());
  } else {
    ops::device_ops().copy(raw(), other.raw(), bytes());
  }
}

void Tensor::fill(double value) const {
  if (device_ == Device::cuda) return ops::device_ops().fill(*this, value);
  with_type(dtype_, [&](auto type) {
    using T = decltype(type);
    T* const y = data<T>();
    const T converted = convert<T>(value);
    ops::parallel_ranges(size(), 1, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) y[i] = converted;
    });
  });
}

}  // namespace galena
