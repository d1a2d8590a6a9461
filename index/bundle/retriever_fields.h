#ifndef TRIBUTARY_INDEX_BUNDLE_RETRIEVER_FIELDS_H_
#define TRIBUTARY_INDEX_BUNDLE_RETRIEVER_FIELDS_H_

#include "absl/status/status.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Checks max_history and decay of a retriever that weighs a history's items.
// INVALID_ARGUMENT, beginning with the field's name, when one is out of range.
absl::Status CheckHistoryFields(const v1::RetrieverSpec& spec);

// Checks, for a kind that every program knows, that the fields of the kind are
// set and within range, that it has no settings, and that the manifest has
// something for it to read. Other kinds are for their registry to check.
// INVALID_ARGUMENT, beginning with the field's name.
absl::Status CheckBuiltInKind(const v1::RetrieverSpec& spec,
                              const v1::Manifest& manifest);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_RETRIEVER_FIELDS_H_
