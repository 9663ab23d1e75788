#include <algorithm>
#include <queue>

#include "galena/error.hpp"
#include "src/nn/node.hpp"
#include "src/ops/check.hpp"

namespace galena::nn {

void fail(const char* op, const std::string& what) { ops::fail(op, what); }

// --- the tape

bool& Tape::recording() {
  thread_local bool recording = true;
  return recording;
}

NoGrad::NoGrad() : before_(Tape::recording()) { Tape::recording() = false; }
NoGrad::~NoGrad() { Tape::recording() = before_; }

Var Tape::make(std::shared_ptr<Var::Value> value, std::shared_ptr<Var::Node> node) {
  Var result;
  result.value_ = std::move(value);
  result.node_ = std::move(node);
  return result;
}

std::shared_ptr<Var::Node> Tape::new_node(const char* name, std::int64_t rows, std::int64_t cols, DType dtype) {
  thread_local std::uint64_t next = 0;
  auto node = std::make_shared<Var::Node>();
  node->id = next++;
  node->name = name;
  node->rows = rows;
  node->cols = cols;
  node->dtype = dtype;
  return node;
}

bool Tape::records(const std::vector<Var>& inputs) {
  return recording() && std::any_of(inputs.begin(), inputs.end(), [](const Var& x) { return x.requires_grad(); });
}

std::shared_ptr<Var::Value> Tape::view(const Var& x, std::int64_t rows, int hop) {
  const auto& from = x.value_holder();
  auto value = std::make_shared<Var::Value>();
  value->hop = hop;
  if (hop == from->hop) value->whole = from->constant ? from : from->whole;
  if (from->sparse) {
    value->sparse = from->sparse;
    value->rows = rows;
  } else {
    value->tensor = from->tensor.head(rows);
  }
  return value;
}

Var make_op(const char* name, Tensor value, std::vector<Var> inputs, std::function<void(const Tensor&)> backward,
            int hop) {
  auto holder = std::make_shared<Var::Value>();
  for (const Var& x : inputs)
    if (hop < 0 && x.defined()) holder->hop = std::max(holder->hop, x.hop());
  if (hop >= 0) holder->hop = hop;
  holder->tensor = std::move(value);
  if (!Tape::records(inputs)) return Tape::make(std::move(holder), nullptr);
  const Tensor& y = holder->tensor;
  auto node = Tape::new_node(name, y.rows(), y.cols(), y.dtype());
  for (const Var& x : inputs)
    if (x.requires_grad()) node->inputs.push_back(Tape::node(x));
  node->backward = std::move(backward);
  return Tape::make(std::move(holder), std::move(node));
}

namespace {

struct Earlier {
  bool operator()(const std::shared_ptr<Var::Node>& a, const std::shared_ptr<Var::Node>& b) const {
    return a->id < b->id;
  }
};

/// Runs a node's backward pass and frees what it kept.
void run(Var::Node& node) {
  if (node.spent) {
    throw InputError(std::string("backward: the result of '") + node.name +
                     "' has been walked through already, and what it kept is gone; run forward again");
  }
  const auto backward = std::exchange(node.backward, nullptr);
  if (!backward) return;
  node.spent = true;
  backward(node.whole_gradient());
  node.grad = {};
}

}  // namespace

void backward(const Var& loss) {
  if (!loss.requires_grad()) fail("backward", "the loss depends on no parameter");
  if (loss.rows() != 1 || loss.cols() != 1) fail("backward", "the loss is " + shape_of(loss) + "; expected 1 x 1");
  const NoGrad guard;
  std::priority_queue<std::shared_ptr<Var::Node>, std::vector<std::shared_ptr<Var::Node>>, Earlier> queue;
  const GradientSlot slot = Tape::node(loss)->slot();
  slot.tensor.fill(1);
  queue.push(Tape::node(loss));
  while (!queue.empty()) {
    const std::shared_ptr<Var::Node> node = queue.top();
    queue.pop();
    node->queued = false;
    run(*node);
    for (auto& input : std::exchange(node->inputs, {})) {
      if (std::exchange(input->queued, true)) continue;
      queue.push(std::move(input));
    }
  }
}

// --- gradients

GradientSlot Var::Node::slot() {
  if (!grad.defined()) grad = Tensor::empty(rows, cols, dtype);
  return {grad, std::exchange(written, true)};
}

Tensor Var::Node::whole_gradient() {
  if (!grad.defined()) grad = Tensor::empty(rows, cols, dtype);
  if (!written) grad.fill(0);
  return grad;
}

GradientSlot slot_over(const Var& x, const Tensor& dy) {
  Var::Node& node = *x.node();
  if (!node.written && !node.fixed && node.rows == dy.rows() && node.cols == dy.cols()) node.grad = dy;
  return node.slot();
}

Tensor memory_for_result(const Var& x) {
  const Tensor& tensor = x.value();
  if (x.value_holder().use_count() == 1 && tensor.unique()) return tensor;
  return Tensor::empty(tensor.rows(), tensor.cols(), tensor.dtype());
}

// --- values

Var::Var(Tensor value, bool requires_grad) : value_(std::make_shared<Value>()) {
  if (!value.defined()) fail("Var", "the tensor is undefined");
  if (requires_grad) node_ = Tape::new_node("leaf", value.rows(), value.cols(), value.dtype());
  value_->tensor = std::move(value);
  value_->constant = !requires_grad;
}

Var::Var(SparseMatrix value) : value_(std::make_shared<Value>()) {
  value_->rows = value.rows();
  value_->sparse = std::move(value);
  value_->constant = true;
}

namespace {

const Var::Value& holder_of(const std::shared_ptr<Var::Value>& value) {
  if (!value) throw InputError("Var: the value is not there (a Var without one, or gradient_only())");
  return *value;
}

}  // namespace

const Tensor& Var::value() const { return holder_of(value_).tensor; }

const SparseMatrix* Var::sparse() const {
  const auto& sparse = holder_of(value_).sparse;
  return sparse ? &*sparse : nullptr;
}

std::int64_t Var::rows() const {
  if (!value_ && node_) return node_->rows;
  return sparse() != nullptr ? value_->rows : value().rows();
}

std::int64_t Var::cols() const {
  if (!value_ && node_) return node_->cols;
  return sparse() != nullptr ? sparse()->cols() : value().cols();
}

DType Var::dtype() const {
  if (!value_ && node_) return node_->dtype;
  return sparse() != nullptr ? sparse()->values().dtype() : value().dtype();
}

int Var::hop() const { return holder_of(value_).hop; }

Tensor Var::grad() const {
  if (!node_) return Tensor::zeros(rows(), cols(), dtype());
  return node_->whole_gradient();
}

GradientSlot Var::grad_slot() const {
  if (!node_) throw InputError("Var::grad_slot: the value has no gradient; ask requires_grad() first");
  return node_->slot();
}

Var Var::gradient_only() const {
  Var result;
  result.node_ = node_;
  return result;
}

std::string shape_of(const Var& x) {
  if (!x.defined()) return "undefined";
  return std::to_string(x.rows()) + " x " + std::to_string(x.cols()) + " " + name_of(x.dtype()) +
         (x.sparse() != nullptr ? " (sparse)" : "");
}

void check_dense(const char* op, const char* name, const Var& x) {
  if (!x.defined()) fail(op, std::string(name) + " is undefined");
  if (x.sparse() != nullptr) {
    fail(op, std::string(name) + " is sparse; multiply it first (linear()), or make it dense (SparseMatrix::dense())");
  }
}

void check_shape(const char* op, const char* name, const Var& x, std::int64_t rows, std::int64_t cols, DType dtype) {
  check_dense(op, name, x);
  if ((rows < 0 || x.rows() == rows) && (cols < 0 || x.cols() == cols) && x.dtype() == dtype) return;
  const auto text = [](std::int64_t size) { return size < 0 ? std::string("any") : std::to_string(size); };
  fail(op, std::string(name) + " is " + shape_of(x) + "; expected " + text(rows) + " x " + text(cols) + " " +
               name_of(dtype));
}

}  // namespace galena::nn
