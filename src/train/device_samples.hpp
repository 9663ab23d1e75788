#pragma once
// What lies on a device of the samples of exchanges (selection.hpp): the columns that operations see, which rows leave, and
// how coded rows are laid out. A sample's goes when the sample does. Samples that have room for any other are written in
// each other's place, their frame, where a recorded pass finds them.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <tuple>

#include "src/ops/device_csr.hpp"
#include "src/train/device_wire.hpp"
#include "src/train/exchange.hpp"

namespace galena::train {

using DrawnPointer = std::shared_ptr<const Drawn>;

/// Rows that leave or arrive in a direction of an exchange.
struct Side {
  std::uint32_t call = 0;
  int hop = 0;
  bool forward = true, leaving = true;
  /// Their routes are those that send forward.
  [[nodiscard]] bool sends() const { return forward == leaving; }
};
inline const std::vector<Route>& routes_of(const Share& step, const Side& side) {
  return side.sends() ? step.sends : step.receives;
}
inline const std::vector<std::int64_t>& places_of(const Drawn& drawn, const Side& side) {
  return side.sends() ? drawn.sent_first : drawn.first;
}
inline const std::vector<Sample>& samples_of(const Drawn& drawn, const Side& side) {
  return side.sends() ? drawn.sends : drawn.receives;
}

class DeviceSamples {
 public:
  /// Both outlive it.
  DeviceSamples(const Share& share, BoundaryExchange& exchange) : share_(share), exchange_(exchange) {}
  ~DeviceSamples();
  DeviceSamples(const DeviceSamples&) = delete;
  DeviceSamples& operator=(const DeviceSamples&) = delete;

  /// Forgets samples that are gone, and frames of an assignment that is.
  void begin_pass();
  /// Draws for the exchange's pass what all frames are to hold, and writes it.
  void renew();

  // Of a sample of this exchange.
  const nn::HaloSelection& selection(const DrawnPointer& drawn, std::uint32_t call, int hop);
  /// The rows that leave, by route; kNoRow where there is only room for one.
  std::span<const VertexId> sent(const DrawnPointer& drawn, std::uint32_t call, int hop);
  /// Global ids of those, or of rows that arrive: i32 [places x 1].
  const Tensor& ids(const DrawnPointer& drawn, std::uint32_t call, int hop, bool sent);
  std::shared_ptr<const DeviceWire> wire(const DrawnPointer& drawn, const Side& side, std::int64_t cols);
  /// The sample that the frame holds.
  [[nodiscard]] const Drawn& now(std::uint64_t frame) const { return *frames_.at(frame).now; }

 private:
  /// Width of a row, whether rows are those sent forward, and where exchanges have widths of their own, which and whether
  /// forward.
  using WireKey = std::tuple<std::int64_t, bool, std::uint32_t, bool>;
  /// A layout of coded rows. One takes the place of another where their widths differ: flights keep theirs.
  struct KeptWire {
    std::uint64_t widths = 0;  ///< their name
    std::shared_ptr<DeviceWire> wire;
    Side side;
  };
  struct Kept {
    std::weak_ptr<const Drawn> drawn;  ///< once it is gone, nobody asks again
    DrawnPointer now;                  ///< of a frame: what it holds
    std::uint32_t call = 0;            ///< the first that asked
    int hop = 0;
    std::shared_ptr<ops::DeviceCsr> csr, csr_t;  ///< these and all below where somebody has asked for them
    nn::HaloSelection selection;
    Tensor sent, sent_ids, received_ids;
    std::map<WireKey, KeptWire> wires;
  };

  Kept& kept(const DrawnPointer& drawn, std::uint32_t call, int hop);
  void write(Kept& k, const DrawnPointer& drawn);
  void write_columns(Kept& k, const Drawn& drawn) const;
  void write_wire(KeptWire& k, const Drawn& drawn, std::int64_t cols) const;
  /// A number for each row that travels, route after route.
  template <class F>
  void write_rows(const Kept& k, const Drawn& drawn, bool sent, const F& number, Tensor& to) const;

  const Share& share_;
  BoundaryExchange& exchange_;
  std::map<std::uint64_t, Kept> kept_;    ///< by version; at most those of this pass, of all rows, and of late ones
  std::map<std::uint64_t, Kept> frames_;  ///< by frame
  std::uint64_t assigned_ = 0;            ///< which assignment frames are of
};

}  // namespace galena::train
