#ifndef TRIBUTARY_SERVER_PROCESS_LOW_PRIORITY_H_
#define TRIBUTARY_SERVER_PROCESS_LOW_PRIORITY_H_

#include <functional>

namespace tributary {

// Puts the calling thread, and those it makes, behind all others for
// processors and disks, for good: an unprivileged thread cannot go back. On a
// machine that is busy all the time it still gets about a hundredth of a
// processor, so that what it does ends.
void LowerThreadPriority();

// Runs `work` on a thread of its own at low priority, and waits for it.
void RunAtLowPriority(const std::function<void()>& work);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_LOW_PRIORITY_H_
