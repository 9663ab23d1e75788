// Passes recorded once and replayed.

#include "src/ops/device_graph.hpp"

#include "src/ops/device_csr.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/pointwise.hpp"
#include "test/ops/reference.hpp"
#include "test/support/device_under_test.hpp"

using namespace galena;
using galena::test::random_tensor;

namespace {

/// y = dropout(2 x), by way of memory that the pass takes and gives back.
void pass(const Tensor& x, const Tensor& y, std::uint32_t epoch) {
  const Tensor twice = Tensor::empty(x.rows(), x.cols(), x.dtype());
  ops::axpby(2, x, 0, twice);
  const Tensor copy = twice.clone();
  ops::dropout(copy, 0.4, {7, epoch, 3}, nullptr, y);
}

Tensor result_of(const Tensor& x, std::uint32_t epoch) {
  const Tensor y = Tensor::empty(x.rows(), x.cols(), x.dtype());
  pass(x, y, epoch);
  return y;
}

double difference(const Tensor& a, const Tensor& b) {
  return test::largest_difference(a.to(Device::cpu), b.to(Device::cpu));
}

}  // namespace

TEST_CASE("a replay does what was recorded, with the draws of its own epoch") {
  GALENA_NEEDS_DEVICE();
  const OnDevice there(Device::cuda);
  const Tensor x = random_tensor(30, 12, DType::f32, 1).to(Device::cuda), y = Tensor::zeros(30, 12);
  ops::DeviceGraph graph;
  graph.rehearse([&] { pass(x, y, 4); });
  CHECK(difference(y, result_of(x, 4)) == 0);
  y.fill(-1);
  graph.record(5, [&] { pass(x, y, 5); });
  CHECK(y.item(0, 0) == -1);  // nothing ran
  for (const std::uint32_t epoch : {5U, 6U, 900U}) {
    graph.replay(epoch);
    CHECK(difference(y, result_of(x, epoch)) == 0);
  }
  CHECK(difference(result_of(x, 5), result_of(x, 6)) > 0);
  x.fill(1);  // in place
  graph.replay(6);
  CHECK(difference(y, result_of(x, 6)) == 0);
}

TEST_CASE("a split row's chunks have memory of the graph's") {
  GALENA_NEEDS_DEVICE();
  ops::CsrArrays csr;
  csr.cols = 2100;
  csr.rows = 3;
  for (const VertexId degree : {1500U, 2U, 2100U}) {
    for (VertexId j = 0; j < degree; ++j) csr.indices.push_back(j);
    csr.indptr.push_back(csr.indices.size());
  }
  csr.on_device = ops::to_device(csr.view());
  const OnDevice there(Device::cuda);
  const Tensor x = random_tensor(2100, 8, DType::f32, 1).to(Device::cuda), y = Tensor::zeros(3, 8), want = y.clone();
  const auto sums = [&] { ops::spmm(csr.view(), {}, x, y); };
  ops::DeviceGraph graph;
  graph.rehearse(sums);
  graph.record(1, sums);
  x.fill(0.5);
  graph.replay(2);
  ops::spmm(csr.view(), {}, x, want);
  CHECK(difference(y, want) == 0);
  CHECK(y.item(2, 7) == 1050);
}

TEST_CASE("what the CPU does in the middle of a pass is done in each replay, between its graphs") {
  GALENA_NEEDS_DEVICE();
  const OnDevice there(Device::cuda);
  const Tensor x = Tensor::full(4, 3, 2), y = Tensor::zeros(4, 3);
  std::vector<double> seen;
  const auto pass = [&] {
    ops::axpby(3, x, 1, y);
    ops::between_graphs([&] { seen.push_back(y.item(0, 0)); });
    ops::axpby(1, x, 1, y);
    ops::between_graphs([&] { seen.push_back(y.item(3, 2)); });
  };
  ops::DeviceGraph graph;
  graph.rehearse(pass);
  CHECK(seen == std::vector<double>{6, 8});
  graph.record(1, pass);
  CHECK(graph.graphs() == 3);
  CHECK(seen.size() == 2);
  graph.replay(1);
  graph.replay(2);
  CHECK(seen == std::vector<double>{6, 8, 14, 16, 22, 24});
  const auto fails = [&] {
    pass();
    static_cast<void>(x.item(0, 0));
  };
  ops::DeviceGraph failing;
  failing.rehearse(fails);
  CHECK_THROWS_AS(failing.record(1, fails), ops::NotRecordable);
  ops::axpby(1, x, 1, y);  // the device works as before
  CHECK(y.item(0, 0) == seen.back() + 2);
}

TEST_CASE("memory that a recorded pass read is there until the graph is gone") {
  GALENA_NEEDS_DEVICE();
  const OnDevice there(Device::cuda);
  const Tensor y = Tensor::zeros(50, 8);
  Tensor x = random_tensor(50, 8, DType::f32, 2).to(Device::cuda);
  const Tensor want = x.clone();
  auto graph = std::make_unique<ops::DeviceGraph>();
  graph->rehearse([&] { pass(x, y, 1); });
  graph->record(1, [&] { pass(x, y, 1); });
  x = {};
  std::vector<Tensor> others;
  for (int k = 0; k < 20; ++k) others.push_back(Tensor::full(50, 8, 1e30));
  graph->replay(3);
  CHECK(difference(y, result_of(want, 3)) == 0);
}

TEST_CASE("what a graph cannot hold is refused, and the device goes on") {
  GALENA_NEEDS_DEVICE();
  const Tensor host = random_tensor(9, 4, DType::f32, 4);
  const OnDevice there(Device::cuda);
  const Tensor x = random_tensor(9, 4, DType::f32, 3).to(Device::cuda), y = Tensor::zeros(9, 4);
  const auto refused = [&](const std::function<void()>& f, const char* what) {
    ops::DeviceGraph graph;
    graph.rehearse([&] { pass(x, y, 1); });
    CHECK_THROWS_WITH(graph.record(2, f), test::contains(what));
    CHECK(!ops::recording());
    pass(x, y, 8);
    CHECK(difference(y, result_of(x, 8)) == 0);
  };
  refused([&] { static_cast<void>(x.item(0, 0)); }, "a copy to the CPU's memory");
  refused([&] { y.copy_from(host); }, "a copy from the CPU's memory");
  refused([&] { ops::device_ops().synchronize(); }, "a wait");
  refused([&] { pass(x, y, 3); }, "another epoch");
  refused([&] { static_cast<void>(Tensor::empty(1000, 1000)); }, "more memory");
  refused([&] { throw InputError("its own"); }, "its own");
}

TEST_CASE("what the device's library could not record is told with its own reason") {
  GALENA_NEEDS_DEVICE();
  const OnDevice there(Device::cuda);
  const Tensor x = random_tensor(9, 4, DType::f32, 3).to(Device::cuda), y = Tensor::zeros(9, 4);
  const ops::DeviceOps& all = ops::device_ops();  // which refuses nothing
  const auto waits = [&] {
    pass(x, y, 2);
    try {
      all.synchronize();
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch)
    }
  };
  ops::DeviceGraph graph;
  graph.rehearse([&] { pass(x, y, 1); });
  CHECK_THROWS_WITH(graph.record(2, waits), test::contains("cudaStreamEndCapture: cudaErrorStreamCaptureInvalidated"));
  pass(x, y, 8);
  CHECK(difference(y, result_of(x, 8)) == 0);
}
