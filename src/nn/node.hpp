#pragma once
// What a Var consists of: a value that its copies share, and a node of the tape where it has a gradient. They are
// apart so that the tape keeps gradients' places alive and not values: an operation's backward pass holds the values it
// needs and no others.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "galena/nn.hpp"

namespace galena::nn {

struct Var::Value {
  Tensor tensor;
  std::optional<SparseMatrix> sparse;
  std::int64_t rows = 0;  ///< of a sparse one: those that count
  int hop = 0;
  bool constant = false;         ///< given from outside and without gradient: what follows from it alone can be kept
  std::shared_ptr<Value> whole;  ///< of the first rows of a constant: the constant
};

struct Var::Node {
  std::uint64_t id = 0;  ///< increasing by order of making, in a thread
  const char* name = "";
  std::int64_t rows = 0, cols = 0;
  DType dtype = DType::f32;
  Tensor grad;
  bool written = false;  ///< whether grad holds something
  bool fixed = false;    ///< a parameter's: grad is a view that stays
  bool queued = false;   ///< in backward()
  bool spent = false;    ///< its backward pass has run
  std::vector<std::shared_ptr<Node>> inputs;
  std::function<void(const Tensor&)> backward;

  GradientSlot slot();
  /// grad, zero where nothing was written.
  Tensor whole_gradient();
};

/// Makes and changes Vars.
class Tape {
 public:
  /// Whether operations of this thread record.
  static bool& recording();
  static Var make(std::shared_ptr<Var::Value> value, std::shared_ptr<Var::Node> node);
  static std::shared_ptr<Var::Node> new_node(const char* name, std::int64_t rows, std::int64_t cols, DType dtype);
  static const std::shared_ptr<Var::Node>& node(const Var& x) { return x.node_; }
  /// Whether a result of these is recorded.
  static bool records(const std::vector<Var>& inputs);
  /// The first rows of a value, without gradient, as a value at `hop`.
  static std::shared_ptr<Var::Value> view(const Var& x, std::int64_t rows, int hop);
};

/// The memory of x where nobody else can see it, for a result of its shape to be written over; else new memory.
Tensor memory_for_result(const Var& x);

/// Where the gradient of x goes when it has the shape of dy and dy is not read after it: over dy, if x has none yet.
GradientSlot slot_over(const Var& x, const Tensor& dy);

/// "3 x 4 f32", "3 x 4 f32 (sparse)".
std::string shape_of(const Var& x);
/// Throws InputError "op: what".
[[noreturn]] void fail(const char* op, const std::string& what);
/// Throws InputError unless x is dense and [rows x cols] (-1: any), of the type.
void check_shape(const char* op, const char* name, const Var& x, std::int64_t rows, std::int64_t cols, DType dtype);
void check_dense(const char* op, const char* name, const Var& x);

}  // namespace galena::nn
