// galena mine --device cuda as a whole: what it says, and what it does where a device lacks something. The latter on
// emulated devices alone.

#include "src/device/cuda_device.hpp"
#include "test/mine/command.hpp"
#include "test/support/data.hpp"

using namespace galena;
using test::contains;
using test::counts;
using test::mine_with;
using Json = nlohmann::json;
using Strings = std::vector<std::string>;

namespace {

std::string no_device() {
  return device::cuda_device_names().empty() ? "no CUDA device: " + device::why_no_cuda() : "";
}

std::string no_emulated_device() {
  const std::vector<std::string> names = device::cuda_device_names();
  return names.empty() || names.front() != "Emulated GPU" ? "no emulated device" : "";
}

/// With a cache folder of its own.
struct Command {
  test::TemporaryFolder folder;
  test::Outcome operator()(const Strings& arguments, Strings assignments = {}) const {
    assignments.push_back("GALENA_CACHE=" + folder.path().string());
    Strings all{"karate", "--device", "cuda"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return mine_with(assignments, all);
  }
};

}  // namespace

TEST_CASE("mine on a GPU: setting the device up and compiling are told apart from running") {
  if (const std::string why = no_device(); !why.empty()) GALENA_SKIP(why);
  const Command command;
  const test::Outcome outcome = command({"triangle", "clique(4)", "--json"});
  CHECK(counts(outcome) == Strings{"45", "11"});
  const Json result = Json::parse(outcome.out), seconds = result.at("seconds");
  const auto of = [](const Json& from, const char* what) { return from.at(what).get<double>(); };
  const double compiled = of(seconds, "compile");
  CHECK(compiled > 0.01);  // two kernels by NVRTC
  CHECK(of(seconds, "device") > 0);
  CHECK(of(seconds, "kernel") > 0);
  CHECK(of(seconds, "kernel") <= of(seconds, "run"));
  double by_query = 0;
  for (const Json& query : result.at("queries")) {
    by_query += of(query, "compile_seconds");
    CHECK(of(query, "kernel_seconds") <= of(query, "seconds"));
  }
  CHECK(by_query == Approx(compiled));
  CHECK_THAT(command({"triangle"}).err, contains(", device ") && contains(", compile ") && contains("(kernels "));
}

TEST_CASE("mine on a GPU: without a folder for kernels they are compiled each time, which is said once") {
  if (const std::string why = no_device(); !why.empty()) GALENA_SKIP(why);
  const test::Outcome outcome =
      mine_with({"GALENA_CACHE=/proc/none"}, {"karate", "triangle", "clique(4)", "--device", "cuda", "--json"});
  CHECK(counts(outcome) == Strings{"45", "11"});
  const std::size_t first = outcome.err.find("compiled anew each time");
  CHECK(first != std::string::npos);
  CHECK(outcome.err.find("compiled anew each time", first + 1) == std::string::npos);
}

TEST_CASE("mine on a GPU: where not one worker fits, the CPU's threads run all, and that is said") {
  if (const std::string why = no_emulated_device(); !why.empty()) GALENA_SKIP(why);
  const Command command;
  const std::string rows = command.folder.path() / "rows.csv";
  const test::Outcome outcome =
      command({"LIST triangle", "--output", rows, "--json", "--threads", "2"}, {"GALENA_EMULATED_MEMORY=1"});
  CHECK(counts(outcome) == Strings{"45"});
  CHECK_THAT(outcome.err, contains("bytes on the device") && contains("2 threads of the CPU"));
}

TEST_CASE("mine on a GPU: queries one after the other find room that each finds alone") {
  if (const std::string why = no_emulated_device(); !why.empty()) GALENA_SKIP(why);
  const Command command;
  const test::Outcome outcome = command({"LOCAL house BY a", "triangle"}, {"GALENA_EMULATED_MEMORY=4"});
  CHECK_THAT(outcome.out, contains("triangle  "));
  CHECK(outcome.code == 0);
  CHECK(outcome.err.find("of the CPU") == std::string::npos);
}

TEST_CASE("mine on a GPU: devices that cannot be used are left out, and named") {
  if (const std::string why = no_emulated_device(); !why.empty()) GALENA_SKIP(why);
  const Command command;
  const Strings query{"triangle", "--json"};
  const test::Outcome taken = command(query, {"GALENA_EMULATED_DEVICES=3", "GALENA_EMULATED_TAKEN=1"});
  CHECK(counts(taken) == Strings{"45"});
  CHECK_THAT(taken.err, contains("left out: GPU 1 (Emulated GPU): ") && contains("cudaErrorDevicesUnavailable"));
  // Numbers are CUDA's: the one that is left is device 1.
  const test::Outcome silent = command(query, {"GALENA_EMULATED_DEVICES=2", "GALENA_EMULATED_SILENT=0"});
  CHECK(counts(silent) == Strings{"45"});
  const test::Outcome none =
      command(query, {"GALENA_EMULATED_DEVICES=2", "GALENA_EMULATED_SILENT=0", "GALENA_EMULATED_TAKEN=1"});
  CHECK(none.code == 1);
  CHECK_THAT(none.err, contains("--device cuda: GPU 1 (Emulated GPU): "));
  CHECK(counts(command(query, {"GALENA_EMULATED_WATCHDOG=1"})) == Strings{"45"});
}

TEST_CASE("mine on a GPU: a driver that is too old is told with both versions") {
  if (const std::string why = no_emulated_device(); !why.empty()) GALENA_SKIP(why);
  const test::Outcome outcome = Command()({"triangle"}, {"GALENA_EMULATED_DRIVER=12020"});
  CHECK(outcome.code == 1);
  CHECK_THAT(outcome.err, contains("12.2") && contains("13.0") && contains("update the driver"));
}
