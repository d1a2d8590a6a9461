#include "index/search/shortlist.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "index/bundle/key_sort.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/search/shortlist.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

size_t CountAbove(const float* scores, size_t size, float threshold) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const size_t lanes = hn::Lanes(d);
  const auto limit = hn::Set(d, threshold);
  // A lane of a mask is -1 where the comparison holds: subtracting it counts.
  auto a = hn::Zero(di), b = a;
  size_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    a = hn::Sub(a, hn::VecFromMask(
                       di, hn::RebindMask(
                               di, hn::Gt(hn::LoadU(d, scores + i), limit))));
    b = hn::Sub(
        b, hn::VecFromMask(
               di, hn::RebindMask(
                       di, hn::Gt(hn::LoadU(d, scores + i + lanes), limit))));
  }
  auto count =
      static_cast<size_t>(hn::GetLane(hn::SumOfLanes(di, hn::Add(a, b))));
  for (; i < size; ++i) count += scores[i] > threshold;
  return count;
}

void FindRange(const float* scores, size_t size, float* low, float* high) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  float min = scores[0], max = scores[0];
  size_t i = 0;
  if (size >= lanes) {
    auto lows = hn::LoadU(d, scores), highs = lows;
    for (; i + lanes <= size; i += lanes) {
      const auto v = hn::LoadU(d, scores + i);
      lows = hn::Min(lows, v);
      highs = hn::Max(highs, v);
    }
    min = hn::GetLane(hn::MinOfLanes(d, lows));
    max = hn::GetLane(hn::MaxOfLanes(d, highs));
  }
  for (; i < size; ++i) {
    min = std::min(min, scores[i]);
    max = std::max(max, scores[i]);
  }
  *low = min;
  *high = max;
}

// The bisection first halves the range by value, which converges fast where
// scores are spread evenly. Where nearly all of them lie in a small part of the
// range it does not; after kBisectionsByValue steps the range is halved by
// order, that is, by the number of floats in it. There are at most 2^32, so
// that 33 more steps leave none.
constexpr int kBisectionsByValue = 24;
constexpr int kMaxBisections = kBisectionsByValue + 33;

// The threshold to count at next, in (low, high) if there is a float between.
inline float Middle(float low, float high, int bisection) {
  const float middle = low + (high - low) / 2;
  if (bisection < kBisectionsByValue && std::isfinite(middle)) return middle;
  const uint32_t key = DescendingKey(high);
  return ScoreOfKey(key + (DescendingKey(low) - key) / 2);
}

// Looks for a threshold with `want` to want + slack scores above it. If there
// is one, returns true with the threshold in *low. Otherwise too many scores
// are equal: returns false with *low, which has more than want + slack scores
// above it, and *high, which has fewer than `want`, such that no float lies
// between. Both are -infinity when the last of the best scores is -infinity.
bool FindThreshold(const float* scores, size_t size, size_t want, size_t slack,
                   float* low, float* high) {
  FindRange(scores, size, low, high);
  *low = std::nextafter(*low, -std::numeric_limits<float>::infinity());
  if (std::isinf(*low) && CountAbove(scores, size, *low) < want) {
    *high = *low;
    return false;
  }
  for (int i = 0; i < kMaxBisections; ++i) {
    const float middle = Middle(*low, *high, i);
    if (!(middle > *low && middle < *high)) break;
    const size_t above = CountAbove(scores, size, middle);
    (above >= want ? *low : *high) = middle;
    if (above >= want && above <= want + slack) return true;
  }
  return false;
}

