#include "src/train/checkpoint.hpp"

#include <fmt/format.h>

#include <cstring>

#include "galena/error.hpp"
#include "src/base/file_writer.hpp"
#include "src/base/hash.hpp"

namespace galena::train {
namespace {

constexpr char kMagic[8] = {'G', 'L', 'N', 'T', 'R', 'A', 'I', 'N'};
constexpr std::uint32_t kVersion = 4;  // 4: options have names; 3: parameters begin at multiples of 64 bytes

}  // namespace

void ByteWriter::append(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), first, first + size);
}

void ByteWriter::put(const std::string& text) {
  put(static_cast<std::uint64_t>(text.size()));
  append(text.data(), text.size());
}

void ByteWriter::put(const Tensor& tensor) {
  put(static_cast<std::uint8_t>(tensor.dtype()));
  put(tensor.rows());
  put(tensor.cols());
  append(tensor.raw(), tensor.bytes());
}

void ByteReader::read(void* data, std::size_t size) {
  if (size > bytes_.size())
    throw InputError(fmt::format("{}: damaged: {} bytes wanted where {} are left", what_, size, bytes_.size()));
  if (size > 0) std::memcpy(data, bytes_.data(), size);
  bytes_ = bytes_.subspan(size);
}

std::size_t ByteReader::count(std::size_t least) {
  const auto n = get<std::uint64_t>();
  if (n > bytes_.size() / least)
    throw InputError(fmt::format("{}: damaged: {} items where {} bytes are left", what_, n, bytes_.size()));
  return n;
}

std::string ByteReader::get_string() {
  std::string text(count(1), '\0');
  read(text.data(), text.size());
  return text;
}

Tensor ByteReader::get_tensor() {
  const auto dtype = get<std::uint8_t>();
  const auto rows = get<std::int64_t>(), cols = get<std::int64_t>();
  if (dtype > static_cast<std::uint8_t>(DType::u8) || rows < 0 || cols < 0)
    throw InputError(fmt::format("{}: damaged: a tensor of type {}, {} x {}", what_, dtype, rows, cols));
  const std::size_t element = size_of(static_cast<DType>(dtype));
  const auto left = static_cast<std::int64_t>(bytes_.size() / element);
  if (cols > 0 && rows > left / cols)
    throw InputError(
        fmt::format("{}: damaged: a tensor of {} x {} where {} elements are left", what_, rows, cols, left));
  Tensor tensor = Tensor::empty(rows, cols, static_cast<DType>(dtype));
  read(tensor.raw(), tensor.bytes());
  return tensor;
}

const Tensor& Checkpoint::find(const std::string& name, const std::filesystem::path& path) const {
  for (const auto& [key, tensor] : tensors)
    if (key == name) return tensor;
  throw InputError(fmt::format("{}: has no tensor '{}'", path.string(), name));
}

std::vector<std::byte> encode(const Checkpoint& checkpoint) {
  ByteWriter body;
  body.put(checkpoint.run);
  body.put(checkpoint.next_epoch);
  body.put(checkpoint.best_epoch);
  body.put(checkpoint.evaluations_since_best);
  body.put(checkpoint.best_valid);
  body.put(checkpoint.best_train);
  body.put(checkpoint.best_test);
  body.put(checkpoint.best_valid_loss);
  body.put(static_cast<std::uint64_t>(checkpoint.tensors.size()));
  for (const auto& [name, tensor] : checkpoint.tensors) {
    body.put(name);
    body.put(tensor);
  }
  body.put(static_cast<std::uint64_t>(checkpoint.ranks.size()));
  for (const auto& rank : checkpoint.ranks) body.put_array(rank);
  ByteWriter file;
  for (const char c : kMagic) file.put(c);
  file.put(kVersion);
  file.put(static_cast<std::uint64_t>(body.bytes.size()));
  file.put(base::hash_bytes(body.bytes));
  file.bytes.insert(file.bytes.end(), body.bytes.begin(), body.bytes.end());
  return std::move(file.bytes);
}

Checkpoint decode(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  const std::string name = path.string();
  ByteReader head(bytes, name);
  for (const char c : kMagic)
    if (head.get<char>() != c)
      throw InputError(fmt::format("{}: this is no checkpoint of galena train; name another file", name));
  if (const auto version = head.get<std::uint32_t>(); version != kVersion)
    throw InputError(
        fmt::format("{}: a checkpoint of version {}; this program reads version {}; start without --resume", name,
                    version, kVersion));
  const auto size = head.get<std::uint64_t>(), sum = head.get<std::uint64_t>();
  const auto body = bytes.subspan(sizeof kMagic + sizeof kVersion + sizeof size + sizeof sum);
  if (body.size() != size)
    throw InputError(fmt::format("{}: damaged: {} bytes where its heading says {}", name, body.size(), size));
  if (base::hash_bytes(body) != sum)
    throw InputError(fmt::format("{}: damaged: its checksum does not fit; start without --resume", name));
  ByteReader reader(body, name);
  Checkpoint checkpoint;
  checkpoint.run = reader.get_string();
  checkpoint.next_epoch = reader.get<std::int32_t>();
  checkpoint.best_epoch = reader.get<std::int32_t>();
  checkpoint.evaluations_since_best = reader.get<std::int32_t>();
  checkpoint.best_valid = reader.get<double>();
  checkpoint.best_train = reader.get<double>();
  checkpoint.best_test = reader.get<double>();
  checkpoint.best_valid_loss = reader.get<double>();
  const std::size_t tensors = reader.count(1);
  for (std::size_t k = 0; k < tensors; ++k) {
    std::string key = reader.get_string();
    checkpoint.tensors.emplace_back(std::move(key), reader.get_tensor());
  }
  const std::size_t ranks = reader.count(1);
  for (std::size_t k = 0; k < ranks; ++k) checkpoint.ranks.push_back(reader.get_array<std::byte>());
  return checkpoint;
}

void write_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  const auto bytes = encode(checkpoint);
  base::AtomicFile file(path);
  file.write(std::span<const std::byte>(bytes));
  file.commit();
}

}  // namespace galena::train
