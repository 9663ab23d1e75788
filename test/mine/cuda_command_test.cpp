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

TEST_CASE("--device cuda: setting the device up and compiling are told apart from running") {
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
