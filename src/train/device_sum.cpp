#include "src/train/device_sum.hpp"

#include <utility>
#include <vector>

#include "src/ops/check.hpp"
#include "src/ops/device_graph.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::train {

void DeviceSum::operator()(const Tensor& values, comm::Label label) {
  if (communicator_.size() == 1 || values.size() == 0) return;
  if (links_ != nullptr)
    by_links(values, label);
  else
    by_cpu(values, label);
}

void DeviceSum::by_cpu(const Tensor& values, comm::Label label) {
  ops::with_float("sum over ranks", values.dtype(), [&]<class T>(T) {
    const auto count = static_cast<std::size_t>(values.size());
    // Not the tensor: its memory is a recorded pass's, which takes it again.
    ops::between_graphs([&comm = communicator_, memory = values.raw(), count, label] {
      std::vector<T> host(count);
      ops::device_ops().download(host.data(), memory, count * sizeof(T));
      comm.sum(std::span(host), label);
      ops::device_ops().upload(memory, host.data(), count * sizeof(T));
    });
  });
}

void DeviceSum::by_links(const Tensor& values, comm::Label label) {
  const int size = communicator_.size(), rank = communicator_.rank();
  const auto count = static_cast<std::uint64_t>(values.size());
  const std::size_t value_bytes = values.bytes() / count;
  const auto segment = [&](int of) { return comm::Communicator::reduction_segment(count, value_bytes, of, size); };
  const auto message = [&](int peer, std::byte* memory, std::uint64_t values_sent) {
    const std::uint64_t bytes = values_sent * value_bytes;
    return comm::DeviceMessage{peer, memory, bytes, {{label, bytes}}};
  };
  // f(peer, its segment, where that lies) for all others
  const auto each_peer = [&](const auto& f) {
    for (int peer = 0; peer < size; ++peer)
      if (peer != rank) f(peer, segment(peer), values.raw() + segment(peer).begin * value_bytes);
  };
  const auto own = segment(rank);
  std::byte* const own_memory = values.raw() + own.begin * value_bytes;
  const OnDevice there(Device::cuda);
  const Tensor others = Tensor::empty(size - 1, static_cast<std::int64_t>(own.count), values.dtype());
  std::vector<comm::DeviceMessage> sends, receives;
  each_peer([&](int peer, const auto& theirs, std::byte* memory) {
    if (theirs.count > 0) sends.push_back(message(peer, memory, theirs.count));
    std::byte* const row =
        others.raw() + static_cast<std::uint64_t>(peer < rank ? peer : peer - 1) * own.count * value_bytes;
    if (own.count > 0) receives.push_back(message(peer, row, own.count));
  });
  exchange(std::move(sends), std::move(receives));
  if (own.count > 0) {
    const auto begin = static_cast<std::int64_t>(own.begin), end = begin + static_cast<std::int64_t>(own.count);
    ops::device_ops().add_ranks(others, rank, values.reshape(values.size(), 1).slice(begin, end));
  }
  if (own.count == count) return;  // short: all have added up all
  sends = receives = {};
  each_peer([&](int peer, const auto& theirs, std::byte* memory) {
    if (own.count > 0) sends.push_back(message(peer, own_memory, own.count));
    if (theirs.count > 0) receives.push_back(message(peer, memory, theirs.count));
  });
  exchange(std::move(sends), std::move(receives));
}

void DeviceSum::exchange(std::vector<comm::DeviceMessage> sends, std::vector<comm::DeviceMessage> receives) {
  ops::between_graphs([&links = *links_, sends = std::move(sends), receives = std::move(receives)] {
    links.join(links.start(sends, receives));
  });
}

}  // namespace galena::train
