#include "server/fusion/marginal_relevance.h"

#include <algorithm>

#include "server/fusion/unit_vectors.h"

namespace tributary {
namespace {

// How many products are computed before the bound is looked at again. Measured
// by tests/bench/fuse_bench.cc.
constexpr size_t kComparedAtOnce = 32;

}  // namespace

std::span<const uint32_t> MarginalRelevance::Choose(const RelevancePool& pool,
                                                    double lambda, uint32_t k) {
  lambda_ = lambda;
  chosen_.clear();
  chosen_vectors_.resize(std::min<size_t>(k, pool.scores.size()) * pool.stride);
  open_.clear();
  if (k == 0 || pool.scores.empty()) return chosen_;
  Rank(pool.scores);
  // The first one is like none before it, so that it is the most relevant one;
  // a cap admits at least one.
  if (pool.caps != nullptr) pool.caps->Admits(pool.items[0]);
  Add(pool, 0);
  const size_t size = pool.scores.size();
  likeness_.resize(size);
  UnitProducts(pool.vectors, pool.vectors, size, pool.stride, likeness_.data());
  compared_.assign(size, 1);
  for (uint32_t i = 1; i < size; ++i) open_.push_back({ValueOf(i), i});
  std::make_heap(open_.begin(), open_.end(), Later);
  while (chosen_.size() < k && !open_.empty()) {
    const uint32_t first = open_.front().index;
    if (compared_[first] < chosen_.size()) {
      CompareFirst(pool);
      continue;
    }
    RemoveFirst();
    if (pool.caps != nullptr && !pool.caps->Admits(pool.items[first])) continue;
    Add(pool, first);
  }
  return chosen_;
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
  std::copy_n(pool.vectors + index * pool.stride, pool.stride,
              chosen_vectors_.data() + chosen_.size() * pool.stride);
  chosen_.push_back(index);
}

void MarginalRelevance::CompareFirst(const RelevancePool& pool) {
  Open& first = open_.front();
  // The better of the next two in the heap is the best of all others.
  const Open* next = nullptr;
  if (open_.size() > 1) next = &open_[1];
  if (open_.size() > 2 && Later(open_[1], open_[2])) next = &open_[2];
  uint32_t& compared = compared_[first.index];
  float& likeness = likeness_[first.index];
  while (compared < chosen_.size()) {
    const size_t count =
        std::min<size_t>(kComparedAtOnce, chosen_.size() - compared);
    products_.resize(kComparedAtOnce);
    UnitProducts(pool.vectors + first.index * pool.stride,
                 chosen_vectors_.data() + compared * pool.stride, count,
                 pool.stride, products_.data());
    for (size_t i = 0; i < count; ++i) {
      likeness = std::max(likeness, products_[i]);
    }
    compared += static_cast<uint32_t>(count);
    first.bound = ValueOf(first.index);
    if (next != nullptr && Later(first, *next)) break;
  }
  MoveFirstDown();
}

void MarginalRelevance::MoveFirstDown() {
  const Open moved = open_.front();
  size_t at = 0;
  while (true) {
    size_t child = 2 * at + 1;
    if (child >= open_.size()) break;
    if (child + 1 < open_.size() && Later(open_[child], open_[child + 1])) {
      ++child;
    }
    if (!Later(moved, open_[child])) break;
    open_[at] = open_[child];
    at = child;
  }
  open_[at] = moved;
}

void MarginalRelevance::RemoveFirst() {
  open_.front() = open_.back();
  open_.pop_back();
  if (!open_.empty()) MoveFirstDown();
}

}  // namespace tributary
