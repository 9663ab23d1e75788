#pragma once
// Checkpoints of training: named tensors and a heading, in one file with a checksum, written beside the last one and
// renamed. All that decides how a run goes on is in it; random numbers are named by epoch and need no state.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "galena/tensor.hpp"

namespace galena::train {

struct Checkpoint {
  std::string run;  ///< describes data, model and options: a checkpoint continues only the same run
  std::int32_t next_epoch = 0;
  std::int32_t best_epoch = -1;
  std::int32_t evaluations_since_best = 0;
  double best_valid = 0, best_train = 0, best_test = 0, best_valid_loss = 0;
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::vector<std::vector<std::byte>> ranks;  ///< what each rank alone knows

  /// The tensor of this name. Throws InputError naming `path` where there is none.
  [[nodiscard]] const Tensor& find(const std::string& name, const std::filesystem::path& path) const;
};

std::vector<std::byte> encode(const Checkpoint& checkpoint);
/// Throws InputError naming `path` and the place where the bytes are damaged, cut short or of another version.
Checkpoint decode(std::span<const std::byte> bytes, const std::filesystem::path& path);

void write_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path);

// Plain values in a row of bytes, for the parts of ranks.
class ByteWriter {
 public:
  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    append(&value, sizeof value);
  }
  void put(const std::string& text);
  void put(const Tensor& tensor);
  template <class T, class A>
  void put_array(const std::vector<T, A>& values) {
    put(static_cast<std::uint64_t>(values.size()));
    append(values.data(), values.size() * sizeof(T));
  }
  std::vector<std::byte> bytes;

 private:
  void append(const void* data, std::size_t size);
};

class ByteReader {
 public:
  /// `what` is named in errors.
  ByteReader(std::span<const std::byte> bytes, std::string what) : bytes_(bytes), what_(std::move(what)) {}
  template <class T>
  T get() {
    T value;
    read(&value, sizeof value);
    return value;
  }
  std::string get_string();
  Tensor get_tensor();
  template <class T>
  std::vector<T> get_array() {
    std::vector<T> values(count(sizeof(T)));
    read(values.data(), values.size() * sizeof(T));
    return values;
  }
  /// A number of things of at least `least` bytes each: no more than what is left can hold.
  std::size_t count(std::size_t least);
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  void read(void* data, std::size_t size);
  std::span<const std::byte> bytes_;
  std::string what_;
};

}  // namespace galena::train
