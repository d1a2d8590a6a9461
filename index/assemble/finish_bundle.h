#ifndef TRIBUTARY_INDEX_ASSEMBLE_FINISH_BUNDLE_H_
#define TRIBUTARY_INDEX_ASSEMBLE_FINISH_BUNDLE_H_

#include <filesystem>

#include "absl/status/statusor.h"
#include "index/bundle/bundle_writer.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Finishes the version after the checks that servers and loaders make
// (VerifyVersion), so that what was written can be served. Returns the
// version's directory. Errors: INTERNAL when a check fails, in which case there
// is no version; those of BundleWriter::Finish.
absl::StatusOr<std::filesystem::path> FinishBundle(v1::Manifest manifest,
                                                   BundleWriter* writer);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_FINISH_BUNDLE_H_
