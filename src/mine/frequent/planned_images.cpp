// A plan decides for one orbit of a pattern's vertices. What its parts leave possible is what it is asked for; each
// vertex that is asked for is a root, and its nest is left at the first match. Orbits of one rooted shape are decided
// by one compiled kernel, one after the other, with other labels: on a GPU so that the kernel and the graph stay there.

#include "src/mine/frequent/planned_images.hpp"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <bit>

#include "src/base/threads.hpp"
#include "src/mine/crew.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/worker.hpp"

namespace galena::mine::frequent {

namespace {

constexpr std::uint64_t kPieces = 192;         ///< of a graph, for threads
constexpr std::uint64_t kPiecesGpu = 1 << 14;  ///< and for a GPU's workers
constexpr std::size_t kFew = 4;                ///< orbits a thread
constexpr std::size_t at(int v) { return Shape::at(v); }

}  // namespace

/// What a plan is asked about an item.
struct PlannedImages::Question {
  std::vector<Label> labels;
  std::vector<std::uint32_t> asked, found;
  std::uint64_t count = 0;
  rt::ImageTask task{};
  volatile int halt = 0;

  Question(const PlannedImages& images, const Item& item)
      : labels(labels_for(item.root, images.patterns_[item.pattern]->shape, images.graph_)),
        asked(rt::bit_words(images.prepared_.view().n)),
        found(asked.size()) {
    images.for_possible(item, [&](std::uint64_t, vid v) { asked[v / 32] |= 1U << (v % 32); });
    const FrequentSearch& search = images.search_;
    task = {labels.data(), asked.data(), found.data(), &count, search.exact ? ~std::uint64_t{0} : search.support};
  }

  void end() { __atomic_store_n(&halt, 1, __ATOMIC_RELAXED); }
  /// Runs a chunk on this thread.
  void run(const Executable& code, WorkerMemory& memory, const rt::Chunk& chunk) {
    rt::Worker& worker = memory.worker();
    worker.images = &task;
    worker.owner = this;
    worker.stop = &halt;
    worker.aborted = 0;
    worker.emit = [](rt::Worker* w, int, const vid*, int) {
      static_cast<Question*>(w->owner)->end();
      return 1;
    };
    code.run(worker, chunk);
  }
};

PlannedImages::PlannedImages(const Prepared& prepared, const LabelledGraph& graph, const FrequentSearch& search,
                             const MineOptions& options, gpu::Fleet* fleet, std::function<bool()> stop)
    : prepared_(prepared),
      graph_(graph),
      search_(search),
      options_(options),
      fleet_(fleet),
      stop_(std::move(stop)),
      threads_(thread_count(options)) {}

std::string PlannedImages::engine() const {
  if (fleet_ != nullptr) return "cuda";
  return options_.engine == Engine::interpreter ? "interpreter" : "jit";
}

/// Calls f(rank, vertex of the prepared graph) for what may be an image of the item's orbit.
template <class F>
void PlannedImages::for_possible(const Item& item, F&& f) const {
  const FrequentShape& pattern = *patterns_[item.pattern];
  const Domain& domain = pattern.images[at(item.orbit)];
  const vid begin = graph_.begin(pattern.shape.label[at(item.orbit)]);
  for (std::size_t word = 0; word < domain.words(); ++word)
    for (std::uint64_t bits = domain.word(word); bits != 0; bits &= bits - 1) {
      const std::uint64_t rank = 64 * word + static_cast<std::uint64_t>(std::countr_zero(bits));
      f(rank, graph_.given(static_cast<vid>(begin + rank)));
    }
}

void PlannedImages::find(std::span<FrequentShape* const> patterns) {
  patterns_ = patterns;
  dropped_.assign(patterns.size(), 0);
  std::map<std::u32string, Items> groups;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    FrequentShape& pattern = *patterns[i];
    pattern.support = search_.exact ? ~std::uint64_t{0} : search_.support;
    Items items;
    for (int v = 0; v < pattern.shape.size; ++v) {
      if (pattern.orbit[at(v)] != v) continue;
      if (pattern.images[at(v)].count() < search_.support) dropped_[i] = 1;
      items.push_back({i, v, rooted(pattern.shape, v)});
    }
    if (dropped_[i] != 0) continue;
    for (Item& item : items) groups[item.root.key].push_back(std::move(item));
  }
  for (const auto& [key, items] : groups) {
    if (stop_()) break;
    Code& code = code_for(items.front().root);
    fleet_ == nullptr ? run_on_cpu(code, items) : run_on_gpus(code, items);
  }
  const bool stopped = stop_();
  for (std::size_t i = 0; i < patterns.size(); ++i)
    if (stopped || dropped_[i] != 0) patterns[i]->support = 0;
}

PlannedImages::Code& PlannedImages::code_for(const RootedShape& root) {
  const auto [place, fresh] = codes_.try_emplace(root.key);
  Code& code = place->second;
  if (fresh) {
    code.plan = codegen::image_plan(root.pattern, root.root, labels_of_search(search_, prepared_.view()),
                                    prepared_.statistics());
    MineOptions options = options_;
    if (fleet_ == nullptr && options.engine == Engine::automatic) options.engine = Engine::jit;
    code.run = std::make_unique<Executable>(code.plan, 0, options);
    spent_.compile += code.run->compile_seconds();
  }
  return code;
}

