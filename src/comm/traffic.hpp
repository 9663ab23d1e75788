#pragma once
// Who sent how many bytes, and what for.

#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

namespace galena::comm {

/// What bytes are for.
enum class Traffic : std::uint8_t {
  payload,     ///< rows of features, activations and their gradients, coded or not
  parameters,  ///< of a code: scale and zero point of quantized rows
  index,       ///< ids and positions of rows
  gradients,   ///< of the model's weights
  control,     ///< all else: losses, metrics, barriers, sizes
};
inline constexpr int kTrafficKinds = 5;

enum class Direction : std::uint8_t { forward, backward, none };

/// "payload", "parameters", ...; "forward", "backward", "none".
std::string_view name(Traffic kind);
std::string_view name(Direction direction);

/// Whom a byte is charged to. Layers count from 0; -1 is no layer in particular.
struct Label {
  Traffic kind = Traffic::control;
  int layer = -1;
  Direction direction = Direction::none;
  friend bool operator==(const Label&, const Label&) = default;
  friend bool operator<(const Label& a, const Label& b) {
    return std::tie(a.kind, a.layer, a.direction) < std::tie(b.kind, b.layer, b.direction);
  }
};

/// The part of a message that is charged to one label.
struct Charge {
  Label label;
  std::uint64_t bytes = 0;
};

/// Bytes and messages that one rank SENT to others; what a rank sends to itself crosses no wire and is
/// not counted. A message is counted once, under its first charge.
class TrafficCounter {
 public:
  struct Row {
    Label label;
    std::uint64_t bytes = 0, messages = 0;
    friend bool operator==(const Row&, const Row&) = default;
  };

  void add(Label label, std::uint64_t bytes, std::uint64_t messages = 1);
  void reset() { rows_.clear(); }
  TrafficCounter& operator+=(const TrafficCounter& other);

  /// Of all labels, of one kind, of one label. Zero where nothing was sent.
  [[nodiscard]] Row total() const;
  [[nodiscard]] Row total(Traffic kind) const;
  [[nodiscard]] Row total(Label label) const;

  /// A row a label that was charged, ordered by kind, layer and direction.
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;  // sorted; a few dozen at most
};

}  // namespace galena::comm
