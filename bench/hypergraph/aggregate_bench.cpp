// The fused aggregate V -> E -> V against two passes, forward and backward, as HGNN scales it.
//
//   bench_hypergraph [--width K ...] [--seconds S] [--quantile Q] [--threads N] [--slots N] [--cpu] [--json] [SET ...]
//
// A set is the name of a hypergraph, or uniform, power-law, giants (generated). Two passes are the best of: rows of
// hyperedges allocated for each call as the library does it, kept, and kept with hyperedges in the order of tiles; each
// on all threads and on one. With the gradient of hyperedges' factors they keep these rows from the forward pass.
// Ways take turns in each round, so that a busy machine is busy for all of them; times are medians over the rounds, or
// another quantile: a low one on a busy machine is what was measured while nobody else ran. --cpu measures one thread by
// the time that it ran.

#include <fmt/format.h>
#include <omp.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "bench/hypergraph/generate.hpp"
#include "src/base/random.hpp"
#include "src/hypergraph/cost.hpp"
#include "src/hypergraph/layout_storage.hpp"
#include "src/ops/spmm.hpp"

namespace galena::bench {
namespace {

struct Setup {
  std::vector<std::int64_t> widths{64};
  std::vector<std::string> sets{"hg-cocitation-cora",      "hg-coauthorship-cora", "hg-coauthorship-dblp",
                                "hg-congress-bills",       "hg-house-committees",  "hg-mag10",
                                "hg-mathoverflow-answers", "hg-mushroom",          "hg-zoo"};
  int threads = 0;
  std::uint64_t slots = 0;
  double seconds = 5, quantile = 0.5;
  bool cpu = false, json = false;
};

Hypergraph open(const std::string& name) {
  if (name == "uniform") return generate(Sizes::uniform, 100'000, 50'000, 8, 1);
  if (name == "power-law") return generate(Sizes::power_law, 100'000, 50'000, 8, 2);
  if (name == "giants") return generate(Sizes::giants, 100'000, 20'000, 8, 3);
  return resolve_hypergraph(name);
}

Tensor uniform(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  base::RandomStream random(seed, 1);
  const Tensor t = Tensor::empty(rows, cols);
  for (float& value : t.span<float>()) value = static_cast<float>(random.uniform()) - 0.5F;
  return t;
}

/// D^-1/2 or 1 / D by row, 0 for none.
Tensor degrees(const ops::Csr& csr, double power) {
  const Tensor t = Tensor::zeros(csr.rows, 1);
  for (std::int64_t i = 0; i < csr.rows; ++i) {
    const auto degree = static_cast<double>(csr.indptr[i + 1] - csr.indptr[i]);
    if (degree > 0) t.at<float>(i, 0) = static_cast<float>(std::pow(degree, power));
  }
  return t;
}

/// The incidence with hyperedges in the order of tiles.
struct Reordered {
  ops::CsrArrays by_edge, by_vertex;
  explicit Reordered(const hyper::Layout& layout) {
    const ops::Csr& from = layout.by_edge();
    by_edge.rows = from.rows;
    by_edge.cols = from.cols;
    for (const std::uint32_t e : layout.storage().program.slot_edge) {
      by_edge.indices.insert(by_edge.indices.end(), from.indices + from.indptr[e], from.indices + from.indptr[e + 1]);
      by_edge.indptr.push_back(by_edge.indices.size());
    }
    by_vertex = ops::transpose(by_edge.view());
  }
};

struct Way {
  std::string name;
  int threads;
  std::function<void(bool)> run;  ///< whether with the gradient of hyperedges' factors
  std::vector<double> plain{}, with_edges{};
};

double quantile(std::vector<double> values, double at) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(at * static_cast<double>(values.size() - 1))];
}

/// Forward and backward in two passes over kept rows of hyperedges.
class TwoPass {
 public:
  TwoPass(const ops::Csr& by_edge, const ops::Csr& by_vertex, const Tensor& vertex_factor, const Tensor& edge_factor,
          std::int64_t width)
      : by_edge_(by_edge), by_vertex_(by_vertex), l_(vertex_factor), s_(edge_factor) {
    rows_ = Tensor::zeros(by_edge.rows, width);
    gradients_ = Tensor::zeros(by_edge.rows, width);
    d_edge_ = Tensor::zeros(by_edge.rows, 1);
  }
  void run(const Tensor& x, const Tensor& y, const Tensor& dx, bool edges) const {
    pass(x, rows_, y);
    const Tensor& gradients = edges ? gradients_ : rows_;
    pass(y, gradients, dx);
    if (!edges) return;
    const std::int64_t width = x.cols();
    const float *const a = rows_.data<float>(), *const b = gradients.data<float>();
    float* const out = d_edge_.data<float>();
#pragma omp parallel for schedule(static)
    for (std::int64_t e = 0; e < rows_.rows(); ++e) {
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (std::int64_t c = 0; c < width; ++c) sum += a[e * width + c] * b[e * width + c];
      out[e] = sum;
    }
  }

