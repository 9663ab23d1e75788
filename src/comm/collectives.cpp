// Collectives out of messages, the same for every transport.
//
// Reductions. Every element is combined in rank order, ((x0 + x1) + x2) + ..., by one rank, so that all ranks get
// the same bits and the association depends on nothing else. A short array (kDirect bytes) is sent whole to every
// peer and each rank combines all of it: (k - 1) n elements sent by each, one latency. A longer one is
// cut into k segments: rank j gathers segment j from all, combines it, and sends the result to all (a direct
// reduce-scatter and allgather, Rabenseifner's split without its tree, which would change the association):
// 2 (k - 1) n / k elements sent by each, as in a ring, in two latencies instead of 2 (k - 1).
//
// Where each sends to each, peers take turns, kAtOnce at a time: of many ranks, k^2 messages under way would fill the
// memory and be searched through for each partner.
//
// Allgather sends sizes, then bytes, from each to each. Broadcast is a binomial tree, barrier a dissemination
// (Hensgen, Finkel, Manber 1988): ceil(log2 k) rounds of empty messages.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "src/comm/collective_tags.hpp"

namespace galena::comm {

/// One collective under way on this rank.
class Collective {
 public:
  Collective(Communicator& comm, CollectiveTag tag, Label label) : comm_(comm), tag_(tag), label_(label) {}

  void send(int peer, std::span<const std::byte> bytes) {
    requests_.push_back(comm_.post(peer, tag_, bytes, std::array{Charge{label_, bytes.size()}}));
  }
  void receive(int peer, std::span<std::byte> bytes) { requests_.emplace_back(comm_.start_receive(peer, tag_, bytes)); }
  void finish() {
    comm_.wait_all(requests_);
    requests_.clear();
  }

 private:
  Communicator& comm_;
  CollectiveTag tag_;
  Label label_;
  std::vector<Request> requests_;
};

namespace {

constexpr std::size_t kDirect = 1024;  // bytes: about what one latency costs on a fast network
constexpr int kAtOnce = 32;            // peers

std::uint64_t segment_begin(std::uint64_t count, int segment, int size) {
  return count / size * segment + count % size * segment / size;
}

struct Add {
  double operator()(double a, double b) const { return a + b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {  // wraps
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  }
};
struct Larger {
  double operator()(double a, double b) const { return b > a || std::isnan(b) ? b : a; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return b > a ? b : a; }
};
struct Smaller {
  double operator()(double a, double b) const { return b < a || std::isnan(b) ? b : a; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return b < a ? b : a; }
};

/// The contributions of all ranks to one span: those of others in one buffer, this rank's own in place.
template <class T>
class Contributions {
 public:
  Contributions(const Communicator& comm, std::span<T> own)
      : rank_(comm.rank()), size_(comm.size()), own_(own), others_((comm.size() - 1) * own.size()) {}

  std::span<T> of(int rank) {
    if (rank == rank_) return own_;
    return std::span(others_).subspan((rank < rank_ ? rank : rank - 1) * own_.size(), own_.size());
  }

  /// Leaves the combination, in rank order, in this rank's own.
  template <class Combine>
  void fold(Combine combine) {
    using Wide = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
    constexpr std::size_t kBlock = 512;
    std::array<Wide, kBlock> sums;
    for (std::size_t begin = 0; begin < own_.size(); begin += kBlock) {
      const std::size_t n = std::min(kBlock, own_.size() - begin);
      std::copy_n(of(0).data() + begin, n, sums.data());
      for (int rank = 1; rank < size_; ++rank) {
        const T* values = of(rank).data() + begin;
        for (std::size_t i = 0; i < n; ++i) sums[i] = combine(sums[i], static_cast<Wide>(values[i]));
      }
      for (std::size_t i = 0; i < n; ++i) own_[begin + i] = static_cast<T>(sums[i]);
    }
  }

