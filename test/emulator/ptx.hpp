#pragma once
// A CUDA device without a GPU: PTX, as nvcc wrote it, is interpreted, and CUDA's runtime is replaced by one of our own.
// Device memory is host memory, and addresses are host addresses. This is the interpreter, which needs no CUDA;
// runtime.hpp is the runtime.
//
// Faithful: integers, fp32 and fp64 to the bit (.ftz, .sat, rounding and fused operations too), f16 and bf16; branches
// that diverge, warp-wide operations, barriers, calls, local, shared and constant memory, atomics; alignment, and bounds
// of every allocation. What the runtime refuses it refuses: prohibited calls in a capture, use of what is freed, ...
//
// Adversarial: lanes, warps and blocks take turns in an order that a seed picks; streams run as late as they may (or at
// once, or at random); fresh memory is filled with NaNs; registers and shared memory hold garbage; accesses that nothing
// orders are told (races.hpp).
//
// Not covered: what the hardware does weakly. Memory is sequentially consistent, so a fence that lacks goes unseen, but for
// races: what a message hands over without fences is one; .approx
// functions come from double precision. Matrix units (mma, wgmma), mbarrier and bulk copies, clusters, 128-bit types and
// textures fault where they are executed. A set of blocks runs in turns on one thread: no two run at one time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace galena::ptx {

struct Dim {
  unsigned x = 1, y = 1, z = 1;
};

struct Range {
  std::uint64_t begin, end;
  bool writable;
};

/// What kernels may touch, sorted and disjoint.
struct Memory {
  std::vector<Range> ranges;
  std::uint64_t version = 0;  ///< rises with every change
};

struct Param {
  std::size_t size, align, offset;
};

struct Kernel {
  std::string name;
  std::vector<Param> params;
  std::size_t static_shared = 0;
  unsigned max_threads = 1024;  ///< of .maxntid or .reqntid
};

class Module;

/// Parses a text; throws std::runtime_error with the line. What is not known faults where it is executed.
std::shared_ptr<Module> load(const std::string& text);

/// Instructions that are not known, each with line and text.
std::vector<std::string> unknown(const Module&);

const Kernel* find(const Module&, const std::string& name);

/// Storage of a module's .global or .const variable, or null.
void* global(const Module&, const std::string& name, std::size_t* size);

/// All of the module's storage, for Memory.
std::vector<Range> storage(const Module&);

/// Which accesses are races where nothing orders them. Within a block: with `barriers`, bar.sync and bar.warp.sync alone
/// order them, as CUDA has it; with `collectives`, shuffles and votes too.
enum class Races { ignored, collectives, barriers };

struct Options {
  std::uint64_t seed = 0;  ///< 0: lanes in the usual order; else the order of turns
  unsigned resident_blocks = 8;
  bool strict = false;             ///< a membermask must not name lanes that have exited
  std::uint64_t instructions = 0;  ///< of all lanes, after which a launch faults; 0: no limit
  Races races = Races::ignored;
  bool races_of_blocks = false;  ///< between blocks of a launch too
  bool races_of_equals = false;  ///< also where a plain write writes what is there
  bool profile = false;          ///< count what profile_told() tells
};

/// Runs a grid to its end; `args[i]` points to parameter i. Throws std::runtime_error on any fault: memory outside of
/// `memory`, local or shared memory; misaligned access; barriers that not all arrive at (deadlock); trap; what is not
/// known. It names kernel, block, thread, and the line and its text. Races do not end it.
void launch(const Module&, const std::string& name, Dim grid, Dim block, std::size_t dynamic_shared,
            const void* const* args, const Memory& memory, const Options& options);

/// Races found since the start: all, and each pair of lines once, in words.
std::uint64_t races_found();
std::vector<std::string> races_told();

/// Instructions, lanes and accesses of each kernel since the start, and of its `lines` busiest lines: of sources where
/// the text was made with line information.
std::string profile_told(std::size_t lines);

/// Instructions of lanes since the start.
std::uint64_t executed();

}  // namespace galena::ptx
