// A bundle with one embedding space, on disk, for tests of search.
#ifndef TRIBUTARY_TESTS_INDEX_SEARCH_SPACE_BUNDLE_H_
#define TRIBUTARY_TESTS_INDEX_SEARCH_SPACE_BUNDLE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// `count` vectors from a normal distribution; equal seeds give equal vectors.
std::vector<float> RandomVectors(size_t count, uint32_t dim, uint32_t seed);

// A binary16 value by the definition of the format.
float WidenByDefinition(Half value);

struct SpaceBundle {
  // Keys are 0 .. item_count - 1, so that keys are rows.
  uint64_t item_count = 0;
  uint32_t dim = 0;
  // The vectors; either as floats or as `halves`.
  std::vector<float> items = {};
  std::vector<Half> halves = {};
  // Empty: every row has a vector.
  std::vector<Row> rows = {};
  // Open sets name, dim, item_vectors and fingerprint, and defaults for the
  // metric and the index.
  v1::EmbeddingSpace spec = {};
  std::vector<v1::GoldenQuery> golden_queries = {};
  // Writes space.index; may be empty.
  std::function<absl::Status(const std::filesystem::path&)> write_index =
      nullptr;
  // Adds further files; may be empty.
  std::function<absl::Status(BundleWriter*)> add_files = nullptr;

  // Writes the bundle to a fresh directory and opens it. The space is "space".
  std::shared_ptr<const Bundle> Open() const;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_SEARCH_SPACE_BUNDLE_H_
