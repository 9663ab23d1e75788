// The exchange as an operator: its adjoint, its expectation, its bytes; and the defects of earlier systems by name.

#include <array>
#include <cmath>
#include <mutex>

#include "src/base/random.hpp"
#include "src/train/exchange.hpp"
#include "test/support/catch.hpp"
#include "test/train/support.hpp"

namespace galena::train {
namespace {

using test::random_data;
using test::striped;

struct Setting {
  Policy policy;
  int parts = 3, hops = 2;
  std::int64_t width = 6;
  std::uint32_t epoch = 4;
  DType dtype = DType::f64;
};

// What the ranks found, put together.
struct Together {
  std::mutex mutex;
  double forward = 0, backward = 0;  // <E x, y> and <x, E' y>
  comm::TrafficCounter traffic;
};

Tensor random_rows(std::int64_t rows, std::int64_t cols, std::uint64_t seed, std::span<const VertexId> ids,
                   DType dtype) {
  Tensor x = Tensor::empty(rows, cols, DType::f64);
  for (std::int64_t i = 0; i < rows; ++i) {
    base::RandomStream random(seed, 3, ids[static_cast<std::size_t>(i)]);
    for (std::int64_t c = 0; c < cols; ++c) x.at<double>(i, c) = random.uniform() * 4 - 1;
  }
  return x.to(dtype);
}

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (std::int64_t c = 0; c < a.cols(); ++c) sum += a.item(i, c) * b.item(i, c);
  return sum;
}

std::vector<VertexId> ids_of(const nn::HaloSelection& selection, const nn::GraphView& view) {
  std::vector<VertexId> ids;
  for (std::int64_t k = 0; k < selection.count; ++k)
    ids.push_back(
        view.halo_ids[selection.halo_numbers == nullptr ? static_cast<std::size_t>(k) : selection.halo_numbers[k]]);
  return ids;
}

// Every rank sends x, and gets y back for the rows it received.
void exchange_once(const NodeDataset& data, const Setting& setting, Together& out) {
  const Partition partition = striped(data.graph, setting.parts);
  comm::run_ranks(setting.parts, {}, [&](comm::Communicator& comm) {
    ShareOptions options{setting.hops, data.data.train};
    const Share share = build_share(data.graph, partition.part_of, setting.parts, comm.rank(), options);
    BoundaryExchange exchange(share, comm, setting.policy, 11);
    exchange.begin_pass({true, true, setting.epoch});
    const std::int64_t rows = share.hop_rows[0];
    const Tensor x = random_rows(rows, setting.width, 1, share.view.ids, setting.dtype);
    exchange.begin_forward(0, 0, x);
    const Tensor halo = exchange.finish_forward(0, false).dense;
    const auto& selection = exchange.selection(0, 0);
    const Tensor y = random_rows(selection.count, setting.width, 2, ids_of(selection, share.view), setting.dtype);
    exchange.begin_backward(0, y);
    const Tensor back = Tensor::zeros(rows, setting.width, setting.dtype);
    exchange.finish_backward(0, back);
    exchange.drain();
    const std::scoped_lock lock(out.mutex);
    out.forward += dot(halo, y);
    out.backward += dot(x, back);
    out.traffic += comm.traffic();
  });
}

}  // namespace

TEST_CASE("backward is the adjoint of forward, with the same sample") {
  const NodeDataset data = random_data({});
  for (const int parts : {2, 3, 5})
    for (const auto rows : {RowChoice::all, RowChoice::uniform, RowChoice::importance}) {
      Setting setting;
      setting.parts = parts;
      setting.policy.rows = rows;
      setting.policy.rate = rows == RowChoice::all ? 1 : 0.4;
      Together together;
      exchange_once(data, setting, together);
      CHECK(together.forward == Approx(together.backward).epsilon(1e-12));
      CHECK(together.forward != 0);
    }
}

TEST_CASE("payload bytes at rate p are those of the sample sizes, by layer and direction") {
  test::DataOptions options;
  options.vertices = 3000;
  options.train = 1500;
  options.degree = 6;
  const NodeDataset data = random_data(options);
  for (const int parts : {2, 4, 8}) {
    Setting full, sampled;
    full.parts = sampled.parts = parts;
    full.dtype = sampled.dtype = DType::f32;
    sampled.policy = {RowChoice::uniform, 0.1, 32, false};
    Together all, some;
    exchange_once(data, full, all);
    exchange_once(data, sampled, some);
    const auto of = [](const Together& t) {
      return static_cast<double>(t.traffic.total(comm::Traffic::payload).bytes);
    };
    CHECK(of(some) / of(all) == Approx(0.1).epsilon(0.02));
    CHECK(some.traffic.total(comm::Traffic::index).bytes == 0);  // BNS-GCN ships 8 bytes of index a row
  }
}

TEST_CASE("coded messages cost what their widths say") {
  test::DataOptions options;
  options.vertices = 300;
  options.train = 150;
  const NodeDataset data = random_data(options);
  Setting full;
  full.width = 50;
  full.dtype = DType::f32;
  Together all;
  exchange_once(data, full, all);
  const std::uint64_t rows = all.traffic.total(comm::Traffic::payload).bytes / (4 * 50);
  for (const int bits : {16, 8, 4, 2, 1}) {
    Setting setting = full;
    setting.policy.bits = bits;
    Together coded;
    exchange_once(data, setting, coded);
    CHECK(coded.traffic.total(comm::Traffic::payload).bytes == rows * ops::packed_bytes(50, bits));
    CHECK(coded.traffic.total(comm::Traffic::parameters).bytes == rows * (bits <= 8 ? 4U : 0U));
    // Straight through: E still is nearly its adjoint.
    if (bits >= 4) CHECK(coded.forward == Approx(coded.backward).epsilon(0.2));
  }
}

