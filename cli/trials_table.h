#ifndef TRIBUTARY_CLI_TRIALS_TABLE_H_
#define TRIBUTARY_CLI_TRIALS_TABLE_H_

#include <string>

#include "tributary/v1/manifest.pb.h"

namespace tributary {

// A line for every setting of the index that was tried and is worth its time,
// by recall, with a star before the one that was taken; empty when none was.
std::string TrialsTable(const v1::IndexSpec& index);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_TRIALS_TABLE_H_
