#pragma once
// Graph networks: operations, layers, models.
//
// A network is a Module whose forward() composes operations on Vars. On one rank of many, a Var holds the rows of that
// rank's own vertices; aggregate() and attend() fetch what they need of other ranks' rows, sampled and coded as the
// run asks, and their backward passes send gradients back along the same way. So a network written for one rank runs
// on many.
//
//   class TwoHops : public galena::nn::Module {
//    public:
//     TwoHops(nn::ParameterStore& store, std::int64_t in, std::int64_t out)
//         : first_(store, "first", in, 64), second_(store, "second", 64, out) {}
//     nn::Var forward(nn::Context& ctx, const nn::Var& x) override {
//       nn::Var h = nn::relu(nn::aggregate(ctx, first_(x), nn::Aggregation::mean(true)));
//       return nn::aggregate(ctx, second_(nn::dropout(ctx, h, 0.5)), nn::Aggregation::mean(true));
//     }
//     int hops() const override { return 2; }
//    private:
//     nn::Linear first_, second_;
//   };

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "galena/autograd.hpp"
#include "galena/tensor.hpp"

namespace galena::nn {

// --- where a network runs

struct GraphView;    ///< internal: one rank's share of the graph
class HaloExchange;  ///< internal: rows from other ranks

/// What one forward pass needs to know. One a rank and pass; calls are counted, and draws and exchanges are named by
/// the count, so every rank must make the same calls in the same order.
class Context {
 public:
  struct Settings {
    bool training = false;
    /// Rows at each hop (a prefix of this rank's vertices); empty: all at every hop.
    std::vector<std::int64_t> hop_rows;
    std::uint64_t seed = 0;
    std::uint32_t epoch = 0;
    /// Sums over ranks, in rank order; null on one rank.
    std::function<void(std::span<double>)> sum_over_ranks;
    /// The same of f64 in a device's memory; null on one rank or on the CPU.
    std::function<void(const Tensor&)> sum_on_device;
    /// What changes no result: features aggregated once and kept, products first where rows get narrower, sums while
    /// rows travel. Off only to measure what they save.
    bool savings = true;
    /// On a device, in graphs and f32: aggregate() sums rows rounded to bf16 (a vertex's own among them), and its backward
    /// pass gradients rounded alike, in f32. Not in maxima, nor where the sums of features are kept; other ranks' rows are
    /// taken as they came.
    bool bf16_sums = false;
    /// Where asked for: receives what the model passes to keep_embeddings(). Outlives the context.
    Var* embeddings = nullptr;
  };
  Context(const GraphView& graph, HaloExchange* exchange, Settings settings);  ///< both outlive it

  [[nodiscard]] bool training() const noexcept { return settings_.training; }
  [[nodiscard]] bool savings() const noexcept { return settings_.savings; }
  [[nodiscard]] bool bf16_sums() const noexcept { return settings_.bf16_sums; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return settings_.seed; }
  [[nodiscard]] std::uint32_t epoch() const noexcept { return settings_.epoch; }
  /// What the step from hop `hop` to the next runs over.
  [[nodiscard]] const GraphView& graph(int hop = 0) const noexcept;
  /// Whether rows at odd hops are hyperedges.
  [[nodiscard]] bool is_hypergraph() const noexcept;
  [[nodiscard]] HaloExchange* exchange() const noexcept { return exchange_; }
  /// Rows of a value at this hop: of this rank's vertices, those that the loss can still depend on.
  [[nodiscard]] std::int64_t rows(int hop) const;
  void sum_over_ranks(std::span<double> values) const;
  /// For models to call on the rows that enter their last layer: kept where the run asks for them.
  void keep_embeddings(const Var& rows) const;
  /// The functions themselves, for backward passes to keep; empty on one rank.
  [[nodiscard]] const std::function<void(std::span<double>)>& summer() const noexcept {
    return settings_.sum_over_ranks;
  }
  [[nodiscard]] const std::function<void(const Tensor&)>& device_summer() const noexcept {
    return settings_.sum_on_device;
  }
  std::uint32_t next_stream() noexcept { return stream_++; }       ///< names a call that draws
  std::uint32_t next_exchange() noexcept { return exchanges_++; }  ///< names a call that exchanges

