#include "apps/train_json.hpp"

#include <cmath>

namespace galena::cli {
namespace {

Json traffic_json(const std::vector<TrafficRow>& rows) {
  Json list = Json::array();
  for (const TrafficRow& row : rows)
    list.push_back({{"kind", row.kind}, {"layer", row.layer}, {"direction", row.direction}, {"bytes", row.bytes}});
  return list;
}

void add_scores(Json& json, const Scores& scores) {
  json["train"] = number_json(scores.train);
  json["valid"] = number_json(scores.valid);
  json["test"] = number_json(scores.test);
  if (std::isfinite(scores.valid_loss)) json["valid_loss"] = scores.valid_loss;
}

void add_model(Json& json, const nn::ModelOptions& m, const std::string& norm) {
  json.update({{"model", m.name}, {"layers", m.layers}, {"hidden", m.hidden}});
  if (m.name.starts_with("gat"))
    json.update({{"heads", m.heads}, {"output-heads", m.output_heads}, {"attention-dropout", m.attention_dropout}});
  json["dropout"] = m.dropout;
  json["input-dropout"] = m.input_dropout < 0 ? m.dropout : m.input_dropout;
  json.update({{"norm", norm}, {"residual", m.residual}, {"block", m.block}});
  if (m.name == "gcnii") json.update({{"alpha", m.alpha}, {"theta", m.theta}});
  if (m.name == "sage") json["aggregation"] = m.sage_aggregation;
}

void add_optimizer(Json& json, const nn::OptimizerOptions& o) {
  json.update({{"optimizer", o.name}, {"lr", o.lr}, {"weight-decay", o.weight_decay}});
  for (const auto& [group, decay] : o.group_weight_decay) json["weight-decay of " + group] = decay;
  if (o.name == "sgd") json["momentum"] = o.momentum;
  json.update({{"schedule", o.schedule}, {"warmup", o.warmup_epochs}});
}

void add_messages(Json& json, const TrainCommand& command) {
  const MessageOptions& m = command.train.messages;
  json.update({{"boundary-rate", m.rate}, {"by-importance", m.by_importance}, {"message-bits", command.message_bits}});
  if (m.byte_budget > 0) json["byte-budget"] = m.byte_budget;
  if (m.byte_budget > 0 || m.bits == 0) json.update({{"period", m.period}, {"lambda", m.lambda}});
  json["stale"] = m.stale;
  if (command.link_mbit > 0) json.update({{"link-mbit", command.link_mbit}, {"link-latency", command.link_latency_ms}});
}

Json bytes_json(const TrainBytes& bytes) {
  return {{"payload", bytes.payload},
          {"parameters", bytes.parameters},
          {"index", bytes.index},
          {"gradients", bytes.gradients},
          {"control", bytes.control}};
}

}  // namespace

Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json record_json(const EpochRecord& record) {
  Json json{{"epoch", record.epoch},
            {"loss", number_json(record.loss)},
            {"lr", record.lr},
            {"seconds", record.seconds},
            {"wait_seconds", record.wait_seconds}};
  if (record.scores) add_scores(json, *record.scores);
  if (!record.traffic.empty()) json["traffic"] = traffic_json(record.traffic);
  return json;
}

Json options_json(const TrainCommand& command) {
  const TrainOptions& t = command.train;
  Json json = Json::object();
  add_model(json, t.model, command.norm);
  json.update({{"epochs", t.epochs}, {"seed", t.seed}});
  add_optimizer(json, t.optimizer);
  json.update({{"select", t.select}, {"patience", t.patience}, {"eval-every", t.eval_every}, {"metric", t.metric}});
  json.update({{"inductive", t.inductive}, {"prune", t.prune}, {"dtype", command.dtype}});
  json["precision"] = command.precision;
  json.update({{"split", command.data.split}, {"split-seed", command.data.seed}, {"normalize", command.normalize}});
  json.update({{"no-features", command.data.no_features},
               {"self-loops", command.data.self_loops},
               {"directed", command.directed}});
  json.update({{"parts", t.partition.parts}, {"partition-method", command.partition_method}});
  json["partition-seed"] = t.partition.seed;
  add_messages(json, command);
  json.update({{"transport", command.transport}, {"threads", t.threads}, {"device", command.device}});
  return json;
}

Json result_json(const TrainCommand& command, const TrainResult& result) {
  Json json{{"dataset", command.dataset},
            {"model", command.train.model.name},
            {"parts", result.parts},
            {"epochs", result.epochs},
            {"best_epoch", result.best_epoch < 0 ? Json(nullptr) : Json(result.best_epoch)}};
  add_scores(json, result.best);
  json["metric"] = result.metric;
  json["seconds"] = {{"load", result.load_seconds},
                     {"partition", result.partition_seconds},
                     {"train", result.train_seconds},
                     {"epoch_median", result.epoch_median}};
  json["bytes_per_epoch"] = bytes_json(result.bytes_per_epoch);
  json.update({{"seed", command.train.seed}, {"device", result.device}, {"transport", result.transport}});
  json["parameters"] = result.parameters;
  json["notes"] = result.notes;
  if (!result.kernels.empty()) json["kernels"] = result.kernels;
  json["options"] = options_json(command);
  return json;
}

}  // namespace galena::cli
