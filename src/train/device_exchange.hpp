#pragma once
// The halo exchange of ranks whose rows lie in a GPU's memory, by links between devices: NCCL's, or by way of the CPUs'
// memory (staged_links.hpp). What leaves is gathered, sampled and coded on the device and travels as its bytes; what
// arrives is decoded there, or as it is summed. Which rows, how coded and when is BoundaryExchange's to say, so rows, draws
// and bytes are those of a run on CPUs. Ranks may share a GPU.

#include <map>
#include <optional>
#include <tuple>

#include "src/comm/device_links.hpp"
#include "src/ops/device_csr.hpp"
#include "src/train/device_wire.hpp"
#include "src/train/exchange.hpp"

namespace galena::train {

class DeviceExchange : public nn::HaloExchange {
 public:
  /// All outlive its use.
  DeviceExchange(const Share& share, BoundaryExchange& exchange, comm::DeviceLinks& links)
      : share_(share), exchange_(exchange), links_(links) {}

  /// Gives back what is left of the pass before, once the exchange has begun another.
  void begin_pass();
  const nn::HaloSelection& selection(std::uint32_t call, int hop) override;
  void begin_forward(std::uint32_t call, int hop, const Tensor& x) override;
  nn::HaloRows finish_forward(std::uint32_t call, bool packed_ok) override;
  void begin_backward(std::uint32_t call, const Tensor& gradient) override;
  void finish_backward(std::uint32_t call, const Tensor& dx) override;
  Tensor gather_full(const Tensor& x, int hop) override;
  void progress() override { exchange_.progress(); }

  // These wait for the device.

  /// Records what was measured of rows that left since the last call.
  void collect();
  /// Throws InputError where a row that left could not be coded, since the start. It arrives as NaN, and a loss shows it.
  void check_rows() const;
  /// Hands what a stale policy has under way to the BoundaryExchange, for its save().
  void park();
  /// Ends it. All ranks call it.
  void drain();

 private:
  /// Width of a row, whether rows are those sent forward, and where exchanges have widths of their own, which and whether
  /// forward.
  using WireKey = std::tuple<std::int64_t, bool, std::uint32_t, bool>;
  /// A layout of coded rows. One takes the place of another where their widths differ: flights keep theirs.
  struct KeptWire {
    std::uint64_t widths = 0;  ///< their name
    std::shared_ptr<const DeviceWire> wire;
  };
  /// What is kept of a sample on the device.
  struct Kept {
    std::weak_ptr<const Drawn> drawn;                  ///< once it is gone, nobody asks again
    std::shared_ptr<const ops::DeviceCsr> csr, csr_t;  ///< where operations have asked for them
    nn::HaloSelection selection;
    Tensor sent;                    ///< i32 [sent x 1]: rows that leave, by route
    Tensor sent_ids, received_ids;  ///< i32: global ids of those, and of those that arrive
    std::map<WireKey, KeptWire> wires;
  };
  /// Rows on their way, in one direction of one exchange.
  struct Flight {
    std::shared_ptr<const Drawn> drawn;
    int hop = 0;
    std::uint32_t drawn_in = 0;
    DType dtype = DType::f32;
    std::shared_ptr<const DeviceWire> wire;         ///< of arrivals, where rows are coded
    Tensor leaving, arriving;                       ///< rows, or the bytes of their code
    ops::DevicePacked packed;                       ///< arrivals, coded
    Tensor rows;                                    ///< arrivals, decoded
    std::shared_ptr<comm::DeviceLinks::Step> step;  ///< each replay of a recorded pass has its own
    bool joined = false;
    std::optional<BoundaryExchange::Late> loaded;  ///< what it was made of, if it comes from a checkpoint
  };
  using FlightPointer = std::shared_ptr<Flight>;
  struct Call {
    FlightPointer forward, backward;            ///< being finished
    FlightPointer forward_late, backward_late;  ///< stale policy: for the next epoch
  };
  /// Rows that left, measured, [rows x 1 f64].
  struct Measured {
    std::uint32_t call = 0;
    int hop = 0;
    bool forward = true;
    std::shared_ptr<const Drawn> drawn;
    std::shared_ptr<const DeviceWire> wire;
    Tensor variance, energy;
  };

  Call& call_of(std::uint32_t call);
  /// The rows that the exchange shows to operations.
  std::shared_ptr<const Drawn> shown(std::uint32_t call, int hop);
  FlightPointer launch(std::uint32_t call, int hop, bool forward, std::shared_ptr<const Drawn> drawn,
                       const Tensor& rows);
  std::vector<comm::DeviceMessage> send(const Flight& flight, std::uint32_t call, bool forward, const DeviceWire* wire);
  std::vector<comm::DeviceMessage> receive(Flight& flight, bool forward, std::int64_t cols);
  Tensor code(const Flight& flight, std::uint32_t call, bool forward, const std::shared_ptr<const DeviceWire>& wire,
              const Tensor& rows);
  /// What comes late in the place of what was launched now.
  void take_turns(std::uint32_t call, bool forward, FlightPointer& shown, FlightPointer& late, FlightPointer now);
  FlightPointer adopt(std::uint32_t call, bool forward);
  void join(Flight& flight);
  static const Tensor& decoded(Flight& flight);
  void add(const Flight& flight, const Tensor& rows, const Tensor& dx);

  Kept& kept(const std::shared_ptr<const Drawn>& drawn);
  std::span<const VertexId> sent(const std::shared_ptr<const Drawn>& drawn, int hop);
  const Tensor& ids(const std::shared_ptr<const Drawn>& drawn, int hop, bool sent);
  std::shared_ptr<const DeviceWire> wire_of(const Flight& flight, std::uint32_t call, bool forward, bool leaving,
                                            std::int64_t cols);

  const Share& share_;
  BoundaryExchange& exchange_;
  comm::DeviceLinks& links_;
  std::vector<Call> calls_;
  std::vector<Measured> measured_;
  Tensor refused_;  ///< i32 [1 x 1]: a row that could not be coded, its id + 1; undefined before the first
  std::map<std::uint64_t, Kept> kept_;  ///< by version; at most those of this pass, of all rows, and of late ones
};

}  // namespace galena::train
