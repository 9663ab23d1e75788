#include "apps/train_outputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "galena/error.hpp"
#include "src/base/file_writer.hpp"
#include "src/base/npy.hpp"

namespace galena::cli {
namespace {

template <class T>
void write_matrix(const std::string& path, std::int64_t rows, std::int64_t cols, std::span<const T> values) {
  const std::array shape{static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(cols)};
  base::write_npy<T>(path, shape, values);
}

void write_tensor(const std::string& path, const Tensor& tensor) {
  if (tensor.dtype() == DType::f64)
    return write_matrix<double>(path, tensor.rows(), tensor.cols(), tensor.span<double>());
  write_matrix<float>(path, tensor.rows(), tensor.cols(), tensor.span<float>());
}

// The class of the largest logit; the first of equal ones.
void write_classes(const std::string& path, const Tensor& logits) {
  std::vector<std::int32_t> classes;
  for (std::int64_t v = 0; v < logits.rows(); ++v) {
    const float* row = logits.data<float>() + v * logits.cols();
    classes.push_back(static_cast<std::int32_t>(std::max_element(row, row + logits.cols()) - row));
  }
  const std::array shape{static_cast<std::uint64_t>(logits.rows())};
  base::write_npy<std::int32_t>(path, shape, classes);
}

// Classes of probability over one half.
void write_memberships(const std::string& path, const Tensor& logits) {
  std::vector<std::uint8_t> member;
  for (const float logit : logits.span<float>()) member.push_back(logit > 0 ? 1 : 0);
  write_matrix<std::uint8_t>(path, logits.rows(), logits.cols(), member);
}

void require_rows(const Tensor& rows, const char* option, const char* why) {
  if (!rows.defined()) throw InputError(fmt::format("{}: {}", option, why));
}

}  // namespace

void check_outputs(const TrainCommand& command) {
  for (const std::string& path :
       {command.report, command.predictions, command.logits, command.embeddings, command.train.checkpoint.string()})
    if (!path.empty()) const base::AtomicFile probe(path);
  if (command.weights.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(command.weights, error);
  if (error) throw EnvironmentError(fmt::format("{}: cannot create the folder: {}", command.weights, error.message()));
}

void write_outputs(const TrainCommand& command, const NodeData& data, const TrainResult& result) {
  constexpr const char* kUntrained = "no epoch was evaluated, so there is nothing to write; --epochs 1 or more";
  if (!command.predictions.empty()) {
    require_rows(result.logits, "--predictions", kUntrained);
    data.multi_label ? write_memberships(command.predictions, result.logits)
                     : write_classes(command.predictions, result.logits);
  }
  if (!command.logits.empty()) {
    require_rows(result.logits, "--logits", kUntrained);
    write_tensor(command.logits, result.logits);
  }
  if (!command.embeddings.empty()) {
    require_rows(result.logits, "--embeddings", kUntrained);
    require_rows(result.embeddings, "--embeddings",
                 "the rows that enter the only layer are the features; --layers 2 or more");
    write_tensor(command.embeddings, result.embeddings);
  }
  if (command.weights.empty()) return;
  for (const auto& [name, tensor] : result.weights)
    write_tensor((std::filesystem::path(command.weights) / (name + ".npy")).string(), tensor);
}

}  // namespace galena::cli
