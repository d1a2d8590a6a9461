#include "index/assemble/write_vectors.h"

#include "index/train/half_precision.h"
#include "status/status_macros.h"

namespace tributary {

absl::Status WriteVectors(const std::string& stem,
                          const TrainedVectors& vectors, uint32_t dim,
                          bool half, uint64_t table_rows,
                          BundleWriter* writer) {
  if (half) {
    RETURN_IF_ERROR(
        writer->AddArray<Half>(stem + ".npy", ToHalves(vectors.values), dim));
  } else {
    RETURN_IF_ERROR(
        writer->AddArray<float>(stem + ".npy", vectors.values, dim));
  }
  if (vectors.rows.size() == table_rows) return absl::OkStatus();
  return writer->AddArray<uint32_t>(stem + ".rows.npy", vectors.rows);
}

}  // namespace tributary
