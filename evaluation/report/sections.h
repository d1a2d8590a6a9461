// The parts of a report.
#ifndef TRIBUTARY_EVALUATION_REPORT_SECTIONS_H_
#define TRIBUTARY_EVALUATION_REPORT_SECTIONS_H_

#include <string>

#include "evaluation/report/report.h"

namespace tributary {

std::string RecallPlot(const Evaluation& evaluation);
// Fused recall as one source's share of the quotas varies.
std::string QuotaPlots(const Evaluation& evaluation);
// Loss, and recall where it was measured, of every space with a log.
std::string TrainingPlots(const Bundle& bundle);
std::string LatencyPlot(const Evaluation& evaluation);

std::string MetricsTable(const Evaluation& evaluation);
std::string ListsTable(const Evaluation& evaluation);
std::string SourcesTable(const Evaluation& evaluation);
std::string OverlapTable(const Evaluation& evaluation);
std::string SegmentsTables(const Evaluation& evaluation);
std::string SampledTable(const Evaluation& evaluation);
std::string AgainstTable(const Evaluation& evaluation,
                         const Comparisons& against);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_SECTIONS_H_
