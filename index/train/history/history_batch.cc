#include "index/train/history/history_batch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tributary {
namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

// A user's loss grows with the number of targets to this power: between equal
// weights of users (0) and equal weights of interactions (1).
constexpr double kTargetPower = 0.5;

// The smallest share of a history before a cut.
constexpr double kEarliestCut = 0.2;

// Sets *items to the distinct items in `columns`, ascending, and replaces the
// columns with positions in it. `positions` is all kNone, before and after.
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
  transposed->width = rows.width;
  transposed->values.resize(rows.values.size());
  for (uint32_t row = 0; row < rows.size(); ++row) {
    for (uint32_t i = rows.offsets[row]; i < rows.offsets[row + 1]; ++i) {
      const uint32_t at = next[rows.columns[i]]++;
      transposed->columns[at] = row;
      std::copy_n(&rows.values[i * rows.width], rows.width,
                  &transposed->values[at * rows.width]);
    }
  }
}

}  // namespace

void SparseRows::Clear(size_t values_to_a_column) {
  width = values_to_a_column;
  offsets.assign(1, 0);
  columns.clear();
  values.clear();
}

void SparseRows::Add(uint32_t column, float value) {
  columns.push_back(column);
  values.push_back(value);
}

HistorySampler::HistorySampler(const HistoryData& data,
                               const HistorySettings& settings)
    : data_(data),
      settings_(settings),
      input_weights_(settings.decays, settings.dim - 1, LongestHistory(data)),
      target_weights_({&settings.target_decay, 1}, 1, LongestHistory(data)),
      positions_(data.item_count(), kNone) {
  const auto total = static_cast<double>(data.items.size());
  for (uint32_t item = 0; item < data.item_count(); ++item) {
    if (data.counts[item] > 0) active_.push_back(item);
    const double share = data.counts[item] / (total + 1);
    log_absences_.push_back(std::log1p(-share));
  }
}

void HistorySampler::Sample(std::span<const uint32_t> users, Random* random,
                            HistoryBatch* batch) {
  batch->histories.Clear(input_weights_.parts());
  batch->targets.Clear(1);
  for (const uint32_t user : users) {
    if (settings_.cut_share > 0 && random->Uniform() < settings_.cut_share) {
      AddCut(user, random, batch);
    } else {
      AddParts(user, random, batch);
    }
    EndUser(batch);
  }
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

void HistorySampler::AddParts(uint32_t user, Random* random,
                              HistoryBatch* batch) const {
  const std::span<const uint32_t> items = data_.Of(user);
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t rank = items.size() - 1 - i;
    const bool kept = random->Uniform() >= settings_.dropout;
    if (kept) AddInput(items[i], rank, batch);
    if (!kept || !settings_.dropped_targets) AddTarget(user, i, rank, batch);
  }
}

void HistorySampler::AddTarget(uint32_t user, size_t position, size_t rank,
                               HistoryBatch* batch) const {
  const std::span<const float> weights = data_.WeightsOf(user);
  const float of_rank = target_weights_.weight(0, rank);
  batch->targets.Add(data_.Of(user)[position],
                     weights.empty() ? of_rank : of_rank * weights[position]);
}

void HistorySampler::AddCut(uint32_t user, Random* random,
                            HistoryBatch* batch) const {
  const std::span<const uint32_t> items = data_.Of(user);
  const auto earliest = std::max<size_t>(
      1, static_cast<size_t>(kEarliestCut * static_cast<double>(items.size())));
  const size_t cut = earliest + random->Below(items.size() - earliest);
  const size_t before = batch->histories.columns.size();
  for (size_t i = 0; i < cut; ++i) {
    if (random->Uniform() < settings_.dropout) continue;
    AddInput(items[i], cut - 1 - i, batch);
  }
  if (batch->histories.columns.size() == before) {
    AddInput(items[cut - 1], 0, batch);
  }
  for (size_t i = cut; i < items.size(); ++i) {
    AddTarget(user, i, i - cut, batch);
  }
}

void HistorySampler::AddInput(uint32_t item, size_t rank,
                              HistoryBatch* batch) const {
  batch->histories.columns.push_back(item);
  for (size_t part = 0; part < input_weights_.parts(); ++part) {
    batch->histories.values.push_back(input_weights_.weight(part, rank));
  }
}

void HistorySampler::EndUser(HistoryBatch* batch) const {
  SparseRows& histories = batch->histories;
  const size_t width = histories.width;
  for (size_t part = 0; part < width; ++part) {
    double squares = 0;
    const size_t first = histories.offsets.back() * width + part;
    for (size_t i = first; i < histories.values.size(); i += width) {
      squares += static_cast<double>(histories.values[i]) * histories.values[i];
    }
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (size_t i = first; i < histories.values.size(); i += width) {
      histories.values[i] *= scale;
    }
  }
  histories.EndRow();
  const std::span<float> targets =
      std::span(batch->targets.values).subspan(batch->targets.offsets.back());
  const double total = std::accumulate(targets.begin(), targets.end(), 0.0);
  const auto scale = static_cast<float>(std::pow(total, kTargetPower - 1));
  for (float& weight : targets) weight *= scale;
  batch->targets.EndRow();
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