void PlannedImages::run_on_cpu(const Code& code, const Items& items) {
  const std::vector<rt::Chunk>& chunks = prepared_.chunks(kPieces, code.plan.max_depth >= 2).chunks;
  std::vector<std::unique_ptr<WorkerMemory>> memory;
  for (int t = 0; t < threads_; ++t) memory.push_back(std::make_unique<WorkerMemory>(code.plan, prepared_.view()));
  const auto run_chunk = [&](Question& question, std::size_t chunk) {
    if (stop_()) question.end();
    if (!rt::raised(&question.halt))
      question.run(*code.run, *memory[static_cast<std::size_t>(omp_get_thread_num())], chunks[chunk]);
  };
  base::ErrorTrap trap;
  if (items.size() >= kFew * static_cast<std::size_t>(threads_)) {  // an item a thread, else a chunk a thread
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
    for (std::size_t i = 0; i < items.size(); ++i)
      trap.run(i, [&] {
        if (dropped(items[i].pattern)) return;
        Question question(*this, items[i]);
        for (std::size_t c = 0; c < chunks.size(); ++c) run_chunk(question, c);
        finish(items[i], question);
      });
    return trap.rethrow();
  }
  for (const Item& item : items) {
    if (dropped(item.pattern)) continue;
    Question question(*this, item);
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
    for (std::size_t c = 0; c < chunks.size(); ++c) trap.run(c, [&] { run_chunk(question, c); });
    trap.rethrow();
    finish(item, question);
  }
}

void PlannedImages::run_on_gpus(Code& code, const Items& items) {
  std::atomic<std::size_t> next{0};
  Spent most;
  base::ErrorTrap trap;
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(fleet_->size()))
  for (std::size_t t = 0; t < fleet_->size(); ++t) trap.run(t, [&] { serve((*fleet_)[t], code, items, next, most); });
  trap.rethrow();
  spent_.compile += most.compile;
  spent_.kernel += most.kernel;
}

/// Takes items until there are none.
void PlannedImages::serve(gpu::Station& station, Code& code, const Items& items, std::atomic<std::size_t>& next,
                          Spent& most) {
  const ChunkPlan& chunks = prepared_.chunks(kPiecesGpu, code.plan.max_depth >= 2);
  gpu::Pace pace(station.machine().hurried());
  gpu::LeaseRunner runner(station, code.plan);
  if (!runner.warning().empty() && options_.warn) options_.warn(runner.warning());
  for (std::size_t i = next++; i < items.size() && !stop_(); i = next++) {
    if (dropped(items[i].pattern)) continue;
    Question question(*this, items[i]);
    const std::vector<rt::Chunk> left = ask(runner, question, pace, chunks);
    if (!left.empty()) run_left(code, question, left);
    finish(items[i], question);
  }
  const std::scoped_lock lock(mutex_);
  most.compile = std::max(most.compile, runner.compile_seconds());
  most.kernel = std::max(most.kernel, runner.kernel_seconds());
}

std::vector<rt::Chunk> PlannedImages::ask(gpu::LeaseRunner& runner, Question& question, gpu::Pace& pace,
                                          const ChunkPlan& chunks) {
  std::vector<rt::Chunk> left;
  const std::size_t all = chunks.chunks.size();
  for (std::size_t begin = 0, end = 0; begin < all && !rt::raised(options_.stop); begin = end) {
    end = begin + std::min(pace.most(), all - begin);
    const std::span lease = std::span(chunks.chunks).subspan(begin, end - begin);
    std::vector<double> weights;
    for (std::size_t c = begin; c < end; ++c) weights.push_back(chunks.weight[c] * static_cast<double>(all));
    const double before = runner.kernel_seconds();
    const gpu::LeaseResult result = runner.run_images(lease, weights, question.task, options_.stop);
    pace.took(runner.kernel_seconds() - before);
    if (result.found) return {};
    for (std::size_t c = 0; c < lease.size(); ++c)
      if (result.states[c] == rt::ChunkState::overflow) left.push_back(lease[c]);
  }
  return left;
}

/// What fits no buffer of a device, on all threads.
void PlannedImages::run_left(Code& code, Question& question, const std::vector<rt::Chunk>& chunks) {
  constexpr double kLong = 1e12;  // nanoseconds: nobody knows, and a compiler costs little beside what a device lacks
  const std::scoped_lock lock(here_);
  if (!said_ && options_.warn)
    options_.warn("some pieces of work fit no buffer on the device: " + std::to_string(threads_) +
                  " threads of the CPU run them");
  said_ = true;
  MineOptions options = options_;
  options.device = MineDevice::cpu;
  options.engine = Engine::automatic;
  if (!code.here) code.here = std::make_unique<Executable>(code.plan, kLong, options);
  std::atomic<std::size_t> next{0};
  Crew crew;
  const auto work = [&](std::size_t) {
    WorkerMemory memory(code.plan, prepared_.view());
    for (std::size_t c = next++; c < chunks.size() && !rt::raised(&question.halt); c = next++)
      question.run(*code.here, memory, chunks[c]);
  };
  const auto watch = [&] {
    if (stop_()) question.end();
  };
  crew.run(std::min(static_cast<std::size_t>(threads_), chunks.size()), work, watch);
}

bool PlannedImages::dropped(std::size_t pattern) {
  const std::scoped_lock lock(mutex_);
  return dropped_[pattern] != 0;
}

void PlannedImages::finish(const Item& item, const Question& question) {
  FrequentShape& pattern = *patterns_[item.pattern];
  const bool reached = question.count >= search_.support;
  if (reached && !search_.exact) return;  // perhaps left early: what is not found may be an image all the same
  Domain& domain = pattern.images[at(item.orbit)];
  for_possible(item, [&](std::uint64_t rank, vid v) {
    if (!rt::bit_of(question.found.data(), v)) domain.clear(rank);
  });
  const std::scoped_lock lock(mutex_);
  if (!reached) dropped_[item.pattern] = 1;
  pattern.support = std::min(pattern.support, question.count);
}

}  // namespace galena::mine::frequent
