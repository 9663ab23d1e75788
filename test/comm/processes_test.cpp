// Launchers and the life of other processes, without MPI.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <map>
#include <optional>

#include "src/comm/launcher.hpp"
#include "src/comm/peer_watch.hpp"
#include "test/support/catch.hpp"

using namespace galena::comm;

namespace {

/// The environment's variables of all launchers, as given; restored at the end.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& variables) {
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "SLURM_PROCID",
                             "SLURM_STEP_NUM_TASKS"}) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      unsetenv(name);
      names_.emplace_back(name);
    }
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& name : names_) unsetenv(name.c_str());
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::string> before_;
};

/// A child that sleeps until it is killed, and its process_identity().
class Child {
 public:
  Child() {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    id_ = fork();
    REQUIRE(id_ >= 0);
    if (id_ == 0) {
      const std::string own = process_identity();
      if (write(ends[1], own.data(), own.size()) < 0) _exit(1);
      close(ends[1]);
      for (;;) pause();
    }
    close(ends[1]);
    std::array<char, 200> text{};
    for (ssize_t n = 0; (n = read(ends[0], text.data(), text.size())) > 0;)
      identity.append(text.data(), static_cast<std::size_t>(n));
    close(ends[0]);
  }
  ~Child() {
    kill_it();
    waitpid(id_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// It is then dead, but not yet collected by its parent.
  void kill_it() const {
    kill(id_, SIGKILL);
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOWAIT);
  }
  [[nodiscard]] int id() const { return id_; }

  std::string identity;

 private:
  pid_t id_ = -1;
};

}  // namespace

TEST_CASE("a process that is killed is noticed") {
  const Child first, second;
  std::optional<Child> third(std::in_place);
  const PeerWatch watch({process_identity(), first.identity, second.identity, third->identity});
  CHECK(watch.watched() == 3);
  CHECK(!watch.find_dead());
  const int third_id = third->id();
  third.reset();
  REQUIRE(watch.find_dead());
  CHECK(watch.find_dead()->rank == 3);
  CHECK(watch.find_dead()->process == third_id);
  first.kill_it();
  REQUIRE(watch.find_dead());
  CHECK(watch.find_dead()->rank == 1);
}

TEST_CASE("processes elsewhere and those that cannot be told are not watched") {
  const Child child;
  const std::string numbers = child.identity.substr(child.identity.find(' '));
  const std::string machine = child.identity.substr(0, child.identity.find(' '));
  const std::string later = machine + " " + std::to_string(child.id()) + " 1";  // another that had its number
  const PeerWatch watch({"", "another-machine" + numbers, "rubbish", machine, machine + " x y", later});
  CHECK(watch.watched() == 0);
  child.kill_it();
  CHECK(!watch.find_dead());
  CHECK(!PeerWatch().find_dead());
}

TEST_CASE("launchers are known by their variables") {
  using Variables = std::map<std::string, std::string>;
  const auto find = [](const Variables& variables) {
    const Environment environment(variables);
    return find_launcher();
  };
  CHECK(!find({}));
  const auto open_mpi = find({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"PMI_RANK", "0"}});
  REQUIRE(open_mpi);
  CHECK(open_mpi->name == "Open MPI's mpirun");
  CHECK(open_mpi->rank == 2);
  CHECK(open_mpi->size == 4);
  const auto hydra = find({{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}, {"SLURM_PROCID", "0"}});
  REQUIRE(hydra);
  CHECK(hydra->name == "Hydra's mpiexec");
  const auto slurm = find({{"SLURM_PROCID", "7"}, {"SLURM_STEP_NUM_TASKS", "8"}});
  REQUIRE(slurm);
  CHECK(slurm->rank == 7);
  CHECK(!find({{"SLURM_PROCID", "0"}}));  // a shell of salloc
  CHECK(!find({{"PMI_RANK", "x"}, {"PMI_SIZE", "4"}}));
  CHECK(!find({{"PMI_RANK", "4"}, {"PMI_SIZE", "4"}}));
  CHECK(!find({{"PMI_RANK", ""}, {"PMI_SIZE", "4"}}));
  CHECK_THAT(how_to_launch(), galena::test::contains("mpirun -np"));
}