TEST_CASE("sampled and coded sums are unbiased, also where p |B| is below 1") {
  // One boundary row a side, of which BNS-GCN's floor(p |B|) = 0 would never send any.
  NodeDataset data;
  GraphArrays arrays;
  arrays.indptr = {0, 1, 2};
  arrays.indices = {1, 0};
  data.graph = Graph::from_arrays(std::move(arrays));
  data.data.train = {0, 1};
  for (const int bits : {32, 4}) {
    double sum = 0, squares = 0;
    constexpr int kEpochs = 20'000;
    comm::run_ranks(2, {}, [&](comm::Communicator& comm) {
      const std::uint32_t part_of[] = {0, 1};
      const Share share = build_share(data.graph, part_of, 2, comm.rank(), {1, data.data.train});
      BoundaryExchange exchange(share, comm, {RowChoice::uniform, 0.3, bits, false}, 5);
      const Tensor x = random_rows(share.hop_rows[0], 3, 1, share.view.ids, DType::f32);
      for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
        exchange.begin_pass({true, true, epoch});
        exchange.begin_forward(0, 0, x);
        const Tensor halo = exchange.finish_forward(0, false).dense;
        const auto& selection = exchange.selection(0, 0);
        if (comm.rank() != 0) continue;
        const double value = selection.count == 0 ? 0 : halo.item(0, 1) * selection.weight[0];
        sum += value;
        squares += value * value;
      }
      if (comm.rank() == 1) return;
    });
    const VertexId other[] = {1};
    const double truth = random_rows(1, 3, 1, other, DType::f32).item(0, 1);
    const double mean = sum / kEpochs, deviation = std::sqrt(squares / kEpochs - mean * mean);
    INFO(bits << " bits: mean " << mean << ", truth " << truth);
    CHECK(std::abs(mean - truth) < 4 * deviation / std::sqrt(static_cast<double>(kEpochs)));
  }
}

TEST_CASE("noise of different receivers and directions is independent") {
  // Vertex 0 is alone in its part and joined to one vertex in each of two others.
  GraphArrays arrays;
  arrays.indptr = {0, 2, 3, 4};
  arrays.indices = {1, 2, 0, 0};
  const Graph graph = Graph::from_arrays(std::move(arrays));
  const std::vector<VertexId> train{0, 1, 2};
  Tensor first, second;
  comm::run_ranks(3, {}, [&](comm::Communicator& comm) {
    const std::uint32_t part_of[] = {0, 1, 2};
    const Share share = build_share(graph, part_of, 3, comm.rank(), {1, train});
    BoundaryExchange exchange(share, comm, {RowChoice::all, 1, 2, false}, 5);
    const Tensor x = random_rows(share.hop_rows[0], 64, 1, share.view.ids, DType::f32);
    exchange.begin_pass({true, true, 0});
    exchange.begin_forward(0, 0, x);
    const Tensor halo = exchange.finish_forward(0, false).dense;
    if (comm.rank() == 1) first = halo.clone();
    if (comm.rank() == 2) second = halo.clone();
  });
  int differing = 0;
  for (std::int64_t c = 0; c < 64; ++c) differing += first.item(0, c) != second.item(0, c);
  CHECK(differing > 5);
}

TEST_CASE("a stale policy gives the rows of the epoch before, and their gradients") {
  const NodeDataset data = random_data({});
  const Partition partition = striped(data.graph, 2);
  std::array<std::vector<double>, 2> seen, returned;  // by rank, then epoch
  comm::run_ranks(2, {}, [&](comm::Communicator& comm) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    const Share share = build_share(data.graph, partition.part_of, 2, comm.rank(), {2, data.data.train});
    BoundaryExchange exchange(share, comm, {RowChoice::all, 1, 32, true}, 5);
    for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
      exchange.begin_pass({true, true, epoch});
      const Tensor x = Tensor::full(share.hop_rows[0], 2, epoch + 1.0);
      exchange.begin_forward(0, 0, x);
      const Tensor halo = exchange.finish_forward(0, false).dense;
      seen[rank].push_back(halo.rows() > 0 ? halo.item(0, 0) : -1);
      const Tensor gradient = Tensor::full(halo.rows(), 2, epoch + 10.0);
      exchange.begin_backward(0, gradient);
      const Tensor dx = Tensor::zeros(share.hop_rows[0], 2);
      exchange.finish_backward(0, dx);
      double largest = 0;
      for (const float v : dx.span<float>()) largest = std::max(largest, static_cast<double>(v));
      returned[rank].push_back(largest);
    }
    exchange.drain();
  });
  for (const std::size_t rank : {0, 1}) {  // fresh in the first epoch, then one late
    CHECK(seen[rank] == std::vector<double>{1, 1, 2, 3});
    CHECK(returned[rank] == std::vector<double>{10, 10, 11, 12});
  }
}

}  // namespace galena::train