 private:
  const GraphView& graph_;
  HaloExchange* exchange_;
  Settings settings_;
  std::uint32_t stream_ = 0, exchanges_ = 0;
};

// --- operations
// x is [n x d] of this rank's vertices. Shapes that do not fit: InputError naming the operation and both shapes.
// Operations that take a Var by value write over it where nobody else holds it: pass results on with std::move.

enum class Activation { identity, relu, leaky_relu, elu, sigmoid, tanh, gelu };

/// The rows that this pass needs of x: the first ctx.rows(x.hop()). No copy. For features, of which there are more.
Var needed_rows(const Context& ctx, const Var& x);
Var linear(const Var& x, const Var& weight,
           const Var& bias = {});     ///< x W + b; x may be sparse; W [d x out], b [1 x out]
Var add_row(Var x, const Var& bias);  ///< x + b in every row
Var activate(Activation f, Var x, double slope = 0.2);
inline Var relu(Var x) { return activate(Activation::relu, std::move(x)); }
/// alpha a + beta b; the longer one is cut to the rows of the other where their hops differ.
Var add(Var a, const Var& b, double alpha = 1, double beta = 1);
Var multiply(const Var& a, const Var& b);
Var scale(Var x, double factor);
/// Row i times factor[i]: [>= rows x 1], which may be learnt.
Var scale_rows(const Var& x, const Var& factor);
Var scale_by(const Var& x, const Var& factor);  ///< factor [1 x 1], learnt
Var concat(const Var& a, const Var& b);         ///< columns of a, then of b
Var head(const Var& x, std::int64_t rows);      ///< the first rows
Var mean_of_heads(const Var& x, int heads);     ///< [n x heads*w] -> [n x w]
/// Kept with probability 1 - p while training, named by global vertex id: the same under any partitioning.
Var dropout(Context& ctx, Var x, double p);
/// dropout(relu(x)), with one tensor kept for the backward pass in the place of two and no number drawn again.
Var relu_dropout(Context& ctx, Var x, double p);
/// Each row divided by its Euclidean norm; zero rows stay.
Var l2_norm(Var x);
Var layer_norm(const Var& x, const Var& gamma, const Var& beta, double eps = 1e-5);
/// Over the rows of all ranks. Running statistics [1 x d] are updated in training and used else.
Var batch_norm(Context& ctx, const Var& x, const Var& gamma, const Var& beta, const Tensor& running_mean,
               const Tensor& running_var, double momentum = 0.1, double eps = 1e-5);

/// How neighbours are summed.
struct Aggregation {
  enum class Kind {
    sum,        ///< sum_j x_j
    mean,       ///< over the full in-degree, whatever was sampled; 0 where there are none
    symmetric,  ///< sum_j x_j / sqrt(d_i d_j), GCN's
    max,
  };
  Kind kind = Kind::sum;
  bool self_loops = false;  ///< i is a neighbour of itself, and counts in degrees
  static Aggregation sum(bool self = false) { return {Kind::sum, self}; }
  static Aggregation mean(bool self = false) { return {Kind::mean, self}; }
  static Aggregation symmetric(bool self = true) { return {Kind::symmetric, self}; }
  static Aggregation max(bool self = false) { return {Kind::max, self}; }
};

/// Neighbours' rows, summed: hop h -> h + 1. Sampled rows are weighted by 1 / probability: the sum is unbiased.
/// On the unchanged features the result is the same in every pass, and is kept.
/// In a hypergraph a vertex's row is summed by its hyperedges (hop 0 -> 1), and theirs by vertices (1 -> 2), and so on.
Var aggregate(Context& ctx, const Var& x, Aggregation how);
/// The rows of x that belong to the next hop (what aggregate() returns rows for); in a hypergraph to the one after that,
/// where rows are vertices (or hyperedges) again.
Var self_rows(Context& ctx, const Var& x);

/// Attention over neighbours, heads side by side: source rows [n x heads*w] are exchanged.
/// GAT: attention vectors a_source, a_target, of heads*w numbers; scores LeakyReLU(a_target.t_i + a_source.s_j).
/// v2: a_source only; scores a.LeakyReLU(t_i + s_j). Sampled columns enter with -log(probability).
/// Without a target (GAT only): scores LeakyReLU(a_source.s_j), the same whoever attends.
struct Attention {
  int heads = 1;
  bool v2 = false;
  double slope = 0.2;
  double dropout = 0;
  bool self_loops = true;
};
Var attend(Context& ctx, const Var& source, const Var& target, const Var& a_source, const Var& a_target, Attention how);

/// Through hyperedges: y = left R_v(edge weight h), h = act(R_e(right x) transform + bias), where R_e makes a hyperedge's
/// row of its vertices' rows and R_v a vertex's of its hyperedges'. With sums and nothing else set: y = left H edge weight
/// H^T right x, H [vertices x hyperedges] the incidence. Factors are [all own rows x 1] of x's type; undefined: 1.
struct HyperedgeStep {
  enum class Reduce {
    sum,
    mean,
    max,      ///< by feature; 0 where there are none
    softmax,  ///< towards vertices only, by head: sum_e softmax_e(LeakyReLU(<attention, h_e>)) h_e
  };
  Tensor left;   ///< a vertex, of the result
  Tensor edge;   ///< a hyperedge
  Tensor right;  ///< a vertex, of x
  Var weight{};  ///< a hyperedge; may be learnt
  Reduce to_edges = Reduce::sum, to_vertices = Reduce::sum;
  Var transform{};  ///< [width of x x width of y], or none
  Var bias{};       ///< [1 x width of y], or none
  bool relu = false;
  Var attention{};  ///< softmax only, as many numbers as y has columns, head by head
  int heads = 1;
  double slope = 0.2;  ///< of LeakyReLU
};
/// Vertices' rows, reduced by their hyperedges and these by their vertices: hop h -> h + 2, in a hypergraph. On one rank
/// one kernel, which never holds all hyperedges' rows; sums alone in two passes where that is quicker. On many ranks, or
/// without the context's savings, step by step.
Var through_hyperedges(Context& ctx, const Var& x, const HyperedgeStep& step);

// --- messages of one's own

/// y_i = sum_{j -> i} w_ij message(x_i, x_j), with the message's adjoint. Called from several threads.
template <class T>
struct MessageFunctionOf {
  std::int64_t width = 0;  ///< of a message
  /// out [width] = message; `target` and `source` are rows of x.
  std::function<void(std::span<const T> target, std::span<const T> source, std::span<T> out)> message;
  /// Adds to the gradients of both rows, given the message's.
  std::function<void(std::span<const T> target, std::span<const T> source, std::span<const T> gradient,
                     std::span<T> d_target, std::span<T> d_source)>
      adjoint;
};
using MessageFunction = MessageFunctionOf<float>;
/// T is x's type, float or double. `how`: sum, mean or symmetric. Going back, each message's adjoint is called twice,
/// for either end, so that no two threads add to one row.
template <class T>
Var propagate(Context& ctx, const Var& x, const MessageFunctionOf<T>& function, Aggregation how);

// --- losses: sums over chosen rows times `factor` (1 / examples of all ranks)

Var cross_entropy(const Var& logits, std::span<const std::int32_t> labels, std::span<const VertexId> rows,
                  double factor);
Var binary_cross_entropy(const Var& logits, std::span<const std::uint8_t> targets, std::span<const VertexId> rows,
                         double factor);

// --- modules

class Module {
 public:
  virtual ~Module() = default;
  /// Logits [ctx.rows(hops) x classes] from features at hop 0.
  virtual Var forward(Context& ctx, const Var& x) = 0;
  /// Aggregations on the longest path, so that rows the training loss cannot reach are left out; -1: all rows are
  /// computed (needed where statistics over all rows enter, as in batch normalisation).
  [[nodiscard]] virtual int hops() const { return -1; }
};

// Layers take x by value and let go of it as soon as they can: pass it on with std::move where it is not used again.

class Linear {
 public:
  Linear() = default;
  Linear(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out, bool bias = true,
         const std::string& group = "", Initializer how = Initializer::glorot_uniform);
  [[nodiscard]] Var operator()(const Var& x) const { return linear(x, weight, bias); }
  [[nodiscard]] std::int64_t in() const { return weight.rows(); }
  [[nodiscard]] std::int64_t out() const { return weight.cols(); }
  Var weight, bias;
};

enum class NormKind { none, layer, batch, l2 };

/// Layer or batch normalisation, rows of length 1, or nothing.
class Norm {
 public:
  Norm() = default;
  Norm(ParameterStore& store, const std::string& name, NormKind kind, std::int64_t width);
  Var operator()(Context& ctx, Var x) const;