// Moves the entries with scores above the threshold to the front, in their
// order, and returns how many there are. Writes within the padding.
size_t CompressAbove(float threshold, float* scores, uint32_t* ids,
                     size_t size) {
  size_t kept = 0;
#if HWY_TARGET <= HWY_AVX3
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const size_t lanes = hn::Lanes(d);
  const auto limit = hn::Set(d, threshold);
  for (size_t i = 0; i < size; i += lanes) {
    const auto score = hn::LoadU(d, scores + i);
    const auto id = hn::LoadU(du, ids + i);
    auto mask = hn::Gt(score, limit);
    if (i + lanes > size) mask = hn::And(mask, hn::FirstN(d, size - i));
    // Storing all lanes is much faster than a masked store. The lanes beyond
    // those kept overwrite only entries that have been read.
    hn::StoreU(hn::Compress(score, mask), d, scores + kept);
    hn::StoreU(hn::Compress(id, hn::RebindMask(du, mask)), du, ids + kept);
    kept += hn::CountTrue(d, mask);
  }
#else
  // Without a compress instruction, this loop is faster than Highway's
  // emulation.
  for (size_t i = 0; i < size; ++i) {
    const float score = scores[i];
    scores[kept] = score;
    ids[kept] = ids[i];
    kept += score > threshold;
  }
#endif
  return kept;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(CountAbove);
HWY_EXPORT(FindThreshold);
HWY_EXPORT(CompressAbove);

// The list's entries, best first, ties in their order. Valid until the next
// call on this thread.
std::span<KeyedId> SortedEntries(Shortlist* list) {
  thread_local std::vector<KeyedId> entries, scratch;
  const size_t size = list->size();
  // Grown to the capacity at once, so that later calls do not allocate.
  if (entries.size() < list->capacity()) {
    entries.resize(list->capacity());
    scratch.resize(list->capacity());
  }
  for (size_t i = 0; i < size; ++i) {
    entries[i] = {DescendingKey(list->scores()[i]), list->ids()[i]};
  }
  const std::span<KeyedId> sorted(entries.data(), size);
  SortByKey(sorted, &scratch);
  return sorted;
}

// Sorts entries with equal keys by id.
void SortTies(std::span<KeyedId> sorted) {
  for (size_t first = 0; first < sorted.size();) {
    size_t last = first + 1;
    while (last < sorted.size() && sorted[last].key == sorted[first].key) {
      ++last;
    }
    if (last - first > 1) {
      std::sort(sorted.begin() + static_cast<int64_t>(first),
                sorted.begin() + static_cast<int64_t>(last),
                [](const auto& a, const auto& b) { return a.id < b.id; });
    }
    first = last;
  }
}

}  // namespace

void Shortlist::Reset(size_t capacity) {
  size_ = 0;
  MakeRoom(capacity);
}

void Shortlist::MakeRoom(size_t capacity) {
  if (scores_.size() < capacity + kShortlistPadding) {
    scores_.resize(capacity + kShortlistPadding);
    ids_.resize(capacity + kShortlistPadding);
  }
}

float Shortlist::Threshold(size_t want, size_t slack) const {
  float low, high;
  HWY_DYNAMIC_DISPATCH(FindThreshold)
  (scores(), size_, want, slack, &low, &high);
  return low;
}

void Shortlist::DropWorse(size_t want, size_t slack) {
  if (size_ <= want + slack || want == 0) return;
  float low, high;
  HWY_DYNAMIC_DISPATCH(FindThreshold)
  (scores(), size_, want, slack, &low, &high);
  if (low == high) return;
  size_ = HWY_DYNAMIC_DISPATCH(CompressAbove)(low, scores(), ids(), size_);
}

float Shortlist::KeepBest(size_t want, size_t slack) {
  if (size_ <= want + slack) return -std::numeric_limits<float>::infinity();
  float low, high;
  const bool found = HWY_DYNAMIC_DISPATCH(FindThreshold)(scores(), size_, want,
                                                         slack, &low, &high);
  if (low < high) {
    size_ = HWY_DYNAMIC_DISPATCH(CompressAbove)(low, scores(), ids(), size_);
  }
  if (found || size_ <= want + slack) return low;
  // Too many scores equal `tie`. Keep all above it, and the first of those
  // equal to it.
  const float tie = high;
  size_t room = want - HWY_DYNAMIC_DISPATCH(CountAbove)(scores(), size_, tie);
  size_t kept = 0;
  for (size_t i = 0; i < size_; ++i) {
    const float score = scores()[i];
    if (score <= tie && room == 0) continue;
    room -= score <= tie;
    scores()[kept] = score;
    ids()[kept++] = ids()[i];
  }
  size_ = kept;
  return tie;
}

void TakeBest(uint32_t n, Shortlist* list, std::vector<ScoredRow>* hits) {
  list->DropWorse(n, n / 8);
  const std::span<KeyedId> entries = SortedEntries(list);
  SortTies(entries);
  hits->resize(std::min<size_t>(n, entries.size()));
  for (size_t i = 0; i < hits->size(); ++i) {
    (*hits)[i] = {entries[i].id, ScoreOfKey(entries[i].key)};
  }
}

void SortByScore(Shortlist* list) {
  const std::span<const KeyedId> entries = SortedEntries(list);
  for (size_t i = 0; i < entries.size(); ++i) {
    list->scores()[i] = ScoreOfKey(entries[i].key);
    list->ids()[i] = entries[i].id;
  }
}

}  // namespace tributary
#endif  // HWY_ONCE
