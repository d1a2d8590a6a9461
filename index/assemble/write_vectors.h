#ifndef TRIBUTARY_INDEX_ASSEMBLE_WRITE_VECTORS_H_
#define TRIBUTARY_INDEX_ASSEMBLE_WRITE_VECTORS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "index/bundle/bundle_writer.h"
#include "index/train/trainer.h"

namespace tributary {

// Writes <stem>.npy, in half precision if `half`, and <stem>.rows.npy when not
// all rows of the table have a vector. REQUIRES: with `half`, every value is
// representable in IEEE 754 binary16.
absl::Status WriteVectors(const std::string& stem,
                          const TrainedVectors& vectors, uint32_t dim,
                          bool half, uint64_t table_rows, BundleWriter* writer);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_WRITE_VECTORS_H_
