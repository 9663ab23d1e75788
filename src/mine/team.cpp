#include "src/mine/team.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "galena/error.hpp"

namespace galena::mine {

using rt::i128;

namespace {

/// A part as bytes: lengths, then arrays.
class Packer {
 public:
  template <class T>
  void array(const std::vector<T>& values) {
    number(values.size());
    raw(values.data(), values.size() * sizeof(T));
  }
  void number(std::uint64_t n) { raw(&n, sizeof n); }
  void raw(const void* data, std::size_t size) {
    const auto* const bytes = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), bytes, bytes + size);
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(const std::vector<std::byte>& bytes) : bytes_(bytes) {}
  template <class T>
  std::vector<T> array() {
    std::vector<T> values(number());
    raw(values.data(), values.size() * sizeof(T));
    return values;
  }
  std::uint64_t number() {
    std::uint64_t n = 0;
    raw(&n, sizeof n);
    return n;
  }
  void raw(void* to, std::size_t size) {
    if (size > bytes_.size() - at_) throw InternalError("a process sent a part that is cut short");
    if (size > 0) std::memcpy(to, bytes_.data() + at_, size);
    at_ += size;
  }

 private:
  const std::vector<std::byte>& bytes_;
  std::size_t at_ = 0;
};

bool overlap(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != 0 && b[i] != 0) return true;
  return false;
}

void unite(std::vector<std::uint8_t>& all, const std::vector<std::uint8_t>& part) {
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = all[i] != 0 || part[i] != 0 ? 1 : 0;
}

/// to += from; false where it leaves 127 bits.
bool add(std::vector<i128>& to, const std::vector<i128>& from) {
  bool fits = true;
  for (std::size_t i = 0; i < to.size(); ++i) fits = !__builtin_add_overflow(to[i], from[i], &to[i]) && fits;
  return fits;
}

}  // namespace

Team::Team(comm::Communicator& processes, std::size_t count)
    : processes_(processes), count_(count), counter_(processes.make_counter()) {}

std::size_t Team::take(const volatile int* halt) {
  std::unique_lock lock(mutex_);
  while (ready_.empty()) {
    if (exhausted_ || rt::raised(halt)) return count_;
    filled_.wait_for(lock, std::chrono::milliseconds(20));
  }
  const std::size_t chunk = ready_.front();
  ready_.pop_front();
  return chunk;
}

void Team::refill(std::size_t threads) {
  std::size_t wanted = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (exhausted_ || ready_.size() >= threads) return;
    const std::size_t left = count_ - std::min(count_, seen_);
    wanted = std::max(threads, left / (4 * static_cast<std::size_t>(processes_.size())));
  }
  const std::uint64_t begin = counter_->fetch_add(wanted);
  const std::scoped_lock lock(mutex_);
  seen_ = static_cast<std::size_t>(begin) + wanted;
  for (std::size_t i = begin; i < std::min<std::uint64_t>(count_, begin + wanted); ++i) ready_.push_back(i);
  exhausted_ = begin + wanted >= count_;
  filled_.notify_all();
}

void Team::exhaust() { (void)counter_->fetch_add(count_); }

std::vector<Team::Part> Team::gather(const Part& mine) {
  Packer packed;
  packed.array(mine.done);
  packed.array(mine.sums);
  packed.array(mine.local);
  packed.raw(&mine.busy, sizeof mine.busy);
  packed.number(mine.ended ? 1 : 0);
  packed.number(mine.overflow ? 1 : 0);
  std::vector<Part> parts;
  for (const std::vector<std::byte>& bytes : processes_.allgather(packed.bytes(), comm::Label{})) {
    Unpacker from(bytes);
    Part part{from.array<std::uint8_t>(), from.array<i128>(), from.array<i128>()};
    from.raw(&part.busy, sizeof part.busy);
    part.ended = from.number() != 0;
    part.overflow = from.number() != 0;
    if (part.done.size() != mine.done.size() || part.sums.size() != mine.sums.size() ||
        part.local.size() != mine.local.size())
      throw InputError("processes that share a query must run it on the same graph, with the same options and build");
    parts.push_back(std::move(part));
  }
  return parts;
}

Team::Part Team::merge(const Part& mine) {
  const std::vector<Part> parts = gather(mine);
  Part all = parts.front();
  double most = all.busy, sum = all.busy;
  for (std::size_t r = 1; r < parts.size(); ++r) {
    const Part& part = parts[r];
    if (overlap(all.done, part.done)) throw InternalError("two processes ran the same piece of work");
    unite(all.done, part.done);
    const bool fits = add(all.sums, part.sums), local_fits = add(all.local, part.local);
    all.overflow = all.overflow || part.overflow || !fits || !local_fits;
    all.ended = all.ended || part.ended;
    most = std::max(most, part.busy);
    sum += part.busy;
  }
  all.busy = sum > 0 ? most * static_cast<double>(parts.size()) / sum : 1;
  return all;
}

std::vector<std::uint8_t> Team::share_restored(Part& mine) {
  const std::vector<Part> parts = gather(mine);
  std::vector<std::uint8_t> taken(mine.done.size(), 0), elsewhere(mine.done.size(), 0);
  for (std::size_t r = 0; r < parts.size(); ++r) {
    const bool own = static_cast<int>(r) == processes_.rank();
    if (!overlap(taken, parts[r].done)) {
      unite(taken, parts[r].done);
      if (!own) unite(elsewhere, parts[r].done);
    } else if (own) {
      std::ranges::fill(mine.done, std::uint8_t{0});
      std::ranges::fill(mine.sums, i128{0});
      std::ranges::fill(mine.local, i128{0});
    }
  }
  return elsewhere;
}

bool add_over(comm::Communicator& processes, std::vector<i128>& sums) {
  std::vector<i128> all(sums.size(), 0);
  bool fits = true;
  for (const std::vector<std::byte>& bytes : processes.allgather(std::as_bytes(std::span(sums)), comm::Label{})) {
    std::vector<i128> part(sums.size());
    if (bytes.size() != part.size() * sizeof(i128)) throw InternalError("processes have sums of different lengths");
    if (!bytes.empty()) std::memcpy(part.data(), bytes.data(), bytes.size());
    fits = add(all, part) && fits;
  }
  sums = std::move(all);
  return fits;
}

}  // namespace galena::mine
