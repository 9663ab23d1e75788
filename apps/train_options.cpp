#include "apps/train_options.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "apps/toml_config.hpp"
#include "galena/error.hpp"
#include "galena/hypergraph.hpp"
#include "src/device/cuda_device.hpp"

namespace galena::cli {
namespace {

// What each model's paper trains with, on Planetoid's data; for hypergraphs as in HyperGef (Yu et al., MLSys 2023).
struct Recipe {
  std::int64_t hidden;
  int layers;
  double dropout, lr, weight_decay;
  bool decay_first_only;  ///< the first layer's weights alone decay
  int epochs;
};

const std::map<std::string, Recipe>& recipes() {
  static const std::map<std::string, Recipe> table{
      {"gcn", {16, 2, 0.5, 0.01, 5e-4, true, 200}},     // Kipf and Welling, ICLR 2017
      {"gat", {8, 2, 0.6, 0.005, 5e-4, false, 300}},    // Velickovic et al., ICLR 2018
      {"gatv2", {8, 2, 0.6, 0.005, 5e-4, false, 300}},  // the same
      {"sage", {64, 2, 0.5, 0.01, 5e-4, false, 200}},
      {"gin", {64, 2, 0.5, 0.01, 5e-4, false, 200}},
      {"gcnii", {64, 64, 0.6, 0.01, 0.01, false, 1000}},  // Chen et al., ICML 2020; ends 5e-4
      {"mlp", {64, 2, 0.5, 0.01, 5e-4, false, 200}},
      {"hgnn", {64, 2, 0.6, 0.01, 5e-4, false, 200}},
      {"hgnnp", {64, 2, 0.6, 0.01, 5e-4, false, 200}},
      {"unigcn", {64, 2, 0.6, 0.01, 5e-4, false, 200}},  // Huang and Yang, IJCAI 2021, heads of 8 as one of 64
      {"unigin", {64, 2, 0.6, 0.01, 5e-4, false, 200}},
      {"unisage", {64, 2, 0.6, 0.01, 5e-4, false, 200}},
      {"unigat", {8, 2, 0.6, 0.01, 5e-4, false, 200}},
      {"unigcnii", {64, 8, 0.6, 0.01, 0.01, false, 300}},  // the same; ends 5e-4
      {"alldeepsets", {64, 1, 0.2, 0.01, 0, false, 200}},  // Chien et al., ICLR 2022, one layer; rates found by trial
      {"allsettransformer", {64, 1, 0.5, 0.01, 0, false, 200}},
      {"hypergcn", {32, 2, 0.5, 0.01, 5e-4, false, 200}},  // Yadati et al., NeurIPS 2019
      {"hnhn", {64, 2, 0.3, 0.04, 5e-4, false, 200}},      // Dong et al., 2020
  };
  return table;
}

void add_model(CLI::App& command, TrainCommand& c) {
  nn::ModelOptions& m = c.train.model;
  const auto group = [](CLI::Option* option) { return option->group("Model"); };
  group(command.add_option("--model", m.name,
                           "gcn, sage, gat, gatv2, gin, gcnii or mlp; of hypergraphs " +
                               fmt::format("{}", fmt::join(nn::hypergraph_model_names(), ", "))))
      ->default_str("gcn; of hypergraphs hgnn");
  group(command.add_option("--layers", m.layers, "Layers"))->type_name("N");
  group(command.add_option("--hidden", m.hidden, "Width of hidden layers; of a head, in GAT"))->type_name("N");
  group(command.add_option("--heads", m.heads, "Attention heads of hidden layers"))->type_name("N");
  group(command.add_option("--output-heads", m.output_heads, "Attention heads of the last layer"))->type_name("N");
  group(command.add_option("--dropout", m.dropout, "Share of activations dropped"))->type_name("P");
  group(command.add_option("--input-dropout", m.input_dropout, "The same of features (default: --dropout)"))
      ->type_name("P");
  group(command.add_option("--attention-dropout", m.attention_dropout, "The same of attention weights"))
      ->type_name("P");
  group(command.add_option("--norm", c.norm, "Normalisation of hidden layers"))
      ->check(CLI::IsMember({"none", "layer", "batch", "l2"}));
  group(command.add_flag("--residual", m.residual, "Hidden layers add their input"));
  group(command.add_option("--block", m.block, "plain, or residual-ffn: pre-norm, feed-forward network, residual"));
  group(command.add_option("--alpha", m.alpha, "GCNII: share of the first layer's output"));
  group(command.add_option("--theta", m.theta, "GCNII: strength of the linear maps"));
  group(command.add_option("--aggregation", m.sage_aggregation, "SAGE: mean, sum or max"));
}

void add_training(CLI::App& command, TrainCommand& c) {
  TrainOptions& t = c.train;
  nn::OptimizerOptions& o = t.optimizer;
  const auto group = [](CLI::Option* option) { return option->group("Training"); };
  group(command.add_option("--epochs", t.epochs, "Epochs"))->type_name("N");
  group(seed_option(command, "--seed", t.seed, "Of all random numbers"));
  group(command.add_option("--optimizer", o.name, "adam, adamw or sgd"));
  group(command.add_option("--lr", o.lr, "Learning rate"));
  group(command.add_option("--weight-decay", c.weight_decay, "Weight decay (default: the model's own)"));
  group(command.add_option("--momentum", o.momentum, "Of sgd"));
  group(command.add_option("--schedule", o.schedule, "Learning rate over epochs: constant, cosine, step, linear"));
  group(command.add_option("--warmup", o.warmup_epochs, "Epochs until the learning rate is whole"));
  group(command.add_option("--select", t.select, "The best epoch: by validation score, or by validation loss"))
      ->check(CLI::IsMember({"score", "loss"}));
  group(command.add_option("--patience", t.patience, "Evaluations without a better epoch; 0: all epochs"));
  group(command.add_option("--eval-every", t.eval_every, "Epochs between evaluations"));
  group(command.add_option("--metric", t.metric,
                           "auto, accuracy, micro_f1, macro_f1 or roc_auc; micro_f1_known or macro_f1_known (told how "
                           "many labels each vertex has)"));
  group(command.add_flag("--inductive", t.inductive, "Train on edges between training vertices only"));
  group(command.add_flag("!--no-prune", t.prune, "Compute rows too that cannot reach the loss"));
  group(command.add_flag("!--no-savings", t.savings,
                         "Leave out what saves work and bytes and changes no result: features summed once, narrow rows "
                         "first, sums while rows travel"));
  group(command.add_option("--dtype", c.dtype, "f32, or f64 for checks"))->check(CLI::IsMember({"f32", "f64"}));
  group(
      command.add_option("--precision", c.precision,
                         "On a GPU: f32; tf32, dense products of numbers rounded to TF32; or bf16, that and sums over "
                         "neighbours of rows rounded to bf16 (GAT's, maxima and those of hypergraphs are not)"))
      ->check(CLI::IsMember({"f32", "tf32", "bf16"}));
}

void add_data(CLI::App& command, TrainCommand& c) {
  const auto group = [](CLI::Option* option) { return option->group("Data"); };
  group(command.add_option("--split", c.data.split, "default, mask:K, random:60/20/20, planetoid or per-class:20/30"));
  group(seed_option(command, "--split-seed", c.data.seed, "Of splits that are drawn"));
  group(command.add_option("--normalize", c.normalize,
                           "Features: rows to sum 1, columns standardised, 1 where not 0, or as they are"))
      ->check(CLI::IsMember({"auto", "rows", "standardize", "binary", "none"}));
  group(command.add_option("--no-features", c.data.no_features,
                           "Where there are none: identity, degree or label-noise:1"));
  group(command.add_flag("!--no-self-loops", c.data.self_loops,
                         "Hypergraphs: no hyperedge of its own for each vertex that has none"));
  group(command.add_flag("--directed", c.directed, "Keep directions: messages go from u to v"));
}

void add_ranks(CLI::App& command, TrainCommand& c) {
  TrainOptions& t = c.train;
  const auto group = [](CLI::Option* option) { return option->group("Many ranks"); };
  group(command.add_option("--parts", t.partition.parts, "Parts of the graph, one a rank"))->type_name("N");
  group(command.add_option("--boundary-rate", t.messages.rate, "Share of boundary rows sent (BNS-GCN)"))
      ->type_name("P");
  group(command.add_flag("--by-importance", t.messages.by_importance, "Send rows that weigh more more often"));
  group(command.add_option("--message-bits", c.message_bits, "32, 16, 8, 4, 2, 1 or adaptive (AdaQP)"));
  group(command.add_option("--byte-budget", t.messages.byte_budget,
                           "Choose rates and bits together for this share of the bytes"))
      ->type_name("SHARE");
  group(command.add_option("--period", t.messages.period, "Epochs between assignments of bits"));
  group(command.add_option("--lambda", t.messages.lambda, "adaptive: weight of variance against time"));
  group(command.add_flag("--stale", t.messages.stale, "Use the boundary rows of the epoch before (PipeGCN)"));
  group(command.add_option("--transport", c.transport,
                           "threads, mpi under mpirun, or nccl: threads whose GPUs send each other rows"));
  group(command.add_option("--link-mbit", c.link_mbit, "Simulate links of so many Mbit/s between threads"));
  group(command.add_option("--link-latency", c.link_latency_ms, "and this latency"))->type_name("MS");
  group(
      command.add_option("--partition-method", c.partition_method, "metis-volume, metis-cut, ldg, random, contiguous"));
  group(command.add_option("--partition", t.partition_file,
                           "A partition file, as galena partition writes it, of as many parts as it has"));
  group(seed_option(command, "--partition-seed", t.partition.seed, "Of the partitioner"));
  group(command.add_option("--deadline", t.deadline, "Seconds that a rank may wait for another"));
}

void add_files(CLI::App& command, TrainCommand& c) {
  const auto group = [](CLI::Option* option) { return option->group("Files"); };
  group(command.add_option("--checkpoint", c.checkpoint, "Written while training"))->type_name("F");
  group(command.add_option("--checkpoint-every", c.train.checkpoint_every, "Epochs"))->type_name("N");
  group(command.add_option("--resume", c.resume, "Continued where it exists, and written while training"))
      ->type_name("F");
  group(command.add_option("--metrics", c.metrics, "A JSON line an epoch, counted from 0"))->type_name("F.jsonl");
  group(command.add_option("--report", c.report, "A page with curves, bytes and options"))->type_name("F.html");
  group(command.add_option("--predictions", c.predictions,
                           "Classes by vertex, as the dataset's file numbers them, of the best epoch "
                           "(multi-label: 0/1 of each class)"))
      ->type_name("F.npy");
  group(command.add_option("--logits", c.logits, "The same, before the choice of a class"))->type_name("F.npy");
  group(command.add_option("--embeddings", c.embeddings, "The rows that enter the last layer"))->type_name("F.npy");
  group(command.add_option("--weights", c.weights, "The parameters, a .npy each"))->type_name("FOLDER");
}

bool given(const CLI::App& command, const std::string& option) { return command.get_option(option)->count() > 0; }

void require(bool holds, const std::string& option, double value, const char* expected) {
  if (!holds) throw InputError(fmt::format("{} {}: expected {}", option, value, expected));
}

/// In the words of the command; the library's errors name its own.
void check_numbers(const CLI::App& command, const TrainCommand& c) {
  const nn::ModelOptions& m = c.train.model;
  const nn::OptimizerOptions& o = c.train.optimizer;
  const auto count = [](const char* option, std::int64_t value) {
    require(value >= 1, option, static_cast<double>(value), "1 or more");
  };
  count("--layers", m.layers);
  count("--hidden", m.hidden);
  count("--heads", m.heads);
  count("--output-heads", m.output_heads);
  count("--eval-every", c.train.eval_every);
  count("--checkpoint-every", c.train.checkpoint_every);
  require(m.dropout >= 0 && m.dropout < 1, "--dropout", m.dropout, "0 or more, and below 1");
  require(o.lr > 0 && std::isfinite(o.lr), "--lr", o.lr, "more than 0, and finite");
  require(!given(command, "--weight-decay") || c.weight_decay >= 0, "--weight-decay", c.weight_decay, "0 or more");
  require(!given(command, "--link-mbit") || c.link_mbit > 0, "--link-mbit", c.link_mbit, "more than 0");
  require(c.link_latency_ms >= 0, "--link-latency", c.link_latency_ms, "0 or more");
  require(c.train.patience >= 0, "--patience", c.train.patience, "0 or more");
  require(c.train.deadline > 0, "--deadline", c.train.deadline, "more than 0");
  const double budget = c.train.messages.byte_budget;
  require(!given(command, "--byte-budget") || (budget > 0 && budget <= 1), "--byte-budget", budget,
          "more than 0, up to 1");
}

}  // namespace

void TrainCommand::add_to(CLI::App& command) {
  command.add_option("dataset", dataset, "A dataset folder or the name of a dataset")->required();
  command.add_option("--config", config, "Options from a TOML file; those given here come first")->type_name("F.toml");
  add_model(command, *this);
  add_training(command, *this);
  add_data(command, *this);
  add_ranks(command, *this);
  add_files(command, *this);
  command.add_flag("--plan", plan,
                   "Print what epochs would cost, by parts, rate and bits (those given, else several), and end");
  command.add_flag("--replay,!--no-replay", train.replay,
                   "On a GPU: record what an epoch does once, and replay it (a CUDA graph); on by default");
  command.add_option("--device", device, "auto (the CPU), cpu or cuda: parts take the machine's GPUs in turn")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
}

void TrainCommand::settle(CLI::App& command, const Common& common) {
  if (!config.empty()) read_toml_options(command, config);
  TrainOptions& t = train;
  if (!given(command, "--model") && names_hypergraph(dataset)) t.model.name = "hgnn";
  if (const auto found = recipes().find(t.model.name); found != recipes().end()) {
    const Recipe& recipe = found->second;
    if (!given(command, "--hidden")) t.model.hidden = recipe.hidden;
    if (!given(command, "--layers")) t.model.layers = recipe.layers;
    if (!given(command, "--dropout")) t.model.dropout = recipe.dropout;
    if (!given(command, "--lr")) t.optimizer.lr = recipe.lr;
    if (!given(command, "--epochs")) t.epochs = recipe.epochs;
    if (weight_decay < 0) {
      t.optimizer.weight_decay = recipe.decay_first_only ? 0 : recipe.weight_decay;
      if (recipe.decay_first_only) t.optimizer.group_weight_decay = {{"first", recipe.weight_decay}};
      if (t.model.name == "gcnii" || t.model.name == "unigcnii") t.optimizer.group_weight_decay = {{"first", 5e-4}};
    }
    const bool attention = t.model.name == "gat" || t.model.name == "gatv2";
    if (attention && !given(command, "--attention-dropout")) t.model.attention_dropout = recipe.dropout;
  }
  if (weight_decay >= 0) t.optimizer.weight_decay = weight_decay;
  data.normalize = normalize == "auto"          ? Normalize::automatic
                   : normalize == "rows"        ? Normalize::row_l1
                   : normalize == "standardize" ? Normalize::standardize
                   : normalize == "binary"      ? Normalize::binary
                                                : Normalize::none;
  t.model.norm = norm == "layer"   ? nn::NormKind::layer
                 : norm == "batch" ? nn::NormKind::batch
                 : norm == "l2"    ? nn::NormKind::l2
                                   : nn::NormKind::none;
  t.dtype = dtype == "f64" ? DType::f64 : DType::f32;
  t.precision = precision == "bf16" ? Precision::bf16 : precision == "tf32" ? Precision::tf32 : Precision::f32;
  static const std::map<std::string, int> widths{{"32", 32}, {"16", 16}, {"8", 8},       {"4", 4},
                                                 {"2", 2},   {"1", 1},   {"adaptive", 0}};
  const auto width = widths.find(message_bits);
  if (width == widths.end())
    throw InputError(fmt::format("--message-bits {}: expected 32, 16, 8, 4, 2, 1 or adaptive", message_bits));
  t.messages.bits = width->second;
  static const std::map<std::string, Transport> transports{
      {"threads", Transport::threads}, {"mpi", Transport::mpi}, {"nccl", Transport::nccl}};
  const auto over = transports.find(transport);
  if (over == transports.end())
    throw InputError(fmt::format("--transport {}: expected threads, mpi or nccl", transport));
  t.transport = over->second;
  if (device == "cuda" && device::cuda_device_names().empty())
    throw EnvironmentError("--device cuda: " + device::why_no_cuda() + "; leave the option out to use the CPU");
  t.device = device == "cuda" ? Device::cuda : Device::cpu;
  t.partition.method = find_partition_method(partition_method);
  t.partition.threads = t.threads = common.threads;
  t.link = {link_latency_ms * 1e-3, link_mbit * 1e6 / 8};
  check_numbers(command, *this);
  t.resume = resume;
  t.checkpoint = checkpoint.empty() ? resume : checkpoint;
  planned_parts = given(command, "--parts") ? std::vector{t.partition.parts} : std::vector{1, 2, 4, 8};
  planned_rates = given(command, "--boundary-rate") ? std::vector{t.messages.rate} : std::vector{1.0, 0.1};
  planned_bits = given(command, "--message-bits") ? std::vector{t.messages.bits} : std::vector{32, 8, 4, 2};
}

}  // namespace galena::cli
