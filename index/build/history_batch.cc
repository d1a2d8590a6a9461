#include "index/build/history_batch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tributary {
namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

// How a user's loss grows with the number of targets: with its square root,
// between giving users the same weight (0) and interactions (1).
constexpr double kTargetPower = 0.5;

// Replaces the items in `columns` by their positions in *items, which becomes
// those that there are, ascending. `positions` is all kNone, before and after.
void Compact(std::vector<uint32_t>* columns, std::vector<uint32_t>* items,
             std::vector<uint32_t>* positions) {
  items->clear();
  for (const uint32_t item : *columns) {
    if ((*positions)[item] != kNone) continue;
    (*positions)[item] = 0;
    items->push_back(item);
  }
  std::sort(items->begin(), items->end());
  for (uint32_t i = 0; i < items->size(); ++i) (*positions)[(*items)[i]] = i;
  for (uint32_t& column : *columns) column = (*positions)[column];
  for (const uint32_t item : *items) (*positions)[item] = kNone;
}

void Transpose(const SparseRows& rows, size_t columns, SparseRows* transposed) {
  transposed->offsets.assign(columns + 1, 0);
  for (const uint32_t column : rows.columns) ++transposed->offsets[column + 1];
  std::partial_sum(transposed->offsets.begin(), transposed->offsets.end(),
                   transposed->offsets.begin());
  std::vector<uint32_t> next(transposed->offsets.begin(),
                             transposed->offsets.end() - 1);
  transposed->columns.resize(rows.columns.size());
  transposed->values.resize(rows.columns.size());
  for (uint32_t row = 0; row < rows.size(); ++row) {
    for (uint32_t i = rows.offsets[row]; i < rows.offsets[row + 1]; ++i) {
      const uint32_t at = next[rows.columns[i]]++;
      transposed->columns[at] = row;
      transposed->values[at] = rows.values[i];
    }
  }
}

}  // namespace

void SparseRows::Clear() {
  offsets.assign(1, 0);
  columns.clear();
  values.clear();
}

void SparseRows::Add(uint32_t column, float value) {
  columns.push_back(column);
  values.push_back(value);
}

std::vector<float> RankWeights(double decay, size_t n) {
  std::vector<float> weights;
  for (size_t rank = 0; rank < n; ++rank) {
    weights.push_back(
        static_cast<float>(std::pow(1 + static_cast<double>(rank), -decay)));
  }
  return weights;
}

HistorySampler::HistorySampler(const HistoryData& data,
                               const HistorySettings& settings)
    : data_(data), settings_(settings), positions_(data.item_count(), kNone) {
  const auto total = static_cast<double>(data.items.size());
  for (uint32_t item = 0; item < data.item_count(); ++item) {
    if (data.counts[item] > 0) active_.push_back(item);
    const double share = data.counts[item] / (total + 1);
    log_absences_.push_back(std::log1p(-share));
  }
  size_t longest = 0;
  for (size_t user = 0; user < data.user_count(); ++user) {
    longest = std::max(longest, data.Of(user).size());
  }
  input_weights_ = RankWeights(settings.decay, longest);
  target_weights_ = RankWeights(settings.target_decay, longest);
}

void HistorySampler::Sample(std::span<const uint32_t> users, Random* random,
                            HistoryBatch* batch) {
  batch->histories.Clear();
  batch->targets.Clear();
  for (const uint32_t user : users) AddUser(user, random, batch);
  if (settings_.negatives == 0) {
    batch->candidates.resize(data_.item_count());
    std::iota(batch->candidates.begin(), batch->candidates.end(), 0);
    batch->inputs = batch->candidates;
    batch->log_probabilities.clear();
  } else {
    Compact(&batch->histories.columns, &batch->inputs, &positions_);
    ChooseCandidates(random, batch);
  }
  Transpose(batch->histories, batch->inputs.size(), &batch->inputs_by_item);
}

void HistorySampler::AddUser(uint32_t user, Random* random,
                             HistoryBatch* batch) {
  const std::span<const uint32_t> items = data_.Of(user);
  const size_t input_begin = batch->histories.columns.size();
  const size_t target_begin = batch->targets.columns.size();
  double squares = 0;
  double targets = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t rank = items.size() - 1 - i;
    const bool kept = random->Uniform() >= settings_.dropout;
    if (kept) {
      batch->histories.Add(items[i], input_weights_[rank]);
      squares +=
          static_cast<double>(input_weights_[rank]) * input_weights_[rank];
    }
    if (!kept || !settings_.dropped_targets) {
      batch->targets.Add(items[i], target_weights_[rank]);
      targets += target_weights_[rank];
    }
  }
  batch->histories.EndRow();
  batch->targets.EndRow();
  const auto input_scale = static_cast<float>(1 / std::sqrt(squares));
  for (size_t i = input_begin; i < batch->histories.values.size(); ++i) {
    batch->histories.values[i] *= input_scale;
  }
  const auto target_scale =
      static_cast<float>(std::pow(targets, kTargetPower - 1));
  for (size_t i = target_begin; i < batch->targets.values.size(); ++i) {
    batch->targets.values[i] *= target_scale;
  }
}

void HistorySampler::ChooseCandidates(Random* random, HistoryBatch* batch) {
  std::vector<uint32_t>& columns = batch->targets.columns;
  const size_t targets = columns.size();
  for (uint32_t i = 0; i < settings_.negatives; ++i) {
    columns.push_back(active_[random->Below(active_.size())]);
  }
  Compact(&columns, &batch->candidates, &positions_);
  columns.resize(targets);
  const double log_undrawn =
      settings_.negatives *
      std::log1p(-1 / (static_cast<double>(active_.size()) + 1));
  batch->log_probabilities.clear();
  for (const uint32_t item : batch->candidates) {
    const double log_absent =
        static_cast<double>(targets) * log_absences_[item] + log_undrawn;
    batch->log_probabilities.push_back(
        static_cast<float>(std::log(-std::expm1(log_absent))));
  }
}

}  // namespace tributary
