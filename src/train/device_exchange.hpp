#pragma once
// The halo exchange of ranks whose rows lie in a GPU's memory, by links between devices: NCCL's, or by way of the CPUs'
// memory (staged_links.hpp). What leaves is gathered, sampled and coded on the device and travels as its bytes; what
// arrives is decoded there, or as it is summed. Which rows, how coded and when is BoundaryExchange's to say, so rows, draws
// and bytes are those of a run on CPUs. Ranks may share a GPU.

#include <optional>

#include "src/comm/device_links.hpp"
#include "src/train/device_samples.hpp"

namespace galena::train {

class DeviceExchange : public nn::HaloExchange {
 public:
  /// All outlive its use.
  DeviceExchange(const Share& share, BoundaryExchange& exchange, comm::DeviceLinks& links)
      : share_(share), exchange_(exchange), links_(links), samples_(share, exchange) {}

  /// Gives back what is left of the pass before, once the exchange has begun another.
  void begin_pass();
  /// Writes the samples of the pass that the exchange has begun into the place of those before (HaloSelection::frame), where
  /// a recorded pass finds them.
  void prepare_pass();
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
  /// Rows on their way, in one direction of one exchange.
  struct Flight {
    DrawnPointer drawn;
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
    DrawnPointer drawn;
    std::shared_ptr<const DeviceWire> wire;
    Tensor variance, energy;
  };

  Call& call_of(std::uint32_t call);
  /// The rows that the exchange shows to operations.
  DrawnPointer shown(std::uint32_t call, int hop);
  FlightPointer launch(std::uint32_t call, int hop, bool forward, DrawnPointer drawn, const Tensor& rows);
  /// Where rows that leave or arrive lie.
  struct Trip {
    Side side;
    DrawnPointer drawn;  ///< null: what the frame holds
    std::uint64_t frame = 0;
    std::byte* memory = nullptr;
    std::uint64_t row_bytes = 0;             ///< of rows that are not coded
    std::shared_ptr<const DeviceWire> wire;  ///< of those that are
  };
  /// On each route that has rows.
  [[nodiscard]] std::vector<comm::DeviceMessage> messages(const Trip& trip) const;
  Tensor code(const Flight& flight, std::uint32_t call, bool forward, const std::shared_ptr<const DeviceWire>& wire,
              const Tensor& rows);
  /// What comes late in the place of what was launched now.
  void take_turns(std::uint32_t call, bool forward, FlightPointer& shown, FlightPointer& late, FlightPointer now);
  FlightPointer adopt(std::uint32_t call, bool forward);
  void join(Flight& flight);
  static const Tensor& decoded(Flight& flight);
  void add(std::uint32_t call, const Flight& flight, const Tensor& rows, const Tensor& dx);

  const Share& share_;
  BoundaryExchange& exchange_;
  comm::DeviceLinks& links_;
  DeviceSamples samples_;
  std::vector<Call> calls_;
  std::vector<Measured> measured_;
  Tensor refused_;  ///< i32 [1 x 1]: a row that could not be coded, its id + 1; undefined before the first
};

}  // namespace galena::train
