// AllSet (E. Chien et al., ICLR 2022): functions of sets, from vertices to hyperedges and from hyperedges to vertices, in
// turn, then a linear map.
//   AllDeepSets         relu(decode(sum of relu(encode(x)))): maps of two layers
//   AllSetTransformer   y = norm(seed + softmax-weighted sum of values), norm(y + relu(map of two layers(y)))
// Rows are normalised within the maps, by layer norm unless another one is asked for.

#include "src/nn/hyper_step.hpp"
#include "src/nn/models.hpp"
#include "src/nn/normalised_linear.hpp"
#include "src/nn/reshape.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::nn {
namespace {

NormKind norm_of(const ModelOptions& options) {
  return options.norm == NormKind::none ? NormKind::layer : options.norm;
}

/// W_2 dropout(norm(relu(W_1 norm(x)))); the first norm of features is layer norm, whatever the others are.
class TwoLayers {
 public:
  TwoLayers(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
            bool of_features)
      : dropout_(options.dropout) {
    if (of_features) {
      gamma_ = store.add(name + ".before.gamma", 1, in, Initializer::ones);
      beta_ = store.add(name + ".before.beta", 1, in, Initializer::zeros);
    } else {
      before_ = Norm(store, name + ".before", norm_of(options), in);
    }
    first_ = Linear(store, name + ".first", in, options.hidden);
    between_ = Norm(store, name + ".between", norm_of(options), options.hidden);
    second_ = Linear(store, name + ".second", options.hidden, options.hidden);
  }

  Var operator()(Context& ctx, Var x) const {
    x = gamma_.defined() ? normalised_linear(x, gamma_, beta_, first_.weight, first_.bias)
                         : first_(before_(ctx, std::move(x)));
    x = between_(ctx, relu(std::move(x)));
    return second_(dropout(ctx, std::move(x), dropout_));
  }

 private:
  double dropout_;
  Var gamma_, beta_;  ///< of features
  Norm before_;
  Linear first_;
  Norm between_;
  Linear second_;
};

class DeepSet {
 public:
  DeepSet(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
          bool of_features)
      : dropout_(options.dropout),
        encode_(options, store, name + ".encode", in, of_features),
        decode_(options, store, name + ".decode", options.hidden, false) {}

  Var operator()(Context& ctx, Var x) const {
    x = relu_dropout(ctx, encode_(ctx, std::move(x)), dropout_);
    return relu(decode_(ctx, aggregate(ctx, x, Aggregation::sum())));
  }

 private:
  double dropout_;
  TwoLayers encode_, decode_;
};

/// Pooling by attention to a learnt seed. A row's score for a head is <seed, key> over the head's columns, so that keys
/// need not be computed: it is x times the product of the keys' map with the seed. A score travels with the head's values,
/// as a column that the attention vector picks.
class Pool {
 public:
  Pool(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in, bool /*features*/)
      : heads_(options.heads),
        width_(options.hidden / options.heads),
        attention_dropout_(options.attention_dropout),
        key_(store.add(name + ".key", in, options.hidden, Initializer::glorot_uniform)),
        seed_(store.add(name + ".seed", 1, options.hidden, Initializer::glorot_uniform)),
        value_(store, name + ".value", in, options.hidden),
        first_(store, name + ".first", options.hidden, options.hidden),
        second_(store, name + ".second", options.hidden, options.hidden),
        before_(store, name + ".before", norm_of(options), options.hidden),
        after_(store, name + ".after", norm_of(options), options.hidden) {}

  Var operator()(Context& ctx, Var x) const {
    const Var values = value_(x), scores = linear(x, linear(key_, seed_by_head()));
    x = {};
    const std::int64_t all = values.rows() * heads_;
    const Var rows = concat(reshape(values, all, width_), reshape(scores, all, 1));
    const SoftmaxSum how{.heads = heads_, .slope = 1, .dropout = attention_dropout_};
    const Var sums = softmax_sum(ctx, reshape(rows, values.rows(), heads_ * (width_ + 1)), last_column(), how);
    const Var y = before_(ctx, add_row(without_scores(sums), seed_));
    return after_(ctx, add(relu(second_(relu(first_(y)))), y));
  }

 private:
  /// [heads*w x heads], head h's part of the seed in column h.
  [[nodiscard]] Var seed_by_head() const {
    const Var of_head(ops::block_mask(seed_.cols(), heads_, width_, seed_.dtype()));
    return scale_rows(of_head, reshape(seed_, seed_.cols(), 1));
  }

  /// 1 for each head's score, 0 for its values.
  [[nodiscard]] Var last_column() const {
    return concat(Var(Tensor::zeros(heads_, width_, seed_.dtype())), Var(Tensor::full(heads_, 1, 1, seed_.dtype())));
  }

  /// [n x heads*(w + 1)] -> [n x heads*w].
  [[nodiscard]] Var without_scores(const Var& x) const {
    const Var kept(ops::block_mask(width_ + 1, width_, 1, seed_.dtype()));
    const Var values = linear(reshape(x, x.rows() * heads_, width_ + 1), kept);
    return reshape(values, x.rows(), heads_ * width_);
  }

  int heads_;
  std::int64_t width_;
  double attention_dropout_;
  Var key_, seed_;
  Linear value_, first_, second_;
  Norm before_, after_;
};

template <class SetFunction>
class AllSet : public Module {
 public:
  AllSet(const ModelOptions& options, std::int64_t in, std::int64_t out, ParameterStore& store) : options_(options) {
    std::int64_t width = in;
    for (int k = 0; k < options.layers; ++k) {
      const std::string name = "layer" + std::to_string(k);
      layers_.push_back({SetFunction(options, store, name + ".edges", width, k == 0),
                         SetFunction(options, store, name + ".vertices", options.hidden, false), Linear()});
      if (options.residual && width != options.hidden)
        layers_.back().skip = Linear(store, name + ".skip", width, options.hidden);
      width = options.hidden;
    }
    last_ = Linear(store, "last", width, out);
  }

  Var forward(Context& ctx, const Var& x) override {
    check_structure(ctx, options_);
    Var h = dropout(ctx, needed_rows(ctx, x), options_.input_dropout);
    for (const Layer& layer : layers_) {
      Var skip;
      if (options_.residual) skip = self_rows(ctx, h);
      if (layer.skip.weight.defined()) skip = layer.skip(skip);
      h = dropout(ctx, layer.to_edges(ctx, std::move(h)), options_.dropout);
      h = layer.to_vertices(ctx, std::move(h));
      if (options_.residual) h = add(std::move(h), skip);
      h = dropout(ctx, std::move(h), options_.dropout);
    }
    ctx.keep_embeddings(h);
    return last_(h);
  }

  [[nodiscard]] int hops() const override { return options_.norm == NormKind::batch ? -1 : 2 * options_.layers; }

 private:
  struct Layer {
    SetFunction to_edges, to_vertices;
    Linear skip;  ///< of the residual where widths differ
  };
  ModelOptions options_;
  std::vector<Layer> layers_;
  Linear last_;
};

}  // namespace

std::unique_ptr<Module> make_allset(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                    ParameterStore& store) {
  if (options.name == "alldeepsets") return std::make_unique<AllSet<DeepSet>>(options, in, out, store);
  if (options.hidden % options.heads != 0)
    fail("make_model", "allsettransformer of " + std::to_string(options.hidden) + " hidden columns and " +
                           std::to_string(options.heads) + " heads; expected heads that divide the columns");
  return std::make_unique<AllSet<Pool>>(options, in, out, store);
}

}  // namespace galena::nn
