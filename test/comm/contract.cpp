#include "test/comm/contract.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "src/base/hash.hpp"
#include "src/base/random.hpp"

namespace galena::test {

using namespace comm;

void expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

std::vector<double> random_values(std::size_t count, std::uint64_t seed) {
  base::RandomStream random(seed, 1);
  std::vector<double> values(count);
  for (double& value : values)
    value = (2 * random.uniform() - 1) * std::pow(10.0, static_cast<double>(random.below(7)) - 3);
  return values;
}

std::vector<std::byte> pattern(std::size_t size, std::uint64_t seed) {
  base::RandomStream random(seed, 2);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next32());
  return bytes;
}

namespace {

constexpr Label kPayload{Traffic::payload, 1, Direction::forward};
constexpr Label kParameters{Traffic::parameters, 1, Direction::forward};
constexpr Label kGradients{Traffic::gradients};

std::uint64_t pair_seed(int from, int to, int tag) {
  return static_cast<std::uint64_t>(from) * 1000003 + static_cast<std::uint64_t>(to) * 1009 +
         static_cast<std::uint64_t>(tag);
}

/// Throws unless all ranks have the same bytes.
void expect_agreement(Communicator& comm, std::span<const std::byte> bytes, const std::string& what) {
  const std::array own{base::hash_bytes(bytes)};
  for (const auto& other : comm.allgather(bytes_of(own), Label{}))
    expect(std::ranges::equal(other, bytes_of(own)), what + " differs between ranks");
}

// --- messages

void tags_out_of_order(Communicator& comm) {
  const int to = (comm.rank() + 1) % comm.size(), from = (comm.rank() + comm.size() - 1) % comm.size();
  std::vector<std::vector<std::byte>> outgoing, incoming;
  std::vector<Request> requests;
  for (int tag = 0; tag < 5; ++tag) {
    outgoing.push_back(pattern(100 + tag, pair_seed(comm.rank(), to, tag)));
    incoming.emplace_back(100 + tag);
  }
  for (const int tag : {3, 0, 4, 1, 2}) requests.push_back(comm.isend(to, tag, outgoing[tag], kPayload));
  for (const int tag : {1, 4, 2, 0, 3}) requests.push_back(comm.irecv(from, tag, incoming[tag]));
  comm.wait_all(requests);
  for (int tag = 0; tag < 5; ++tag)
    expect(incoming[tag] == pattern(100 + tag, pair_seed(from, comm.rank(), tag)), "the wrong message for a tag");
  for (const Request& request : requests) expect(request.empty(), "a request is not empty after its wait");
}

void equal_tags_keep_their_order(Communicator& comm) {
  const int to = (comm.rank() + 1) % comm.size(), from = (comm.rank() + comm.size() - 1) % comm.size();
  std::array<int, 50> outgoing{}, incoming{};
  std::iota(outgoing.begin(), outgoing.end(), 0);
  std::vector<Request> requests;
  for (int i = 0; i < 50; ++i) {
    if (i % 2 == 0) requests.push_back(comm.irecv(from, 7, std::as_writable_bytes(std::span(incoming).subspan(i, 1))));
    requests.push_back(comm.isend(to, 7, std::as_bytes(std::span(outgoing).subspan(i, 1)), kPayload));
    if (i % 2 == 1) requests.push_back(comm.irecv(from, 7, std::as_writable_bytes(std::span(incoming).subspan(i, 1))));
  }
  comm.wait_all(requests);
  expect(incoming == outgoing, "messages of one tag overtook each other");
}

void empty_and_own_messages(Communicator& comm) {
  const auto before = comm.traffic().total(Traffic::payload);
  std::array<int, 3> sent{1, 2, comm.rank()}, received{};
  std::vector<Request> requests;
  requests.push_back(comm.isend(comm.rank(), 1, bytes_of(sent), kPayload));
  requests.push_back(comm.isend(comm.rank(), 2, {}, kPayload));
  requests.push_back(comm.irecv(comm.rank(), 2, {}));
  requests.push_back(comm.irecv(comm.rank(), 1, writable_bytes_of(received)));
  comm.wait_all(requests);
  expect(sent == received, "a message to itself changed");
  expect(comm.traffic().total(Traffic::payload) == before, "a message to itself was counted");
  std::vector<Request> empty;
  for (int peer = 0; peer < comm.size(); ++peer) empty.push_back(comm.irecv(peer, 3, {}));
  for (int peer = 0; peer < comm.size(); ++peer) empty.push_back(comm.isend(peer, 3, {}, kPayload));
  comm.wait_all(empty);
  const auto after = comm.traffic().total(Traffic::payload);
  expect(after.bytes == before.bytes && after.messages == before.messages + comm.size() - 1,
         "an empty message to another rank counts as a message of 0 bytes");
}

std::size_t size_of_message(int from, int to, int tag) {
  const std::uint64_t bits = base::mix64(pair_seed(from, to, tag));
  return bits % 7 == 0 ? 100000 + bits % 50000 : bits % 300;
}

/// Both ends post in orders of their own.
void many_outstanding(Communicator& comm) {
  constexpr int kTags = 40;
  std::vector<int> order(std::size_t(kTags) * comm.size());
  std::iota(order.begin(), order.end(), 0);
  base::RandomStream random(5, comm.rank());
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  std::vector<std::vector<std::byte>> outgoing(order.size()), incoming(order.size());
  std::vector<Request> sends, receives(order.size());
  for (const int item : order) {
    const int peer = item / kTags, tag = item % kTags;
    incoming[item].resize(size_of_message(peer, comm.rank(), tag));
    receives[item] = comm.irecv(peer, tag, incoming[item]);
    const int other = order[order.size() - 1 - sends.size()];
    outgoing[other] = pattern(size_of_message(comm.rank(), other / kTags, other % kTags),
                              pair_seed(comm.rank(), other / kTags, other % kTags));
    sends.push_back(comm.isend(other / kTags, other % kTags, outgoing[other], kPayload));
  }
  for (std::size_t left = order.size(); left > 0; --left) {
    const std::size_t item = comm.wait_any(receives);
    expect(item < receives.size() && receives[item].empty(), "wait_any empties the request that it returns");
    const int peer = static_cast<int>(item) / kTags, tag = static_cast<int>(item) % kTags;
    expect(incoming[item] == pattern(incoming[item].size(), pair_seed(peer, comm.rank(), tag)), "a message changed");
  }
  expect(comm.wait_any(receives) == Communicator::kNone, "wait_any of empty requests is kNone");
  comm.wait_all(sends);
}

void tests_while_computing(Communicator& comm) {
  const int to = (comm.rank() + 1) % comm.size(), from = (comm.rank() + comm.size() - 1) % comm.size();
  const auto outgoing = pattern(3000000, pair_seed(comm.rank(), to, 0));
  std::vector<std::byte> incoming(outgoing.size());
  Request receive = comm.irecv(from, 0, incoming);
  Request send = comm.isend(to, 0, outgoing, kPayload);
  while (!comm.test(receive) || !comm.test(send)) {
    comm.progress();
    std::this_thread::yield();
  }
  expect(receive.empty() && send.empty() && comm.test(send), "a request that is over is empty");
  expect(incoming == pattern(incoming.size(), pair_seed(from, comm.rank(), 0)), "a message changed");
}

template <class F>
void expect_refusal(F call, const std::string& part) {
  try {
    call();
  } catch (const InternalError& error) {
    expect(std::string(error.what()).find(part) != std::string::npos, std::string("unclear: ") + error.what());
    return;
  }
  expect(false, "accepted, though " + part);
}

void refuses_wrong_calls(Communicator& comm) {
  std::array<std::byte, 8> bytes{};
  const int outside = comm.size();
  const TrafficCounter before = comm.traffic();
  expect_refusal([&] { (void)comm.isend(outside, 0, bytes, kPayload); }, "with rank " + std::to_string(outside));
  expect_refusal([&] { (void)comm.irecv(-1, 0, bytes); }, "with rank -1");
  expect_refusal([&] { (void)comm.isend(0, Communicator::kTags, bytes, kPayload); }, "tag 32000");
  expect_refusal([&] { (void)comm.irecv(0, -1, bytes); }, "tag -1");
  expect_refusal([&] { comm.broadcast(bytes, outside, kPayload); }, "broadcast with rank");
  expect_refusal(
      [&] {
        (void)comm.isend(0, 0, bytes, std::array{Charge{kPayload, 3}, Charge{kParameters, 4}});
      },
      "charges 7 bytes");
  expect(before.rows() == comm.traffic().rows(), "a refused call was counted");
}

// --- collectives

constexpr std::array<std::size_t, 10> kLengths{0, 1, 2, 5, 127, 128, 129, 256, 1000, 30011};

template <class T>
std::vector<T> values_of(std::size_t count, int rank) {
  const auto wide = random_values(count, 77 + static_cast<std::uint64_t>(rank));
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<T>(std::is_integral_v<T> ? std::round(wide[i] * 1e12) : wide[i]);
  return values;
}

/// Against the sum in long double, and against the loop in rank order, which must give the same bits.
template <class T>
void sums_in_rank_order(Communicator& comm) {
  for (const std::size_t count : kLengths) {
    std::vector<T> sum = values_of<T>(count, comm.rank());
    comm.sum(sum, kGradients);
    expect_agreement(comm, bytes_of(sum), "a sum of " + std::to_string(count));
    std::vector<std::vector<T>> all;
    for (int rank = 0; rank < comm.size(); ++rank) all.push_back(values_of<T>(count, rank));
    using Wide = std::conditional_t<std::is_floating_point_v<T>, double, T>;
    for (std::size_t i = 0; i < count; ++i) {
      Wide ordered = all[0][i];
      long double exact = all[0][i], magnitude = std::fabs(exact);
      for (int rank = 1; rank < comm.size(); ++rank) {
        ordered += all[rank][i];
        exact += all[rank][i];
        magnitude += std::fabs(static_cast<long double>(all[rank][i]));
      }
      expect(static_cast<T>(ordered) == sum[i], "not the sum in rank order");
      const long double rounding = std::is_integral_v<T> ? 0 : std::numeric_limits<T>::epsilon() / 2;
      const long double additions = comm.size() * std::numeric_limits<double>::epsilon() * magnitude;
      expect(std::fabs(exact - static_cast<long double>(sum[i])) <= rounding * std::fabs(exact) + additions,
             "not the sum");
    }
  }
}

void sums_of_integers_wrap(Communicator& comm) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::array<std::int64_t, 2> values{comm.rank() == 0 ? most : 1, -1};
  comm.sum(values, kGradients);
  const std::uint64_t expected = static_cast<std::uint64_t>(most) + static_cast<std::uint64_t>(comm.size() - 1);
  expect(values[0] == static_cast<std::int64_t>(expected) && values[1] == -comm.size(), "integers do not wrap");
}

