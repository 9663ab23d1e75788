#pragma once
// The halo exchange of ranks whose rows lie in a GPU's memory: rows that leave are gathered there and brought to the CPU's,
// where BoundaryExchange samples, codes and sends them, and what arrives goes back. So rows, draws and bytes are those of a
// run on CPUs. Ranks may share a GPU.

#include <deque>
#include <map>

#include "src/ops/device_csr.hpp"
#include "src/train/exchange.hpp"

namespace galena::train {

class DeviceExchange : public nn::HaloExchange {
 public:
  /// Both outlive it.
  DeviceExchange(const Share& share, BoundaryExchange& exchange) : share_(share), exchange_(exchange) {}

  const nn::HaloSelection& selection(std::uint32_t call, int hop) override;
  void begin_forward(std::uint32_t call, int hop, const Tensor& x) override;
  /// Rows are decoded: kernels that take packed ones are the CPU's.
  nn::HaloRows finish_forward(std::uint32_t call, bool packed_ok) override;
  void begin_backward(std::uint32_t call, const Tensor& gradient) override;
  void finish_backward(std::uint32_t call, const Tensor& dx) override;
  Tensor gather_full(const Tensor& x, int hop) override;
  void progress() override { exchange_.progress(); }

 private:
  /// Rows that any other rank asks for, increasing.
  struct Boundary {
    std::vector<VertexId> rows;
    Tensor on_device;
  };
  /// The first of them that x has.
  struct Part {
    std::span<const VertexId> rows, on_device;
  };
  struct Kept {
    nn::HaloSelection selection;
    std::shared_ptr<const ops::DeviceCsr> csr, csr_t;
  };
  Part boundary(int hop, const Tensor& x);
  Tensor bring(int hop, const Tensor& x);

  const Share& share_;
  BoundaryExchange& exchange_;
  std::map<const Share*, Boundary> boundaries_;
  std::map<std::uint32_t, int> hops_;  ///< by call, of this pass
  std::deque<Kept> kept_;              ///< the latest few
};

}  // namespace galena::train
