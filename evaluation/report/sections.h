// The sections of a report, each as markup.
#ifndef TRIBUTARY_EVALUATION_REPORT_SECTIONS_H_
#define TRIBUTARY_EVALUATION_REPORT_SECTIONS_H_

#include <span>
#include <string>

#include "evaluation/report/report.h"
#include "evaluation/report/series_colors.h"

namespace tributary {

std::string RecallPlot(const Evaluation& evaluation,
                       std::span<const Rival> rivals,
                       const SeriesColors& colors);
// Plots the fused list's recall against each source's share of the quotas.
std::string QuotaPlots(const Evaluation& evaluation,
                       const SeriesColors& colors);
// Plots the training loss, and recall where it was measured, of every space
// that has a training log.
std::string TrainingPlots(const Bundle& bundle, const SeriesColors& colors);
// Empty without latencies.
std::string LatencyPlot(const Evaluation& evaluation);

// What each user of the evaluation's examples had, did next and was shown.
std::string ExampleUsers(const ReportInput& input);

std::string MetricsTable(const Evaluation& evaluation);
std::string ListsTable(const Evaluation& evaluation);
std::string SourcesTable(const Evaluation& evaluation);
std::string OverlapTable(const Evaluation& evaluation);
std::string SegmentsTables(const Evaluation& evaluation);
std::string SampledTable(const Evaluation& evaluation);
std::string AgainstTable(const Evaluation& evaluation, const Rival& rival);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_SECTIONS_H_
