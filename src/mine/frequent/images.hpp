#pragma once
// The minimum-image (MNI) support of one pattern: which vertices of the graph each of its vertices
// can be mapped to (Bringmann and Nijssen, "What is frequent in a single graph?", PAKDD 2008).

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "src/mine/frequent/domain.hpp"
#include "src/mine/frequent/labelled_graph.hpp"
#include "src/mine/frequent/shape.hpp"

namespace galena::mine::frequent {

/// By vertex of the shape; vertices of an orbit share that of the least one, the others' are empty.
using Domains = std::array<Domain, kMaxVertices>;
using Orbits = std::array<std::uint8_t, kMaxVertices>;

struct ImageRequest {
  const LabelledGraph* graph = nullptr;
  const Shape* shape = nullptr;
  Orbits orbit{};             ///< by vertex, the least vertex of its orbit
  std::uint64_t support = 1;  ///< below, a pattern is of no interest
  bool exact = true;          ///< false: only whether the support is reached
  int threads = 1;
  /// Asked now and then by every thread; true ends the work early.
  std::function<bool()> stop;
};

class Images {
 public:
  /// `possible` holds every image; find() takes vertices out that are none.
  Images(const ImageRequest& request, Domains& possible);

  /// The support, or `request.support` where only that is asked; 0 where it is not reached. In the
  /// end `possible` is exactly the images if they were asked for and the support is reached.
  std::uint64_t find();
  [[nodiscard]] bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

 private:
  /// A vertex needs `count` neighbours of this kind in the domain of `orbit`, and `all` at least.
  struct Need {
    Kind kind;
    std::uint8_t orbit;
    std::uint32_t count, all;
  };
  struct Anchor {
    std::uint8_t position;
    Kind kind;
  };
  /// Matches `vertex` to a common neighbour of what stands at the anchors.
  struct Step {
    std::uint8_t vertex = 0, orbit = 0;
    std::uint32_t alike = 0;  ///< positions before that might hold the same vertex of the graph
    std::vector<Anchor> anchors;
  };
  class Matcher;

  [[nodiscard]] vid first(int v) const { return request_.graph->begin(request_.shape->label[Shape::at(v)]); }
  [[nodiscard]] bool enough(std::size_t orbit) const {
    return left_[orbit].load(std::memory_order_relaxed) >= request_.support;
  }
  void find_needs();
  [[nodiscard]] bool decided_by_needs() const;
  [[nodiscard]] bool meets(vid v, const Need& need) const;
  bool filter();
  std::uint32_t revise(std::size_t orbit);
  [[nodiscard]] bool concerned(std::size_t orbit, const Need& need, std::size_t changed, std::uint32_t lacked) const;
  [[nodiscard]] std::vector<Step> steps_from(int root) const;
  bool search();
  void search_orbit(std::size_t orbit);
  /// Calls work(first word, last word) for pieces of a domain, on all threads.
  void for_pieces(std::size_t words, const std::function<void(std::size_t, std::size_t)>& work);

  const ImageRequest& request_;
  Domains& possible_;
  Domains found_;
  std::vector<std::size_t> orbits_;
  std::array<std::vector<Need>, kMaxVertices> needs_;  ///< by orbit
  std::array<std::atomic<std::uint64_t>, kMaxVertices> left_{}, seen_{};
  std::atomic<bool> stopped_{false};
};

}  // namespace galena::mine::frequent
