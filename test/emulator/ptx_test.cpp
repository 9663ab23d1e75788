// The interpreter against kernels whose results are known, and faults that it must tell.

#include "test/emulator/ptx.hpp"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "test/support/catch.hpp"

using namespace galena;

namespace {

using Words = std::vector<std::uint32_t>;

/// A kernel of one pointer, which is in %rd1, and of the thread's number, in %r1.
std::string kernel(const std::string& body, const std::string& before = "") {
  return ".version 8.0\n.target sm_90\n.address_size 64\n" + before +
         ".visible .entry k(.param .u64 k_param_0)\n{\n.reg .pred %p<9>;\n.reg .b32 %r<40>;\n.reg .f32 %f<20>;\n"
         ".reg .b16 %rs<9>;\n.reg .b64 %rd<20>;\nld.param.u64 %rd1, [k_param_0];\nmov.u32 %r1, %tid.x;\n"
         "mul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\n" +
         body + "\nret;\n}\n";
}

/// Runs it over `words`, the only memory it may touch.
void run(const std::string& text, Words& words, unsigned threads = 32, unsigned blocks = 1, ptx::Options options = {}) {
  const auto module = ptx::load(text);
  REQUIRE(ptx::unknown(*module).empty());
  ptx::Memory memory;
  const auto begin = reinterpret_cast<std::uint64_t>(words.data());
  memory.ranges.push_back({begin, begin + 4 * words.size(), true});
  const void* const argument = &begin;
  ptx::launch(*module, "k", {blocks, 1, 1}, {threads, 1, 1}, 0, &argument, memory, options);
}

std::string fault_of(const std::string& text, unsigned threads = 32, ptx::Options options = {}) {
  Words words(32);
  try {
    run(text, words, threads, 1, options);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no fault";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Each lane's result, in the usual order and in some others.
void check_lanes(const std::string& text, const std::function<std::uint32_t(std::uint32_t)>& expected) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4, 5}) {
    CAPTURE(seed);
    ptx::Options options;
    options.seed = seed;
    Words words(32);
    run(text, words, 32, 1, options);
    for (std::uint32_t k = 0; k < 32; ++k) CHECK(words[k] == expected(k));
  }
}

/// A kernel whose thread k < 31 reads in shared memory what thread k + 1 wrote, with `between` between.
std::string neighbour(const std::string& between) {
  return kernel(
      "mov.u32 %r2, s;\nshl.b32 %r3, %r1, 2;\nadd.u32 %r4, %r2, %r3;\nmul.lo.u32 %r5, %r1, 3;\nst.shared.u32 [%r4], "
      "%r5;\n" +
          between +
          "\nsetp.eq.u32 %p1, %r1, 63;\n@%p1 bra END;\nld.shared.u32 %r6, [%r4+4];\nst.global.u32 [%rd3], %r6;\nEND:",
      ".shared .align 4 .b8 s[256];\n");
}

std::uint64_t races_of(const std::string& text, unsigned threads, unsigned blocks = 1, bool between_blocks = false) {
  ptx::Options options;
  options.races = ptx::Races::barriers;
  options.races_of_blocks = between_blocks;
  Words words(64);
  const std::uint64_t before = ptx::races_found();
  run(text, words, threads, blocks, options);
  return ptx::races_found() - before;
}

}  // namespace

TEST_CASE("integers, wide products and bit fields") {
  check_lanes(kernel("mad.lo.s32 %r2, %r1, 0x10000001, 7;\npopc.b32 %r3, %r2;\nbfe.u32 %r4, %r2, 3, 4;\n"
                     "mul.hi.u32 %r5, %r2, 0x80000003;\nprmt.b32 %r6, %r2, %r5, 0x2107;\nxor.b32 %r7, %r3, %r4;\n"
                     "shf.l.wrap.b32 %r8, %r7, %r6, 5;\nst.global.u32 [%rd3], %r8;"),
              [](std::uint32_t k) {
                const std::uint32_t a = k * 0x10000001u + 7,
                                    high = std::uint32_t((std::uint64_t{a} * 0x80000003u) >> 32);
                const std::uint32_t bytes = (high >> 24) | (a << 8);
                const std::uint32_t low = std::uint32_t(__builtin_popcount(a)) ^ ((a >> 3) & 15);
                return bytes << 5 | low >> 27;
              });
}

