// .npy and .npz: as NumPy writes them, and every way of being wrong.

#include "src/base/npy.hpp"

#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include "galena/error.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/npz.hpp"

using namespace galena;
using namespace galena::base;
using test::contains;
using test::little;
using test::npy;
using test::raw;

namespace {

NpyArray parse(const std::string& bytes) {
  const auto owner = std::make_shared<const std::string>(bytes);
  return {std::as_bytes(std::span(*owner)), "a.npy", owner};
}

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

NpzFile open(const std::string& bytes) { return {std::as_bytes(std::span(bytes)), "a.npz"}; }

template <class T>
void check_round_trip(const std::vector<T>& values, NpyType type) {
  const test::TemporaryFolder folder;
  const std::array<std::uint64_t, 2> shape{2, values.size() / 2};
  write_npy<T>(folder.path() / "x.npy", shape, values);
  const NpyArray array = read_npy(folder.path() / "x.npy");
  CHECK(array.type() == type);
  CHECK(array.shape() == std::vector<std::uint64_t>(shape.begin(), shape.end()));
  CHECK(array.values<T>() == values);
}

}  // namespace

TEST_CASE("npy: what is written is read") {
  check_round_trip<float>({1.5F, -2, 0, std::numeric_limits<float>::infinity()}, NpyType::float32);
  check_round_trip<double>({1e300, -0.25, 1, 2, 3, 4}, NpyType::float64);
  check_round_trip<std::int32_t>({-1, std::numeric_limits<std::int32_t>::min()}, NpyType::int32);
  check_round_trip<std::int64_t>({-1, std::numeric_limits<std::int64_t>::max()}, NpyType::int64);
  check_round_trip<std::uint8_t>({0, 1, 254, 255}, NpyType::uint8);
}

TEST_CASE("npy: the file is byte for byte NumPy's") {
  const test::TemporaryFolder folder;
  const std::filesystem::path numpys = test::source_dir() / "datasets/karate/labels.npy";
  const std::vector<std::int32_t> labels = read_npy(numpys).values<std::int32_t>();
  REQUIRE(labels.size() == 34);
  write_npy<std::int32_t>(folder.path() / "labels.npy", std::array<std::uint64_t, 1>{34}, labels);
  CHECK(slurp(folder.path() / "labels.npy") == slurp(numpys));
}

TEST_CASE("npy: empty arrays, single values, many dimensions") {
  CHECK(parse(npy("<f4", "0, 5", "")).values<float>().empty());
  CHECK(parse(npy("<f8", "", raw<double>({2.5}))).values<double>() == std::vector<double>{2.5});
  CHECK(parse(npy("|b1", "3,", std::string("\0\1\2", 3))).values<std::uint8_t>() == std::vector<std::uint8_t>{0, 1, 1});
  CHECK(parse(npy("<U3", "", raw<std::uint32_t>({'c', 's', 'r'}))).text() == "csr");
  CHECK(parse(npy("|S3", "", "csc")).text() == "csc");
  CHECK(parse(npy("|u1", "1, 2, 1, 2", "abcd")).shape_text() == "(1, 2, 1, 2)");
  CHECK(parse(npy("|u1", "4,", "abcd")).shape_text() == "(4,)");
}

TEST_CASE("npy: versions 2 and 3, keys in any order, Python 2's long integers") {
  const std::string dictionary = "{\"shape\":(2L,),'fortran_order':False,'descr':'<i2'}\n";
  for (const int version : {1, 2, 3}) {
    CHECK(parse(npy(dictionary, raw<std::int16_t>({7, -7}), version)).values<std::int32_t>() ==
          std::vector<std::int32_t>{7, -7});
  }
}

