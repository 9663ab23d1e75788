#pragma once
// Values with gradients, and the parameters of a network: what galena/nn.hpp is built of.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "galena/tensor.hpp"

namespace galena::nn {

// --- values

/// Where an operation's backward pass puts a gradient: `tensor` of the value's shape; added to where `accumulate`,
/// else written, whole.
struct GradientSlot {
  Tensor tensor;
  bool accumulate = false;
};

/// A value in a computation, shared by its copies. Dense, or sparse (features); a sparse one has no gradient.
/// Values that are not parameters do not change once made.
class Var {
 public:
  Var() = default;
  explicit Var(Tensor value, bool requires_grad = false);
  explicit Var(SparseMatrix value);

  [[nodiscard]] bool defined() const noexcept { return value_ != nullptr || node_ != nullptr; }
  [[nodiscard]] const Tensor& value() const;         ///< undefined for a sparse one
  [[nodiscard]] const SparseMatrix* sparse() const;  ///< null for a dense one; only its first rows() rows count
  [[nodiscard]] std::int64_t rows() const;
  [[nodiscard]] std::int64_t cols() const;
  [[nodiscard]] DType dtype() const;
  [[nodiscard]] bool requires_grad() const noexcept { return node_ != nullptr; }
  /// How many aggregations lie behind this value: rows of value at hop h are the first ctx.rows(h) vertices.
  [[nodiscard]] int hop() const;
  /// The gradient of a leaf, after backward(); zeros where nothing arrived. Those of results are gone by then.
  [[nodiscard]] Tensor grad() const;
  /// For backward passes. The first caller writes, later ones add.
  [[nodiscard]] GradientSlot grad_slot() const;
  /// Without the value: for a backward pass to hold that asks for no more than grad_slot(), so that memory is freed.
  [[nodiscard]] Var gradient_only() const;

  struct Value;
  struct Node;
  [[nodiscard]] const std::shared_ptr<Value>& value_holder() const noexcept { return value_; }
  [[nodiscard]] Node* node() const noexcept { return node_.get(); }

 private:
  friend class Tape;
  std::shared_ptr<Value> value_;
  std::shared_ptr<Node> node_;
};

/// The value of a custom operation. `backward` receives d loss / d value and writes or adds to the inputs'
/// grad_slot()s (of those that require_grad()). It may hold inputs and whatever was saved. Undefined inputs are left
/// out. `hop` -1: the largest of the inputs'.
Var make_op(const char* name, Tensor value, std::vector<Var> inputs, std::function<void(const Tensor&)> backward,
            int hop = -1);

/// Runs the backward passes from `loss` (1 x 1, its gradient is 1), latest operation first, and lets go of what they
/// kept. The order depends on the program only: ranks that run the same one meet in their exchanges.
void backward(const Var& loss);

/// While one lives, operations of this thread record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

// --- parameters

enum class Initializer { zeros, ones, glorot_uniform, kaiming_uniform };

/// All parameters of a model on one rank, flat in memory once sealed: one all-reduce, one optimizer pass. The same
/// seed gives the same values on every rank.
class ParameterStore {
 public:
  /// `device`: where buffers lie, and parameters from seal() on.
  explicit ParameterStore(std::uint64_t seed, DType dtype = DType::f32, Device device = Device::cpu);
  /// A parameter [rows x cols]. `group` names whose optimizer options it takes ("" = the default ones).
  /// fan-in is rows. Throws InputError for a name taken already, or once sealed.
  Var add(const std::string& name, std::int64_t rows, std::int64_t cols, Initializer how,
          const std::string& group = "");
  /// State that is saved but not trained (running statistics).
  Tensor add_buffer(const std::string& name, std::int64_t rows, std::int64_t cols, double value);
  /// Ends adding; moves values and gradients into flat tensors, groups side by side. Each parameter begins at a multiple
  /// of 64 bytes; what lies between them is zero, and steps of optimizers leave it so.
  void seal();

  struct Entry {
    std::string name, group;
    Var var;
  };
  [[nodiscard]] const std::vector<Entry>& parameters() const noexcept { return entries_; }
  [[nodiscard]] const std::vector<std::pair<std::string, Tensor>>& buffers() const noexcept { return buffers_; }
  /// [flat_size x 1], after seal().
  [[nodiscard]] Tensor flat_values() const noexcept { return values_; }
  /// Zero for parameters that backward() did not reach since zero_gradients().
  [[nodiscard]] Tensor flat_gradients() const;
  /// (group, first, last) ranges of the flat tensors.
  struct Range {
    std::string group;
    std::int64_t begin, end;
  };
  [[nodiscard]] const std::vector<Range>& ranges() const noexcept { return ranges_; }
  /// Elements of all parameters; of the flat tensors, what lies between parameters among them.
  [[nodiscard]] std::int64_t count() const noexcept;
  [[nodiscard]] std::int64_t flat_size() const noexcept;
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  /// Forgets gradients.
  void zero_gradients();

 private:
  void check_name(const std::string& name) const;
  std::uint64_t seed_;
  DType dtype_;
  Device device_;
  bool sealed_ = false;
  std::vector<Entry> entries_;
  std::vector<std::pair<std::string, Tensor>> buffers_;
  std::vector<Range> ranges_;
  Tensor values_, gradients_;
};

}  // namespace galena::nn
