#ifndef TRIBUTARY_CLI_FUSION_TABLE_H_
#define TRIBUTARY_CLI_FUSION_TABLE_H_

#include "tributary/v1/fusion.pb.h"

namespace tributary {

// Prints a learned fusion model to stdout: for each retriever its quota, its
// weight in each segment, and the recall that the fused list loses without it.
void PrintFusionModel(const v1::FusionModel& model);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_FUSION_TABLE_H_
