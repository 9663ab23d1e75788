// NCCL on a machine that has it and a GPU: a rank of its own sends itself rows.

#include "src/comm/device_links.hpp"
#include "src/comm/thread_transport.hpp"
#include "src/comm/transports.hpp"
#include "src/ops/device_ops.hpp"
#include "test/support/catch.hpp"
#include "test/support/device_under_test.hpp"

namespace galena::test {

TEST_CASE("messages of a step arrive where they should, after the work before them and before that behind") {
  GALENA_NEEDS_DEVICE();
  if (comm::nccl_version().empty()) GALENA_SKIP("no NCCL");
  comm::run_ranks(1, {}, [](comm::Communicator& comm) {
    const ops::UseDevice use(0);
    const auto links = comm::nccl_links(comm, ops::device_ops().name(), ops::device_ops().stream());
    const OnDevice there(Device::cuda);
    for (int step = 1; step < 5; ++step) {
      const Tensor x = Tensor::full(1000, 64, step), y = Tensor::zeros(1000, 64);
      x.slice(500, 1000).fill(10 * step);
      const Tensor first = x.slice(0, 500), last = x.slice(500, 1000), to_last = y.slice(500, 1000);
      const comm::DeviceMessage sends[] = {{0, first.raw(), first.bytes(), {}}, {0, last.raw(), last.bytes(), {}}};
      const comm::DeviceMessage receives[] = {{0, y.raw(), first.bytes(), {}}, {0, to_last.raw(), last.bytes(), {}}};
      const auto sent = links->start(sends, receives);
      links->join(sent);
      links->finish();
      const Tensor sum = y.clone();
      for (const std::int64_t row : {0, 499, 500, 999}) CHECK(sum.item(row, 63) == (row < 500 ? step : 10 * step));
    }
  });
}

}  // namespace galena::test