TEST_CASE("npy: Fortran order is turned") {
  // Element [i, j, k] of a (2, 3, 4) array holds 100 i + 10 j + k; the first index is fastest in the file.
  std::vector<std::int32_t> stored, wanted;
  for (int k = 0; k < 4; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 2; ++i) stored.push_back(100 * i + 10 * j + k);
    }
  }
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < 4; ++k) wanted.push_back(100 * i + 10 * j + k);
    }
  }
  const std::string bytes = npy("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3, 4), }", raw(stored));
  CHECK(parse(bytes).values<std::int32_t>() == wanted);
}

TEST_CASE("npy: numbers become the type asked for, or an error that names the element") {
  const double big = 1e300, nan = std::nan("");
  CHECK(parse(npy("<f8", "2,", raw<double>({0.1, -3}))).values<float>() == std::vector<float>{0.1F, -3});
  CHECK(parse(npy("<f8", "2,", raw<double>({5, -3}))).values<std::int64_t>() == std::vector<std::int64_t>{5, -3});
  CHECK(std::isnan(parse(npy("<f8", "1,", raw<double>({nan}))).values<float>()[0]));
  CHECK_THROWS_WITH(parse(npy("<f8", "1, 2", raw<double>({0, big}))).values<float>(),
                    "a.npy: element [0, 1] is 1e+300; expected a float of 32 bits");
  CHECK_THROWS_WITH(parse(npy("<f4", "2, 1", raw<float>({1, 1.5F}))).values<std::int64_t>(),
                    contains("element [1, 0] is 1.5; expected a signed integer of 64 bits"));
  CHECK_THROWS_WITH(parse(npy("<i8", "1,", raw<std::int64_t>({-1}))).values<std::uint32_t>(),
                    contains("element [0] is -1; expected an unsigned integer of 32 bits"));
  CHECK_THROWS_AS(parse(npy("<f8", "1,", raw<double>({nan}))).values<std::int32_t>(), InputError);
  CHECK_THROWS_AS(parse(npy("<f8", "1,", raw<double>({0x1p63}))).values<std::int64_t>(), InputError);
  CHECK(parse(npy("<f8", "1,", raw<double>({-0x1p63}))).values<std::int64_t>()[0] ==
        std::numeric_limits<std::int64_t>::min());
  CHECK_THROWS_AS(parse(npy("<u8", "1,", raw<std::uint64_t>({std::uint64_t{1} << 63}))).values<std::int64_t>(),
                  InputError);
  CHECK_THROWS_AS(parse(npy("<i4", "1,", raw<std::int32_t>({256}))).values<std::uint8_t>(), InputError);
  CHECK_THROWS_WITH(parse(npy("|S3", "", "csr")).values<float>(), contains("an array of text"));
  CHECK_THROWS_WITH(parse(npy("<f4", "1,", raw<float>({1}))).text(), contains("expected a single string"));
}

