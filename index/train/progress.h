#ifndef TRIBUTARY_INDEX_TRAIN_PROGRESS_H_
#define TRIBUTARY_INDEX_TRAIN_PROGRESS_H_

#include <functional>
#include <string_view>

namespace tributary {

// A step and how much of it is done, 0 to 1; called from one thread. What comes
// after kProgressNote is not the step's name but how it goes: "behavior, loss
// 3.2".
using Progress = std::function<void(std::string_view step, double done)>;

inline constexpr std::string_view kProgressNote = ", ";

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_PROGRESS_H_
