// galena train as a person sees it: results, files, the plan, and what it refuses.

#include <algorithm>

#include "src/device/cuda_device.hpp"
#include "test/apps/train_command.hpp"

using namespace galena;
using namespace galena::test;

namespace {

/// A graph of two classes whose vertices may have both or none, as a dataset folder.
void write_multi_label(const std::filesystem::path& folder) {
  std::ofstream(folder / "edges.txt") << "# Nodes: 6\n0 1\n1 2\n2 3\n3 4\n4 5\n5 0\n";
  const std::vector<std::uint8_t> labels{1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 1};
  base::write_npy<std::uint8_t>(folder / "labels.npy", std::vector<std::uint64_t>{6, 2}, labels);
  std::ofstream(folder / "train.txt") << "0\n1\n2\n";
  std::ofstream(folder / "valid.txt") << "3\n";
  std::ofstream(folder / "test.txt") << "4\n5\n";
}

std::vector<std::filesystem::path> recipes() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "bench/train/configs"))
    files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

TEST_CASE("train --json keeps its contract, in order") {
  const Json json = train_json({"karate", "--epochs", "5", "--seed", "3", "--parts", "2"});
  const std::vector<std::string> contract{"dataset", "model",  "parts",    "epochs",  "best_epoch",
                                          "train",   "valid",  "test",     "seconds", "bytes_per_epoch",
                                          "seed",    "device", "transport"};
  std::vector<std::string> found;
  for (const auto& [key, value] : json.items())
    if (std::ranges::count(contract, key) > 0) found.push_back(key);
  CHECK(found == contract);
  CHECK(json["dataset"] == "karate");
  CHECK(json["parts"] == 2);
  CHECK(json["epochs"] == 5);
  CHECK(json["seed"] == 3);
  CHECK(json["device"] == "cpu");
  CHECK(json["transport"] == "threads");
  for (const char* key : {"load", "partition", "epoch_median"}) CHECK(json["seconds"][key].is_number());
  CHECK(json["bytes_per_epoch"]["payload"] > 0);
  CHECK(json["bytes_per_epoch"]["parameters"] == 0);
  CHECK(json["bytes_per_epoch"]["index"] == 0);
  CHECK(json["options"]["hidden"] == 16);
  CHECK(json["notes"].dump().find("34 vertices") != std::string::npos);
}

TEST_CASE("train for people: notes first, the table after, nothing else") {
  const Outcome run = train({"karate", "--epochs", "5", "--quiet"});
  CHECK(run.code == 0);
  CHECK(run.err.empty());
  const auto note = run.out.find("Each row of features was divided"), score = run.out.find("test accuracy");
  REQUIRE(note != std::string::npos);
  REQUIRE(score != std::string::npos);
  CHECK(note < score);
}

TEST_CASE("options that say nothing to the model are noted") {
  const Outcome gcn = train({"karate", "--epochs", "1", "--heads", "4", "--aggregation", "max"});
  CHECK_THAT(gcn.err, contains("--heads says nothing to gcn; it is for gat") &&
                          contains("--aggregation says nothing to gcn; it is for sage"));
  CHECK_THAT(train({"davis", "--epochs", "1", "--directed"}).err, contains("--directed counts only for graphs"));
  CHECK_THAT(train({"karate", "--epochs", "1", "--momentum", "0.5", "--no-self-loops", "--no-replay", "--stale"}).err,
             contains("--momentum counts only with --optimizer sgd") &&
                 contains("--no-self-loops counts only for hypergraphs") &&
                 contains("--replay counts only with --device cuda") &&
                 contains("--stale counts only with --parts 2 or more"));
  const Outcome parts = train({"karate", "--epochs", "1", "--parts", "2", "--boundary-rate", "0.5", "--by-importance",
                               "--optimizer", "sgd", "--momentum", "0.5"});
  CHECK_THAT(parts.err, !contains("counts only"));
  CHECK_THAT(train({"davis", "--model", "alldeepsets", "--norm", "none", "--epochs", "1"}).err,
             contains("--norm none: alldeepsets is made with layer normalisation"));
  const Outcome gat = train({"karate", "--model", "gat", "--epochs", "1", "--heads", "4"});
  CHECK_THAT(gat.err, !contains("says nothing"));
}

