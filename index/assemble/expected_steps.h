#ifndef TRIBUTARY_INDEX_ASSEMBLE_EXPECTED_STEPS_H_
#define TRIBUTARY_INDEX_ASSEMBLE_EXPECTED_STEPS_H_

#include <vector>

#include "index/assemble/build.h"
#include "index/data/data_set.h"
#include "index/parallel/remaining_time.h"

namespace tributary {

// The steps that BuildBundle will probably have, in their order, with weights
// as builds of some hundred thousand interactions have them: for an estimate of
// how long the build takes.
std::vector<ExpectedStep> ExpectedBuildSteps(const DataSet& data,
                                             const BuildRequest& request);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_EXPECTED_STEPS_H_
