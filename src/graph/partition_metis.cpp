// G. Karypis and V. Kumar, "A fast and high quality multilevel scheme for partitioning irregular graphs" (SIAM J. Sci.
// Comput. 20, 1998), and "Multilevel algorithms for multi-constraint graph partitioning" (SC 1998), by the METIS
// library.
//
// METIS draws from rand(), prints to standard output where a part runs empty, takes over signal handlers, and exits
// where memory fails. So it runs in a child process, whose output goes nowhere, and which leaves the parts in memory
// shared with this one. The child of a program with threads may only do what needs none of their locks; METIS
// allocates, which the C library makes safe after a fork.

#include <fcntl.h>
#include <fmt/format.h>
#include <metis.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "galena/error.hpp"
#include "src/base/hash.hpp"
#include "src/base/memory.hpp"
#include "src/graph/partition_methods.hpp"

namespace galena::detail {
namespace {

constexpr int kPollMilliseconds = 100;
constexpr double kLeastImbalance = 1.001;  // METIS wants some room

[[noreturn]] void throw_errno(const char* what) {
  throw EnvironmentError(fmt::format("METIS cannot be started: {}: {}", what, std::strerror(errno)));
}

// The arrays METIS reads, in its own types.
struct MetisInput {
  idx_t vertices = 0, constraints = 0, parts = 0;
  std::vector<idx_t> indptr, indices, weights;
  std::vector<real_t> imbalance;
  idx_t options[METIS_NOPTIONS];

  MetisInput(const PartitionTask& task, bool volume)
      : vertices(static_cast<idx_t>(task.graph.num_vertices())),
        constraints(static_cast<idx_t>(task.weights.size())),
        parts(static_cast<idx_t>(task.parts)),
        indptr(task.graph.indptr().begin(), task.graph.indptr().end()),
        indices(task.graph.indices().begin(), task.graph.indices().end()),
        weights(task.weights.size() * task.graph.num_vertices()),
        imbalance(task.weights.size(), static_cast<real_t>(std::max(task.imbalance, kLeastImbalance))) {
    for (std::size_t c = 0; c < task.weights.size(); ++c) {
      for (std::size_t v = 0; v < task.weights[c].size(); ++v) {
        weights[v * task.weights.size() + c] = static_cast<idx_t>(task.weights[c][v]);
      }
    }
    METIS_SetDefaultOptions(options);
    options[METIS_OPTION_NUMBERING] = 0;
    options[METIS_OPTION_OBJTYPE] = volume ? METIS_OBJTYPE_VOL : METIS_OBJTYPE_CUT;
    options[METIS_OPTION_SEED] = static_cast<idx_t>(base::mix64(task.seed + 1) >> 33);  // 31 bits, whatever the seed
  }

  int run(idx_t* part_of) {
    idx_t objective = 0;
    return METIS_PartGraphKway(&vertices, &constraints, indptr.data(), indices.data(), weights.data(), nullptr, nullptr,
                               &parts, nullptr, imbalance.data(), options, &objective, part_of);
  }
};

// What the child leaves for its parent: `done` and `status`, then the parts.
class SharedResult {
 public:
  explicit SharedResult(std::size_t vertices) : bytes_(sizeof(Head) + vertices * sizeof(idx_t)), vertices_(vertices) {
    memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw_errno("no shared memory");
  }
  SharedResult(const SharedResult&) = delete;
  SharedResult& operator=(const SharedResult&) = delete;
  ~SharedResult() { ::munmap(memory_, bytes_); }

  idx_t* parts() { return reinterpret_cast<idx_t*>(static_cast<Head*>(memory_) + 1); }
  void finish(int status) {
    auto* const head = static_cast<volatile Head*>(memory_);
    head->status = status;
    head->done = 1;
  }
  [[nodiscard]] bool done() const { return static_cast<const volatile Head*>(memory_)->done != 0; }
  [[nodiscard]] int status() const { return static_cast<const volatile Head*>(memory_)->status; }
  PartOf take() { return {parts(), parts() + vertices_}; }