TEST_CASE("weights of hyperedges that the model does not read are noted") {
  const TemporaryFolder folder;
  const std::filesystem::path place = folder.path() / "weighted";
  std::filesystem::copy(source_dir() / "datasets/davis", place);
  base::write_npy<float>(place / "hyperedge_weights.npy", std::vector<std::uint64_t>{14}, std::vector<float>(14, 2));
  const auto said = [&](const std::string& data, const char* model) {
    return train({data, "--model", model, "--epochs", "1"}).err;
  };
  const std::string note = "hyperedge_weights.npy says nothing to";
  CHECK_THAT(said(place, "unigcn"), contains(note + " unigcn; it is for hgnn, hgnnp"));
  CHECK_THAT(said(place, "hypergcn"), contains(note + " hypergcn"));
  for (const char* model : {"hgnn", "hgnnp"}) CHECK_THAT(said(place, model), !contains(note));
  CHECK_THAT(said("davis", "unigcn"), !contains(note));
}

TEST_CASE("a partition file says how many parts there are, where --parts does not") {
  const TemporaryFolder folder;
  for (const std::string data : {"karate", "davis"}) {
    CAPTURE(data);
    const std::string file = folder.path() / (data + ".part");
    if (data == "karate") {
      REQUIRE(run_galena({"partition", data, "--parts", "3", "-o", file}).code == 0);
    } else {
      std::ofstream out(file);
      for (int v = 0; v < 18 + 32; ++v) out << v % 3 << '\n';
    }
    const Json json = train_json({data, "--epochs", "1", "--partition", file});
    CHECK(json["parts"] == 3);
    CHECK(json["options"]["parts"] == 3);
    CHECK(train_json({data, "--epochs", "1", "--partition", file, "--parts", "3"})["parts"] == 3);
    for (const char* parts : {"1", "2"})
      check_refused({data, "--epochs", "1", "--partition", file, "--parts", parts}, "3 parts, but there are");
    CHECK_THAT(train({data, "--epochs", "1", "--partition", file, "--stale"}).err,
               !contains("counts only with --parts"));
  }
}

TEST_CASE("a validation score that is not defined is warned of") {
  const TemporaryFolder folder;
  const std::filesystem::path place = folder.path() / "one-class";
  std::filesystem::copy(source_dir() / "datasets/karate", place);
  std::ofstream(place / "valid.txt") << "1\n2\n";  // both of Mr. Hi's
  const std::string warning = "warning: roc_auc of the validation vertices is not defined";
  const Outcome run = train({place, "--epochs", "3", "--metric", "roc_auc"});
  CHECK(run.code == 0);
  CHECK_THAT(run.err, contains(warning));
  CHECK(run.err.find("warning: ") == run.err.rfind("warning: "));
  CHECK_THAT(train({place, "--epochs", "3"}).err, !contains("warning"));
  CHECK_THAT(train({place, "--epochs", "3", "--metric", "roc_auc", "--select", "loss"}).err, !contains("warning"));
}

TEST_CASE("a precision below f32 is for GPUs; f32 is what --json says of a run without one") {
  for (const char* precision : {"tf32", "bf16"})
    check_refused({"karate", "--epochs", "1", "--precision", precision},
                  std::string("--precision ") + precision + " is for GPUs (--device cuda)");
  check_refused({"karate", "--precision", "f16"}, "--precision");
  CHECK(train_json({"karate", "--epochs", "1"})["options"]["precision"] == "f32");
  CHECK(train_json({"karate", "--epochs", "1", "--precision", "f32"})["options"]["precision"] == "f32");
}

TEST_CASE("features are normalised by rows where they are sparse, unless told otherwise") {
  const auto notes = [](const char* how) {
    return train_json({"karate", "--epochs", "1", "--normalize", how})["notes"].dump();
  };
  CHECK_THAT(notes("auto"), contains("divided by the sum"));
  CHECK_THAT(notes("none"), !contains("divided by the sum"));
}

TEST_CASE("no epochs: no scores, and none invented") {
  const Json json = train_json({"karate", "--epochs", "0"});
  CHECK(json["epochs"] == 0);
  for (const char* key : {"best_epoch", "train", "valid", "test"}) CHECK(json[key].is_null());
  const TemporaryFolder folder;
  check_refused({"karate", "--epochs", "0", "--predictions", folder.path() / "p.npy"}, "no epoch was evaluated");
}

