// Compiling, finding again and refusing kernels. Each case has a cache folder of its own.

#include "codegen/jit/jit.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "galena/error.hpp"
#include "test/support/catch.hpp"
#include "test/support/variable.hpp"

namespace {

namespace fs = std::filesystem;
namespace jit = galena::jit;
namespace rt = galena::rt;
using galena::EnvironmentError;
using galena::test::Variable;

/// An empty cache folder.
class Fresh {
 public:
  Fresh() : root_(make()), variable_("GALENA_CACHE", root_) {}
  Fresh(const Fresh&) = delete;
  Fresh& operator=(const Fresh&) = delete;
  ~Fresh() { fs::remove_all(root_); }
  [[nodiscard]] fs::path folder() const { return root_ / "jit"; }
  [[nodiscard]] std::vector<fs::path> files(const std::string& extension) const {
    std::vector<fs::path> found;
    for (const auto& file : fs::directory_iterator(folder())) {
      if (file.path().extension() == extension) found.push_back(file.path());
    }
    return found;
  }

 private:
  static std::string make() {
    std::string name = (fs::temp_directory_path() / "galena-jit-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    return name;
  }
  fs::path root_;
  Variable variable_;
};

/// A kernel that adds `value` times the number of common neighbours of 0 and 1.
std::string kernel_text(int value) {
  return "#include \"codegen/runtime/prim_cpu.h\"\n"
         "using namespace galena::rt;\n"
         "using namespace galena::rt::GALENA_ISA;\n"
         "extern \"C\" void galena_run(Worker* worker, const Chunk*) {\n"
         "  Cpu x(worker);\n"
         "  vid* s = x.slot(0);\n"
         "  const Span both{s, isect(s, x.adj(0), x.adj(1))};\n"
         "  for (vid i = 0; i < both.n; ++i) worker->acc[0] += " +
         std::to_string(value) + ";\n}\n";
}

/// Runs a kernel on the complete graph of four vertices.
int run_on_k4(const jit::Kernel& kernel) {
  const std::vector<uint64_t> indptr{0, 3, 6, 9, 12};
  const std::vector<rt::vid> indices{1, 2, 3, 0, 2, 3, 0, 1, 3, 0, 1, 2};
  const std::vector<rt::vid> split{0, 1, 2, 3};
  const rt::GraphView graph{4, 3, indptr.data(), indices.data(), split.data(), nullptr, nullptr};
  std::vector<rt::vid> slots(64);
  rt::i128 sum = 0;
  rt::Worker worker{};
  worker.graph = &graph;
  worker.slots = slots.data();
  worker.slot_capacity = 32;
  worker.acc = &sum;
  const rt::Chunk chunk{0, 16, 0, 1};
  kernel.run()(&worker, &chunk);
  return static_cast<int>(sum);
}

/// The outcome of compiling and running in a process of its own: 0 when all went well.
pid_t compile_elsewhere(const std::string& text, int expected) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  int status = 1;
  try {
    status = run_on_k4(*jit::compile(text).kernel) == expected ? 0 : 2;
  } catch (const std::exception&) {
    status = 3;
  }
  _exit(status);
}

}  // namespace

#define NEED_COMPILER()                                           \
  do {                                                            \
    std::string why_not;                                          \
    if (!jit::compiler_available(&why_not)) GALENA_SKIP(why_not); \
  } while (false)