TEST_CASE("npy: malformed headers are refused at their place") {
  const auto refused = [](const std::string& bytes, const std::string& message) {
    CAPTURE(bytes);
    CHECK_THROWS_AS(parse(bytes), InputError);
    CHECK_THROWS_WITH(parse(bytes), contains("a.npy: ") && contains(message));
  };
  const auto dictionary = [](const std::string& text) { return npy(text, "abcd"); };
  refused("", "does not begin with");
  refused("PK\x03\x04 not an array", "does not begin with");
  refused("\x93NUMPY" + little(9, 2) + little(0, 2), "version 9");
  refused("\x93NUMPY" + little(2, 2) + little(0xffffffff, 4) + "{}", "a header of 4294967295 bytes");
  refused(dictionary(""), "expected '{'");
  refused(dictionary("{}"), "expected the keys");
  refused(dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x"), "something follows");
  refused(dictionary("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}"), "expected True or False");
  refused(dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), "expected a size");
  refused(dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"), "expected a size");
  refused(dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (1,"), "expected a size");
  refused(dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': 4}"), "expected '('");
  refused(dictionary("{'descr': '<f4', 'descr': '<f4'}"), "unexpected key 'descr'");
  refused(dictionary("{'descr: '<f4'"), "expected ':'");
  refused(dictionary("{'descr': '<f4"), "does not end");
  refused(npy(">f4", "1,", "abcd"),
          "a.npy: values of type '>f4' are big-endian, which is not read: save them with .astype('<f4')");
  refused(npy("|O", "1,", "abcd"), "pickled Python objects");
  refused(npy(">U1", "1,", "abcd"), ".astype('<U1')");
  refused(npy(">f2", "2,", "abcd"), "a.npy: values of type '>f2' (float16) are not read");
  refused(npy("<c8", "1,", "abcdefgh"), "a.npy: values of type '<c8' (complex) are not read");
  refused(npy("<f2", "2,", "abcd"),
          "a.npy: values of type '<f2' (float16) are not read; expected bool, an integer, float32 or float64: save "
          "them with .astype(np.float32)");
  refused(npy("|f4", "1,", "abcd"), "no byte order");
  refused(dictionary("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"), "structured type");
  std::string dimensions;
  for (int i = 0; i < 33; ++i) dimensions += "1,";
  refused(npy("|u1", dimensions, "a"), "more than 32 dimensions");
}

TEST_CASE("npy: the data must be as many as the shape says, however absurd") {
  CHECK_THROWS_WITH(parse(npy("<f4", "2, 3", "abcd")),
                    "a.npy: 4 bytes of data, but shape (2, 3) of float32 needs 24: truncated or damaged");
  CHECK_THROWS_WITH(parse(npy("<f4", "1,", "abcde")), contains("5 bytes of data"));
  CHECK_THROWS_WITH(parse(npy("<f8", "4294967296, 4294967296", "")), contains("more than 2^64"));
  CHECK_THROWS_WITH(parse(npy("<f8", "2305843009213693952,", "")), contains("more than 2^64"));
  CHECK_THROWS_WITH(parse(npy("|S0", "4294967296, 4294967296", "")), contains("more than 2^64"));
  CHECK(parse(npy("<f8", "18446744073709551615, 18446744073709551615, 0", "")).size() == 0);
}

TEST_CASE("npy: every truncation and every damaged byte gives an error or an array") {
  const std::string good = npy("<i4", "2, 2", raw<std::int32_t>({1, 2, 3, 4}));
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(parse(good.substr(0, size)), InputError);
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char flip : {'\x01', '\x20', '\x80'}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      try {
        const std::uint64_t size = parse(bad).size();
        CHECK(size <= good.size());
      } catch (const InputError& error) {
        CHECK(std::string(error.what()).starts_with("a.npy: "));
      }
    }
  }
}

TEST_CASE("npy: writing leaves nothing behind where it fails") {
  const test::TemporaryFolder folder;
  const std::vector<float> values{1, 2};
  CHECK_THROWS_AS(write_npy<float>(folder.path() / "none/x.npy", std::array<std::uint64_t, 1>{2}, values),
                  EnvironmentError);
  CHECK_THROWS_AS(write_npy<float>(folder.path() / "x.npy", std::array<std::uint64_t, 1>{3}, values), InternalError);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("npz: arrays by name") {
  const std::string bytes = test::ZipWriter()
                                .add("train.npy", npy("<i4", "2,", raw<std::int32_t>({5, 6})))
                                .add("odd.npy", "no array")
                                .finish();
  const NpzFile file = open(bytes);
  CHECK(file.contains("train"));
  CHECK(!file.contains("train.npy"));
  CHECK(file.read("train").values<std::int64_t>() == std::vector<std::int64_t>{5, 6});
  CHECK(file.read("train").name() == "a.npz:train.npy");
  CHECK_THROWS_WITH(file.read("test"), "a.npz: no array 'test'; it holds train.npy, odd.npy");
  CHECK_THROWS_WITH(file.read("odd"), contains("a.npz:odd.npy: not a NumPy array"));
}