TEST_CASE("predictions are the classes of the largest logits") {
  const TemporaryFolder folder;
  const std::filesystem::path f = folder.path();
  const Json json = train_json({"karate", "--epochs", "30", "--predictions", f / "p.npy", "--logits", f / "l.npy"});
  const Matrix logits = matrix_of(f / "l.npy");
  const base::NpyArray predictions = base::read_npy(f / "p.npy");
  CHECK(predictions.type() == base::NpyType::int32);
  REQUIRE(predictions.shape() == std::vector<std::uint64_t>{34});
  REQUIRE(logits.rows == 34);
  REQUIRE(logits.cols == 2);
  const auto classes = predictions.values<std::int32_t>();
  const auto truth = base::read_npy(source_dir() / "datasets/karate/labels.npy").values<std::int32_t>();
  std::ifstream test_ids(source_dir() / "datasets/karate/test.txt");
  int correct = 0, tested = 0;
  for (std::uint64_t v = 0; v < 34; ++v) CHECK(classes[v] == (logits.at(v, 1) > logits.at(v, 0) ? 1 : 0));
  for (std::size_t v = 0; test_ids >> v; ++tested) correct += classes[v] == truth[v] ? 1 : 0;
  CHECK(json["test"].get<double>() == Approx(static_cast<double>(correct) / tested));
}

TEST_CASE("predictions are classes as the dataset numbers them") {
  const TemporaryFolder folder;
  const std::filesystem::path data = folder.path() / "data", p = folder.path() / "p.npy";
  std::filesystem::copy(source_dir() / "datasets/karate", data);
  const auto labels = base::read_npy(data / "labels.npy").values<std::int64_t>();
  for (const std::int64_t last : {std::int64_t{17}, std::int64_t{1} << 40}) {
    std::vector<std::int64_t> far;
    for (const std::int64_t label : labels) far.push_back(label == 0 ? 5 : last);
    base::write_npy<std::int64_t>(data / "labels.npy", std::array{std::uint64_t{34}}, far);
    train_json({data.string(), "--epochs", "30", "--predictions", p});
    const base::NpyArray predictions = base::read_npy(p);
    CHECK(predictions.type() == (last == 17 ? base::NpyType::int32 : base::NpyType::int64));
    const auto classes = predictions.values<std::int64_t>();
    CHECK(std::count(classes.begin(), classes.end(), 5) + std::count(classes.begin(), classes.end(), last) == 34);
    CHECK(std::count(classes.begin(), classes.end(), 5) > 0);
  }
}

TEST_CASE("outputs: a file each, and what else a folder of weights holds is said") {
  const TemporaryFolder folder;
  const std::string f = folder.path() / "same";
  check_refused({"karate", "--metrics", f, "--report", folder.path() / "." / "same"},
                "--metrics and --report are both ");
  check_refused({"karate", "--checkpoint", f, "--predictions", f}, "--predictions and --checkpoint are both ");
  std::filesystem::create_symlink("behind", folder.path() / "one");
  std::filesystem::create_symlink("behind", folder.path() / "other");
  check_refused({"karate", "--logits", folder.path() / "one", "--predictions", folder.path() / "other"},
                "--predictions and --logits are both ");
  const std::string parts = folder.write("parts.txt", "0\n");
  check_refused({"karate", "--partition", parts, "--report", parts}, "--partition and --report are both ");
  check_refused({"karate", "--weights", folder.path() / "w", "--logits", folder.path() / "w" / "l.npy"},
                "in the folder of --weights");
  check_refused({"karate", "--epochs", "2", "--metrics", "/dev/full"}, "/dev/full: cannot be written", 1);
  const std::string weights = folder.path() / "weights";
  CHECK_THAT(train({"karate", "--model", "gat", "--epochs", "1", "--weights", weights}).err, !contains("also holds"));
  CHECK_THAT(train({"karate", "--model", "gcn", "--epochs", "1", "--weights", weights}).err,
             contains("also holds layer0.a_source.npy and ") && contains(" which this run did not write"));
}

TEST_CASE("a checkpoint to resume that is not there is said") {
  const TemporaryFolder folder;
  const std::string f = folder.path() / "c.ckpt";
  CHECK_THAT(train({"karate", "--epochs", "1", "--resume", f}).err, contains("no such file; training begins anew"));
  CHECK_THAT(train({"karate", "--epochs", "2", "--resume", f}).err, !contains("no such file"));
}