 private:
  NormKind kind_ = NormKind::none;
  Var gamma_, beta_;
  Tensor mean_, var_;
};

/// Kipf and Welling (ICLR 2017): D^-1/2 (A + I) D^-1/2 X W + b. Multiplies first where that makes rows narrower.
class GcnConv {
 public:
  GcnConv() = default;
  GcnConv(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out,
          const std::string& group = "");
  Var operator()(Context& ctx, Var x) const;

 private:
  Var weight_, bias_;
};

/// Hamilton et al. (NeurIPS 2017): X W_1 + mean(X) W_2 + b. `max` is that of the rows of X W_2.
class SageConv {
 public:
  SageConv() = default;
  SageConv(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out,
           Aggregation how = Aggregation::mean());
  Var operator()(Context& ctx, Var x) const;

 private:
  Var self_, neighbour_, bias_;
  Aggregation how_;
};

/// Velickovic et al. (ICLR 2018); v2: Brody et al. (ICLR 2022). Heads are concatenated, or averaged.
class GatConv {
 public:
  GatConv() = default;
  GatConv(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t width, Attention how,
          bool concat, const std::string& group = "");
  Var operator()(Context& ctx, Var x) const;

 private:
  Var source_, target_, a_source_, a_target_, bias_;
  Attention how_;
  bool concat_ = true;
};

/// Xu et al. (ICLR 2019): MLP((1 + eps) X + sum(X)), the MLP of two linear maps with a norm and ReLU between.
class GinConv {
 public:
  GinConv() = default;
  GinConv(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out,
          NormKind norm = NormKind::batch);
  Var operator()(Context& ctx, Var x) const;

