#ifndef TRIBUTARY_INDEX_ASSEMBLE_TAKE_OVER_H_
#define TRIBUTARY_INDEX_ASSEMBLE_TAKE_OVER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "index/assemble/bundle_parts.h"
#include "index/assemble/report.h"
#include "index/bundle/judgement.h"
#include "index/data/data_set.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What `tributary build --like` does: a bundle's choices are taken over from an
// earlier bundle instead of being made again. A choice is taken over while it
// answers the same question as before, which is decided part by part:
//   - the part exists in the earlier bundle and its manifest records the
//   choice;
//   - what is configured beside the choice (dimensions, passes, windows) is the
//     same as then;
//   - both data sets have times, or neither has.
// Whatever is configured explicitly wins. All other choices are left open for
// the builder to make.

// Fills the fields of *config that are open with the earlier bundle's choices,
// and *neighbors with its methods for configured tables. *config is complete
// before (see CompleteBuildConfig).
void TakeOverChoices(const v1::Manifest& earlier, const DataSet& data,
                     const Report& report, v1::BuildConfig* config,
                     std::vector<NeighborMethod>* neighbors);

// The record of a bundle's choices that its manifest keeps (Builder.chosen).
// `config` has them filled in.
v1::BuildConfig RecordChoices(const v1::BuildConfig& config,
                              const BundleParts& parts);

// Takes over the earlier bundle's fusion model and its measured recall, marked
// with the version that they come from. Nothing, with a line that says why,
// when the earlier bundle has none or fuses other retrievers than `retrievers`.
Judgement TakeOverJudgement(const v1::Manifest& earlier,
                            const std::vector<std::string>& retrievers,
                            const Report& report);

// How the earlier bundle searched the space, if an index for `vectors` items of
// `dim` values may be made the same way; else null. `choice` is what is
// configured for the space.
const v1::IndexSpec* EarlierIndex(const v1::Manifest& earlier,
                                  std::string_view space, uint32_t dim,
                                  uint64_t vectors,
                                  const v1::IndexChoice& choice);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_TAKE_OVER_H_
