// Measurement::Summarise: from users' figures to an Evaluation.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "evaluation/measurement.h"

namespace tributary {
namespace {

// The mean of a column over users for whom it is not NaN; none without any.
std::optional<double> MeanOfNumbers(const Figures& figures, size_t column) {
  double sum = 0;
  double n = 0;
  for (size_t user = 0; user < figures.users(); ++user) {
    const float value = figures.Of(user)[column];
    if (std::isnan(value)) continue;
    sum += value;
    ++n;
  }
  if (n == 0) return std::nullopt;
  return sum / n;
}

std::vector<uint32_t> UsersWithNumbers(const Figures& figures, size_t column) {
  std::vector<uint32_t> users;
  for (uint32_t user = 0; user < figures.users(); ++user) {
    if (!std::isnan(figures.Of(user)[column])) users.push_back(user);
  }
  return users;
}

}  // namespace

Evaluation Measurement::Summarise() {
  Evaluation evaluation;
  evaluation.ks = ks_;
  evaluation.list_k = list_k_;
  evaluation.users = users_.size();
  for (const TestUser& user : users_) {
    evaluation.held_out_interactions += user.n_items;
  }
  // Recall lost without a source is a figure like others, with an interval.
  for (size_t user = 0; user < users_.size(); ++user) {
    const std::span<float> of_user = figures_.Of(user);
    for (size_t s = 0; s < n_sources_; ++s) {
      for (size_t k = 0; k < ks_.size(); ++k) {
        float& without = of_user[WithoutColumn(s, k)];
        without = of_user[MetricColumn(0, k)] - without;
      }
    }
  }
  const auto intervals =
      BootstrapMeans(figures_, options_.seed, options_.threads);
  for (size_t list = 0; list < n_lists_; ++list) {
    evaluation.lists.push_back(SummariseList(list, intervals));
  }
  for (size_t s = 0; s < n_sources_; ++s) {
    evaluation.sources.push_back(SummariseSource(s));
    for (size_t k = 0; k < ks_.size(); ++k) {
      evaluation.sources.back().recall_lost.push_back(
          intervals[WithoutColumn(s, k)]);
    }
  }
  SummariseLead(&evaluation);
  SummariseSegments(&evaluation);
  if (diversity_space_ != nullptr) {
    evaluation.diversity_space = diversity_space_->spec->name();
  }
  std::vector<uint32_t> all(users_.size());
  std::iota(all.begin(), all.end(), 0);
  evaluation.fused = figures_.Select(all, 0, MetricColumn(1, 0));
  evaluation.latencies_us = std::move(latencies_us_);
  return evaluation;
}

ListFigures Measurement::SummariseList(size_t list,
                                       std::span<const Interval> intervals) {
  ListFigures figures;
  figures.name = list == 0
                     ? "fused"
                     : source_.bundle().retrievers()[list - 1].spec->name();
  for (size_t k = 0; k < ks_.size(); ++k) {
    const auto at = intervals.subspan(MetricColumn(list, k));
    std::copy_n(at.begin(), kRankMetrics.size(),
                figures.at.emplace_back().begin());
  }
  const auto quality = [&](size_t column) {
    return MeanOfNumbers(qualities_,
                         list * qualities_.columns() / n_lists_ + column);
  };
  figures.coverage = exposures_[list].Coverage();
  figures.gini = exposures_[list].Gini();
  figures.novelty_bits = quality(0);
  figures.diversity = quality(1);
  for (size_t i = 0; i < kSampledNegatives.size(); ++i) {
    figures.sampled[i] = {quality(2 + 2 * i).value_or(0),
                          quality(3 + 2 * i).value_or(0)};
  }
  return figures;
}

void Measurement::SummariseLead(Evaluation* evaluation) {
  if (n_sources_ == 0) return;
  const auto list_k = static_cast<size_t>(
      std::find(ks_.begin(), ks_.end(), list_k_) - ks_.begin());
  const auto recall = [&](size_t list) {
    return evaluation->lists[list].at[list_k][0].mean;
  };
  for (size_t s = 1; s < n_sources_; ++s) {
    if (recall(s + 1) > recall(evaluation->best_source + 1)) {
      evaluation->best_source = s;
    }
  }
  std::vector<uint32_t> all(users_.size());
  std::iota(all.begin(), all.end(), 0);
  const Figures fused = figures_.Select(all, MetricColumn(0, list_k), 1);
  const Figures best = figures_.Select(
      all, MetricColumn(evaluation->best_source + 1, list_k), 1);
  evaluation->lead_over_best_source =
      BootstrapMeans(fused.Minus(best), options_.seed, options_.threads)[0];
}

void Measurement::SummariseSegments(Evaluation* evaluation) {
  const auto list_k = static_cast<size_t>(
      std::find(ks_.begin(), ks_.end(), list_k_) - ks_.begin());
  evaluation->user_segments = SegmentUsers(source_.bundle().bundle(), users_);
  for (size_t i = 0; i < kUserSegments.size(); ++i) {
    const auto& users = evaluation->user_segments.users[i];
    // All lists' columns at once, so that they share the bootstrap's draws.
    const auto intervals =
        BootstrapMeans(figures_.Select(users, 0, MetricColumn(n_lists_, 0)),
                       options_.seed, options_.threads);
    for (size_t list = 0; list < n_lists_; ++list) {
      evaluation->lists[list].by_user_segment[i] =
          intervals[MetricColumn(list, list_k)];
    }
  }
  evaluation->item_segments = item_segments_;
  for (size_t i = 0; i < kItemSegments.size(); ++i) {
    const auto users = UsersWithNumbers(by_item_segment_, i);
    evaluation->item_segment_users[i] = users.size();
    for (size_t list = 0; list < n_lists_; ++list) {
      evaluation->lists[list].by_item_segment[i] = BootstrapMeans(
          by_item_segment_.Select(users, list * kItemSegments.size() + i, 1),
          options_.seed, options_.threads)[0];
    }
  }
}

SourceFigures Measurement::SummariseSource(size_t source) {
  SourceFigures figures;
  figures.name = source_.bundle().retrievers()[source].spec->name();
  figures.planned_users = planned_users_[source].load();
  figures.hits = overlap_.hits(source);
  figures.unique_hits = overlap_.unique_hits(source);
  for (size_t other = 0; other < n_sources_; ++other) {
    figures.overlap.push_back(overlap_.Jaccard(source, other));
  }
  SummariseQuotas(source, &figures);
  return figures;
}

void Measurement::SummariseQuotas(size_t source, SourceFigures* figures) {
  const std::optional<double> share =
      MeanOfNumbers(quotas_, CurvePoint(n_sources_, 0) + source);
  if (!share) return;
  figures->default_share = *share;
  for (uint32_t step = 0; step <= kQuotaSteps; ++step) {
    const size_t point = CurvePoint(source, step);
    figures->quota_curve.push_back(
        {MeanOfNumbers(quotas_, point).value_or(0),
         MeanOfNumbers(quotas_, point + 1).value_or(0)});
  }
}

}  // namespace tributary
