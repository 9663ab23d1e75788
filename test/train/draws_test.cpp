// Which rows a pass sends, drawn when asked for, ahead, and into places that any draw fits.

#include "src/train/draws.hpp"
#include "galena/generate.hpp"
#include "test/support/catch.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

using train::Drawn;
using train::Draws;
using train::RowChoice;

train::Share share_of_two() {
  const Graph graph = generate_er(200, 900, 3);
  return train::build_share(graph, striped(graph, 2).part_of, 2, 0, {});
}

/// Halo vertices by row, as they are summed.
std::vector<std::vector<VertexId>> sums_of(const Drawn& drawn) {
  std::vector<std::vector<VertexId>> rows;
  const ops::Csr& csr = drawn.view.csr;
  for (std::int64_t i = 0; i < csr.rows; ++i) {
    auto& row = rows.emplace_back();
    for (EdgeOffset k = csr.indptr[i]; k < csr.indptr[i + 1]; ++k)
      row.push_back(drawn.view.halo_numbers[csr.indices[k]]);
  }
  return rows;
}

void check_same(const Drawn& got, const Drawn& want) {
  REQUIRE(got.receives.size() == want.receives.size());
  for (std::size_t r = 0; r < want.receives.size(); ++r) {
    CHECK(got.receives[r].positions == want.receives[r].positions);
    CHECK(got.sends[r].positions == want.sends[r].positions);
  }
  CHECK(sums_of(got) == sums_of(want));
}

}  // namespace

TEST_CASE("a sample with room for any, drawn ahead or not, is the sample, in places that stay") {
  const train::Share share = share_of_two();
  for (const RowChoice rows : {RowChoice::uniform, RowChoice::importance}) {
    const train::Policy policy{rows, 0.3};
    Draws plain(share, policy, 5), roomy(share, policy, 5);
    roomy.leave_room();
    std::uint64_t frame = 0;
    std::int64_t places = 0;
    for (std::uint32_t epoch = 0; epoch < 12; ++epoch) {
      const train::Pass pass{true, false, epoch};
      plain.begin_pass(pass);
      roomy.begin_pass(pass);
      const auto want = plain.draw(0, 0), got = roomy.draw(0, 0);
      CHECK(roomy.draw(3, 0) == got);
      check_same(*got, *want);
      CHECK(want->view.frame == 0);
      if (epoch == 0) {
        frame = got->view.frame;
        places = got->view.count;
      }
      CHECK(frame != 0);
      CHECK(got->view.frame == frame);
      CHECK(got->view.count == places);
      CHECK(got->view.count >= want->view.count);
      if (epoch % 3 != 1) roomy.draw_ahead();
      if (epoch % 4 == 2) {  // a pass between: all rows
        roomy.take_all(true);
        CHECK(roomy.draw(0, 0)->view.count == share.view.halo);
        roomy.take_all(false);
      }
    }
  }
}

TEST_CASE("what was drawn ahead is not of the assignment that comes after") {
  const train::Share share = share_of_two();
  const train::Policy policy{RowChoice::assigned, 1, 0};
  Draws plain(share, policy, 5), roomy(share, policy, 5);
  roomy.leave_room();
  const auto assign = [&](double probability) {
    train::RouteAssignment receives, sends;
    receives.probability.assign(share.receives[0].rows.size(), probability);
    sends.probability.assign(share.sends[0].rows.size(), probability);
    for (Draws* draws : {&plain, &roomy}) draws->assign({{{receives}}, {{sends}}});
  };
  std::uint64_t frame = 0;
  for (std::uint32_t epoch = 0; epoch < 6; ++epoch) {
    if (epoch % 2 == 0) assign(0.2 + 0.1 * epoch);
    for (Draws* draws : {&plain, &roomy}) draws->begin_pass({true, false, epoch});
    const auto want = plain.draw(0, 0), got = roomy.draw(0, 0);
    check_same(*got, *want);
    CHECK((got->view.frame == frame) == (epoch % 2 == 1));
    frame = got->view.frame;
    roomy.draw_ahead();
  }
}

}  // namespace galena::test
