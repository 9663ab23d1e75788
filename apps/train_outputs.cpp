#include "apps/train_outputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

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

template <class T>
void write_vector(const std::string& path, const std::vector<std::int64_t>& values) {
  const std::array shape{static_cast<std::uint64_t>(values.size())};
  base::write_npy<T>(path, shape, std::vector<T>(values.begin(), values.end()));
}

// The class of the largest logit; the first of equal ones. int32, or where the file's numbers need it int64.
void write_classes(const std::string& path, const Tensor& logits, const std::vector<std::int64_t>& ids) {
  std::vector<std::int64_t> classes;
  for (std::int64_t v = 0; v < logits.rows(); ++v) {
    const float* row = logits.data<float>() + v * logits.cols();
    classes.push_back(ids[static_cast<std::size_t>(std::max_element(row, row + logits.cols()) - row)]);
  }
  const bool large = std::ranges::max(ids) > std::numeric_limits<std::int32_t>::max();
  large ? write_vector<std::int64_t>(path, classes) : write_vector<std::int32_t>(path, classes);
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
  const struct {
    const char* option;
    std::string path;
    bool probed = false;  // the others are read, or opened by themselves
  } files[] = {{"--config", command.config},
               {"--partition", command.train.partition_file.string()},
               {"--metrics", command.metrics},
               {"--report", command.report, true},
               {"--predictions", command.predictions, true},
               {"--logits", command.logits, true},
               {"--embeddings", command.embeddings, true},
               {"--checkpoint", command.train.checkpoint.string(), true}};
  std::map<std::filesystem::path, const char*> options;
  for (const auto& [option, path, probed] : files) {
    if (path.empty()) continue;
    const std::filesystem::path place = base::replaced_by(path);
    if (place.empty()) continue;
    const auto [other, fresh] = options.emplace(place, option);
    if (!fresh)
      throw InputError(fmt::format("{} and {} are both {}; give each its own file", other->second, option, path));
    if (!command.weights.empty() && place.parent_path() == std::filesystem::weakly_canonical(command.weights))
      throw InputError(fmt::format("{} {}: in the folder of --weights; choose another", option, path));
    if (probed) const base::AtomicFile probe(path);
  }
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
                     : write_classes(command.predictions, result.logits, data.class_ids);
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

std::vector<std::string> strangers(const std::string& folder,
                                   const std::vector<std::pair<std::string, Tensor>>& weights) {
  std::set<std::string> own, others;
  for (const auto& [name, tensor] : weights) own.insert(name + ".npy");
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (const std::string name = entry.path().filename(); entry.path().extension() == ".npy" && !own.contains(name))
      others.insert(name);
  return {others.begin(), others.end()};
}

}  // namespace galena::cli