TEST_CASE("embeddings are what the last layer makes logits of") {
  const TemporaryFolder folder;
  const std::filesystem::path f = folder.path();
  train_json({"karate", "--model", "mlp", "--hidden", "5", "--epochs", "20", "--logits", f / "l.npy", "--embeddings",
              f / "e.npy", "--weights", f / "w"});
  const Matrix logits = matrix_of(f / "l.npy"), rows = matrix_of(f / "e.npy");
  const Matrix weight = matrix_of(f / "w/layer1.weight.npy"), bias = matrix_of(f / "w/layer1.bias.npy");
  REQUIRE(rows.rows == 34);
  REQUIRE(rows.cols == 5);
  for (std::uint64_t v = 0; v < 34; ++v)
    for (std::uint64_t c = 0; c < 2; ++c) {
      double expected = bias.at(0, c);
      for (std::uint64_t k = 0; k < 5; ++k) expected += rows.at(v, k) * weight.at(k, c);
      CHECK(logits.at(v, c) == Approx(expected).margin(1e-5));
    }
}

TEST_CASE("every model has embeddings, on parts as on one") {
  const TemporaryFolder folder;
  const std::string e = folder.path() / "e.npy";
  for (const char* model : {"gcn", "sage", "gat", "gatv2", "gin", "gcnii", "mlp"}) {
    train_json({"karate", "--model", model, "--layers", "3", "--hidden", "4", "--heads", "2", "--epochs", "2",
                "--parts", "2", "--embeddings", e});
    INFO(model);
    const Matrix rows = matrix_of(e);
    CHECK(rows.rows == 34);
    CHECK(rows.cols == (std::string(model).starts_with("gat") ? 8 : 4));
    CHECK(std::ranges::any_of(rows.values, [](double x) { return x != 0; }));
  }
  check_refused({"karate", "--layers", "1", "--epochs", "2", "--embeddings", e}, "--layers 2 or more");
}

TEST_CASE("multi-label predictions are classes of probability over one half") {
  const TemporaryFolder folder;
  const std::filesystem::path f = folder.path();
  write_multi_label(f);
  const Json json = train_json({f, "--epochs", "40", "--predictions", f / "p.npy", "--logits", f / "l.npy"});
  CHECK(json["metric"] == "micro_f1");
  const Matrix logits = matrix_of(f / "l.npy"), member = matrix_of(f / "p.npy");
  CHECK(base::read_npy(f / "p.npy").type() == base::NpyType::uint8);
  REQUIRE(member.values.size() == 12);
  for (std::size_t k = 0; k < 12; ++k) CHECK(member.values[k] == (logits.values[k] > 0 ? 1 : 0));
}

TEST_CASE("metrics: a line an epoch, from 0") {
  const TemporaryFolder folder;
  const std::string m = folder.path() / "m.jsonl";
  train_json({"karate", "--epochs", "4", "--eval-every", "2", "--parts", "2", "--metrics", m});
  std::ifstream lines(m);
  std::string line;
  for (int epoch = 0; epoch < 4; ++epoch) {
    REQUIRE(std::getline(lines, line));
    const Json json = Json::parse(line);
    CHECK(json["epoch"] == epoch);
    CHECK(json["loss"].is_number());
    CHECK(json.contains("valid") == (epoch % 2 == 1));
  }
  CHECK_FALSE(std::getline(lines, line));
}

TEST_CASE("the number of threads changes nothing") {
  const TemporaryFolder folder;
  const std::filesystem::path f = folder.path();
  for (const char* threads : {"1", "2", "3"})
    train_json({"karate", "--epochs", "20", "--threads", threads, "--logits", f / threads});
  CHECK(text_of(f / "1") == text_of(f / "2"));
  CHECK(text_of(f / "1") == text_of(f / "3"));
}

TEST_CASE("the plan prints every choice, or those given, and does not train") {
  const TemporaryFolder folder;
  const std::string m = folder.path() / "m.jsonl";
  const Json all = train_json({"karate", "--plan", "--metrics", m});
  CHECK(all["plans"].size() == 1 + 3 * 2 * 4);
  CHECK_FALSE(std::filesystem::exists(m));
  const Outcome text = train({"karate", "--plan", "--link-mbit", "100"});
  CHECK(text.code == 0);
  CHECK_THAT(text.out, contains("B an epoch") && contains("sending"));
  CHECK(std::ranges::count(text.out, '\n') == 1 + 2 + 25 + 2);
  check_refused({"karate", "--plan", "--message-bits", "adaptive"}, "--message-bits 32, 16, 8, 4, 2 or 1");
  check_refused({"karate", "--plan", "--byte-budget", "0.1"}, "--byte-budget");
}

