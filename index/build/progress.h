#ifndef TRIBUTARY_INDEX_BUILD_PROGRESS_H_
#define TRIBUTARY_INDEX_BUILD_PROGRESS_H_

#include <functional>
#include <string_view>

namespace tributary {

// A step and how much of it is done, 0 to 1; called from one thread.
using Progress = std::function<void(std::string_view step, double done)>;

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUILD_PROGRESS_H_
