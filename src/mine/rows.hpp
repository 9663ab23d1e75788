#pragma once
// Rows of a LIST on their way from the workers to the sink.

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "galena/mine.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

/// Collects matches by worker, translates them to original ids in the columns asked for, and
/// passes them on under a lock: at most `limit` of them, sorted where `ordered`.
/// Memory: a few thousand rows a worker; all rows (or 2 x limit) where ordered.
class Rows {
 public:
  Rows(const Prepared& graph, const Query& query, const std::vector<int>& order, int threads, const RowSink& sink);

  /// A match by depth, from worker `thread`. False: enough, end the run.
  bool add(int thread, const rt::vid* matched, int size);
  /// Passes on what is left. Returns how many rows were passed on in all.
  std::uint64_t finish();

 private:
  struct alignas(64) Buffer {
    std::vector<std::uint64_t> ids;
  };
  bool flush(Buffer& buffer);
  bool pass_on(const std::vector<std::uint64_t>& ids);
  void keep_smallest();

  const Prepared& graph_;
  const RowSink& sink_;
  std::vector<int> depth_of_column_;
  std::size_t width_;
  bool ordered_;
  std::optional<std::uint64_t> limit_;
  std::vector<Buffer> buffers_;
  std::mutex mutex_;
  std::vector<std::uint64_t> kept_;  ///< where ordered
  std::uint64_t passed_ = 0;
  bool enough_ = false;
};

}  // namespace galena::mine
