#include "test/emulator/ptx_race.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace galena::ptx {
namespace {
struct Entry {
  u32 block, warp_lane, clock, bars, pc, epoch;
  u8 mask, kind;
};  // kind: 1 write, 2 atomic
struct Cell {
  u64 key = 0;
  u32 gen = 0, n = 0;
  Entry e[6];
};

/// What a warp knows of others: by warp of the launch, the epochs of it that lie before what it does now.
using Known = std::map<u32, u32>;
struct Knowledge {
  u32 epoch = 0;  // ends at a fence or barrier of its own
  Known now;      // for sure
  Known sent;     // what was so at its last fence, with its own epoch: what a word that it writes carries
  Known heard;    // carried by words that it read, once it comes to a fence
};
std::map<u32, Knowledge> knowledge;
std::map<u64, Known> words;  // by address

void join(Known& to, const Known& from) {
  for (const auto& [warp, epoch] : from) {
    u32& known = to[warp];
    known = std::max(known, epoch);
  }
}
u32 number_of(const Warp& w) { return u32(w.block->linear * w.block->warps.size() + w.index); }

std::vector<Cell> table(1 << 16);
u32 gen = 0;
size_t used = 0;
std::set<std::pair<u64, u64>> told;
u64 found = 0;
Cell& cell(u64 key) {
  if (used * 2 > table.size()) {
    std::vector<Cell> old(table.size() * 4);
    old.swap(table);
    used = 0;
    for (auto& c : old)
      if (c.gen == gen) {
        u64 h = (c.key * 0x9E3779B97F4A7C15ull) >> 20;
        for (;; ++h) {
          Cell& t = table[h & (table.size() - 1)];
          if (t.gen != gen) {
            t = c;
            ++used;
            break;
          }
        }
      }
  }
  u64 h = (key * 0x9E3779B97F4A7C15ull) >> 20;
  for (;; ++h) {
    Cell& t = table[h & (table.size() - 1)];
    if (t.gen == gen) {
      if (t.key == key) return t;
      continue;
    }
    t.gen = gen;
    t.key = key;
    t.n = 0;
    ++used;
    return t;
  }
}

std::vector<std::string>& stories = *new std::vector<std::string>;  // told at the very end

/// Remembers a race in words, once for two lines of a kernel.
void tell(const Warp& w, const Ins& in, u32 thread, int kind, const Entry& e, bool shared) {
  const Launch& l = *w.launch;
  const Ins& other = l.module->code[e.pc];
  const u64 lines = u64(in.line) << 32 | other.line;
  if (!told.insert({lines, std::hash<std::string>{}(l.kernel->name)}).second || stories.size() >= 60) return;
  const u64 block = w.block->linear;
  const char* const where = e.block != block              ? "between blocks"
                            : e.warp_lane / 32 == w.index ? "in a warp"
                                                          : "between warps";
  const auto one = [&](u64 b, u32 t, const char* what, const Ins& i) {
    return "block " + std::to_string(b) + " thread " + std::to_string(t) + " " + what + ", line " +
           std::to_string(i.line) + ": " + l.module->line_text(i.line);
  };
  stories.push_back(std::string(shared ? "shared" : "global") + " memory, " + where + ": " +
                    one(block, thread, kind & 1 ? "writes" : "reads", in) + "\n    with " +
                    one(e.block, e.warp_lane, e.kind & 1 ? "wrote" : "read", other) + (e.kind & 2 ? " (atomic)" : "") +
                    "\n    kernel " + pretty(l.kernel->name));
}

}  // namespace
void race_start() {
  ++gen;
  used = 0;
  knowledge.clear();
  words.clear();
}
void race_fence(Warp& w) {
  Knowledge& mine = knowledge[number_of(w)];
  join(mine.now, mine.heard);
  mine.sent = mine.now;
  mine.sent[number_of(w)] = ++mine.epoch;
}
void race_sync(Warp& w, u32 m) {
  ++w.clock;
  if ((m & w.alive) == w.alive) {
    w.all_at = w.clock;
    return;
  }
  for (u32 a = m; a; a &= a - 1)
    for (u32 b = m; b; b &= b - 1) w.met[__builtin_ctz(a)][__builtin_ctz(b)] = w.clock;
}
void race_block_sync(Block& b) {
  ++b.bars;
  for (auto& w : b.warps)
    if (w.alive) {
      ++w.clock;
      w.all_at = w.clock;
    }
  Known all;
  for (const Warp& w : b.warps) {
    Knowledge& one = knowledge[number_of(w)];
    join(all, one.now);
    all[number_of(w)] = ++one.epoch;
  }
  for (const Warp& w : b.warps) knowledge[number_of(w)].now = all;
}
void race_touch(Warp& w, const Ins& in, u32 m, u8* const* p, unsigned size, int kind, const u64* value) {
  Launch& l = *w.launch;
  Block& b = *w.block;
  Knowledge& mine = knowledge[number_of(w)];
  for (u32 k = m; k; k &= k - 1) {
    const int lane = __builtin_ctz(k);
    u8* const at = p[lane];
    if (at >= w.local && at < w.local + 32 * l.local_bytes) continue;
    if (at >= l.params && at < l.params + l.param_bytes) continue;
    const bool shared = at >= b.shared && at < b.shared + b.shared_bytes;
    if ((kind & 2) && (!mine.sent.empty() || !words.empty())) {
      Known& carried = words[u64(at)];
      join(mine.heard, carried);
      if (kind & 1) join(carried, mine.sent);
    }
    bool same = false;
    if (value && !l.options.races_of_equals) same = std::memcmp(at, &value[lane], size) == 0;
    for (unsigned o = 0; o < size;) {
      const u64 addr = u64(at) + o;
      const u64 key = addr >> 2;
      const unsigned in_cell = std::min<unsigned>(4 - (addr & 3), size - o);
      const u8 mask = u8(((1u << in_cell) - 1) << (addr & 3));
      o += in_cell;
      Cell& c = cell(key);
      const u32 wl = w.index * 32 + u32(lane);
      int slot = -1;
      for (u32 x = 0; x < c.n;) {
        Entry& e = c.e[x];
        bool ordered;
        const bool self = e.block == u32(b.linear) && e.warp_lane == wl;
        if (e.block != u32(b.linear))
          ordered = shared || !l.options.races_of_blocks;
        else if (self)
          ordered = true;
        else if (e.warp_lane / 32 == w.index)
          ordered = w.all_at > e.clock || w.met[lane][e.warp_lane & 31] > e.clock;
        else
          ordered = b.bars > e.bars;
        if (!ordered && e.warp_lane / 32 + e.block * u32(b.warps.size()) != number_of(w)) {
          const auto known = mine.now.find(e.block * u32(b.warps.size()) + e.warp_lane / 32);
          ordered = known != mine.now.end() && known->second > e.epoch;
        }
        if ((e.mask & mask) && !ordered && ((kind | e.kind) & 1) && !((kind & 2) && (e.kind & 2)) && !same) {
          tell(w, in, wl, kind, e, shared);
          ++found;
        }
        if (self && (e.kind == u8(kind)) && (e.mask & ~mask) == 0) {
          slot = int(x);
          ++x;
          continue;
        }
        if (ordered && e.block == u32(b.linear) && !self && (kind & 1) && (e.mask & ~mask) == 0) {
          c.e[x] = c.e[--c.n];
          if (slot == int(c.n)) slot = int(x);
          continue;
        }
        ++x;
      }
      const Entry entry{u32(b.linear), wl, w.clock, b.bars, w.pc, mine.epoch, mask, u8(kind)};
      if (slot >= 0)
        c.e[slot] = entry;
      else if (c.n < 6)
        c.e[c.n++] = entry;
      else
        c.e[l.random() % 6] = entry;
    }
  }
}
std::uint64_t races_found() { return found; }

std::vector<std::string> races_told() { return stories; }

}  // namespace galena::ptx
