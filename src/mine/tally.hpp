#pragma once
// What a run has so far: which chunks are done, and the sums of exactly these.

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "codegen/runtime/abi.h"
#include "src/mine/checkpoint.hpp"
#include "src/mine/chunks.hpp"

namespace galena::mine {

/// For many threads. A chunk's sums are added when it is whole, in one step with the mark that it is done: what content()
/// gives at any moment is what a checkpoint stores and an interrupted run reports.
class Tally {
 public:
  using Content = Checkpoint::Section;
  using Local = std::vector<std::pair<rt::vid, rt::i128>>;
  struct Found {
    std::size_t of = 0;              ///< which chunk
    const rt::i128* sums = nullptr;  ///< by output
  };

  /// Nothing is done yet. `vertices` have counts of their own.
  Tally(const ChunkPlan& chunks, std::size_t outputs, std::size_t vertices);

  [[nodiscard]] Content content() const;
  /// Gives the content away.
  [[nodiscard]] Content take();
  /// Puts other content of the same sizes in the place of what there is.
  void replace(Content content);
  [[nodiscard]] bool fits(const Content& content) const;

  [[nodiscard]] bool done(std::size_t chunk) const;
  [[nodiscard]] bool whole() const;
  /// The next `most` chunks that are not done, beginning at `next`, which then is behind them.
  [[nodiscard]] std::vector<std::size_t> undone(std::size_t& next, std::size_t most) const;
  /// The share of the work that is done; in all, or that of chunks marked.
  [[nodiscard]] double share() const;
  [[nodiscard]] double share_of(const std::vector<std::uint8_t>& marked) const;

  /// Chunks that are whole, and what they add to vertices. `more` may add to them too, of the same chunks.
  void add(std::span<const Found> found, const Local& local, const std::function<void(std::span<rt::i128>)>& more = {});
  /// From now on this chunk comes in so many parts.
  void split(std::size_t chunk, std::size_t parts);

  /// A sum has left its range.
  void overflow();
  [[nodiscard]] bool overflowed() const;

 private:
  void add_chunk(const Found& found);
  void add_whole(const Found& found);
  void add_to(std::vector<rt::i128>& to, const rt::i128* sums);

  const ChunkPlan& chunks_;
  mutable std::mutex mutex_;  ///< guards what follows
  Content content_;
  double share_ = 0;
  bool overflow_ = false;
  struct Parts {
    std::size_t left = 0;
    std::vector<rt::i128> sums;
  };
  std::map<std::size_t, Parts> in_parts_;  ///< by chunk
};

}  // namespace galena::mine
