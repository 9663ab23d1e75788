#include "src/train/draws.hpp"

#include <algorithm>
#include <numeric>

namespace galena::train {
namespace {

Sample whole_route(std::size_t rows) {
  Sample sample;
  sample.positions.resize(rows);
  std::iota(sample.positions.begin(), sample.positions.end(), 0U);
  return sample;
}

/// Of the uniform draw of a route: its hops, 0 where the pass is not pruned.
int strata_of(const Route& route, const Pass& pass) {
  return pass.pruned ? static_cast<int>(route.hop_count.size()) : 0;
}

/// How many of a route's rows take part at a hop.
std::uint32_t needed(const Route& route, const Pass& pass, int hop) {
  return pass.pruned ? route.hop_count[static_cast<std::size_t>(hop)] : static_cast<std::uint32_t>(route.rows.size());
}

}  // namespace

void Draws::begin_pass(const Pass& pass) {
  if (pass != pass_) sampled_.clear();
  pass_ = pass;
}

const RouteAssignment* Draws::assigned(bool sends, std::uint32_t call, std::size_t route) const {
  const auto& of_calls = sends ? assignment_.sends : assignment_.receives;
  return call < of_calls.size() ? &of_calls[call][route] : nullptr;
}

void Draws::assign(Assignment assignment) {
  ahead_ = {};  // waits for it
  assignment_ = std::move(assignment);
  ++assignments_;
  sampled_.clear();
  rooms_.clear();
}

void Draws::take_all(bool all) {
  if (ahead_.valid()) ahead_.wait();  // it looks
  all_ = all;
  sampled_.clear();
}

Draws::Key Draws::key_of(std::uint32_t call, int hop) const {
  const bool each = sampled(pass_) && policy_.rows == RowChoice::assigned;
  return {each ? call + 1 : 0, pass_.pruned ? hop : -1 - hop % 2};
}

std::shared_ptr<const Drawn> Draws::draw(std::uint32_t call, int hop) {
  auto& kept = sampled(pass_) ? sampled_ : fixed_;
  const Key key = key_of(call, hop);
  if (const auto found = kept.find(key); found != kept.end()) return found->second;
  if (!has_room()) return kept[key] = make(pass_, call, hop, nullptr);
  const auto [found, fresh] = rooms_.try_emplace(key);
  if (fresh) found->second = {call, hop, room_of(call, hop)};
  take_ahead();
  auto& drawn = sampled_[key];
  if (drawn == nullptr) drawn = make(pass_, call, hop, found->second.room);
  return drawn;
}

void Draws::take_ahead() {
  if (!ahead_.valid() || ahead_pass_ != pass_) return;
  for (auto& [key, drawn] : ahead_.get()) sampled_.try_emplace(key, std::move(drawn));
}

void Draws::draw_ahead() {
  if (!has_room()) return;
  ahead_ = {};
  ahead_pass_ = pass_;
  ++ahead_pass_.epoch;
  ahead_ = std::async(std::launch::async, [this, pass = ahead_pass_, rooms = rooms_] {
    Kept drawn;
    for (const auto& [key, room] : rooms) drawn[key] = make(pass, room.call, room.hop, room.room);
    return drawn;
  });
}

std::int64_t Draws::rows_of(const Pass& pass, int hop) const {
  return pass.pruned ? share_.hop_rows[static_cast<std::size_t>(hop) + 1] : share_.step(hop).view.outer.rows;
}

std::shared_ptr<const Drawn> Draws::make(const Pass& pass, std::uint32_t call, int hop,
                                         std::shared_ptr<const SampleRoom> room) const {
  std::vector<Sample> receives, sends;
  const Share& step = share_.step(hop);
  for (std::size_t r = 0; r < step.receives.size(); ++r)
    receives.push_back(
        draw_route(pass, step.receives[r], call, hop, step.receives[r].peer, share_.rank, assigned(false, call, r)));
  for (std::size_t r = 0; r < step.sends.size(); ++r)
    sends.push_back(
        draw_route(pass, step.sends[r], call, hop, share_.rank, step.sends[r].peer, assigned(true, call, r)));
  return make_selection(step, std::move(receives), std::move(sends), rows_of(pass, hop), std::move(room));
}

Sample Draws::draw_route(const Pass& pass, const Route& route, std::uint32_t call, int hop, int sender, int receiver,
                         const RouteAssignment* assigned) const {
  const std::uint32_t rows = needed(route, pass, hop);
  if (!sampled(pass) || all_) return whole_route(rows);
  SampleKey key{seed_, pass.epoch, shared_call(share_, hop), sender, receiver};
  Sample sample;
  if (policy_.rows == RowChoice::uniform) {
    sample = sample_uniform(route, policy_.rate, strata_of(route, pass), key);
  } else if (policy_.rows == RowChoice::importance) {
    sample = sample_unequal(route, probabilities_by_importance(route.importance, policy_.rate), key);
  } else if (assigned == nullptr || assigned->probability.empty()) {
    sample = whole_route(rows);
  } else {
    key.call = call + 1;
    sample = sample_unequal(route, assigned->probability, key);
  }
  const auto last = std::lower_bound(sample.positions.begin(), sample.positions.end(), rows);
  sample.positions.erase(last, sample.positions.end());
  if (!sample.weights.empty()) sample.weights.resize(sample.positions.size());
  return sample;
}

std::shared_ptr<const SampleRoom> Draws::room_of(std::uint32_t call, int hop) const {
  const Share& step = share_.step(hop);
  auto room = std::make_shared<SampleRoom>();
  room->frame = nn::next_selection_version();
  for (std::size_t r = 0; r < step.receives.size(); ++r)
    room->receives.push_back(most_of(step.receives[r], hop, assigned(false, call, r)));
  for (std::size_t r = 0; r < step.sends.size(); ++r)
    room->sends.push_back(most_of(step.sends[r], hop, assigned(true, call, r)));
  const std::int64_t rows = rows_of(pass_, hop);
  const auto columns = std::accumulate(room->receives.begin(), room->receives.end(), std::int64_t{0});
  ops::Csr whole = step.view.outer.view();
  whole.rows = rows;
  room->csr = ops::CsrRoom::parts_of(whole, rows, whole.cols);
  room->csr_t = ops::CsrRoom::parts_of(step.view.outer_t.view(), columns, rows);
  return room;
}

std::uint32_t Draws::most_of(const Route& route, int hop, const RouteAssignment* assigned) const {
  const std::uint32_t rows = needed(route, pass_, hop);
  if (policy_.rows == RowChoice::uniform) return most_uniform(route, policy_.rate, strata_of(route, pass_), rows);
  if (policy_.rows == RowChoice::importance)
    return most_unequal(probabilities_by_importance(route.importance, policy_.rate), rows);
  return assigned == nullptr || assigned->probability.empty() ? rows : most_unequal(assigned->probability, rows);
}

}  // namespace galena::train
