// Programs of --emit cuda: compiled by nvcc, and run on edge lists.

#include <fstream>
#include <random>

#include "codegen/jit/process.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "src/device/cuda_device.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/process.hpp"

using namespace galena;
using namespace galena::test;

namespace {

/// A hub's edges, and others at random between its neighbours and some that are none, as people write them: with comments,
/// loops, repeats, and gaps between ids.
std::string edges_with_hub(int around, int others) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> any(1, around + around / 20);
  const auto id = [](int v) { return std::to_string(10 * v + 3); };
  std::string text = "# a hub\n% and others\n5 5\n";
  for (int v = 1; v <= around; ++v) text += id(0) + " " + id(v) + "\n";
  for (int i = 0; i < others; ++i) {
    const int u = any(random), v = any(random);
    text += id(u) + "\t" + id(v) + "\n";
    if (i % 5 == 0) text += id(v) + " " + id(u) + "\n";
  }
  return text;
}

/// The program that counts the query; what the compiler says is a failure.
std::string compiled(const std::string& source, const TemporaryFolder& folder) {
  const std::string program = folder.path() / "program";
  std::vector<std::string> command{GALENA_NVCC, "-std=c++20", folder.write("program.cu", source), "-o", program};
  for (const char* flag : {GALENA_NVCC_FLAGS}) command.emplace_back(flag);
  const jit::Finished made = jit::run_program(command);
  INFO(made.output);
  REQUIRE(made.status == 0);
  return program;
}

void check_program(const char* text, const std::string& lines) {
  if (device::cuda_device_names().empty()) GALENA_SKIP("no CUDA device: " + device::why_no_cuda());
  if (std::string(GALENA_NVCC).empty()) GALENA_SKIP("built without nvcc");
  const TemporaryFolder folder;
  const std::string edges = folder.write("edges.txt", lines);
  Miner miner(load_graph(edges));
  const Query query = parse_queries(text).front();
  const Outcome outcome = run_program({compiled(miner.emit(query, "cuda"), folder), edges});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  const std::string count = miner.run(query).count.to_string();
  CHECK(count.size() > 2);
  CHECK_THAT(outcome.out, contains("\t" + count + "\n"));
}

}  // namespace

TEST_CASE("a program of its own counts on a GPU, by tables of all vertices") {
  check_program("house", edges_with_hub(150, 450));
}

TEST_CASE("a program of its own counts on a GPU, by blocks where a hub fits no warp's buffers") {
  check_program("COUNT INDUCED path(4)", edges_with_hub(4300, 200));
}
