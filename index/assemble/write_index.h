#ifndef TRIBUTARY_INDEX_ASSEMBLE_WRITE_INDEX_H_
#define TRIBUTARY_INDEX_ASSEMBLE_WRITE_INDEX_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "index/bundle/bundle_writer.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

struct IndexRequest {
  std::string space;
  uint32_t dim;
  // The space's item vectors, [vectors, dim], and whether they are stored in
  // half precision.
  std::span<const float> values;
  bool half;
  // [*, dim]; on these recall is measured.
  std::span<const float> queries;
  // Complete. by_space is not looked at.
  v1::IndexChoice choice;
  uint32_t threads = 1;
  // An earlier index of the space, of a kind that `choice` allows: its settings
  // are taken over if they still reach the target. Null: none.
  const v1::IndexSpec* earlier = nullptr;
};

// Builds the index that the request's choice names, or the best one, and adds
// its files. *took_over, unless null, says whether the settings are those of
// `earlier`. Errors: ChooseIndex's or BuildFaissIndex's.
absl::StatusOr<v1::IndexSpec> WriteIndex(const IndexRequest& request,
                                         BundleWriter* writer,
                                         bool* took_over = nullptr);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_WRITE_INDEX_H_
