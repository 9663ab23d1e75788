// Lays a launch out: parameters, shared, local and register memory.

#include <cxxabi.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>

#include "test/emulator/ptx_machine.hpp"
#include "test/emulator/ptx_profile.hpp"
#include "test/emulator/ptx_race.hpp"

namespace galena::ptx {

namespace {

std::atomic<u64> g_executed{0};
std::string dims(Dim d) {
  return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")";
}

struct Buffer {
  u8* p = nullptr;
  size_t n = 0;
  u8* get(size_t bytes) {
    if (bytes > n) {
      std::free(p);
      n = (bytes + 4095) / 4096 * 4096;
      p = static_cast<u8*>(std::aligned_alloc(4096, n));
      if (!p) throw std::runtime_error("PTX: out of host memory");
      std::memset(p, 0xCD, n);
    }
    return p;
  }
};

std::recursive_mutex g_launch;

}  // namespace

std::string pretty(const std::string& n) {
  int st;
  char* p = abi::__cxa_demangle(n.c_str(), nullptr, nullptr, &st);
  if (!p) return n;
  std::string s = p;
  std::free(p);
  if (s.size() > 300) s = s.substr(0, 300) + "...";
  return s;
}
Dim thread_of(const Launch& l, unsigned lin) {
  return {lin % l.block.x, lin / l.block.x % l.block.y, lin / l.block.x / l.block.y};
}

void fault(const Warp& w, const Ins& in, int lane, const std::string& what) {
  const Launch& l = *w.launch;
  throw std::runtime_error("PTX fault: " + what + "\n  kernel " + pretty(l.kernel->name) + ", grid " + dims(l.grid) +
                           " of " + dims(l.block) + ", block " + dims(w.block->id) + ", thread " +
                           dims(thread_of(l, w.index * 32 + unsigned(lane))) + " (warp " + std::to_string(w.index) +
                           ", lane " + std::to_string(lane) + ")\n  PTX line " + std::to_string(in.line) + ": " +
                           l.module->line_text(in.line));
}

void launch(const Module& cm, const std::string& name, Dim grid, Dim block, std::size_t dynamic_shared,
            const void* const* args, const Memory& memory, const Options& options) {
  std::lock_guard lock(g_launch);
  static Buffer regs_buffer, shared_buffer, local_buffer, pred_buffer;
  auto& m = const_cast<Module&>(cm);
  const Kernel* k = find(m, name);
  if (!k) throw std::runtime_error("PTX: no kernel " + name);
  const int fi = m.function_index.find(name)->second;
  const Function& f = m.functions[size_t(fi)];
  const unsigned threads = block.x * block.y * block.z;
  if (threads == 0 || grid.x == 0 || grid.y == 0 || grid.z == 0)
    throw std::runtime_error("PTX: empty launch of " + pretty(name));
  if (threads > k->max_threads)
    throw std::runtime_error("PTX: " + std::to_string(threads) + " threads a block, but " + pretty(name) + " allows " +
                             std::to_string(k->max_threads));
  if (k->static_shared + dynamic_shared > 232448)
    throw std::runtime_error("PTX: too much shared memory for " + pretty(name));
  // lay shared variables out
  u64 offset = 0;
  std::vector<u64> at(m.shared.size(), 0);
  for (int v : f.shared_used) {
    auto& s = m.shared[size_t(v)];
    if (s.dynamic) continue;
    offset = (offset + s.align - 1) / s.align * s.align;
    at[size_t(v)] = offset;
    offset += s.size;
  }
  u64 al = 16;
  for (int v : f.shared_used)
    if (m.shared[size_t(v)].dynamic) al = std::max(al, m.shared[size_t(v)].align);
  const u64 dyn_at = (offset + al - 1) / al * al;
  for (int v : f.shared_used)
    if (m.shared[size_t(v)].dynamic) at[size_t(v)] = dyn_at;
  if (m.laid_out != fi) {
    for (auto& c : m.shared_consts) {
      const u64 v = kSharedBase + at[size_t(c.var)] + c.offset;
      if (c.width == 8) {
        auto* p = reinterpret_cast<u64*>(m.consts + size_t(~c.unit) * 32);
        for (int i = 0; i < 32; ++i) p[i] = v;
      } else {
        auto* p = m.consts + size_t(~c.unit) * 32;
        for (int i = 0; i < 32; ++i) p[i] = u32(v);
      }
    }
    m.laid_out = fi;
  }
  Machine mc;
  Launch& l = mc.l;
  l.module = &m;
  l.kernel = &f;
  l.grid = grid;
  l.block = block;
  l.memory = &memory;
  l.shared_end = kSharedBase + (dynamic_shared ? dyn_at + dynamic_shared : offset);
  mc.dyn = dynamic_shared;
  std::vector<u8> params(f.param_bytes + 16, 0);
  for (size_t i = 0; i < f.params.size(); ++i)
    std::memcpy(params.data() + f.params[i].offset, args[i], f.params[i].size);
  l.params = params.data();
  l.param_bytes = f.param_bytes;
  static u64 launches = 0;
  ++launches;
  l.rng = options.seed * 0x9E3779B97F4A7C15ull ^ 0xD1B54A32D192ED03ull ^ (launches * 0xBF58476D1CE4E5B9ull);
  if (!l.rng) l.rng = 1;
  for (int i = 0; i < 8; ++i) l.random();
  switch (l.random() % 4) {
    case 0:
      mc.split_odds = 64;
      mc.quantum = 300;
      break;
    case 1:
      mc.split_odds = 2;
      mc.quantum = 4;
      break;
    case 2:
      mc.split_odds = 4;
      mc.quantum = 10;
      break;
    default: break;
  }
  // local memory: the deepest chain of frames
  bool calls = false;
  {
    bool unknown = false;
    std::function<u64(int, int)> deep = [&](int fn, int depth) -> u64 {
      const auto& g = m.functions[size_t(fn)];
      u64 best = 0;
      if (g.recursive || depth > 64) {
        unknown = true;
        return 0;
      }
      for (int c : g.callees) {
        if (c == -1) {
          unknown = true;
          calls = true;
          continue;
        }
        calls = true;
        best = std::max(best, deep(c, depth + 1));
      }
      return (g.frame + 63) / 64 * 64 + best;
    };
    l.local_bytes = deep(fi, 0);
    if (unknown) l.local_bytes = 64 * 1024;
    if (l.local_bytes) l.local_bytes = (l.local_bytes + 255) / 256 * 256;
  }
  mc.code = m.code.data();
  l.options = options;
  mc.total_blocks = u64(grid.x) * grid.y * grid.z;
  mc.nwarps = (threads + 31) / 32;
  const size_t n = size_t(std::min<u64>(std::max(1u, options.resident_blocks), mc.total_blocks));
  const size_t units = size_t(f.reg_base + f.regs), npreds = size_t(f.pred_base + f.preds + 15) / 16 * 16;
  mc.slots.resize(n);
  mc.live.assign(n, 0);
  u8* rb = regs_buffer.get(n * mc.nwarps * units * 128);
  u8* pb = pred_buffer.get(n * mc.nwarps * npreds * 4);
  const size_t sh = (size_t(l.shared_end - kSharedBase) + 1023) / 1024 * 1024;
  u8* sb = shared_buffer.get(n * sh + 1024);
  u8* lb = local_buffer.get(n * mc.nwarps * 32 * l.local_bytes + 256);
  std::vector<std::vector<Frame>> stacks(calls ? n * mc.nwarps * 32 : 0);
  for (size_t s = 0; s < n; ++s) {
    Block& b = mc.slots[s];
    b.shared = sb + s * sh;
    b.warps.resize(mc.nwarps);
    for (unsigned wi = 0; wi < mc.nwarps; ++wi) {
      Warp& w = b.warps[wi];
      const size_t at2 = s * mc.nwarps + wi;
      w.index = wi;
      w.launch = &l;
      w.consts = m.consts;
      w.regs = reinterpret_cast<u32*>(rb + at2 * units * 128);
      w.preds = reinterpret_cast<u32*>(pb + at2 * npreds * 4);
      w.local = lb + at2 * 32 * l.local_bytes;
      if (calls) w.stacks = stacks.data() + at2 * 32;
    }
  }
  struct Count {
    Launch& l;
    ~Count() { g_executed += l.count; }
  } count{l};
  l.watched = options.races != Races::ignored;
  if (l.watched) race_start();
  if (options.profile) profile_start(l);
  mc.run();
  if (options.profile) profile_end(l);
}
std::vector<std::string> unknown(const Module& m) { return m.messages; }
std::uint64_t executed() { return g_executed; }

}  // namespace galena::ptx
