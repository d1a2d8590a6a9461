#ifndef TRIBUTARY_EVALUATION_REPORT_PAGE_H_
#define TRIBUTARY_EVALUATION_REPORT_PAGE_H_

#include <string_view>

namespace tributary {

// What stands before and after a report's contents: style and policy, and the
// script that shows tooltips. CSS classes c0 to c15 are the colours of series,
// g0 to g7 those of groups of items.
std::string_view PageHead();
std::string_view PageFoot();

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_PAGE_H_
