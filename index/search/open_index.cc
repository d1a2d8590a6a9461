#include "fmt/core.h"
#include "index/search/coded_index.h"
#include "index/search/faiss_index.h"
#include "index/search/vector_index.h"

namespace tributary {

absl::StatusOr<std::unique_ptr<VectorIndex>> OpenIndex(
    const Bundle& bundle, const EmbeddingSpace& space) {
  const std::string& kind = space.spec->index().kind();
  if (kind == "flat") return MakeFlatIndex(space.items);
  if (kind == "scan" || kind == "ivf") return OpenCodedIndex(bundle, space);
  if (kind == "faiss") return OpenFaissIndex(bundle, space);
  return absl::UnimplementedError(
      fmt::format("{}: space {}: index.kind is \"{}\", expected \"flat\", "
                  "\"scan\", \"ivf\" or \"faiss\"",
                  kManifestName, space.spec->name(), kind));
}

}  // namespace tributary