 private:
  Linear first_, second_;
  Norm norm_;
  Var eps_;
};

/// One layer of GCNII, Chen et al. (ICML 2020): s = (1-alpha) A x + alpha x0;  (1-beta) s + beta s W.
class Gcn2Conv {
 public:
  Gcn2Conv() = default;
  Gcn2Conv(ParameterStore& store, const std::string& name, std::int64_t width, double alpha, double beta,
           const std::string& group = "");
  Var operator()(Context& ctx, Var x, const Var& x0) const;
  /// The same where A x is there already: of another A.
  [[nodiscard]] Var mix(Var smooth, const Var& x0) const;

 private:
  Var weight_;
  double alpha_ = 0.1, beta_ = 0.5;
};

// --- models by name

struct ModelOptions {
  std::string name = "gcn";  ///< of model_names()
  int layers = 2;
  std::int64_t hidden = 64;  ///< of a head, in GAT and UniGAT
  int heads = 8;             ///< GAT, UniGAT: of hidden layers; AllSetTransformer: they share `hidden`
  int output_heads = 1;
  double dropout = 0.5;
  double input_dropout = -1;        ///< of the features; -1 = `dropout`
  double attention_dropout = 0;     ///< GAT, UniGAT, AllSetTransformer
  NormKind norm = NormKind::none;   ///< AllSet: within its maps, and none means layer norm, as published
  bool residual = false;            ///< hidden layers add their input (through a linear map where widths differ)
  std::string block = "plain";      ///< residual-ffn: pre-norm, feed-forward network, residual (not GCNII)
  double alpha = 0.1, theta = 0.5;  ///< GCNII, UniGCNII
  double hnhn_alpha = -1.5, hnhn_beta = -0.5;  ///< HNHN: exponents of hyperedges' sizes and of vertices' degrees
  std::string sage_aggregation = "mean";       ///< mean sum max
};

/// Names that make_model() knows: models of graphs, then of hypergraphs.
const std::vector<std::string>& model_names();
const std::vector<std::string>& hypergraph_model_names();
/// Throws InputError with a suggestion for a name that does not exist, and for options out of range.
/// Parameter groups: "first" (the first layer of gcn and gat, GCNII's and UniGCNII's ends) and "" (all else).
std::unique_ptr<Module> make_model(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                   ParameterStore& store);

// --- optimizers

struct OptimizerOptions {
  std::string name = "adam";  ///< sgd adam adamw
  double lr = 0.01;
  double weight_decay = 0;
  double momentum = 0;
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  /// Weight decay by parameter group, where it differs.
  std::vector<std::pair<std::string, double>> group_weight_decay;
  std::string schedule = "constant";  ///< constant, cosine, step (x 0.1 at each third), linear
  int warmup_epochs = 0;
};

class Optimizer {
 public:
  /// Throws InputError for unknown names, with a suggestion. `epochs` is what schedules end at.
  Optimizer(const OptimizerOptions& options, ParameterStore& store, int epochs);
  ~Optimizer();
  Optimizer(Optimizer&&) noexcept;
  void step(int epoch);
  [[nodiscard]] double lr(int epoch) const;
  /// What a checkpoint holds, by name; load_state() wants the same names and shapes (InputError).
  [[nodiscard]] std::vector<std::pair<std::string, Tensor>> state() const;
  void load_state(const std::vector<std::pair<std::string, Tensor>>& state);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace galena::nn