TEST_CASE("floats: fused products, rounding, NaNs, halves") {
  Words words(32);
  run(kernel("cvt.rn.f32.u32 %f1, %r1;\nfma.rn.f32 %f2, %f1, 0f3DCCCCCD, 0f3F800000;\nst.global.f32 [%rd3], %f2;"),
      words);
  for (std::uint32_t k = 0; k < 32; ++k) {
    const float want = __builtin_fmaf(float(k), 0.1f, 1.0f);
    CHECK(words[k] == __builtin_bit_cast(std::uint32_t, want));
  }
  run(kernel(
          "add.rz.f32 %f1, 0f3F800000, 0f33C00000;\nadd.rp.f32 %f2, 0f3F800000, 0f33000000;\n"
          "max.f32 %f3, 0f7FC00000, 0f40000000;\ncvt.rn.f16.f32 %rs1, 0f3EAAAAAB;\ncvt.rn.f16.f32 %rs2, 0f477FF000;\n"
          "cvt.u32.u16 %r2, %rs1;\ncvt.u32.u16 %r3, %rs2;\ncvt.rzi.s32.f32 %r4, 0fC0333333;\n"
          "setp.ne.u32 %p1, %r1, 0;\n@%p1 bra END;\nst.global.f32 [%rd1], %f1;\nst.global.f32 [%rd1+4], %f2;\n"
          "st.global.f32 [%rd1+8], %f3;\nst.global.u32 [%rd1+12], %r2;\nst.global.u32 [%rd1+16], %r3;\n"
          "st.global.u32 [%rd1+20], %r4;\nEND:"),
      words);
  CHECK(words[0] == 0x3F800000);  // towards zero
  CHECK(words[1] == 0x3F800001);  // upwards
  CHECK(words[2] == 0x40000000);
  CHECK(words[3] == 0x3555);
  CHECK(words[4] == 0x7C00);  // beyond the largest half
  CHECK(words[5] == std::uint32_t(-2));
}

TEST_CASE("a profile tells lanes, sectors and turns of banks") {
  alignas(128) std::uint32_t words[32] = {};
  // All lanes read, eight write what they read; then lanes write to shared memory 64 bytes apart: 16 turns.
  const auto module =
      ptx::load(kernel("ld.global.u32 %r2, [%rd3];\nsetp.lt.u32 %p1, %r1, 8;\n@%p1 st.global.u32 [%rd3], %r2;\n"
                       "mov.u32 %r3, s;\nshl.b32 %r4, %r1, 6;\nadd.u32 %r5, %r3, %r4;\nst.shared.u32 [%r5], %r2;",
                       ".shared .align 4 .b8 s[2048];\n"));
  const auto begin = reinterpret_cast<std::uint64_t>(words);
  const ptx::Memory memory{{{begin, begin + sizeof words, true}}, 0};
  const void* const argument = &begin;
  ptx::Options options;
  options.profile = true;
  ptx::launch(*module, "k", {}, {32, 1, 1}, 0, &argument, memory, options);
  const std::string told = ptx::profile_told(1);
  INFO(told);
  CHECK(contains(told, "1 launches, 1 blocks"));
  CHECK(contains(told, "           2   2.5 100.0%"));  // 4 sectors and 1
  CHECK(contains(told, "           1 16.00  all"));
}

TEST_CASE("lanes part and meet again") {
  check_lanes(kernel("mov.u32 %r2, 0;\nmov.u32 %r3, %r1;\nLOOP:\nsetp.eq.u32 %p1, %r3, 0;\n@%p1 bra DONE;\n"
                     "add.u32 %r2, %r2, %r3;\nsub.u32 %r3, %r3, 1;\nbra LOOP;\nDONE:\n"
                     "bar.warp.sync -1;\nshfl.sync.down.b32 %r4, %r2, 1, 31, -1;\nst.global.u32 [%rd3], %r4;"),
              [](std::uint32_t k) {
                const std::uint32_t from = std::min(k + 1, 31u);
                return from * (from + 1) / 2;
              });
}

TEST_CASE("shuffles, votes, matches and reductions of a warp") {
  check_lanes(kernel("shfl.sync.bfly.b32 %r2, %r1, 5, 31, -1;\nand.b32 %r3, %r1, 3;\n"
                     "match.any.sync.b32 %r4, %r3, -1;\nsetp.lt.u32 %p1, %r1, 10;\nvote.sync.ballot.b32 %r5, %p1, -1;\n"
                     "redux.sync.max.u32 %r6, %r1, -1;\nadd.u32 %r7, %r2, %r4;\nadd.u32 %r8, %r5, %r6;\n"
                     "add.u32 %r9, %r7, %r8;\nst.global.u32 [%rd3], %r9;"),
              [](std::uint32_t k) { return (k ^ 5) + (0x11111111u << (k & 3)) + 1023 + 31; });
}

