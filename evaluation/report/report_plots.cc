#include <algorithm>
#include <cmath>

#include "evaluation/report/line_chart.h"
#include "evaluation/report/markup.h"
#include "evaluation/report/sections.h"
#include "fmt/format.h"

namespace tributary {
namespace {

constexpr size_t kLatencyBins = 40;

std::string QuotaPlot(const Evaluation& evaluation, const SeriesColors& colors,
                      size_t which, uint32_t k) {
  std::vector<Series> series;
  for (const SourceFigures& source : evaluation.sources) {
    if (source.quota_curve.empty()) continue;
    Series& curve = series.emplace_back();
    curve.name = source.name;
    curve.color = colors.Of(source.name);
    for (uint32_t step = 0; step <= kQuotaSteps; ++step) {
      curve.points.push_back({static_cast<double>(step) / kQuotaSteps,
                              source.quota_curve[step][which]});
    }
    curve.mark_x = std::round(source.default_share * kQuotaSteps) / kQuotaSteps;
  }
  if (series.empty()) return "";
  return FigureMarkup(
      fmt::format("quotas-{}", k),
      fmt::format("Recall@{} of the fused list of {} as one source's share of "
                  "the quotas varies; the others keep their proportions. "
                  "Ringed: the share nearest to the default",
                  k, evaluation.ks.back()),
      LineChart({.x_label = "share of the quotas",
                 .y_label = fmt::format("recall@{}", k)},
                series));
}

std::string TrainingPlot(const EmbeddingSpace& space,
                         const SeriesColors& colors, bool recall) {
  Series series;
  series.name = space.spec->name();
  series.color = colors.OfSpace(series.name);
  for (const v1::TrainingPoint& point : space.spec->training()) {
    const double value = recall ? point.recall() : point.loss();
    if (recall && !point.has_recall()) continue;
    if (std::isfinite(value)) series.points.push_back({point.step(), value});
  }
  if (series.points.empty()) return "";
  const char* what = recall ? "recall" : "loss";
  return FigureMarkup(
      fmt::format("training-{}-{}", what, series.name),
      fmt::format("{}: {} while it was trained", series.name,
                  recall ? "validation recall" : "loss"),
      LineChart({.x_label = "pass over the data", .y_label = what}, {series}));
}

}  // namespace

std::string RecallPlot(const Evaluation& evaluation,
                       std::span<const Rival> rivals,
                       const SeriesColors& colors) {
  std::vector<Series> series;
  const auto add = [&](const std::string& name, const auto& at) {
    Series& line = series.emplace_back();
    line.name = name;
    line.color = colors.Of(name);
    for (size_t k = 0; k < evaluation.ks.size(); ++k) {
      line.points.push_back({evaluation.ks[k], at[k][0].mean});
    }
  };
  for (const ListFigures& list : evaluation.lists) add(list.name, list.at);
  for (const Rival& rival : rivals) add(rival.name, rival.at);
  return FigureMarkup(
      "recall",
      rivals.empty()
          ? "Recall of the fused list and of every source alone"
          : "Recall of the fused list, of every source alone, and of "
            "what they are compared with",
      LineChart({.x_label = "k",
                 .y_label = "recall@k",
                 .x_ticks = {evaluation.ks.begin(), evaluation.ks.end()},
                 .log_x = true,
                 .y_from_zero = true},
                series));
}

std::string QuotaPlots(const Evaluation& evaluation,
                       const SeriesColors& colors) {
  const uint32_t last = evaluation.ks.back();
  return QuotaPlot(evaluation, colors, 0, evaluation.list_k) +
         (evaluation.list_k == last ? ""
                                    : QuotaPlot(evaluation, colors, 1, last));
}

std::string TrainingPlots(const Bundle& bundle, const SeriesColors& colors) {
  std::string plots;
  for (const EmbeddingSpace& space : bundle.spaces()) {
    plots +=
        TrainingPlot(space, colors, false) + TrainingPlot(space, colors, true);
  }
  return plots.empty() ? "<p class=note>This bundle holds no training log.</p>"
                       : plots;
}

std::string LatencyPlot(const Evaluation& evaluation) {
  if (evaluation.latencies_us.empty()) return "";
  std::vector<double> ms;
  for (const float us : evaluation.latencies_us) {
    ms.push_back(std::max(1e-3, us / 1e3));
  }
  const auto [lowest, highest] = std::minmax_element(ms.begin(), ms.end());
  const double low = std::log(*lowest);
  const double width = std::max(1e-3, std::log(*highest) - low) / kLatencyBins;
  std::vector<double> edges;
  for (size_t i = 0; i <= kLatencyBins; ++i) {
    edges.push_back(std::exp(low + width * static_cast<double>(i)));
  }
  std::vector<double> counts(kLatencyBins);
  for (const double value : ms) {
    const auto bin = static_cast<size_t>((std::log(value) - low) / width);
    ++counts[std::min(bin, kLatencyBins - 1)];
  }
  std::vector<double> ticks;
  for (double power = 1e-3; power <= *highest; power *= 10) {
    for (const double factor : {1, 2, 5}) {
      const double tick = factor * power;
      if (tick >= *lowest && tick <= *highest) ticks.push_back(tick);
    }
  }
  const auto percentiles = LatencyPercentilesUs(evaluation);
  return FigureMarkup(
      "latency",
      fmt::format("Latency of planning, searching and fusing, one thread a "
                  "request: p50 {:.2f} ms, p95 {:.2f} ms, p99 {:.2f} ms",
                  percentiles[0] / 1e3, percentiles[1] / 1e3,
                  percentiles[2] / 1e3),
      Histogram(
          {.x_label = "milliseconds", .y_label = "requests", .x_ticks = ticks},
          edges, counts));
}

}  // namespace tributary
