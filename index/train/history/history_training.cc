#include "index/train/history/history_training.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "fmt/format.h"
#include "index/parallel/parallel_for.h"
#include "index/search/dense_product.h"
#include "index/train/history/training_kernels.h"

namespace tributary {
namespace {

constexpr uint64_t kWarmupSteps = 20;
// The share of the learning rate that is left in the end.
constexpr double kFinalRate = 0.05;
constexpr size_t kRowsPerPiece = 256;
constexpr size_t kSampledUsersPerPiece = 16;
constexpr double kLowestDepth = 10;
constexpr double kHighestDepth = 500;

// The share of depths at which a held-out item of this rank (from 1) is found:
// 1 up to kLowestDepth, 0 from kHighestDepth, logarithmic in between.
double ShareOfDepths(size_t rank) {
  const double share = std::log(kHighestDepth / static_cast<double>(rank)) /
                       std::log(kHighestDepth / kLowestDepth);
  return std::clamp(share, 0.0, 1.0);
}

// The recall of one user's items, given the scores of all items.
double MeasureUser(std::span<const uint32_t> had,
                   const std::vector<uint32_t>& held_out,
                   std::span<float> scores) {
  for (const uint32_t item : had) scores[item] = -HUGE_VALF;
  double sum = 0;
  for (const uint32_t item : held_out) {
    sum += ShareOfDepths(
        1 + CountAbove(scores[item], scores.data(), scores.size()));
  }
  return sum / static_cast<double>(held_out.size());
}

std::vector<float> Transpose(const std::vector<float>& rows, size_t columns) {
  const size_t n = rows.size() / columns;
  std::vector<float> transposed(rows.size());
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      transposed[j * n + i] = rows[i * columns + j];
    }
  }
  return transposed;
}

}  // namespace

HistoryTraining::HistoryTraining(const HistoryData& data,
                                 const HistorySettings& settings, uint64_t seed,
                                 uint32_t threads)
    : settings_(settings),
      threads_(threads),
      random_(seed),
      model_(data.item_count(), settings.dim, &random_),
      input_moments_{std::vector<float>(model_.inputs.size()),
                     std::vector<float>(model_.inputs.size())},
      output_moments_(input_moments_),
      sampler_(data, settings),
      gradients_(threads) {
  for (uint32_t user = 0; user < data.user_count(); ++user) {
    if (data.Of(user).size() >= 2) users_.push_back(user);
  }
}

absl::StatusOr<double> HistoryTraining::RunEpoch() {
  for (size_t i = users_.size(); i > 1; --i) {
    std::swap(users_[i - 1], users_[random_.Below(i)]);
  }
  double loss = 0;
  for (size_t begin = 0; begin < users_.size();
       begin += settings_.batch_users) {
    const auto users = std::span<const uint32_t>(users_).subspan(
        begin, std::min<size_t>(settings_.batch_users, users_.size() - begin));
    loss += RunBatch(users) * static_cast<double>(users.size());
  }
  ++epochs_run_;
  loss /= std::max<double>(1, static_cast<double>(users_.size()));
  if (std::isfinite(loss)) return loss;
  return absl::InternalError(
      fmt::format("behavior: training diverged in epoch {} with "
                  "behavior.history.learning_rate {}",
                  epochs_run_, settings_.rate));
}

double HistoryTraining::RunBatch(std::span<const uint32_t> users) {
  sampler_.Sample(users, &random_, &batch_);
  const double loss = gradients_.Compute(model_, batch_);
  step_ = NextStep();
  Update(batch_.inputs, gradients_.inputs(), &model_.inputs, &input_moments_);
  Update(batch_.candidates, gradients_.outputs(), &model_.outputs,
         &output_moments_);
  AdamStep last = step_;
  last.shrink = 1;
  const float gradient = gradients_.log_scale();
  ApplyAdam(last, &gradient, 1, &scale_moments_.mean, &scale_moments_.square,
            &model_.log_scale);
  return loss;
}

AdamStep HistoryTraining::NextStep() {
  const size_t batches =
      (users_.size() + settings_.batch_users - 1) / settings_.batch_users;
  const auto steps = static_cast<double>(batches * settings_.epochs);
  ++steps_run_;
  const auto now = static_cast<double>(steps_run_);
  const double cosine =
      0.5 * (1 + std::cos(std::numbers::pi * now / (steps + 1)));
  const double rate = settings_.rate * std::min(1.0, now / kWarmupSteps) *
                      (cosine * (1 - kFinalRate) + kFinalRate);
  return {.rate = static_cast<float>(rate),
          .shrink = static_cast<float>(1 - rate * settings_.weight_decay),
          .unbias_mean =
              static_cast<float>(1 / (1 - std::pow(AdamStep::kBeta1, now))),
          .unbias_square =
              static_cast<float>(1 / (1 - std::pow(AdamStep::kBeta2, now)))};
}

void HistoryTraining::Update(std::span<const uint32_t> rows,
                             const std::vector<float>& gradients,
                             std::vector<float>* table, Moments* moments) {
  const size_t dim = model_.dim;
  // The bias does not decay. The last coordinate of inputs is 0 and stays 0.
  AdamStep last = step_;
  last.shrink = 1;
  ParallelFor(rows.size(), kRowsPerPiece, threads_,
              [&](uint64_t begin, uint64_t end) {
                for (uint64_t i = begin; i < end; ++i) {
                  const float* const gradient = &gradients[i * dim];
                  const size_t at = rows[i] * dim;
                  float* const mean = &moments->mean[at];
                  float* const square = &moments->square[at];
                  float* const values = &(*table)[at];
                  ApplyAdam(step_, gradient, dim - 1, mean, square, values);
                  ApplyAdam(last, gradient + dim - 1, 1, mean + dim - 1,
                            square + dim - 1, values + dim - 1);
                }
              });
}

double MeasureHistoryModel(const HistoryModel& model, const HistorySplit& split,
                           const std::vector<double>& decays, size_t max_users,
                           uint32_t threads) {
  std::vector<uint32_t> users;
  size_t longest = 0;
  for (uint32_t user = 0; user < split.held_out.size(); ++user) {
    if (split.held_out[user].empty()) continue;
    users.push_back(user);
    longest = std::max(longest, split.kept.Of(user).size());
  }
  if (users.empty()) return 0;
  const size_t sampled = std::min(max_users, users.size());
  const DecayedSums sums(decays, model.dim - 1, longest);
  const std::vector<float> outputs = Transpose(model.outputs, model.dim);
  const size_t items = split.kept.item_count();
  std::vector<double> found(sampled);
  ParallelFor(
      sampled, kSampledUsersPerPiece, threads,
      [&](uint64_t begin, uint64_t end) {
        std::vector<float> encoded((end - begin) * model.dim);
        std::vector<float> scores((end - begin) * items);
        for (uint64_t i = begin; i < end; ++i) {
          EncodeHistory(
              model, split.kept.Of(users[i * users.size() / sampled]), sums,
              std::span(encoded).subspan((i - begin) * model.dim, model.dim));
        }
        Multiply({encoded.data(), end - begin, model.dim, model.dim, 1},
                 outputs.data(), items, scores.data());
        for (uint64_t i = begin; i < end; ++i) {
          const uint32_t user = users[i * users.size() / sampled];
          found[i] = MeasureUser(
              split.kept.Of(user), split.held_out[user],
              std::span(scores).subspan((i - begin) * items, items));
        }
      });
  return std::accumulate(found.begin(), found.end(), 0.0) /
         static_cast<double>(sampled);
}

}  // namespace tributary
