#ifndef TRIBUTARY_CLI_TRIALS_TABLE_H_
#define TRIBUTARY_CLI_TRIALS_TABLE_H_

#include <string>

#include "tributary/v1/manifest.pb.h"

namespace tributary {

// A table of the index candidates that no other one beats in both time and
// recall, in order of recall, with a star before the chosen one. Empty when the
// build measured none.
std::string TrialsTable(const v1::IndexSpec& index);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_TRIALS_TABLE_H_
