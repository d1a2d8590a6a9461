#include "index/assemble/write_index.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "index/search/choose_index.h"
#include "index/search/coded_index.h"
#include "index/search/faiss_build.h"
#include "index/train/half_precision.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::StatusOr<v1::IndexSpec> WriteFaissIndex(const IndexRequest& request,
                                              const std::string& factory,
                                              BundleWriter* writer) {
  v1::IndexSpec spec;
  RETURN_IF_ERROR(writer->AddFile(
      request.space + ".index",
      [&](const std::filesystem::path& path) -> absl::Status {
        ASSIGN_OR_RETURN(
            spec,
            BuildFaissIndex({.values = request.values,
                             .dim = request.dim,
                             .factory = factory,
                             .target_recall = request.choice.target_recall(),
                             .target_n = request.choice.target_n(),
                             .queries = request.queries},
                            path));
        return absl::OkStatus();
      }));
  return spec;
}

}  // namespace

absl::StatusOr<v1::IndexSpec> WriteIndex(const IndexRequest& request,
                                         BundleWriter* writer,
                                         bool* took_over) {
  const bool earlier_is_faiss =
      request.earlier != nullptr && request.earlier->kind() == "faiss";
  if (request.choice.kind() == "faiss" || earlier_is_faiss) {
    // The factory is all that is taken over: probes are measured quickly.
    if (took_over != nullptr) *took_over = earlier_is_faiss;
    return WriteFaissIndex(request,
                           earlier_is_faiss ? request.earlier->factory()
                                            : request.choice.factory(),
                           writer);
  }
  std::vector<Half> halves;
  if (request.half) halves = ToHalves(request.values);
  IndexInput input{.values = request.values,
                   .stored = {request.values, request.dim},
                   .kind = request.choice.kind(),
                   .lists = request.choice.lists(),
                   .target_recall = request.choice.target_recall(),
                   .target_n = request.choice.target_n(),
                   .queries = request.queries,
                   .threads = request.threads,
                   .earlier = request.earlier};
  if (request.half) input.stored.values = std::span<const Half>(halves);
  ASSIGN_OR_RETURN(ChosenIndex chosen, ChooseIndex(input));
  if (took_over != nullptr) *took_over = chosen.took_over;
  if (chosen.arrays.has_value()) {
    RETURN_IF_ERROR(WriteCodedArrays(request.space, *chosen.arrays, writer));
  }
  return std::move(chosen.spec);
}

}  // namespace tributary