 private:
  int rank_, size_;
  std::span<T> own_;
  std::vector<T> others_;
};

/// Each rank sends `outgoing(peer)` to every peer and receives into `incoming(peer)`; `arrived(peer)` comes after that.
/// Ranks send to those after them and receive from those before them, so that not all send to rank 0 first, and both
/// ends of a message take the same turn.
template <class Outgoing, class Incoming, class Arrived>
void exchange(Communicator& comm, CollectiveTag tag, Label label, Outgoing outgoing, Incoming incoming,
              Arrived arrived) {
  const int size = comm.size();
  Collective transfers(comm, tag, label);
  for (int begin = 1; begin < size; begin += kAtOnce) {
    const int end = std::min(begin + kAtOnce, size);
    const auto before = [&](int step) { return (comm.rank() + size - step) % size; };
    for (int step = begin; step < end; ++step)
      transfers.receive(before(step), std::as_writable_bytes(incoming(before(step))));
    for (int step = begin; step < end; ++step) {
      const int peer = (comm.rank() + step) % size;
      transfers.send(peer, std::as_bytes(outgoing(peer)));
    }
    transfers.finish();
    for (int step = begin; step < end; ++step) arrived(before(step));
  }
}

template <class Outgoing, class Incoming>
void exchange(Communicator& comm, CollectiveTag tag, Label label, Outgoing outgoing, Incoming incoming) {
  exchange(comm, tag, label, outgoing, incoming, [](int) {});
}

template <class T, class Combine>
void reduce(Communicator& comm, CollectiveTag tag, std::span<T> values, Label label, Combine combine) {
  if (comm.size() == 1 || values.empty()) return;
  const auto segment = [&](int rank) {
    const auto of = Communicator::reduction_segment(values.size(), sizeof(T), rank, comm.size());
    return values.subspan(of.begin, of.count);
  };
  const std::span<T> own = segment(comm.rank());
  Contributions<T> contributions(comm, own);
  exchange(comm, tag, label, segment, [&](int peer) { return contributions.of(peer); });
  contributions.fold(combine);
  if (own.size() < values.size())
    exchange(
        comm, tag, label, [&](int) { return own; }, segment);
}

}  // namespace

void Communicator::sum(std::span<float> values, Label label) { reduce(*this, kSum, values, label, Add{}); }
void Communicator::sum(std::span<double> values, Label label) { reduce(*this, kSum, values, label, Add{}); }
void Communicator::sum(std::span<std::int64_t> values, Label label) { reduce(*this, kSum, values, label, Add{}); }
void Communicator::max(std::span<double> values, Label label) { reduce(*this, kMax, values, label, Larger{}); }
void Communicator::max(std::span<std::int64_t> values, Label label) { reduce(*this, kMax, values, label, Larger{}); }
void Communicator::min(std::span<double> values, Label label) { reduce(*this, kMin, values, label, Smaller{}); }
void Communicator::min(std::span<std::int64_t> values, Label label) { reduce(*this, kMin, values, label, Smaller{}); }

Communicator::Segment Communicator::reduction_segment(std::uint64_t count, std::size_t value_bytes, int rank,
                                                      int size) {
  if (count * value_bytes <= kDirect) return {0, count};
  const std::uint64_t begin = segment_begin(count, rank, size);
  return {begin, segment_begin(count, rank + 1, size) - begin};
}

std::uint64_t Communicator::reduction_bytes(std::uint64_t count, std::size_t value_bytes, int rank, int size) {
  const auto peers = static_cast<std::uint64_t>(size - 1);
  const std::uint64_t own = reduction_segment(count, value_bytes, rank, size).count;
  if (own == count) return peers * count * value_bytes;
  return (count - own + peers * own) * value_bytes;
}

void Communicator::allgather(std::span<const std::byte> mine, Label label,
                             const std::function<void(int, std::vector<std::byte>)>& take) {
  std::vector<std::uint64_t> sizes(size_);
  const std::array own{static_cast<std::uint64_t>(mine.size())};
  exchange(
      *this, kGatherSizes, {Traffic::control, label.layer, label.direction}, [&](int) { return std::span(own); },
      [&](int peer) { return std::span(sizes).subspan(peer, 1); });
  take(rank_, {mine.begin(), mine.end()});
  std::vector<std::vector<std::byte>> arriving(size_);
  const auto room = [&](int peer) {
    arriving[peer].resize(sizes[peer]);
    return std::span(arriving[peer]);
  };
  exchange(
      *this, kGather, label, [&](int) { return mine; }, room,
      [&](int peer) { take(peer, std::exchange(arriving[peer], {})); });
}

std::vector<std::vector<std::byte>> Communicator::allgather(std::span<const std::byte> mine, Label label) {
  std::vector<std::vector<std::byte>> all(size_);
  allgather(mine, label, [&](int rank, std::vector<std::byte> bytes) { all[rank] = std::move(bytes); });
  return all;
}

void Communicator::broadcast(std::span<std::byte> bytes, int root, Label label) {
  check_peer(root, "broadcast");
  const int place = (rank_ - root + size_) % size_;  // in the tree, whose root is 0
  const auto rank_at = [&](int other) { return (other + root) % size_; };
  Collective transfers(*this, kBroadcast, label);
  int bit = 1;
  while (bit < size_ && (place & bit) == 0) bit <<= 1;
  if (place != 0) transfers.receive(rank_at(place - bit), bytes);
  transfers.finish();
  for (bit >>= 1; bit > 0; bit >>= 1)
    if (place + bit < size_) transfers.send(rank_at(place + bit), bytes);
  transfers.finish();
}

void Communicator::barrier() {
  Collective transfers(*this, kBarrier, Label{});
  for (int step = 1; step < size_; step <<= 1) {
    transfers.receive((rank_ - step + size_) % size_, {});
    transfers.send((rank_ + step) % size_, {});
    transfers.finish();
  }
}

TrafficCounter Communicator::gather_traffic() {
  // A copy: gathering is counted too, while the rows are being sent.
  const auto counted = traffic_.rows();
  const std::vector<TrafficCounter::Row> mine(counted.begin(), counted.end());
  TrafficCounter sum;
  allgather(bytes_of(mine), Label{}, [&](int, const std::vector<std::byte>& bytes) {
    std::vector<TrafficCounter::Row> rows(bytes.size() / sizeof(TrafficCounter::Row));
    if (!bytes.empty()) std::memcpy(rows.data(), bytes.data(), bytes.size());
    for (const auto& row : rows) sum.add(row.label, row.bytes, row.messages);
  });
  return sum;
}

}  // namespace galena::comm