TEST_CASE("a run sends the bytes that were planned") {
  const std::vector<std::string> run{"karate", "--parts",  "2", "--boundary-rate", "0.5", "--message-bits",
                                     "4",      "--epochs", "12"};
  std::vector<std::string> plan = run;
  plan.emplace_back("--plan");
  const Json planned = train_json(plan)["plans"];
  REQUIRE(planned.size() == 1);
  const Json sent = train_json(run)["bytes_per_epoch"];
  CHECK(planned[0]["bytes_per_epoch"]["payload"] == sent["payload"]);
  CHECK(planned[0]["bytes_per_epoch"]["parameters"] == sent["parameters"]);
  CHECK(planned[0]["bytes_per_epoch"]["gradients"] == sent["gradients"]);
}

TEST_CASE("every recipe of the benchmarks is understood") {
  REQUIRE(recipes().size() > 20);
  for (const auto& file : recipes()) {
    INFO(file.string());
    const bool hyper = file.filename().string().starts_with("hg-");
    const Json json = train_json({hyper ? "davis" : "karate", "--config", file, "--epochs", "1", "--split", "default",
                                  "--normalize", "auto", "--metric", "accuracy"});
    CHECK(json["epochs"] == 1);
    CHECK_THAT(file.filename().string(), contains("-" + json["model"].get<std::string>() + ".toml"));
  }
}

TEST_CASE("a hypergraph is learnt from, by hgnn unless told otherwise, and its choices are said") {
  const Json usual = train_json({"davis", "--epochs", "3"});
  CHECK(usual["model"] == "hgnn");
  CHECK_THAT(usual["notes"].dump(), contains("davis: 18 vertices, 32 hyperedges") &&
                                        contains("18 hyperedges were added") && !contains("Through 32 hyperedges"));
  CHECK_THAT(usual["kernels"].dump(), contains("Through 32 hyperedges"));
  const Outcome people = train({"davis", "--epochs", "3"});
  CHECK_THAT(people.out, !contains("Through 32 hyperedges"));
  CHECK_THAT(people.err, contains("Through 32 hyperedges"));
  const Json parts = train_json({"davis", "--epochs", "3", "--parts", "2", "--no-self-loops"});
  CHECK_THAT(parts["notes"].dump(), contains("davis: 18 vertices, 14 hyperedges"));
  CHECK(parts["bytes_per_epoch"]["payload"] > 0);
  for (const std::string model : {"hgnn", "hgnnp", "unigcn", "unigin", "unisage", "unigat", "unigcnii", "alldeepsets",
                                  "allsettransformer", "hypergcn", "hnhn"}) {
    INFO(model);
    CHECK(train_json({"davis", "--epochs", "2", "--model", model})["model"] == model);
  }
}

TEST_CASE("cora by its recipe") {
  const auto cora = data_set("cora");
  if (!cora) GALENA_SKIP("no data set cora");
  const auto recipe = source_dir() / "bench/train/configs/cora-gcn.toml";
  const Json json = train_json({cora->string(), "--config", recipe.string(), "--seed", "1"});
  CHECK(json["epochs"] == 200);
  CHECK(json["test"] > 0.79);  // published: 0.815 +- 0.007
}

TEST_CASE("without a home, nothing is kept and training works") {
  const std::string folder = source_dir() / "datasets/karate";
  const Outcome run = run_program({"env", "-u", "HOME", "-u", "XDG_CACHE_HOME", "-u", "GALENA_CACHE", galena_path(),
                                   "train", folder, "--parts", "2", "--epochs", "2", "--json"});
  INFO(run.err);
  REQUIRE(run.code == 0);
  CHECK_THAT(Json::parse(run.out)["notes"].dump(), !contains("reused"));
}

