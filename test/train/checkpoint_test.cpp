// Checkpoints: what goes in comes out; what is damaged is refused, whatever the damage.

#include <algorithm>

#include "galena/error.hpp"
#include "src/train/checkpoint.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

namespace galena::train {
namespace {

Checkpoint sample() {
  Checkpoint checkpoint;
  checkpoint.run = "a run";
  checkpoint.next_epoch = 12;
  checkpoint.best_epoch = 7;
  checkpoint.best_valid = 0.5;
  checkpoint.best_valid_loss = 0.25;
  const float values[] = {1, 2, 3, 4, 5, 6};
  checkpoint.tensors.emplace_back("w", Tensor::from<float>(2, 3, values));
  checkpoint.tensors.emplace_back("empty", Tensor::empty(0, 4, DType::f64));
  checkpoint.ranks = {{}, {std::byte{1}, std::byte{2}}};
  return checkpoint;
}

}  // namespace

TEST_CASE("a checkpoint comes back as it was") {
  const Checkpoint before = sample(), after = decode(encode(before), "f");
  CHECK(after.run == before.run);
  CHECK(after.next_epoch == 12);
  CHECK(after.best_epoch == 7);
  CHECK(after.best_valid == 0.5);
  CHECK(after.best_valid_loss == 0.25);
  CHECK(after.ranks == before.ranks);
  const auto want = before.find("w", "f").span<float>(), got = after.find("w", "f").span<float>();
  CHECK(std::equal(want.begin(), want.end(), got.begin(), got.end()));
  CHECK(after.find("empty", "f").cols() == 4);
  CHECK_THROWS_WITH(after.find("v", "f"), test::contains("no tensor 'v'"));
}

TEST_CASE("a checkpoint cut short or changed anywhere is an error that names the file") {
  const auto bytes = encode(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_THROWS_WITH(decode(std::span(bytes).first(size), "run.ckpt"), test::contains("run.ckpt"));
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    auto changed = bytes;
    changed[k] ^= std::byte{0x40};
    CHECK_THROWS_AS(decode(changed, "run.ckpt"), InputError);
  }
}

}  // namespace galena::train
