#include <algorithm>
#include <cmath>

#include "src/nn/node.hpp"
#include "src/ops/random_key.hpp"

namespace galena::nn {
namespace {

double limit_of(Initializer how, std::int64_t rows, std::int64_t cols) {
  // X. Glorot and Y. Bengio (AISTATS 2010); K. He et al. (ICCV 2015), for ReLU.
  if (how == Initializer::glorot_uniform) return std::sqrt(6.0 / static_cast<double>(rows + cols));
  return std::sqrt(6.0 / static_cast<double>(std::max<std::int64_t>(1, rows)));
}

template <class T>
void fill_uniform(const Tensor& tensor, double limit, const ops::RandomKey& key) {
  for (std::int64_t i = 0; i < tensor.rows(); ++i)
    for (std::int64_t c = 0; c < tensor.cols(); ++c) {
      const auto block = key.draw(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(c / 4));
      const double u = (block[static_cast<std::size_t>(c % 4)] + 0.5) * 0x1p-32;
      tensor.at<T>(i, c) = static_cast<T>(limit * (2 * u - 1));
    }
}

Tensor initial(std::int64_t rows, std::int64_t cols, Initializer how, DType dtype, const ops::RandomKey& key) {
  if (how == Initializer::zeros) return Tensor::zeros(rows, cols, dtype);
  if (how == Initializer::ones) return Tensor::full(rows, cols, 1, dtype);
  Tensor result = Tensor::empty(rows, cols, dtype);
  const double limit = limit_of(how, rows, cols);
  if (dtype == DType::f64)
    fill_uniform<double>(result, limit, key);
  else
    fill_uniform<float>(result, limit, key);
  return result;
}

/// Elements from a parameter's place to the next one's: rows begin where vectors of any width can be read.
std::int64_t padded(const Tensor& value) {
  const auto unit = static_cast<std::int64_t>(64 / size_of(value.dtype()));
  return (value.size() + unit - 1) / unit * unit;
}

}  // namespace

ParameterStore::ParameterStore(std::uint64_t seed, DType dtype, Device device)
    : seed_(seed), dtype_(dtype), device_(device) {
  if (dtype != DType::f32 && dtype != DType::f64) {
    fail("ParameterStore", std::string("parameters of ") + name_of(dtype) + "; expected f32 or f64");
  }
}

void ParameterStore::check_name(const std::string& name) const {
  if (sealed_) fail("ParameterStore", "'" + name + "' is added after seal()");
  const bool taken = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; }) ||
                     std::any_of(buffers_.begin(), buffers_.end(), [&](const auto& b) { return b.first == name; });
  if (taken) fail("ParameterStore", "the name '" + name + "' is taken; every parameter and buffer needs its own");
}

Var ParameterStore::add(const std::string& name, std::int64_t rows, std::int64_t cols, Initializer how,
                        const std::string& group) {
  check_name(name);
  const auto number = static_cast<std::uint32_t>(entries_.size());
  const ops::RandomKey key{seed_, 0, ops::RandomKey::make_stream(number, ops::Purpose::init)};
  entries_.push_back({name, group, Var(initial(rows, cols, how, dtype_, key), true)});
  return entries_.back().var;
}

Tensor ParameterStore::add_buffer(const std::string& name, std::int64_t rows, std::int64_t cols, double value) {
  check_name(name);
  const OnDevice there(device_);
  buffers_.emplace_back(name, Tensor::full(rows, cols, value, dtype_));
  return buffers_.back().second;
}

void ParameterStore::seal() {
  if (sealed_) fail("ParameterStore", "seal() a second time");
  sealed_ = true;
  const OnDevice there(device_);
  values_ = Tensor::zeros(flat_size(), 1, dtype_);
  gradients_ = Tensor::zeros(flat_size(), 1, dtype_);
  for (const Entry& entry : entries_) {
    const bool known =
        std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& r) { return r.group == entry.group; });
    if (!known) ranges_.push_back({entry.group, 0, 0});
  }
  std::int64_t position = 0;
  for (Range& range : ranges_) {
    range.begin = position;
    for (Entry& entry : entries_) {
      if (entry.group != range.group) continue;
      Tensor& value = entry.var.value_holder()->tensor;
      const std::int64_t end = position + value.size();
      const Tensor view = values_.slice(position, end).reshape(value.rows(), value.cols());
      view.copy_from(value);
      Var::Node& node = *entry.var.node();
      node.grad = gradients_.slice(position, end).reshape(value.rows(), value.cols());
      node.fixed = true;
      node.written = false;
      position += padded(value);
      value = view;
    }
    range.end = position;
  }
}

std::int64_t ParameterStore::count() const noexcept {
  std::int64_t count = 0;
  for (const Entry& entry : entries_) count += entry.var.value_holder()->tensor.size();
  return count;
}

std::int64_t ParameterStore::flat_size() const noexcept {
  std::int64_t size = 0;
  for (const Entry& entry : entries_) size += padded(entry.var.value_holder()->tensor);
  return size;
}

void ParameterStore::zero_gradients() {
  for (const Entry& entry : entries_) entry.var.node()->written = false;
}

Tensor ParameterStore::flat_gradients() const {
  for (const Entry& entry : entries_) static_cast<void>(entry.var.grad());
  return gradients_;
}

}  // namespace galena::nn