void extremes(Communicator& comm) {
  const double rank = comm.rank(), nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> high(500), low(500);
  for (int i = 0; i < 500; ++i) high[i] = low[i] = (i % 2 == 0 ? rank : -rank) + i;
  comm.max(high, kGradients);
  comm.min(low, kGradients);
  for (int i = 0; i < 500; ++i) {
    const double top = comm.size() - 1;
    expect(high[i] == (i % 2 == 0 ? i + top : i), "not the maximum");
    expect(low[i] == (i % 2 == 0 ? i : i - top), "not the minimum");
  }
  std::array<std::int64_t, 2> ids{comm.rank(), -comm.rank()}, same = ids;
  comm.max(ids, kGradients);
  comm.min(same, kGradients);
  expect(ids[0] == comm.size() - 1 && ids[1] == 0 && same[0] == 0 && same[1] == 1 - comm.size(), "not the extremes");
  for (int bad = 0; bad < comm.size(); ++bad) {
    std::array<double, 1> above{comm.rank() == bad ? nan : rank}, below = above;
    comm.max(above, kGradients);
    comm.min(below, kGradients);
    expect(std::isnan(above[0]) && std::isnan(below[0]), "a NaN was lost");
  }
}

void gathers_and_broadcasts(Communicator& comm) {
  for (const std::size_t unit : {std::size_t{0}, std::size_t{1}, std::size_t{70000}}) {
    const auto size = [&](int rank) { return rank % 3 == 1 ? 0 : unit * static_cast<std::size_t>(rank + 1); };
    const auto all = comm.allgather(pattern(size(comm.rank()), static_cast<std::uint64_t>(comm.rank())), kPayload);
    expect(all.size() == static_cast<std::size_t>(comm.size()), "not an entry a rank");
    for (int rank = 0; rank < comm.size(); ++rank)
      expect(all[rank] == pattern(size(rank), static_cast<std::uint64_t>(rank)), "a gathered entry changed");
    for (int root = 0; root < comm.size(); ++root) {
      auto bytes = pattern(unit, comm.rank() == root ? 5 : 6);
      comm.broadcast(bytes, root, kPayload);
      expect(bytes == pattern(unit, 5), "not what the root has");
    }
  }
}

