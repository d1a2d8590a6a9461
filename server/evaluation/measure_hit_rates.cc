#include <algorithm>
#include <cmath>
#include <cstddef>

#include "server/evaluation/calibrate.h"

namespace tributary {
namespace {

// Impressions of the mean rate that every bucket begins with.
constexpr double kPriorImpressions = 10;

// 1, 2, 3, 4, 6, 8, 11, 16, ... depth.
std::vector<uint32_t> BucketBounds(uint32_t depth) {
  std::vector<uint32_t> bounds;
  double edge = 1;
  while (bounds.empty() || bounds.back() < depth) {
    const auto rounded = static_cast<uint32_t>(std::lround(edge));
    const uint32_t least = bounds.empty() ? 1 : bounds.back() + 1;
    bounds.push_back(std::min(depth, std::max(least, rounded)));
    edge *= std::sqrt(2.0);
  }
  return bounds;
}

struct Bucket {
  double hits = 0;
  double impressions = 0;
};

// Pools adjacent violators (Ayer et al. 1955) until rates do not increase.
std::vector<double> DecreasingRates(const std::vector<Bucket>& buckets) {
  struct Block {
    Bucket sum;
    size_t count;
    double rate() const { return sum.hits / sum.impressions; }
  };
  std::vector<Block> blocks;
  for (const Bucket& bucket : buckets) {
    blocks.push_back({bucket, 1});
    while (blocks.size() > 1 &&
           blocks[blocks.size() - 2].rate() < blocks.back().rate()) {
      const Block last = blocks.back();
      blocks.pop_back();
      blocks.back().sum.hits += last.sum.hits;
      blocks.back().sum.impressions += last.sum.impressions;
      blocks.back().count += last.count;
    }
  }
  std::vector<double> rates;
  for (const Block& block : blocks) {
    rates.insert(rates.end(), block.count, std::min(block.rate(), 1.0));
  }
  return rates;
}

// A user with many test items counts no more than one with few: recall is
// averaged over users.
double MeanHitWeight(std::span<const UserLists> users) {
  double sum = 0;
  for (const UserLists& lists : users) {
    sum += 1.0 / static_cast<double>(lists.user->n_items);
  }
  return sum / static_cast<double>(users.size());
}

}  // namespace

CalibratedSource MeasureHitRates(std::span<const UserLists> users, size_t s,
                                 uint32_t depth) {
  CalibratedSource source;
  source.rank_upper_bounds = BucketBounds(depth);
  std::vector<Bucket> buckets(source.rank_upper_bounds.size());
  const double mean_weight = MeanHitWeight(users);
  Bucket all;
  for (const UserLists& lists : users) {
    const auto& items = lists.user->items;
    const double hit =
        1.0 / static_cast<double>(lists.user->n_items) / mean_weight;
    size_t bucket = 0;
    for (size_t rank = 0; rank < lists.lists[s].size(); ++rank) {
      if (rank == depth) break;
      if (rank == source.rank_upper_bounds[bucket]) ++bucket;
      const bool is_hit = std::binary_search(items.begin(), items.end(),
                                             lists.lists[s][rank].row);
      buckets[bucket].hits += is_hit ? hit : 0;
      buckets[bucket].impressions += 1;
      all.hits += is_hit ? hit : 0;
      all.impressions += 1;
    }
  }
  const double mean_rate = all.impressions > 0 ? all.hits / all.impressions : 0;
  for (Bucket& bucket : buckets) {
    bucket.hits += kPriorImpressions * mean_rate;
    bucket.impressions += kPriorImpressions;
  }
  source.hit_rates = DecreasingRates(buckets);
  return source;
}

std::vector<std::vector<double>> RecallsAlone(std::span<const UserLists> users,
                                              size_t s,
                                              std::span<const uint32_t> ks) {
  std::vector<std::vector<double>> recalls;
  for (const UserLists& lists : users) {
    std::vector<Row> rows;
    for (const ScoredRow& scored : lists.lists[s]) rows.push_back(scored.row);
    recalls.push_back(RecallAt(*lists.user, rows, ks));
  }
  return recalls;
}

}  // namespace tributary
