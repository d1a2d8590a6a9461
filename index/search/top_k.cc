#include "index/search/top_k.h"

#include <algorithm>
#include <cstddef>

namespace tributary {
namespace {

// Scores that are compared with the threshold before the first branch.
constexpr size_t kGroup = 16;

}  // namespace

TopK::TopK(uint32_t n, std::vector<ScoredRow>* hits) : n_(n), hits_(hits) {
  hits_->clear();
  hits_->reserve(size_t{2} * n);
}

void TopK::Offer(Row first_row, std::span<const float> scores) {
  if (n_ == 0) return;
  size_t i = 0;
  for (; i + kGroup <= scores.size(); i += kGroup) {
    // Without branches, so that the compiler vectorises the loop.
    uint32_t above = 0;
    for (size_t j = 0; j < kGroup; ++j) above |= scores[i + j] > threshold_;
    if (above != 0) {
      OfferEach(first_row + static_cast<Row>(i), scores.subspan(i, kGroup));
    }
  }
  OfferEach(first_row + static_cast<Row>(i), scores.subspan(i));
}

void TopK::OfferEach(Row first_row, std::span<const float> scores) {
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!(scores[i] > threshold_)) continue;
    hits_->push_back({first_row + static_cast<Row>(i), scores[i]});
    if (hits_->size() == size_t{2} * n_) DropAllButBest();
  }
}

void TopK::Finish() {
  if (hits_->size() > n_) DropAllButBest();
  std::sort(hits_->begin(), hits_->end(), Better);
}

void TopK::DropAllButBest() {
  const auto worst = hits_->begin() + (n_ - 1);
  std::nth_element(hits_->begin(), worst, hits_->end(), Better);
  threshold_ = worst->score;
  hits_->resize(n_);
}

}  // namespace tributary
