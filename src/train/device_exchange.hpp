#pragma once
// The halo exchange of ranks whose rows lie in a GPU's memory. What leaves is gathered there, the sampled rows alone,
// coded there unless it is measured, and brought to the CPU's, where BoundaryExchange sends it; what arrives goes back as
// it came, and is decoded and added there. So rows, draws and bytes are those of a run on CPUs. Ranks may share a GPU.
//
// Where devices are linked (NCCL), rows that travel as they are, and now, go from one to the other.

#include <deque>
#include <map>

#include "src/comm/device_links.hpp"
#include "src/ops/device_csr.hpp"
#include "src/train/exchange.hpp"

namespace galena::train {

class DeviceExchange : public nn::HaloExchange {
 public:
  /// All outlive it; `links` may be null.
  DeviceExchange(const Share& share, BoundaryExchange& exchange, comm::DeviceLinks* links = nullptr)
      : share_(share), exchange_(exchange), links_(links) {}

  const nn::HaloSelection& selection(std::uint32_t call, int hop) override;
  void begin_forward(std::uint32_t call, int hop, const Tensor& x) override;
  /// Rows are decoded.
  nn::HaloRows finish_forward(std::uint32_t call, bool packed_ok) override;
  void begin_backward(std::uint32_t call, const Tensor& gradient) override;
  void finish_backward(std::uint32_t call, const Tensor& dx) override;
  Tensor gather_full(const Tensor& x, int hop) override;
  void progress() override { exchange_.progress(); }

 private:
  /// What is kept of a sample on the device.
  struct Kept {
    std::uint64_t version = 0;
    std::shared_ptr<const ops::DeviceCsr> csr, csr_t;  ///< where operations have asked for them
    nn::HaloSelection selection;
    Tensor sent;  ///< i32 [sent x 1]: rows that leave, by route
  };
  /// An exchange over links.
  struct Linked {
    std::shared_ptr<const Drawn> drawn;
    int hop = 0;
    Tensor leaving, arriving;  ///< until the next one
  };
  [[nodiscard]] bool linked() const { return links_ != nullptr && exchange_.plain(); }
  /// Rows as they leave the device: few bits of each where they are coded there.
  [[nodiscard]] Tensor source_of(const Tensor& rows) const {
    return exchange_.codes_on_device() ? rows : rows.to(Device::cpu);
  }
  void start(std::uint32_t call, bool forward, const Tensor& rows);
  void add(const Drawn& drawn, int hop, const Tensor& rows, const Tensor& dx);
  Kept& kept(std::uint64_t version);
  std::span<const VertexId> sent(const Drawn& drawn, int hop);

  const Share& share_;
  BoundaryExchange& exchange_;
  comm::DeviceLinks* links_;
  std::map<std::uint32_t, Linked> linked_;  ///< by call
  std::map<std::uint32_t, DType> types_;    ///< of rows, by call of this pass
  std::deque<Kept> kept_;                   ///< the latest few
};

}  // namespace galena::train
