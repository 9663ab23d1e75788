// Colour refinement (1-dimensional Weisfeiler-Leman) as in McKay, "Practical Graph
// Isomorphism" (1981): a queue of splitter cells; every cell is divided by how many pairs of
// each colour its vertices have into the splitter. Each step depends on positions and counts
// only, never on vertex numbers, so relabelling the structure relabels the result.
#include "codegen/pattern/refinement.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>
#include <vector>

namespace galena::codegen {
namespace {

constexpr Mask bit(int v) { return Mask{1} << v; }
std::size_t at(int v) { return static_cast<std::size_t>(v); }

std::uint64_t mix(std::uint64_t digest, std::uint64_t value) {
  digest = (digest ^ value) * 0x9e3779b97f4a7c15ULL;
  return digest ^ (digest >> 29);
}

class Refiner {
 public:
  Refiner(const Structure& structure, Partition& partition) : structure_(structure), partition_(partition) {}

  void push(Mask splitter) { queue_[at(tail_++)] = splitter; }

  void run() {
    do {
      while (head_ < tail_ && !partition_.discrete(structure_.size)) {
        const Mask splitter = queue_[at(head_++)];
        for (const auto& row : structure_.rows) divide_all(row, splitter);
      }
    } while (!structure_.wide.empty() && !partition_.discrete(structure_.size) && divide_by_wide());
  }

 private:
  // What the wide conditions say of v, each other vertex being known by its cell only.
  [[nodiscard]] Key wide_key(int v, std::array<int, kMaxPatternVertices>& cell_of) const {
    const int cell = std::exchange(cell_of[at(v)], -1);
    std::vector<Key> parts;
    for (const Condition& conjunct : structure_.wide) {
      if ((conjunct.vertices() & bit(v)) != 0) parts.push_back(encode(conjunct, cell_of));
    }
    cell_of[at(v)] = cell;
    std::sort(parts.begin(), parts.end());
    Key key;
    for (const Key& part : parts) key.insert(key.end(), part.begin(), part.end());
    return key;
  }

  // Divides the first cell that the wide conditions divide; false if they divide none.
  bool divide_by_wide() {
    std::array<int, kMaxPatternVertices> cell_of{};
    for (int v = 0; v < structure_.size; ++v) cell_of[at(v)] = partition_.cell_of(v);
    for (int i = 0; i < partition_.count; ++i) {
      std::map<Key, Mask> by_key;
      for (Mask rest = partition_.cells[at(i)]; rest != 0; rest &= rest - 1) {
        by_key[wide_key(std::countr_zero(rest), cell_of)] |= bit(std::countr_zero(rest));
      }
      for (const auto& [key, part] : by_key) {
        for (const std::int64_t value : key)
          partition_.digest = mix(partition_.digest, static_cast<std::uint64_t>(value));
      }
      if (by_key.size() == 1) continue;
      std::array<Mask, kMaxPatternVertices + 1> parts{};
      std::size_t pieces = 0;
      for (const auto& [key, part] : by_key) parts[pieces++] = part;
      replace(i, parts, (std::uint64_t{1} << pieces) - 1, static_cast<int>(pieces));
      return true;
    }
    return false;
  }

  void divide_all(const std::array<Mask, kMaxPatternVertices>& row, Mask splitter) {
    for (int i = 0; i < partition_.count;) i += divide(i, row, splitter);
  }

  // Returns the number of cells that cell i became.
  int divide(int i, const std::array<Mask, kMaxPatternVertices>& row, Mask splitter) {
    const Mask cell = partition_.cells[at(i)];
    std::array<Mask, kMaxPatternVertices + 1> parts{};
    std::uint64_t counts = 0;  // those that occur; a count is at most 31, as no vertex is paired with itself
    for (Mask rest = cell; rest != 0; rest &= rest - 1) {
      const int v = std::countr_zero(rest);
      const int pairs = std::popcount(row[at(v)] & splitter);
      parts[at(pairs)] |= bit(v);
      counts |= std::uint64_t{1} << pairs;
    }
    partition_.digest = mix(partition_.digest, counts);
    const int pieces = std::popcount(counts);
    if (pieces > 1) replace(i, parts, counts, pieces);
    return pieces;
  }

  void replace(int i, const std::array<Mask, kMaxPatternVertices + 1>& parts, std::uint64_t counts, int pieces) {
    auto* const cell = partition_.cells.data() + i;
    std::copy_backward(cell + 1, partition_.cells.data() + partition_.count,
                       partition_.cells.data() + partition_.count + pieces - 1);
    partition_.count += pieces - 1;
    for (int piece = 0; piece < pieces; ++piece, counts &= counts - 1) {
      cell[piece] = parts[at(std::countr_zero(counts))];
      partition_.digest = mix(partition_.digest, static_cast<std::uint64_t>(std::popcount(cell[piece])));
      push(cell[piece]);
    }
  }

  const Structure& structure_;
  Partition& partition_;
  // At most 32 cells to begin with; a division into p cells pushes p and adds p - 1.
  std::array<Mask, 4 * kMaxPatternVertices> queue_;
  int head_ = 0, tail_ = 0;
};

}  // namespace

int Partition::target() const {
  int best = -1, best_size = kMaxPatternVertices + 1;
  for (int i = 0; i < count; ++i) {
    const int cell_size = std::popcount(cells[at(i)]);
    if (cell_size > 1 && cell_size < best_size) {
      best = i;
      best_size = cell_size;
    }
  }
  return best;
}

int Partition::cell_of(int v) const {
  int i = 0;
  while ((cells[at(i)] & bit(v)) == 0) ++i;
  return i;
}

Partition equitable_partition(const Structure& structure) {
  Partition partition;
  partition.count = static_cast<int>(structure.vertex_palette.size());
  for (int v = 0; v < structure.size; ++v) partition.cells[structure.vertex_color[at(v)]] |= bit(v);
  Refiner refiner(structure, partition);
  for (int i = 0; i < partition.count; ++i) refiner.push(partition.cells[at(i)]);
  refiner.run();
  return partition;
}

Partition individualized(const Structure& structure, Partition partition, int v) {
  const int i = partition.cell_of(v);
  auto* const cell = partition.cells.data() + i;
  if (*cell == bit(v)) return partition;
  std::copy_backward(cell + 1, partition.cells.data() + partition.count, partition.cells.data() + partition.count + 1);
  ++partition.count;
  cell[1] = cell[0] & ~bit(v);
  cell[0] = bit(v);
  partition.digest = mix(partition.digest, static_cast<std::uint64_t>(i));
  Refiner refiner(structure, partition);
  refiner.push(bit(v));
  refiner.run();
  return partition;
}

}  // namespace galena::codegen
