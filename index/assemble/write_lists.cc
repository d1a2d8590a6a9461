#include "index/assemble/write_lists.h"

#include <algorithm>
#include <string>

#include "index/bundle/bundle.h"
#include "status/status_macros.h"

namespace tributary {

absl::Status WriteList(std::span<const Row> rows, std::span<const float> scores,
                       BundleWriter* writer, SharedLists* shared,
                       v1::PopularityList* spec) {
  spec->set_count(rows.size());
  if (spec->has_begin()) {
    spec->set_begin(shared->rows.size());
    shared->rows.insert(shared->rows.end(), rows.begin(), rows.end());
    shared->scores.insert(shared->scores.end(), scores.begin(), scores.end());
    return absl::OkStatus();
  }
  const std::string stem = "popularity." + spec->name();
  RETURN_IF_ERROR(writer->AddArray<uint32_t>(stem + ".npy", rows));
  return writer->AddArray<float>(stem + ".scores.npy", scores);
}

absl::Status WriteSharedLists(const v1::Manifest& manifest,
                              const SharedLists& shared, BundleWriter* writer) {
  const bool any = std::any_of(
      manifest.popularity().begin(), manifest.popularity().end(),
      [](const v1::PopularityList& list) { return list.has_begin(); });
  if (!any) return absl::OkStatus();
  RETURN_IF_ERROR(writer->AddArray<uint32_t>(kListsFile, shared.rows));
  return writer->AddArray<float>(kListScoresFile, shared.scores);
}

}  // namespace tributary
