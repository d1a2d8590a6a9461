#ifndef TRIBUTARY_CLI_RECALL_TABLE_H_
#define TRIBUTARY_CLI_RECALL_TABLE_H_

#include <string>

#include "tributary/v1/manifest.pb.h"

namespace tributary {

// A table with one line for each source and one column for each k.
std::string RecallTable(const v1::MeasuredRecall& measured);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_RECALL_TABLE_H_