TEST_CASE("barriers of a block, shared memory and atomics") {
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    ptx::Options options;
    options.seed = seed;
    Words words(64);
    run(neighbour("bar.sync 0;"), words, 64, 1, options);
    for (std::uint32_t k = 0; k < 63; ++k) CHECK(words[k] == 3 * (k + 1));
    Words sums(4);
    run(kernel("and.b32 %r2, %r1, 3;\nmul.wide.u32 %rd4, %r2, 4;\nadd.s64 %rd5, %rd1, %rd4;\n"
               "atom.global.add.u32 %r3, [%rd5], %r1;"),
        sums, 128, 16, options);
    for (std::uint32_t k = 0; k < 4; ++k) CHECK(sums[k] == 16 * (32 * k + 4 * 31 * 32 / 2));
  }
}

TEST_CASE("accesses out of bounds and misaligned ones are told, with thread and line") {
  const std::string beyond = fault_of(kernel("st.global.u32 [%rd3+4], %r1;"));
  CHECK(contains(beyond, "write out of bounds"));
  CHECK(contains(beyond, "thread (31,0,0)"));
  CHECK(contains(beyond, "st.global.u32 [%rd3+4], %r1;"));
  CHECK(contains(fault_of(kernel("ld.global.u32 %r2, [%rd1+-4];")), "read out of bounds"));
  CHECK(contains(fault_of(kernel("ld.global.u32 %r2, [%rd1+2];")), "misaligned"));
  CHECK(contains(fault_of(kernel("ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd3];"), 32), "misaligned"));
  CHECK(contains(fault_of(kernel("mov.u32 %r2, s;\nld.shared.u32 %r3, [%r2+16];", ".shared .align 4 .b8 s[16];\n")),
                 "shared offset 16"));
  CHECK(contains(fault_of(kernel("trap;")), "trap"));
}

TEST_CASE("what cannot go on is told: deadlocks and endless loops") {
  const std::string part = kernel("setp.eq.u32 %p1, %r1, 0;\n@%p1 bra END;\nbar.sync 0, 64;\nEND:");
  CHECK(contains(fault_of(part, 32), "deadlock"));
  const std::string lane = kernel(
      "setp.eq.u32 %p1, %r1, 3;\n@%p1 bra OTHER;\nbar.warp.sync -1;\nbra END;\nOTHER:\n"
      "bar.sync 0;\nEND:");
  CHECK(contains(fault_of(lane), "deadlock"));
  ptx::Options limited;
  limited.instructions = 100'000;
  CHECK(contains(fault_of(kernel("L:\nbra L;"), 32, limited), "ran longer"));
}

TEST_CASE("accesses that nothing orders are told") {
  CHECK(races_of(neighbour("bar.sync 0;"), 64) == 0);
  CHECK(races_of(neighbour(""), 64) > 0);
  CHECK(races_of(neighbour("bar.warp.sync -1;"), 64) > 0);  // between its two warps
  const std::string adds = kernel("red.global.add.u32 [%rd1], %r1;"), writes = kernel("st.global.u32 [%rd1], %r1;");
  const auto message = [](const std::string& write, const std::string& read) {  // the first block writes to the second
    return kernel(
        "mov.u32 %r2, %ctaid.x;\nsetp.ne.u32 %p1, %r1, 0;\n@%p1 bra END;\nsetp.ne.u32 %p2, %r2, 0;\n"
        "@%p2 bra WAIT;\nst.global.u32 [%rd1+4], 7;\n" +
        write +
        "st.volatile.global.u32 [%rd1], 1;\nbra END;\nWAIT:\nld.volatile.global.u32 %r3, [%rd1];\n"
        "setp.eq.u32 %p3, %r3, 0;\n@%p3 bra WAIT;\n" +
        read + "ld.global.u32 %r4, [%rd1+4];\nst.global.u32 [%rd1+8], %r4;\nEND:");
  };
  const std::string fence = "membar.gl;\n";
  CHECK(races_of(message(fence, fence), 32, 2, true) == 0);
  CHECK(races_of(message("", fence), 32, 2, true) > 0);
  CHECK(races_of(message(fence, ""), 32, 2, true) > 0);
  CHECK(races_of(adds, 64) == 0);
  CHECK(races_of(writes, 64) > 0);
  const std::string blocks = kernel("mov.u32 %r2, %ctaid.x;\nadd.u32 %r3, %r2, 1;\nst.global.u32 [%rd3], %r3;");
  CHECK(races_of(blocks, 32, 2) == 0);
  CHECK(races_of(blocks, 32, 2, true) > 0);
  CHECK_FALSE(ptx::races_told().empty());
}

TEST_CASE("what is not known faults where it is executed, not before") {
  const auto module = ptx::load(kernel("setp.eq.u32 %p1, %r1, 99;\n@%p1 wgmma.fence.sync.aligned;"));
  CHECK(ptx::unknown(*module).size() == 1);
  CHECK_THROWS_AS(ptx::load(".version 8.0\n.visible .entry k(\n"), std::runtime_error);
}
