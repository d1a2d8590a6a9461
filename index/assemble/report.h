#ifndef TRIBUTARY_INDEX_ASSEMBLE_REPORT_H_
#define TRIBUTARY_INDEX_ASSEMBLE_REPORT_H_

#include <functional>
#include <string_view>

namespace tributary {

// Hears one line of text, for people: what was taken over from an earlier
// bundle, or what was not and why. Called from the thread that builds.
using Report = std::function<void(std::string_view line)>;

// For callers that do not show it.
inline void IgnoreReport(std::string_view /*line*/) {}

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_REPORT_H_
