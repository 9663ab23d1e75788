#include "src/base/file_writer.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "galena/error.hpp"
#include "src/base/mapped_file.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
namespace fs = std::filesystem;

namespace {

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// A disk that is full after `bytes`, by the limit on the size of a file.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("atomic file: nothing is seen before commit, all of it after") {
  const test::TemporaryFolder folder;
  const fs::path path = folder.write("a.txt", "old");
  {
    base::AtomicFile file(path);
    file.write("new");
    file.pad_to(8);
    CHECK(file.position() == 8);
    file.write(std::string(3 << 20, 'x'));
    CHECK(fs::file_size(path) == 3);
    file.commit();
  }
  CHECK(fs::file_size(path) == 8 + (3 << 20));
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("atomic file: without commit the old file stays and no other is left") {
  const test::TemporaryFolder folder;
  const fs::path path = folder.write("a.txt", "old");
  {
    base::AtomicFile file(path);
    file.write("new");
  }
  CHECK(base::MappedFile(path).text() == "old");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("atomic file: a disk that fills up is an error, and the old file stays") {
  const test::TemporaryFolder folder;
  const fs::path path = folder.write("a.txt", "old");
  {
    const FileSizeLimit limit(2 << 20);
    base::AtomicFile file(path);
    CHECK_THROWS_AS(
        [&] {
          for (int i = 0; i < 64; ++i) file.write(std::string(100'000, 'x'));
          file.commit();
        }(),
        EnvironmentError);
  }
  CHECK(base::MappedFile(path).text() == "old");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("atomic file: /dev/full, a missing folder, a folder in its place") {
  const test::TemporaryFolder folder;
  base::AtomicFile full("/dev/full");
  full.write("x");
  CHECK_THROWS_WITH(full.commit(), test::contains("/dev/full: cannot write: No space left on device; free some space"));
  CHECK_THROWS_WITH(base::AtomicFile(folder.path() / "no" / "a.txt"), test::contains("create the folder first"));
  CHECK_THROWS_AS(base::AtomicFile(folder.path()), EnvironmentError);
}

TEST_CASE("atomic file: a link stays a link") {
  const test::TemporaryFolder folder;
  const fs::path target = folder.write("target.txt", "old"), link = folder.path() / "link.txt";
  fs::create_symlink(target, link);
  base::AtomicFile file(link);
  file.write("new");
  file.commit();
  CHECK(fs::is_symlink(link));
  CHECK(base::MappedFile(target).text() == "new");
}

TEST_CASE("atomic file: links that lead nowhere yet, nowhere at all, or round") {
  const test::TemporaryFolder folder;
  const auto write = [](const fs::path& path) {
    base::AtomicFile file(path);
    file.write("new");
    file.commit();
  };
  const fs::path fresh = folder.path() / "fresh", broken = folder.path() / "broken", round = folder.path() / "round";
  fs::create_symlink("target.txt", fresh);
  fs::create_symlink("nowhere/target.txt", broken);
  fs::create_symlink("round", round);
  write(fresh);
  CHECK(fs::is_symlink(fresh));
  CHECK(base::MappedFile(folder.path() / "target.txt").text() == "new");
  CHECK_THROWS_WITH(write(broken), test::contains("create the folder first"));
  CHECK(fs::is_symlink(broken));
  CHECK_THROWS_WITH(write(round), test::contains("Too many levels of symbolic links"));
  CHECK(fs::is_symlink(round));
}

TEST_CASE("atomic file: an open file by its link, as /dev/stdout is, is written where it stands") {
  const test::TemporaryFolder folder;
  const fs::path path = folder.write("log.txt", "before "), link = folder.path() / "link";
  const int open = ::open(path.c_str(), O_WRONLY | O_APPEND);
  REQUIRE(open >= 0);
  fs::create_symlink("/proc/self/fd/" + std::to_string(open), link);
  const auto write = [&](const std::string& text) {
    base::AtomicFile file(link);
    file.write(text);
    file.commit();
  };
  write("first ");
  CHECK(::write(open, "between ", 8) == 8);
  write("second");
  CHECK(base::MappedFile(path).text() == "before first between second");
  CHECK(fs::is_symlink(link));
  fs::remove(path);
  write(", gone");
  CHECK(fs::is_symlink(link));
  CHECK(files_in(folder.path()) == 1);
  ::close(open);
}

TEST_CASE("mapped file: missing, a folder, unreadable, empty") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_AS(base::MappedFile(folder.path() / "none"), InputError);
  CHECK_THROWS_WITH(base::MappedFile(folder.path()), test::contains("is a folder, expected a file"));
  CHECK_THROWS_AS(base::MappedFile("/dev/null"), InputError);
  CHECK(base::MappedFile(folder.write("empty", "")).text().empty());
  if (::geteuid() != 0) {  // root reads everything
    const fs::path secret = folder.write("secret", "x");
    fs::permissions(secret, fs::perms::none);
    CHECK_THROWS_WITH(base::MappedFile(secret), test::contains("cannot read: Permission denied"));
  }
}
