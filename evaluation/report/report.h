#ifndef TRIBUTARY_EVALUATION_REPORT_REPORT_H_
#define TRIBUTARY_EVALUATION_REPORT_REPORT_H_

#include <cstdint>
#include <span>
#include <string>

#include "evaluation/evaluate.h"
#include "evaluation/report/item_map.h"
#include "evaluation/report/item_titles.h"
#include "evaluation/rival.h"
#include "index/bundle/bundle.h"

namespace tributary {

// The contents of a report. Views them: they outlive the call.
struct ReportInput {
  const Evaluation& evaluation;
  const Bundle& bundle;
  const ItemGroups& groups;
  const ItemTitles& titles;
  // What the bundle was compared with.
  std::span<const Rival> rivals;
  // The filter that lists were measured under; empty: none.
  std::string filter = {};
  // What shapes every list, such as caps; empty: nothing.
  std::string shape = {};
  // The test set's name, for headings.
  std::string test_name;
  uint32_t threads = 1;
};

// One HTML page that needs nothing else: plots are inline SVG, and the page's
// content policy forbids every request. Texts from the bundle are escaped.
std::string ReportHtml(const ReportInput& input);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_REPORT_H_
