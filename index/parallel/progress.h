#ifndef TRIBUTARY_INDEX_PARALLEL_PROGRESS_H_
#define TRIBUTARY_INDEX_PARALLEL_PROGRESS_H_

#include <functional>
#include <string_view>

namespace tributary {

// Hears how far long work is: the name of its current step and the share of the
// step that is done, 0 to 1. Always called from the thread that was asked to do
// the work. A step's name may be followed by kProgressNote and a note that
// changes while the step goes on: "behavior, loss 3.2".
using Progress = std::function<void(std::string_view step, double done)>;

inline constexpr std::string_view kProgressNote = ", ";

// For callers that do not show progress.
inline void IgnoreProgress(std::string_view /*step*/, double /*done*/) {}

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PARALLEL_PROGRESS_H_
