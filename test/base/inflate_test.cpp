#include "src/base/inflate.hpp"

#include <fstream>
#include <sstream>

#include "galena/error.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;

namespace {

std::string gzip(const std::string& text) {
  const test::TemporaryFolder folder;
  base::AtomicFile file(folder.path() / "a.gz");
  base::GzipWriter writer(file);
  writer.write(text);
  writer.finish();
  file.commit();
  std::ifstream in(folder.path() / "a.gz", std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string inflate(const std::string& data) { return base::inflate_all(std::as_bytes(std::span(data)), "a.gz"); }

std::string sample() {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += std::to_string(i * 7919 % 100003) + "\n";
  return text;
}

}  // namespace

TEST_CASE("gzip: what was written is read, members one after the other too") {
  const std::string text = sample();
  const std::string data = gzip(text);
  CHECK(data.size() < text.size() / 2);
  CHECK(inflate(data) == text);
  CHECK(inflate(gzip("")).empty());
  CHECK(inflate(gzip("one\n") + gzip("two\n")) == "one\ntwo\n");
  CHECK(inflate(gzip("one\n") + std::string(512, '\0')) == "one\n");
}

TEST_CASE("gzip: truncated, damaged and followed by something else") {
  const std::string data = gzip(sample());
  for (const std::size_t keep : {2UL, 9UL, 11UL, data.size() / 2, data.size() - 1}) {
    CHECK_THROWS_WITH(inflate(data.substr(0, keep)), test::contains("a.gz: the compressed data end too early"));
  }
  std::string flipped = data;
  flipped[data.size() / 2] = static_cast<char>(flipped[data.size() / 2] ^ 0x10);
  CHECK_THROWS_AS(inflate(flipped), InputError);
  std::string wrong_sum = data;
  wrong_sum[data.size() - 6] = static_cast<char>(wrong_sum[data.size() - 6] ^ 1);
  CHECK_THROWS_WITH(inflate(wrong_sum), test::contains("incorrect data check"));
  CHECK_THROWS_WITH(inflate(data + "tail"), test::contains("something that is not gzip data follows"));
}
