// galena train over processes, and what becomes of runs that are ended.

#include <signal.h>

#include <chrono>
#include <thread>

#include "test/apps/train_command.hpp"
#include "test/support/mpi.hpp"

using namespace galena::test;

namespace {

const std::vector<std::string> kRun{"karate", "--parts", "3", "--boundary-rate", "0.5", "--message-bits",
                                    "4",      "--seed",  "5"};

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<std::string> galena_train(const std::vector<std::string>& arguments) {
  return with({galena_path(), "train"}, arguments);
}

/// Until a run has written so many epochs.
void wait_for_epochs(RunningProgram& program, const std::filesystem::path& metrics, long epochs) {
  for (int k = 0; k < 3000 && program.running(); ++k) {
    const std::string text = text_of(metrics);
    if (std::ranges::count(text, '\n') >= epochs) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("no " << epochs << " epochs: " << (program.running() ? "too slow" : program.wait().err));
}

/// Slow enough to be ended in the middle: each exchange takes 2 ms.
const std::vector<std::string> kSlow{"--link-mbit", "1000", "--link-latency", "2"};

}  // namespace

TEST_CASE("Ctrl-C: exit code 130, how to go on, and the same result in the end") {
  const TemporaryFolder folder;
  const std::filesystem::path f = folder.path();
  const auto run = with(kRun, {"--epochs", "600"});
  train_json(with(run, {"--logits", f / "unbroken.npy"}));
  const std::string checkpoint = f / "c";
  RunningProgram program(
      galena_train(with(with(run, kSlow), {"--checkpoint", checkpoint, "--metrics", f / "m.jsonl"})));
  wait_for_epochs(program, f / "m.jsonl", 15);
  program.send(SIGINT);
  const Outcome ended = program.wait_for(60);
  CHECK(ended.code == 130);
  CHECK(ended.out.empty());
  CHECK_THAT(ended.err, contains("interrupted after ") && contains("--resume " + checkpoint));
  const auto before = text_of(f / "m.jsonl");
  CHECK(std::ranges::count(before, '\n') < 600);
  train_json(with(run, {"--resume", checkpoint, "--metrics", f / "m.jsonl", "--logits", f / "resumed.npy"}));
  CHECK(text_of(f / "unbroken.npy") == text_of(f / "resumed.npy"));
  const auto after = text_of(f / "m.jsonl");
  CHECK(after.starts_with(before));
  CHECK(std::ranges::count(after, '\n') == 600);
}

TEST_CASE("Ctrl-C without a checkpoint says that nothing was kept") {
  const TemporaryFolder folder;
  RunningProgram program(galena_train(with(with(kRun, kSlow), {"--metrics", folder.path() / "m.jsonl"})));
  wait_for_epochs(program, folder.path() / "m.jsonl", 3);
  program.send(SIGINT);
  const Outcome ended = program.wait_for(60);
  CHECK(ended.code == 130);
  CHECK_THAT(ended.err, contains("nothing was kept") && contains("--checkpoint"));
}

TEST_CASE("a run that is killed goes on from its checkpoint, and no epoch is told twice") {
  const TemporaryFolder folder;
  const std::filesystem::path f = folder.path();
  const auto run = with(kRun, {"--epochs", "60"});
  train_json(with(run, {"--logits", f / "unbroken.npy"}));
  const std::vector<std::string> files{"--resume", f / "c", "--checkpoint-every", "8", "--metrics", f / "m.jsonl"};
  {
    RunningProgram program(galena_train(with(with(run, kSlow), files)));
    wait_for_epochs(program, f / "m.jsonl", 20);
    program.send(SIGKILL);
    CHECK(program.wait_for(60).code == 128 + SIGKILL);
  }
  std::ofstream(f / "m.jsonl", std::ios::app) << "{\"epoch\": 2";  // a line cut short
  train_json(with(with(run, files), {"--logits", f / "resumed.npy"}));
  CHECK(text_of(f / "unbroken.npy") == text_of(f / "resumed.npy"));
  std::ifstream lines(f / "m.jsonl");
  int epoch = 0;
  for (std::string line; std::getline(lines, line); ++epoch) CHECK(Json::parse(line)["epoch"] == epoch);
  CHECK(epoch == 60);
}

TEST_CASE("a checkpoint of another run is refused") {
  const TemporaryFolder folder;
  const std::string checkpoint = folder.path() / "c";
  train_json({"karate", "--epochs", "3", "--checkpoint", checkpoint});
  check_refused({"karate", "--epochs", "3", "--hidden", "7", "--resume", checkpoint},
                "a checkpoint of another run, with hidden 16 (here 7); give the same options and data");
  std::ofstream(checkpoint) << "not a checkpoint";
  check_refused({"karate", "--epochs", "3", "--resume", checkpoint}, checkpoint);
}

TEST_CASE("MPI without mpirun, and mpirun without MPI, are told what to do") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  check_refused({"karate", "--transport", "mpi"}, "mpirun -np RANKS galena train ... --transport mpi");
  const Outcome alone = run_program(mpirun(2, galena_train({"karate"})));
  CHECK(alone.code == 2);
  CHECK_THAT(alone.err, contains("add --transport mpi"));
}

TEST_CASE("MPI processes give the same bits as threads") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const TemporaryFolder folder;
  const std::filesystem::path f = folder.path();
  const auto run = with(kRun, {"--epochs", "25", "--embeddings", f / "e.npy"});
  train_json(with(run, {"--logits", f / "threads.npy"}));
  const std::string embeddings = text_of(f / "e.npy");
  const Outcome mpi =
      run_program(mpirun(3, galena_train(with(run, {"--transport", "mpi", "--logits", f / "mpi.npy", "--json"}))));
  INFO(mpi.err);
  REQUIRE(mpi.code == 0);
  const Json json = Json::parse(mpi.out);  // one object: one rank alone speaks
  CHECK(json["transport"] == "mpi");
  CHECK(json["parts"] == 3);
  CHECK(text_of(f / "threads.npy") == text_of(f / "mpi.npy"));
  CHECK(text_of(f / "e.npy") == embeddings);
}

TEST_CASE("MPI: a mistake is told once") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const Outcome run = run_program(mpirun(3, galena_train({"no-such-set", "--transport", "mpi"})));
  CHECK(run.code == 2);
  const auto first = run.err.find("galena: error: ");
  REQUIRE(first != std::string::npos);
  CHECK(run.err.find("galena: error: ", first + 1) == std::string::npos);
}

TEST_CASE("MPI: a rank that is killed ends the run within 10 seconds, and is named") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const TemporaryFolder folder;
  const std::filesystem::path f = folder.path();
  const std::string start =
      "test ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} != 1 || echo $$ > " + (f / "pid").string() + "; exec \"$0\" \"$@\"";
  const auto train =
      galena_train({"karate", "--epochs", "100000000", "--transport", "mpi", "--metrics", f / "m.jsonl"});
  RunningProgram program(mpirun(3, with({"sh", "-c", start}, train)));
  wait_for_epochs(program, f / "m.jsonl", 5);
  kill(std::stoi(text_of(f / "pid")), SIGKILL);
  const Outcome ended = program.wait_for(10);
  CHECK(ended.code != 0);
  CHECK_THAT(ended.err, contains("rank 1"));
}