TEST_CASE("train refuses what does not fit, with a remedy") {
  check_refused({"karat"}, "did you mean 'karate'?");
  check_refused({"karate", "--model", "gnc"}, "did you mean 'gcn'?");
  check_refused({"karate", "--hiden", "8"}, "did you mean '--hidden'?");
  check_refused({"karate", "--hidden", "x"}, "--hidden");
  check_refused({"karate", "--norm", "foo"}, "--norm");
  check_refused({"karate", "--epochs", "-1"}, "--epochs");
  check_refused({"karate", "--parts", "0"}, "--parts 0: expected 1 or more");
  check_refused({"karate", "--boundary-rate", "1.5"}, "expected 0 to 1");
  check_refused({"karate", "--message-bits", "7"}, "expected 32, 16, 8, 4, 2, 1 or adaptive");
  check_refused({"karate", "--byte-budget", "0.1", "--message-bits", "8"}, "--byte-budget chooses");
  check_refused({"karate", "--optimizer", "adma"}, "did you mean 'adam'?");
  if (device::cuda_device_names().empty())
    check_refused({"karate", "--device", "cuda"}, "leave the option out to use the CPU", 1);
  check_refused({"karate", "--transport", "nccl"}, "add --device cuda");
  check_refused({"karate", "--transport", "pigeon"}, "expected threads, mpi or nccl");
  check_refused({"karate", "--partition-method", "metis"}, "metis");
  check_refused({"karate", "--split", "random:60"}, "random");
  check_refused({"karate", "--threads", "-2"}, "threads");
  for (const char* option : {"--predictions", "--report", "--logits", "--embeddings", "--checkpoint", "--metrics"})
    check_refused({"karate", option, "/no/such/folder/file"}, "/no/such/folder/file", 1);
  check_refused({"karate", "--weights", "/dev/null/folder"}, "cannot create the folder", 1);
}

TEST_CASE("more parts than vertices, or than the memory holds, are refused; many parts a core are noted") {
  check_refused({"karate", "--parts", "35"}, "--parts 35: expected 1 to 34, as many as there are vertices");
  check_refused({"karate", "--parts", "35", "--plan"}, "--parts 35: expected 1 to 34");
  check_refused({"davis", "--parts", "100"}, "as many as there are vertices and hyperedges");
  CHECK_THAT(train({"karate", "--parts", "2", "--epochs", "1"}).err, !contains("slower"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const Outcome limited = run_program(
      {"bash", "-c", "ulimit -v 1500000; exec \"$0\" train karate --parts 34 --hidden 100000", galena_path()});
  CHECK(limited.code == 2);
  CHECK_THAT(limited.err, contains("MiB needed") && contains("use at most") && contains("a smaller --hidden"));
#endif
}

TEST_CASE("numbers that cannot be are refused in the words of the command") {
  check_refused({"karate", "--layers", "0"}, "--layers 0: expected 1 or more");
  check_refused({"karate", "--lr", "-1"}, "--lr -1: expected more than 0");
  check_refused({"karate", "--lr", "inf"}, "--lr inf: expected more than 0, and finite");
  check_refused({"karate", "--patience", "-1"}, "--patience -1: expected 0 or more");
  for (const char* seed : {"-1", "18446744073709551616", "1x"})
    check_refused({"karate", "--seed", seed}, "expected a whole number from 0 to 2^64 - 1");
  check_refused({"karate", "--parts", "2", "--link-mbit", "-1"}, "--link-mbit -1: expected more than 0");
  check_refused({"karate", "--parts", "2", "--byte-budget", "0"}, "--byte-budget 0: expected more than 0");
  check_refused({"karate", "--lr", "1e30"}, "the loss is", 1);
}

TEST_CASE("what Galena wrote can be trained: labels of vertices are classes, a split is drawn") {
  const TemporaryFolder folder;
  const std::string place = folder.path() / "kd";
  REQUIRE(run_galena({"convert", "karate", place + "/"}).code == 0);
  const Json json = train_json({place, "--epochs", "2"});
  CHECK_THAT(json["notes"].dump(), contains("Classes are the labels of vlabels.txt.") &&
                                       contains("The split was drawn at random") && contains("random:60/20/20"));
}

TEST_CASE("a finished training that is resumed says no time of epochs") {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "run.ckpt";
  CHECK_THAT(train({"karate", "--epochs", "2", "--resume", file}).out, contains("epoch, median"));
  CHECK_THAT(train({"karate", "--epochs", "2", "--resume", file}).out, !contains("epoch, median"));
}