TEST_CASE("a kernel is compiled, run, and found again") {
  NEED_COMPILER();
  const Fresh fresh;
  CHECK(jit::lookup(kernel_text(5)) == nullptr);
  const jit::JitResult first = jit::compile(kernel_text(5));
  CHECK_FALSE(first.cached);
  CHECK(run_on_k4(*first.kernel) == 10);
  const jit::JitResult second = jit::compile(kernel_text(5));
  CHECK(second.cached);
  CHECK(second.seconds < first.seconds);
  CHECK(run_on_k4(*second.kernel) == 10);
  REQUIRE(jit::lookup(kernel_text(5)) != nullptr);
  CHECK(run_on_k4(*jit::compile(kernel_text(6)).kernel) == 12);
  CHECK(fresh.files(".so").size() == 2);
  CHECK(fresh.files(".cpp").empty());
  struct stat info {};
  REQUIRE(stat(fresh.folder().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("the set operations can be compiled into a kernel") {
  NEED_COMPILER();
  const Fresh fresh;
  jit::JitOptions options;
  options.inline_sets = true;
  CHECK(run_on_k4(*jit::compile(kernel_text(3), options).kernel) == 6);
  CHECK(jit::lookup(kernel_text(3)) == nullptr);
  CHECK(jit::lookup(kernel_text(3), options) != nullptr);
}

TEST_CASE("a kernel outlives its entry") {
  NEED_COMPILER();
  std::shared_ptr<jit::Kernel> kernel;
  {
    const Fresh fresh;
    kernel = jit::compile(kernel_text(4)).kernel;
  }
  CHECK(run_on_k4(*kernel) == 8);
}

TEST_CASE("a damaged entry is compiled anew") {
  NEED_COMPILER();
  const Fresh fresh;
  jit::compile(kernel_text(7));
  const fs::path entry = fresh.files(".so").at(0);
  const auto size = fs::file_size(entry);
  SECTION("empty") { fs::resize_file(entry, 0); }
  SECTION("truncated") { fs::resize_file(entry, size / 2); }
  SECTION("without its last byte") { fs::resize_file(entry, size - 1); }
  SECTION("a byte changed") {
    std::fstream file(entry, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    const int old = file.peek();
    file.put(static_cast<char>(old ^ 1));
  }
  CHECK(jit::lookup(kernel_text(7)) == nullptr);
  const jit::JitResult again = jit::compile(kernel_text(7));
  CHECK_FALSE(again.cached);
  CHECK(run_on_k4(*again.kernel) == 14);
}

TEST_CASE("a text that does not compile is kept, and its errors are told") {
  NEED_COMPILER();
  const Fresh fresh;
  const std::string wrong = kernel_text(1) + "int wrong = undeclared_name;\n";
  CHECK_THROWS_AS(jit::compile(wrong), EnvironmentError);
  CHECK_THROWS_WITH(jit::compile(wrong), galena::test::contains("undeclared_name") &&
                                             galena::test::contains(fresh.folder().string()) &&
                                             galena::test::contains("kernel:10"));
  CHECK(fresh.files(".cpp").size() == 2);
  CHECK(fresh.files(".so").empty());
}

TEST_CASE("generated code may include embedded headers only") {
  CHECK_THROWS_AS(jit::expand("#include \"codegen/secret.h\"\n"), galena::InternalError);
  CHECK(jit::expand(kernel_text(1)).find("#include \"codegen") == std::string::npos);
}

TEST_CASE("a compiler that is asked for and absent is reported, not replaced") {
  const Fresh fresh;
  const Variable compiler("GALENA_CXX", "/nonexistent/c++");
  std::string why_not;
  CHECK_FALSE(jit::compiler_available(&why_not));
  CHECK_THAT(why_not, galena::test::contains("/nonexistent/c++"));
  CHECK_THROWS_AS(jit::compile(kernel_text(1)), EnvironmentError);
  CHECK(jit::lookup(kernel_text(1)) == nullptr);
}

TEST_CASE("a compiler that fails is reported") {
  const Fresh fresh;
  const Variable compiler("GALENA_CXX", "false");
  std::string why_not;
  CHECK_FALSE(jit::compiler_available(&why_not));
  CHECK_THAT(why_not, galena::test::contains("status 1"));
}

TEST_CASE("a cache that others can write is refused") {
  NEED_COMPILER();
  const Fresh fresh;
  jit::compile(kernel_text(2));
  const fs::path entry = fresh.files(".so").at(0);
  SECTION("folder") { REQUIRE(chmod(fresh.folder().c_str(), 0777) == 0); }
  SECTION("entry") { REQUIRE(chmod(entry.c_str(), 0722) == 0); }
  SECTION("a file in place of the folder") {
    fs::remove_all(fresh.folder());
    std::ofstream(fresh.folder()) << "x";
  }
  SECTION("a link in place of the folder") {
    fs::rename(fresh.folder(), fresh.folder().string() + "2");
    fs::create_directory_symlink(fresh.folder().string() + "2", fresh.folder());
  }
  CHECK_THROWS_AS(jit::compile(kernel_text(2)), EnvironmentError);
}

TEST_CASE("a cache of another user is refused") {
  if (geteuid() != 0) GALENA_SKIP("only root can give a folder away");
  NEED_COMPILER();
  const Fresh fresh;
  jit::compile(kernel_text(2));
  SECTION("folder") { REQUIRE(chown(fresh.folder().c_str(), 12345, 12345) == 0); }
  SECTION("entry") { REQUIRE(chown(fresh.files(".so").at(0).c_str(), 12345, 12345) == 0); }
  CHECK_THROWS_AS(jit::compile(kernel_text(2)), EnvironmentError);
}

TEST_CASE("a compilation can be abandoned") {
  NEED_COMPILER();
  const Fresh fresh;
  volatile int stop = 1;
  jit::JitOptions options;
  options.stop = &stop;
  CHECK(jit::compile(kernel_text(9), options).kernel == nullptr);
  CHECK(fresh.files(".so").empty());
  CHECK(fresh.files(".cpp").empty());
  stop = 0;
  CHECK(jit::compile(kernel_text(9), options).kernel != nullptr);
}

TEST_CASE("a compilation can be abandoned while the compiler runs") {
  NEED_COMPILER();
  const Fresh fresh;
  std::string text = kernel_text(1);
  for (int i = 0; i < 20000; ++i)
    text += "int f" + std::to_string(i) + "(int x) { return x * x + " + std::to_string(i) + "; }\n";
  volatile int stop = 0;
  jit::JitOptions options;
  options.stop = &stop;
  std::thread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  });
  const jit::JitResult result = jit::compile(text, options);
  stopper.join();
  CHECK(result.kernel == nullptr);
  CHECK(result.seconds < 1);
  CHECK(fresh.files(".so").empty());
  CHECK(fresh.files(".cpp").empty());
}

TEST_CASE("the oldest entries make room") {
  NEED_COMPILER();
  const Fresh fresh;
  jit::compile(kernel_text(1));
  const fs::path first = fresh.files(".so").at(0);
  const auto size = fs::file_size(first);
  fs::last_write_time(first, fs::file_time_type::clock::now() - std::chrono::hours(2));
  jit::compile(kernel_text(2));
  jit::JitOptions options;
  options.cache_bytes = 2 * size + size / 2;
  jit::compile(kernel_text(3), options);
  CHECK(fresh.files(".so").size() == 2);
  CHECK_FALSE(fs::exists(first));
}

TEST_CASE("several processes and threads compile the same kernel at once") {
  NEED_COMPILER();
  const Fresh fresh;
  const std::string text = kernel_text(11);
  const pid_t children[] = {compile_elsewhere(text, 22), compile_elsewhere(text, 22)};
  int here[2] = {};
  std::vector<std::thread> threads;
  for (int& result : here) {
    threads.emplace_back([&result, &text] { result = run_on_k4(*jit::compile(text).kernel); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const pid_t child : children) {
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(here[0] == 22);
  CHECK(here[1] == 22);
  CHECK(fresh.files(".so").size() == 1);
}
