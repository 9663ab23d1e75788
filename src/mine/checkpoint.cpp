#include "src/mine/checkpoint.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "galena/error.hpp"
#include "src/base/file_writer.hpp"
#include "src/base/hash.hpp"

namespace galena::mine {

namespace {

constexpr char kMagic[8] = {'G', 'A', 'L', 'C', 'K', 'P', '0', '1'};

/// Layout: magic, hash of the rest, graph digest, number of sections; each section is its key
/// and three arrays, every array its length and its bytes.
class Writer {
 public:
  void number(std::uint64_t n) { raw(&n, sizeof n); }
  template <class T>
  void array(const std::vector<T>& values) {
    number(values.size());
    raw(values.data(), values.size() * sizeof(T));
  }
  void raw(const void* data, std::size_t size) {
    if (size > 0) out_.append(static_cast<const char*>(data), size);
  }
  [[nodiscard]] const std::string& bytes() const { return out_; }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t number() {
    std::uint64_t n = 0;
    raw(&n, sizeof n);
    return n;
  }
  template <class T>
  std::vector<T> array() {
    const std::uint64_t size = number();
    if (size > (bytes_.size() - at_) / sizeof(T)) throw InputError("it is cut short");
    std::vector<T> values(size);
    raw(values.data(), size * sizeof(T));
    return values;
  }

 private:
  void raw(void* to, std::size_t size) {
    if (size > bytes_.size() - at_) throw InputError("it is cut short");
    if (size > 0) std::memcpy(to, bytes_.data() + at_, size);
    at_ += size;
  }
  std::string bytes_;
  std::size_t at_ = 0;
};

std::uint64_t hash_of(const std::string& bytes) { return base::hash_bytes(std::as_bytes(std::span(bytes))); }

}  // namespace

Checkpoint::Checkpoint(std::filesystem::path path, std::uint64_t graph_digest)
    : path_(std::move(path)), digest_(graph_digest) {
  std::error_code none;
  if (!std::filesystem::exists(path_, none)) return;
  if (std::filesystem::is_directory(path_, none))
    throw InputError("--resume " + path_.string() + ": a folder; expected the name of a checkpoint file");
  try {
    read();
  } catch (const InputError& error) {
    throw InputError(path_.string() + ": cannot resume from this checkpoint: " + error.what() +
                     "; remove it to start anew");
  }
}

void Checkpoint::read() {
  std::ifstream file(path_, std::ios::binary);
  if (!file) throw EnvironmentError(path_.string() + ": cannot be read");
  const std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (all.size() < 16 || std::memcmp(all.data(), kMagic, 8) != 0)
    throw InputError("it is not a checkpoint of galena mine");
  std::uint64_t hash = 0;
  std::memcpy(&hash, all.data() + 8, sizeof hash);
  const std::string body = all.substr(16);
  if (hash != hash_of(body)) throw InputError("it is damaged (its checksum is wrong)");
  Reader reader(body);
  if (reader.number() != digest_) throw InputError("it belongs to another graph");
  for (std::uint64_t left = reader.number(); left > 0; --left) {
    const std::vector<char> key = reader.array<char>();
    Section& section = sections_[std::string(key.begin(), key.end())];
    section.done = reader.array<std::uint8_t>();
    section.sums = reader.array<rt::i128>();
    section.local = reader.array<rt::i128>();
  }
}

void Checkpoint::write() const {
  Writer body;
  body.number(digest_);
  body.number(sections_.size());
  for (const auto& [key, section] : sections_) {
    body.array(std::vector<char>(key.begin(), key.end()));
    body.array(section.done);
    body.array(section.sums);
    body.array(section.local);
  }
  const std::uint64_t hash = hash_of(body.bytes());
  base::AtomicFile file(path_);
  file.write(std::string_view(kMagic, sizeof kMagic));
  file.write(std::string_view(reinterpret_cast<const char*>(&hash), sizeof hash));
  file.write(body.bytes());
  file.commit();
}

Checkpoint::Section* Checkpoint::find(const std::string& key) {
  const auto found = sections_.find(key);
  return found == sections_.end() ? nullptr : &found->second;
}

void Checkpoint::store(const std::string& key, Section section) {
  sections_[key] = std::move(section);
  write();
}

}  // namespace galena::mine
