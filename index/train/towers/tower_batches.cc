#include "index/train/towers/tower_batches.h"

#include <algorithm>
#include <cmath>

namespace tributary {

TowerBatches::TowerBatches(const TowerTask& task)
    : task_(task), shares_(task.items), candidate_of_(task.items, -1) {
  const v1::Towers& settings = task.settings;
  for (Row user = 0; user < task.users; ++user) {
    const auto items = task.positives.Of(user);
    for (uint32_t place = 0; place < items.size(); ++place) {
      pairs_.push_back({user, place});
      shares_[items[place]] += 1.0;
    }
  }
  count_ = (pairs_.size() + settings.batch() - 1) / settings.batch();
  double sum = 0;
  for (double& share : shares_) {
    sum += std::pow(share, settings.negatives().popularity_power());
    sums_.push_back(sum);
    share /= static_cast<double>(pairs_.size());
  }
}

void TowerBatches::Shuffle(Random* random) {
  // Shuffles the same initial order each time, so that an epoch does not depend
  // on the epochs before it.
  std::sort(pairs_.begin(), pairs_.end(), [](const Pair& a, const Pair& b) {
    return std::pair(a.user, a.place) < std::pair(b.user, b.place);
  });
  for (size_t i = pairs_.size(); i > 1; --i) {
    std::swap(pairs_[i - 1], pairs_[random->Below(i)]);
  }
}

std::vector<Row> TowerBatches::MakeHistory(const Pair& pair,
                                           Random* random) const {
  const auto& settings = task_.settings.history();
  if (settings.encoder() == "none") return {};
  const auto items = task_.positives.Of(pair.user);
  if (task_.ordered) {
    const size_t length = std::min(pair.place, settings.max_items());
    return {items.begin() + (pair.place - static_cast<int64_t>(length)),
            items.begin() + pair.place};
  }
  std::vector<Row> others(items.begin(), items.end());
  others.erase(others.begin() + pair.place);
  const size_t length = std::min<size_t>(others.size(), settings.max_items());
  for (size_t i = 0; i < length; ++i) {
    std::swap(others[i], others[i + random->Below(others.size() - i)]);
  }
  others.resize(length);
  return others;
}

Row TowerBatches::DrawHard(Row user, Random* random) const {
  const auto shown = task_.shown.Of(user);
  const bool ranked =
      hard_pools.offsets.size() > 1 && !hard_pools.Of(user).empty();
  const auto draw = [&](std::span<const Row> from) {
    return from[random->Below(from.size())];
  };
  if (!shown.empty() && (!ranked || random->Below(2) == 0)) return draw(shown);
  return ranked ? draw(hard_pools.Of(user)) : kNoRow;
}

void TowerBatches::AddCandidate(Row item, bool for_all, TowerBatch* batch) {
  if (candidate_of_[item] < 0) {
    candidate_of_[item] = static_cast<int64_t>(batch->items.size());
    batch->items.push_back(item);
    for_all_.push_back(0);
  }
  if (for_all) for_all_[static_cast<size_t>(candidate_of_[item])] = 1;
}

void TowerBatches::AddDrawn(Random* random, TowerBatch* batch) {
  const v1::TowerNegatives& settings = task_.settings.negatives();
  for (uint32_t i = 0; i < settings.sampled(); ++i) {
    const auto drawn = std::upper_bound(sums_.begin(), sums_.end(),
                                        random->Uniform() * sums_.back());
    AddCandidate(static_cast<Row>(
                     std::min<int64_t>(drawn - sums_.begin(), task_.items - 1)),
                 true, batch);
  }
  const auto pairs = static_cast<double>(batch->users.size());
  for (const int64_t item : batch->items) {
    const auto i = static_cast<size_t>(item);
    const double weight = sums_[i] - (i == 0 ? 0 : sums_[i - 1]);
    const double log_missed =
        (settings.in_batch() ? pairs * std::log1p(-shares_[i]) : 0) +
        settings.sampled() * std::log1p(-weight / sums_.back());
    // Above 0, because an item may be a candidate of its own pair only.
    batch->log_probabilities.push_back(
        static_cast<float>(std::log(std::max(-std::expm1(log_missed), 1e-9))));
  }
}

// These items are candidates with probability 1.
void TowerBatches::AddHard(Random* random, TowerBatch* batch) {
  for (uint32_t i = 0; i < task_.settings.negatives().hard(); ++i) {
    for (const int64_t user : batch->users) {
      const Row item = DrawHard(static_cast<Row>(user), random);
      if (item == kNoRow) continue;
      AddCandidate(item, true, batch);
      batch->log_probabilities.resize(batch->items.size());
      batch->log_probabilities[static_cast<size_t>(candidate_of_[item])] = 0;
    }
  }
}

void TowerBatches::Mask(TowerBatch* batch) const {
  const size_t columns = batch->items.size();
  batch->masked.resize(batch->users.size() * columns);
  for (size_t i = 0; i < batch->users.size(); ++i) {
    uint8_t* const row = &batch->masked[i * columns];
    for (size_t c = 0; c < columns; ++c) row[c] = 1 - for_all_[c];
    for (const Row item :
         task_.positives.Of(static_cast<Row>(batch->users[i]))) {
      if (candidate_of_[item] >= 0) row[candidate_of_[item]] = 1;
    }
    row[batch->targets[i]] = 0;
  }
}

TowerBatch TowerBatches::Make(uint64_t i, Random* random) {
  TowerBatch batch;
  for_all_.clear();
  const bool in_batch = task_.settings.negatives().in_batch();
  const size_t begin = pairs_.size() * i / count_;
  const size_t end = pairs_.size() * (i + 1) / count_;
  for (size_t p = begin; p < end; ++p) {
    const Pair& pair = pairs_[p];
    const Row item = task_.positives.Of(pair.user)[pair.place];
    batch.users.push_back(pair.user);
    if (!task_.weights.empty()) {
      batch.weights.push_back(
          task_.weights[task_.positives.offsets[pair.user] + pair.place]);
    }
    batch.histories.push_back(MakeHistory(pair, random));
    AddCandidate(item, in_batch, &batch);
    batch.targets.push_back(candidate_of_[item]);
  }
  AddDrawn(random, &batch);
  AddHard(random, &batch);
  Mask(&batch);
  for (const int64_t item : batch.items) {
    candidate_of_[static_cast<size_t>(item)] = -1;
  }
  return batch;
}

}  // namespace tributary
