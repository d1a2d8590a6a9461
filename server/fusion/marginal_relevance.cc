#include "server/fusion/marginal_relevance.h"

#include <algorithm>

#include "server/fusion/unit_vectors.h"

namespace tributary {
namespace {

// How many products are computed before the bound is looked at again. Measured
// by tests/bench/fuse_bench.cc.
constexpr size_t kComparedAtOnce = 64;
// How many values are multiplied between two looks at the clock: some
// microseconds.
constexpr size_t kValuesPerClock = size_t{1} << 16;

}  // namespace

std::span<const uint32_t> MarginalRelevance::Choose(const RelevancePool& pool,
                                                    double lambda, uint32_t k) {
  lambda_ = lambda;
  chosen_.clear();
  open_.clear();
  stopped_ = false;
  multiplied_ = 0;
  const size_t size = pool.scores.size();
  if (k == 0 || size == 0) return chosen_;
  Rank(pool.scores);
  if (pool.units == nullptr) {
    likeness_.assign(size, 0);
    for (uint32_t i = 0; i < size; ++i) open_.push_back(OpenOf(i));
    stopped_ = true;
    ChooseByScore(pool, k);
    return chosen_;
  }
  chosen_units_.resize(std::min<size_t>(k, size) * pool.stride);
  // The first one is like none before it, so that it is the most relevant one;
  // a cap admits at least one.
  if (pool.caps != nullptr) pool.caps->Admits(pool.items[0]);
  Add(pool, 0);
  likeness_.resize(size);
  UnitProducts(pool.units, pool.units, size, pool.stride, likeness_.data());
  compared_.assign(size, 1);
  for (uint32_t i = 1; i < size; ++i) open_.push_back(OpenOf(i));
  std::make_heap(open_.begin(), open_.end());
  while (chosen_.size() < k && !open_.empty()) {
    if (multiplied_ >= kValuesPerClock) {
      multiplied_ = 0;
      stopped_ = pool.deadline.Passed();
      if (stopped_) {
        ChooseByScore(pool, k);
        break;
      }
    }
    const uint32_t first = IndexOf(open_.front());
    // Relevance alone needs no likeness.
    if (lambda_ < 1 && compared_[first] < chosen_.size()) {
      CompareFirst(pool);
      continue;
    }
    RemoveFirst();
    if (pool.caps != nullptr && !pool.caps->Admits(pool.items[first])) continue;
    Add(pool, first);
  }
  return chosen_;
}

MarginalRelevance::Open MarginalRelevance::OpenOf(uint32_t index) const {
  constexpr double kCosine = 1.0 / (double{kUnitLength} * kUnitLength);
  // Values are from -1 to 2, or a little more with rounding: 40 bits hold 4
  // times 2^38.
  constexpr double kScale = uint64_t{1} << 38;
  const double value =
      lambda_ * relevance_[index] - (1 - lambda_) * kCosine * likeness_[index];
  const auto bits = static_cast<uint64_t>((value + 1.5) * kScale);
  return bits << kIndexBits | (~index & ((1u << kIndexBits) - 1));
}

void MarginalRelevance::Rank(std::span<const float> scores) {
  const double best = scores.front();
  const double worst = scores.back();
  relevance_.resize(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    relevance_[i] = best > worst ? (scores[i] - worst) / (best - worst) : 1;
  }
}

void MarginalRelevance::Add(const RelevancePool& pool, uint32_t index) {
  if (pool.caps != nullptr) pool.caps->Add(pool.items[index]);
  std::copy_n(pool.units + index * pool.stride, pool.stride,
              chosen_units_.data() + chosen_.size() * pool.stride);
  chosen_.push_back(index);
}

void MarginalRelevance::ChooseByScore(const RelevancePool& pool, uint32_t k) {
  std::sort(open_.begin(), open_.end(),
            [](Open a, Open b) { return IndexOf(a) < IndexOf(b); });
  for (const Open open : open_) {
    if (chosen_.size() == k) return;
    const uint32_t index = IndexOf(open);
    if (pool.caps != nullptr) {
      if (!pool.caps->Admits(pool.items[index])) continue;
      pool.caps->Add(pool.items[index]);
    }
    chosen_.push_back(index);
  }
}

void MarginalRelevance::CompareFirst(const RelevancePool& pool) {
  const uint32_t first = IndexOf(open_.front());
  // The greater of the next two in the heap is the greatest of all others.
  Open next = 0;
  if (open_.size() > 1) next = open_[1];
  if (open_.size() > 2) next = std::max(next, open_[2]);
  const int16_t* const unit = pool.units + first * pool.stride;
  size_t compared = compared_[first];
  int32_t likeness = likeness_[first];
  do {
    const size_t count = std::min(kComparedAtOnce, chosen_.size() - compared);
    likeness = std::max(
        likeness,
        GreatestUnitProduct(unit, chosen_units_.data() + compared * pool.stride,
                            count, pool.stride));
    compared += count;
    multiplied_ += count * pool.stride;
    likeness_[first] = likeness;
    open_.front() = OpenOf(first);
  } while (compared < chosen_.size() && open_.front() > next);
  compared_[first] = static_cast<uint32_t>(compared);
  MoveFirstDown();
}

void MarginalRelevance::MoveFirstDown() {
  const Open moved = open_.front();
  size_t at = 0;
  for (size_t child; (child = 2 * at + 1) < open_.size(); at = child) {
    const size_t other = std::min(child + 1, open_.size() - 1);
    child = open_[other] > open_[child] ? other : child;
    if (moved >= open_[child]) break;
    open_[at] = open_[child];
  }
  open_[at] = moved;
}

void MarginalRelevance::RemoveFirst() {
  open_.front() = open_.back();
  open_.pop_back();
  if (!open_.empty()) MoveFirstDown();
}

}  // namespace tributary
