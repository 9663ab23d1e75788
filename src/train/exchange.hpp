#pragma once
// The halo exchange: boundary rows from rank to rank and their gradients back. Three choices compose: which rows
// (sampler.hpp), how coded (src/ops/quantize.hpp), and when (now, or one epoch late as in PipeGCN, C. Wan et al., ICLR
// 2022). As an operator on rows it is E = Q diag(1 / probability) S; backward is its exact adjoint with the same
// sample, the code passed straight through and gradients coded with draws of their own.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "src/comm/communicator.hpp"
#include "src/nn/halo.hpp"
#include "src/train/checkpoint.hpp"
#include "src/train/draws.hpp"

namespace galena::train {

/// What senders measured of a row since the last reset, for the allocators: sums over epochs.
struct RowMeasure {
  double variance = 0;  ///< of its code at `bits`, exact
  double energy = 0;    ///< squared norm
  std::uint32_t times = 0;
  std::uint8_t bits = 8;
};
struct RouteMeasure {
  std::int64_t width = 0;
  std::vector<RowMeasure> rows;
};
/// By exchange and direction: [call][route]. Forward: routes this rank sends; backward: routes it received.
struct Measures {
  std::vector<std::vector<RouteMeasure>> forward, backward;
  std::vector<int> hops;  ///< at which hop the rows of each exchange stand
};

class BoundaryExchange : public nn::HaloExchange {
 public:
  /// All outlive it.
  BoundaryExchange(const Share& share, comm::Communicator& communicator, const Policy& policy, std::uint64_t seed);
  ~BoundaryExchange() override;

  void begin_pass(const Pass& pass);
  /// Ends what a stale policy still has under way. All ranks call it.
  void drain();

  const nn::HaloSelection& selection(std::uint32_t call, int hop) override;
  void begin_forward(std::uint32_t call, int hop, const Tensor& x) override;
  nn::HaloRows finish_forward(std::uint32_t call, bool packed_ok) override;
  void begin_backward(std::uint32_t call, const Tensor& gradient) override;
  void finish_backward(std::uint32_t call, const Tensor& dx) override;
  Tensor gather_full(const Tensor& x, int hop) override;
  void progress() override { communicator_.progress(); }

  // What an exchange of rows that lie elsewhere (DeviceExchange) goes by.

  [[nodiscard]] const Pass& pass() const { return draws_.pass(); }
  [[nodiscard]] bool coded() const { return pass().training && policy_.bits != 32; }
  [[nodiscard]] bool stale() const { return pass().training && policy_.stale; }
  /// Whether coded rows are measured.
  [[nodiscard]] bool measured() const { return measuring_ && !probe_; }
  /// The rows that begin_forward() sends.
  std::shared_ptr<const Drawn> drawn(std::uint32_t call, int hop);
  [[nodiscard]] Draws& draws() { return draws_; }
  /// Of the rows of a sample of a route that sends, or else receives, forward.
  [[nodiscard]] std::vector<std::uint8_t> widths(bool sends, bool forward, std::uint32_t call, std::size_t route,
                                                 const Sample& sample) const;
  /// The most bits of any row of the route.
  [[nodiscard]] std::uint8_t widest(bool sends, bool forward, std::uint32_t call, std::size_t route) const;
  /// Equal where widths of the same rows are.
  [[nodiscard]] std::uint64_t widths_name(bool forward, std::uint32_t call) const;
  /// Of the code of rows that leave for this rank.
  [[nodiscard]] ops::RandomKey key_of(std::uint32_t call, bool forward, int peer) const;
  /// A message's, of which so many bytes are parameters of a code.
  [[nodiscard]] std::vector<comm::Charge> charges(std::uint32_t call, bool forward, std::uint64_t bytes,
                                                  std::uint64_t parameters) const;
  void record(std::uint32_t call, int hop, bool forward, std::size_t route, const Sample& sample, std::int64_t width,
              std::span<const std::uint8_t> bits, std::span<const double> variance, std::span<const double> energy);
  void add_wait(double seconds) { waited_ += seconds; }
  /// Rows that a stale policy has under way, in one direction of an exchange, in the CPU's memory.
  struct Late {
    std::shared_ptr<const Drawn> drawn;
    int hop = 0;
    std::uint32_t drawn_in = 0;
    DType dtype = DType::f32;
    bool coded = false;
    Tensor rows;             ///< not coded
    ops::PackedRows packed;  ///< coded
  };
  /// For save(), which takes them as its own; and after load().
  void put_late(std::uint32_t call, bool forward, Late rows);
  std::optional<Late> take_late(std::uint32_t call, bool forward);
  /// gather_full() of the rows of each route, of this width and type.
  Tensor gather_full(std::span<const Tensor> rows, std::int64_t width, DType dtype, int hop);

  /// What has been measured, and what a stale policy has under way (it is waited for), for checkpoints. load() wants
  /// begin_pass() of the last epoch before.
  void save(ByteWriter& writer);
  void load(ByteReader& reader);

  /// Takes effect from the next pass on.
  void assign(Assignment assignment) { draws_.assign(std::move(assignment)); }
  /// Until ended, passes ignore the assignment: all rows go, at 8 bits, those of one exchange and direction at 2.
  struct Probe {
    std::uint32_t call = ~0U;  ///< ~0: none of them
    bool forward = true;
  };
  void probe(std::optional<Probe> probe);
  /// Starts or ends measuring of coded rows.
  void measure(bool on);
  [[nodiscard]] const Measures& measures() const { return measures_; }
  /// Seconds this rank waited for others since the last call, forward and backward.
  [[nodiscard]] double take_wait_seconds();

 private:
  struct Flight;  // rows under way
  struct Call;    // an exchange of a pass

  [[nodiscard]] const std::vector<Route>& sources(int hop, bool forward) const;
  [[nodiscard]] const std::vector<Route>& destinations(int hop, bool forward) const;
  /// By row of the route; null where none are assigned.
  [[nodiscard]] const std::vector<std::uint8_t>* assigned_bits(bool sends, bool forward, std::uint32_t call,
                                                               std::size_t route) const;
  /// `gathered`: x has the rows that travel, route after route.
  std::shared_ptr<Flight> launch(std::uint32_t call, int hop, bool forward, std::shared_ptr<const Drawn> drawn,
                                 const Tensor& x, bool gathered);
  void send(Flight& flight, std::uint32_t call, bool forward, std::size_t route, const Tensor& x, bool gathered);
  /// Waits for a flight; its rows are then decoded where `decode`, packed otherwise.
  void settle(Flight& flight, bool forward, bool decode);
  std::shared_ptr<Flight> load_flight(ByteReader& reader, std::uint32_t call, bool forward);
  Call& call_of(std::uint32_t call);

  const Share& share_;
  comm::Communicator& communicator_;
  Policy policy_;
  std::uint64_t seed_;
  Draws draws_;
  Measures measures_;
  bool measuring_ = false;
  std::optional<Probe> probe_;
  double waited_ = 0;
  std::vector<std::unique_ptr<Call>> calls_;
};

}  // namespace galena::train