/// Nobody leaves before the last has come: by one clock, since all ranks are on this machine.
void barriers(Communicator& comm) {
  for (int late = 0; late < comm.size(); ++late) {
    if (comm.rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::array<double, 1> entered{Communicator::now()};
    comm.barrier();
    std::array<double, 1> left{Communicator::now()};
    comm.max(entered, Label{});
    comm.min(left, Label{});
    expect(entered[0] <= left[0], "a rank left a barrier before another came");
  }
}

// --- traffic

void counts_what_is_sent(Communicator& comm) {
  comm.traffic().reset();
  const int to = (comm.rank() + 1) % comm.size(), from = (comm.rank() + comm.size() - 1) % comm.size();
  std::array<std::byte, 100> outgoing{}, incoming{};
  Request receive = comm.irecv(from, 0, incoming);
  Request send = comm.isend(to, 0, outgoing, std::array{Charge{kPayload, 90}, Charge{kParameters, 10}});
  comm.wait(receive);
  comm.wait(send);
  const std::uint64_t wire = comm.size() > 1 ? 1 : 0;
  const auto payload = comm.traffic().total(kPayload), parameters = comm.traffic().total(Traffic::parameters);
  expect(payload.bytes == 90 * wire && payload.messages == wire, "payload is not counted");
  expect(parameters.bytes == 10 * wire && parameters.messages == 0, "parameters are not counted, or as a message");

  std::uint64_t predicted = 0;
  for (const std::size_t count : kLengths) {
    std::vector<float> values(count);
    comm.sum(values, kGradients);
    predicted += Communicator::reduction_bytes(count, sizeof(float), comm.rank(), comm.size());
  }
  expect(comm.traffic().total(Traffic::gradients).bytes == predicted, "sums send other than predicted");

  const auto all = comm.gather_traffic();
  const std::uint64_t ranks = wire * static_cast<std::uint64_t>(comm.size());
  expect(all.total(kPayload).bytes == 90 * ranks && all.total(kPayload).messages == ranks, "payload of all ranks");
  std::uint64_t sums = 0;
  for (int rank = 0; rank < comm.size(); ++rank)
    for (const std::size_t count : kLengths)
      sums += Communicator::reduction_bytes(count, sizeof(float), rank, comm.size());
  expect(all.total(Traffic::gradients).bytes == sums, "gradients of all ranks");
}

void counts_collectives(Communicator& comm) {
  comm.traffic().reset();
  const auto peers = static_cast<std::uint64_t>(comm.size() - 1);
  const auto mine = pattern(static_cast<std::size_t>(comm.rank()) + 3, 1);
  (void)comm.allgather(mine, kPayload);
  expect(comm.traffic().total(Traffic::payload).bytes == peers * mine.size(), "an allgather's bytes");
  expect(comm.traffic().total(Traffic::control).bytes == peers * 8, "an allgather's sizes");
  std::vector<std::byte> bytes(1000);
  comm.broadcast(bytes, comm.size() - 1, kParameters);
  std::array<std::int64_t, 1> sent{static_cast<std::int64_t>(comm.traffic().total(Traffic::parameters).bytes)};
  comm.sum(sent, Label{});
  expect(sent[0] == static_cast<std::int64_t>(peers * 1000), "a broadcast sends its bytes once to each other rank");
}

constexpr std::array kContract{
    Clause{"tags out of order", tags_out_of_order},
    Clause{"equal tags keep their order", equal_tags_keep_their_order},
    Clause{"empty and own messages", empty_and_own_messages},
    Clause{"many outstanding", many_outstanding},
    Clause{"tests while computing", tests_while_computing},
    Clause{"refuses wrong calls", refuses_wrong_calls},
    Clause{"sums of float in rank order", sums_in_rank_order<float>},
    Clause{"sums of double in rank order", sums_in_rank_order<double>},
    Clause{"sums of integers", sums_in_rank_order<std::int64_t>},
    Clause{"sums of integers wrap", sums_of_integers_wrap},
    Clause{"extremes", extremes},
    Clause{"gathers and broadcasts", gathers_and_broadcasts},
    Clause{"barriers", barriers},
    Clause{"counts what is sent", counts_what_is_sent},
    Clause{"counts collectives", counts_collectives},
};

template <class T>
std::uint64_t hash_of_sum(Communicator& comm, std::size_t count) {
  auto values = values_of<T>(count, comm.rank());
  comm.sum(values, kGradients);
  return base::hash_bytes(bytes_of(values));
}

}  // namespace

std::span<const Clause> contract() { return kContract; }

std::uint64_t fingerprint(Communicator& comm) {
  std::uint64_t hash = 0;
  for (const std::size_t count : kLengths) {
    hash = base::hash_combine(hash, hash_of_sum<float>(comm, count));
    hash = base::hash_combine(hash, hash_of_sum<double>(comm, count));
    hash = base::hash_combine(hash, hash_of_sum<std::int64_t>(comm, count));
    auto highest = values_of<double>(count, comm.rank());
    comm.max(highest, kGradients);
    hash = base::hash_combine(hash, base::hash_bytes(bytes_of(highest)));
    for (const auto& bytes : comm.allgather(bytes_of(values_of<float>(count, comm.rank())), kPayload))
      hash = base::hash_combine(hash, base::hash_bytes(bytes));
  }
  const std::array own{hash};
  expect_agreement(comm, bytes_of(own), "the fingerprint");
  return hash;
}

}  // namespace galena::test