 private:
  struct Head {
    std::int32_t done, status;
  };
  std::size_t bytes_, vertices_;
  void* memory_;
};

[[noreturn]] void be_child(MetisInput& input, SharedResult& result) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // whoever kills the parent means this too
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(number, SIG_DFL);
  std::atexit([] { ::_exit(1); });  // where METIS gives up: before anything of the parent's is flushed or finished
  const int nowhere = ::open("/dev/null", O_RDWR);
  if (nowhere < 0) ::_exit(1);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, fd);
  result.finish(input.run(result.parts()));
  ::_exit(0);
}

// A child process that is waited for, or killed where that is given up.
class Child {
 public:
  Child(MetisInput& input, SharedResult& result) {
    if (::pipe2(pipe_, O_CLOEXEC) != 0) throw_errno("no pipe");
    id_ = ::fork();
    if (id_ == 0) be_child(input, result);
    const int error = errno;
    ::close(pipe_[1]);
    if (id_ > 0) return;
    ::close(pipe_[0]);
    errno = error;
    throw_errno("no process");
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (!ended_) {
      ::kill(id_, SIGKILL);
      while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) continue;
    }
    ::close(pipe_[0]);
  }

  // Returns how it ended, as waitpid() says; 0 where somebody else has waited for it.
  int wait(const std::function<void(double)>& progress) {
    for (;;) {
      pollfd end_of_pipe{pipe_[0], POLLIN, 0};  // the child holds the other end while it lives
      ::poll(&end_of_pipe, 1, kPollMilliseconds);
      int how = 0;
      const pid_t found = ::waitpid(id_, &how, WNOHANG);
      ended_ = found == id_ || (found < 0 && errno == ECHILD);
      if (ended_) return found == id_ ? how : 0;
      if (progress) progress(0);
    }
  }

 private:
  int pipe_[2] = {-1, -1};
  pid_t id_ = -1;
  bool ended_ = false;
};

[[noreturn]] void throw_failed(int status, bool done, int how) {
  constexpr const char* kRemedy = "; choose another method (ldg, random) or fewer parts";
  if (done && status == METIS_ERROR_MEMORY) throw EnvironmentError(std::string("METIS is out of memory") + kRemedy);
  const std::string why = done               ? fmt::format("it returned {}", status)
                          : WIFSIGNALED(how) ? fmt::format("it ended with signal {}", WTERMSIG(how))
                                             : fmt::format("it ended with exit code {}", WEXITSTATUS(how));
  throw EnvironmentError(fmt::format("METIS failed: {}{}", why, kRemedy));
}

}  // namespace

void check_metis_size(std::uint64_t vertices, std::uint64_t arcs, std::uint64_t constraints, int index_bits) {
  // METIS counts arcs twice in its work space, and weights by vertex and constraint.
  const std::uint64_t most = (std::uint64_t{1} << (index_bits - 1)) - 1;
  if (arcs <= most / 2 && vertices < most && vertices <= most / constraints) return;
  throw EnvironmentError(
      fmt::format("this METIS counts in {} bits, too few for {} vertices and {} entries of the adjacency (at most {}); "
                  "choose another method (ldg, random, contiguous), or build with a METIS of IDXTYPEWIDTH 64",
                  index_bits, vertices, arcs, most / 2));
}

PartOf partition_by_metis(const PartitionTask& task, bool volume) {
  const std::uint64_t vertices = task.graph.num_vertices(), arcs = task.graph.indices().size();
  check_metis_size(vertices, arcs, task.weights.size(), IDXTYPEWIDTH);
  base::check_memory(sizeof(idx_t) * (vertices * (2 + task.weights.size()) + 3 * arcs), "METIS");
  MetisInput input(task, volume);
  SharedResult result(vertices);
  Child child(input, result);
  const int how = child.wait(task.progress);
  if (!result.done() || result.status() != METIS_OK) throw_failed(result.status(), result.done(), how);
  PartOf part_of = result.take();
  if (std::ranges::max(part_of) >= task.parts) throw InternalError("METIS gave a part that was not asked for");
  return part_of;
}

}  // namespace galena::detail