 private:
  void pass(const Tensor& x, const Tensor& rows, const Tensor& y) const {
    ops::spmm(by_edge_, {nullptr, &l_, nullptr}, x, rows);
    ops::spmm(by_vertex_, {&l_, &s_, nullptr}, rows, y);
  }
  ops::Csr by_edge_, by_vertex_;
  const Tensor &l_, &s_;
  Tensor rows_, gradients_, d_edge_;
};

struct Result {
  double fused = 0, two_pass = 0, automatic = 0;
  std::string best;
};

Result summary(const std::vector<Way>& ways, std::vector<double> Way::*times, double at) {
  Result result;
  for (const Way& way : ways) {
    const double time = quantile(way.*times, at);
    if (way.name == "fused") {
      result.fused = time;
    } else if (way.name == "automatic") {
      result.automatic = time;
    } else if (result.best.empty() || time < result.two_pass) {
      result.two_pass = time;
      result.best = fmt::format("{}, {} threads", way.name, way.threads);
    }
  }
  return result;
}

/// Seconds of the clock, or of this thread.
double now(bool cpu) {
  timespec time{};
  clock_gettime(cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Rounds until so many seconds have passed, at least five. Returns how many.
std::int64_t take_turns(std::vector<Way>& ways, const Setup& setup, std::uint64_t incidences) {
  const std::uint64_t calls = std::max<std::uint64_t>(1, 20'000 / (incidences + 1));
  const double begin = now(false);
  std::int64_t rounds = 0;
  for (; rounds < 5 || now(false) - begin < setup.seconds; ++rounds) {
    for (Way& way : ways) {
      omp_set_num_threads(way.threads);
      for (const bool edges : {false, true}) {
        way.run(edges);  // its data are in the caches that it uses
        const double start = now(setup.cpu);
        for (std::uint64_t i = 0; i < calls; ++i) way.run(edges);
        (edges ? way.with_edges : way.plain).push_back((now(setup.cpu) - start) / static_cast<double>(calls));
      }
    }
  }
  return rounds;
}

nlohmann::json measure(const Setup& setup, const std::string& name, const Hypergraph& h, std::int64_t width) {
  const hyper::Layout layout(h, {}, {.slots = setup.slots});
  const hyper::LayoutStats& stats = layout.stats();
  const std::int64_t n = layout.rows(), m = layout.edges();
  const Tensor x = uniform(n, width, 1), y = Tensor::zeros(n, width), dx = Tensor::zeros(n, width);
  const Tensor d_edge = Tensor::zeros(m, 1);
  const Tensor l = degrees(layout.by_vertex(), -0.5), s = degrees(layout.by_edge(), -1);
  const hyper::Scale scale{&l, &s, &l};
  const Reordered reordered(layout);
  Tensor tile_s = Tensor::empty(m, 1);
  for (std::int64_t i = 0; i < m; ++i) {
    tile_s.at<float>(i, 0) = s.at<float>(layout.storage().program.slot_edge[static_cast<std::size_t>(i)], 0);
  }
  const TwoPass kept(layout.by_edge(), layout.by_vertex(), l, s, width);
  const TwoPass by_tile(reordered.by_edge.view(), reordered.by_vertex.view(), l, tile_s, width);
  const auto method = [&](hyper::Method how) {
    return [&, how](bool edges) {
      hyper::aggregate(layout, scale, x, y, how);
      hyper::aggregate_backward(layout, scale, x, y, dx, edges ? d_edge : Tensor{}, how);
    };
  };
  const int all = setup.cpu ? 1 : setup.threads > 0 ? setup.threads : omp_get_num_procs();
  std::vector<Way> ways{{"fused", all, method(hyper::Method::fused)},
                        {"automatic", all, method(hyper::Method::automatic)}};
  for (const int threads : {all, 1}) {
    ways.push_back({"allocated", threads, method(hyper::Method::two_pass)});
    ways.push_back({"kept", threads, [&](bool edges) { kept.run(x, y, dx, edges); }});
    ways.push_back({"kept, by tile", threads, [&](bool edges) { by_tile.run(x, y, dx, edges); }});
  }
  const std::int64_t rounds = take_turns(ways, setup, stats.incidences);
  omp_set_num_threads(all);
  const Result plain = summary(ways, &Way::plain, setup.quantile);
  const Result edges = summary(ways, &Way::with_edges, setup.quantile);
  const hyper::Choice choice = hyper::choose(layout, width, DType::f32);
  return {{"set", name},
          {"width", width},
          {"vertices", n},
          {"hyperedges", m},
          {"incidences", stats.incidences},
          {"threads", all},
          {"rounds", rounds},
          {"quantile", setup.quantile},
          {"clock", setup.cpu ? "thread" : "wall"},
          {"two_pass_us", 1e6 * plain.two_pass},
          {"two_pass", plain.best},
          {"fused_us", 1e6 * plain.fused},
          {"automatic_us", 1e6 * plain.automatic},
          {"two_pass_with_edges_us", 1e6 * edges.two_pass},
          {"fused_with_edges_us", 1e6 * edges.fused},
          {"automatic_with_edges_us", 1e6 * edges.automatic},
          {"build_us", 1e6 * stats.seconds},
          {"layout_bytes", stats.bytes},
          {"tile_bytes", choice.fused_bytes},
          {"matrix_bytes", choice.two_pass_bytes},
          {"tiles", stats.tiles},
          {"sums", stats.sums},
          {"contacts", stats.contacts},
          {"touched", stats.touched},
          {"predicted_fused_us", 1e6 * choice.fused_seconds},
          {"predicted_two_pass_us", 1e6 * choice.two_pass_seconds},
          {"why", hyper::explain(choice, layout)}};
}

void print(const nlohmann::json& r) {
  const double two_pass = r["two_pass_us"], fused = r["fused_us"], automatic = r["automatic_us"];
  const double edges = r["two_pass_with_edges_us"], fused_edges = r["fused_with_edges_us"], build = r["build_us"];
  const double paid = fused < two_pass ? build / (two_pass - fused) : INFINITY;
  fmt::print("{:24} {:4} {:10.1f} {:24} {:10.1f} {:6.2f} {:6.2f} {:6.2f} {:9.0f} {:6.0f}\n",
             r["set"].get<std::string>(), r["width"].get<int>(), two_pass, r["two_pass"].get<std::string>(), fused,
             two_pass / fused, edges / fused_edges, two_pass / automatic, build, paid);
  fmt::print("  {}\n", r["why"].get<std::string>());
  std::fflush(stdout);
}

void run(const Setup& setup) {
  nlohmann::json results = nlohmann::json::array();
  if (!setup.json) {
    fmt::print("{:24} {:4} {:>10} {:24} {:>10} {:>6} {:>6} {:>6} {:>9} {:>6}\n", "set", "K", "two pass us", "",
               "fused us", "ratio", "dS", "auto", "build us", "paid");
  }
  for (const std::int64_t width : setup.widths) {
    double product = 1, product_edges = 1, product_automatic = 1, count = 0;
    for (const std::string& name : setup.sets) {
      const nlohmann::json r = measure(setup, name, open(name), width);
      results.push_back(r);
      if (!setup.json) print(r);
      product *= r["two_pass_us"].get<double>() / r["fused_us"].get<double>();
      product_edges *= r["two_pass_with_edges_us"].get<double>() / r["fused_with_edges_us"].get<double>();
      product_automatic *= r["two_pass_us"].get<double>() / r["automatic_us"].get<double>();
      ++count;
    }
    if (setup.json) continue;
    fmt::print("geometric mean of {} sets, K = {}: {:.2f}, with hyperedges' gradients {:.2f}, automatic {:.2f}\n",
               count, width, std::pow(product, 1 / count), std::pow(product_edges, 1 / count),
               std::pow(product_automatic, 1 / count));
  }
  if (setup.json) fmt::print("{}\n", results.dump(1));
}

}  // namespace
}  // namespace galena::bench

int main(int argc, char** argv) {
  CLI::App app{"The fused aggregate over hyperedges against two passes"};
  galena::bench::Setup setup;
  app.add_option("--width", setup.widths, "columns")->capture_default_str();
  app.add_option("--seconds", setup.seconds, "for each set and width")->capture_default_str();
  app.add_option("--quantile", setup.quantile, "of the times to report")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--threads", setup.threads, "0: one a core")->capture_default_str();
  app.add_option("--slots", setup.slots, "hyperedges of a tile; 0: by the structure")->capture_default_str();
  app.add_flag("--cpu", setup.cpu, "one thread, by the time that it ran");
  app.add_flag("--json", setup.json, "results as JSON");
  app.add_option("sets", setup.sets, "hypergraphs; or uniform, power-law, giants");
  CLI11_PARSE(app, argc, argv);
  galena::bench::run(setup);
}
