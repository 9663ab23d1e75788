#include "test/emulator/ptx_profile.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <unordered_set>

namespace galena::ptx {
namespace {

struct Counts {
  u64 issued = 0, lanes = 0, on = 0;         // warps' instructions; lanes of their groups; lanes past the guard
  u64 requests = 0, sectors = 0, asked = 0;  // of global memory: instructions, 32-byte sectors, bytes of lanes
  u64 shared = 0, wavefronts = 0;            // of shared memory: instructions, turns that banks take
};

Counts& operator+=(Counts& a, const Counts& b) {
  a.issued += b.issued;
  a.lanes += b.lanes;
  a.on += b.on;
  a.requests += b.requests;
  a.sectors += b.sectors;
  a.asked += b.asked;
  a.shared += b.shared;
  a.wavefronts += b.wavefronts;
  return a;
}

struct OfKernel {
  u64 launches = 0, blocks = 0, longest = 0, fresh = 0;
  Counts all;
  std::map<u64, Counts> lines;  // by Ins::source
  std::map<u32, std::string> files;
};

std::vector<Counts> g_by_pc;                  // of the launch, as what follows
std::unordered_set<u64> g_sectors;            // that it has touched
std::unordered_map<const Warp*, u64> g_warp;  // instructions of those that take turns at one place

std::map<std::string, OfKernel>& kernels() {
  static auto* const all = new std::map<std::string, OfKernel>;  // told of at the very end
  return *all;
}

/// Turns that a shared access takes: as many as a bank has different words.
u64 wavefronts(u32 m, const u64* address, unsigned size) {
  u64 turns = 0;
  const unsigned lanes = std::max(1u, 128 / std::max(4u, size));  // that are served together
  for (unsigned from = 0; from < 32; from += lanes) {
    std::array<std::vector<u64>, 32> words;
    u64 most = 0;
    for (unsigned i = from; i < std::min(32u, from + lanes); ++i) {
      if ((m >> i & 1) == 0) continue;
      for (u64 word = address[i] / 4; word <= (address[i] + size - 1) / 4; ++word) {
        auto& bank = words[word % 32];
        if (std::find(bank.begin(), bank.end(), word) == bank.end()) bank.push_back(word);
        most = std::max<u64>(most, bank.size());
      }
    }
    turns += most;
  }
  return turns;
}

double share(u64 part, u64 whole) { return whole == 0 ? 0 : double(part) / double(whole); }

void describe(std::string& to, const std::string& head, const Counts& c) {
  char text[400];
  std::snprintf(text, sizeof text, "%14llu %5.1f%% %5.1f%%", static_cast<unsigned long long>(c.issued),
                100 * share(c.lanes, 32 * c.issued), 100 * share(c.on, 32 * c.issued));
  to += text;
  if (c.requests != 0)
    std::snprintf(text, sizeof text, " %12llu %5.1f %5.1f%%", static_cast<unsigned long long>(c.requests),
                  share(c.sectors, c.requests), 100 * share(c.asked, 32 * c.sectors));
  else
    std::snprintf(text, sizeof text, " %12s %5s %6s", "", "", "");
  to += text;
  if (c.shared != 0)
    std::snprintf(text, sizeof text, " %12llu %5.2f", static_cast<unsigned long long>(c.shared),
                  share(c.wavefronts, c.shared));
  else
    std::snprintf(text, sizeof text, " %12s %5s", "", "");
  to += text;
  to += "  " + head + "\n";
}

}  // namespace

void profile_start(const Launch& l) {
  g_by_pc.assign(l.module->code.size(), {});
  g_sectors.clear();
  g_warp.clear();
}

void profile_end(const Launch& l) {
  OfKernel& kernel = kernels()[l.kernel->name];
  kernel.files = l.module->files;
  ++kernel.launches;
  kernel.blocks += u64(l.grid.x) * l.grid.y * l.grid.z;
  kernel.fresh += g_sectors.size();
  for (const auto& [warp, n] : g_warp) kernel.longest = std::max(kernel.longest, n);
  for (std::size_t pc = 0; pc < g_by_pc.size(); ++pc)
    if (g_by_pc[pc].issued != 0) {
      kernel.all += g_by_pc[pc];
      kernel.lines[l.module->code[pc].source] += g_by_pc[pc];
    }
}

void profile_issue(const Warp& w, u32 pc, u32 group, u32 m) {
  Counts& c = g_by_pc[pc];
  ++c.issued;
  c.lanes += u64(__builtin_popcount(group));
  c.on += u64(__builtin_popcount(m));
  ++g_warp[&w];
}

void profile_access(u32 pc, u32 m, const u64* address, Space space, unsigned size) {
  Counts& c = g_by_pc[pc];
  if (space == Shared) {
    ++c.shared;
    c.wavefronts += wavefronts(m, address, size);
    return;
  }
  if (space != Global) return;
  ++c.requests;
  c.asked += u64(__builtin_popcount(m)) * size;
  std::array<u64, 64> sectors;
  std::size_t n = 0;
  for (u32 k = m; k != 0; k &= k - 1) {
    const int i = __builtin_ctz(k);
    for (u64 sector = address[i] / 32; sector <= (address[i] + size - 1) / 32; ++sector)
      if (std::find(sectors.begin(), sectors.begin() + n, sector) == sectors.begin() + n) sectors[n++] = sector;
  }
  c.sectors += n;
  g_sectors.insert(sectors.begin(), sectors.begin() + n);
}

std::string profile_told(std::size_t lines) {
  std::vector<std::pair<std::string, const OfKernel*>> order;
  for (const auto& [name, kernel] : kernels()) order.emplace_back(pretty(name), &kernel);
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return a.second->all.issued > b.second->all.issued; });
  std::string told;
  for (const auto& [name, kernel] : order) {
    char text[300];
    told += "\n" + name + "\n";
    std::snprintf(
        text, sizeof text,
        "  %llu launches, %llu blocks; longest warp %llu instructions; %.2f MB of memory touched, %.2f MB moved\n",
        static_cast<unsigned long long>(kernel->launches), static_cast<unsigned long long>(kernel->blocks),
        static_cast<unsigned long long>(kernel->longest), double(kernel->fresh) * 32e-6,
        double(kernel->all.sectors) * 32e-6);
    told += text;
    std::snprintf(text, sizeof text, "%14s %6s %6s %12s %5s %6s %12s %5s\n", "instructions", "group", "lanes", "global",
                  "sect.", "used", "shared", "waves");
    told += text;
    describe(told, "all", kernel->all);
    std::vector<std::pair<u64, Counts>> worst(kernel->lines.begin(), kernel->lines.end());
    std::sort(worst.begin(), worst.end(),
              [](const auto& a, const auto& b) { return a.second.issued > b.second.issued; });
    if (worst.size() > lines) worst.resize(lines);
    for (const auto& [source, counts] : worst) {
      const auto file = kernel->files.find(u32(source >> 32));
      describe(told, (file == kernel->files.end() ? "?" : file->second) + ":" + std::to_string(u32(source)), counts);
    }
  }
  return told;
}

}  // namespace galena::ptx
