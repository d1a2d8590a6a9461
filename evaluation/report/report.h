#ifndef TRIBUTARY_EVALUATION_REPORT_REPORT_H_
#define TRIBUTARY_EVALUATION_REPORT_REPORT_H_

#include <cstdint>
#include <string>

#include "evaluation/evaluate.h"
#include "evaluation/report/item_map.h"
#include "index/bundle/bundle.h"

namespace tributary {

// What a report is about; views its parts.
struct ReportInput {
  const Evaluation& evaluation;
  const Bundle& bundle;
  const ItemGroups& groups;
  // Empty when there was nothing to compare with.
  const Comparisons& against;
  // Names of what was compared, for headings.
  std::string test_name;
  std::string against_name;
  uint32_t threads = 1;
};

// One HTML page that needs nothing else: plots are inline SVG, and the page's
// content policy forbids every request. Texts from the bundle are escaped.
std::string ReportHtml(const ReportInput& input);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_REPORT_H_
