#pragma once
// Images by plans, for whoever asks for an engine or a device: compiled code, the interpreter, kernels on GPUs. The
// quickest way on a CPU is Images, which shares one match among all vertices of a pattern.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "galena/mine.hpp"
#include "src/mine/frequent/level.hpp"
#include "src/mine/frequent/shape_plans.hpp"
#include "src/mine/gpu/fleet.hpp"
#include "src/mine/gpu/lease.hpp"
#include "src/mine/gpu/pace.hpp"
#include "src/mine/kernels.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine::frequent {

class PlannedImages {
 public:
  /// `stop` is asked now and then; true ends the work early. All must outlive it.
  PlannedImages(const Prepared& prepared, const LabelledGraph& graph, const FrequentSearch& search,
                const MineOptions& options, gpu::Fleet* fleet, std::function<bool()> stop);

  /// Each pattern's `images` holds every image of each orbit; takes those out that are none, and sets `support` as
  /// Images::find() does.
  void find(std::span<FrequentShape* const> patterns);

  [[nodiscard]] std::string engine() const;
  [[nodiscard]] double compile_seconds() const { return spent_.compile; }
  [[nodiscard]] double kernel_seconds() const { return spent_.kernel; }

 private:
  /// What runs the plan of a rooted shape.
  struct Code {
    codegen::Plan plan;
    std::unique_ptr<Executable> run;
    std::unique_ptr<Executable> here;  ///< for what fits no buffer of a GPU, where there was such a thing
  };
  /// A pattern's orbit to decide on.
  struct Item {
    std::size_t pattern = 0;  ///< of those at hand
    int orbit = 0;
    RootedShape root;
  };
  struct Question;
  using Items = std::vector<Item>;

  Code& code_for(const RootedShape& root);
  void run_on_cpu(const Code& code, const Items& items);
  void run_on_gpus(Code& code, const Items& items);
  /// Seconds of the GPU that took longest.
  struct Spent {
    double compile = 0, kernel = 0;
  };
  void serve(gpu::Station& station, Code& code, const Items& items, std::atomic<std::size_t>& next, Spent& most);
  /// Chunks that fit no buffer of the device, or none where it found enough images.
  std::vector<rt::Chunk> ask(gpu::LeaseRunner& runner, Question& question, gpu::Pace& pace, const ChunkPlan& chunks);
  void run_left(Code& code, Question& question, const std::vector<rt::Chunk>& chunks);
  template <class F>
  void for_possible(const Item& item, F&& f) const;
  bool dropped(std::size_t pattern);
  void finish(const Item& item, const Question& question);

  const Prepared& prepared_;
  const LabelledGraph& graph_;
  const FrequentSearch& search_;
  const MineOptions& options_;
  gpu::Fleet* const fleet_;  ///< or null
  const std::function<bool()> stop_;
  const int threads_;
  std::map<std::u32string, Code> codes_;
  Spent spent_;

  std::span<FrequentShape* const> patterns_;  ///< those at hand
  std::mutex mutex_;                          ///< guards what follows, and their supports
  std::vector<std::uint8_t> dropped_;         ///< of these: an orbit has too few images
  std::mutex here_;                           ///< held by the device whose chunks the CPU's threads run
  bool said_ = false;                         ///< that there are such; guarded by it
};

}  // namespace galena::mine::frequent
