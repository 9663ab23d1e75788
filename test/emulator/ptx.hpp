#pragma once
// A PTX interpreter for testing CUDA code on a machine without a GPU. Device memory is host memory: addresses are host
// addresses. Interface between the interpreter (ptx.cpp) and the runtime shims.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ptx {

struct Dim {
  unsigned x = 1, y = 1, z = 1;
};

/// What kernels may touch. Kept by the runtime shim, asked by the interpreter (which caches ranges; `version` rises with
/// every change). Sorted by begin, disjoint.
struct Range {
  std::uint64_t begin, end;
  bool writable;
};
struct Memory {
  std::vector<Range> ranges;
  std::uint64_t version = 0;
};

struct Param {
  std::size_t size, align, offset;
};
struct Kernel {
  std::string name;
  std::vector<Param> params;
  std::size_t static_shared = 0;
  unsigned max_threads = 1024;  ///< .maxntid / .reqntid product, else 1024
};

class Module;
/// Parses a PTX text (several .entry, .func, .global/.const variables with initialisers). Throws std::runtime_error with
/// the line. Names of static (.visible or not) globals resolve within the module.
std::shared_ptr<Module> load(const std::string& text);
const Kernel* find(const Module&, const std::string& name);
/// Storage of a module's global/const variable (allocated by load), or null.
void* global(const Module&, const std::string& name, std::size_t* size);
/// All module storage, for Memory.
std::vector<Range> storage(const Module&);

struct Options {
  std::uint64_t seed =
      0;  ///< 0: lanes in the usual order; else warps, blocks and diverged lanes take turns in an order it picks
  unsigned resident_blocks =
      8;  ///< blocks that run at the same time, in turns (a spinning block must not starve others)
};
/// Runs a grid to its end. `args[i]` points to parameter i. Throws std::runtime_error on any fault: memory outside
/// `memory` (local and shared too), misaligned access (PTX demands natural alignment, vectors the vector's), bar.sync or
/// *.sync that not all arrive at (deadlock), trap, unknown instruction; the message names kernel, block, thread, PTX line and text.
void launch(const Module&, const std::string& name, Dim grid, Dim block, std::size_t dynamic_shared,
            const void* const* args, const Memory& memory, const Options& options);

/// Instructions that the interpreter does not know (they fault where a thread executes one), each with line and text.
std::vector<std::string> unknown(const Module&);

/// Lane instructions executed since the start.
std::uint64_t executed();

}  // namespace ptx
