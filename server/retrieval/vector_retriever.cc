#include "server/retrieval/vector_retriever.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "fmt/core.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr size_t kMaxSeen = 200;

void Scale(double factor, std::vector<float>* vector) {
  for (float& value : *vector) value = static_cast<float>(value * factor);
}

double Norm(const std::vector<float>& vector) {
  return std::sqrt(
      std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
}

std::span<const Row> Newest(std::span<const Row> seen) {
  return seen.last(std::min(seen.size(), kMaxSeen));
}

}  // namespace

VectorRetriever::VectorRetriever(const Bundle& bundle,
                                 const EmbeddingSpace& space,
                                 std::unique_ptr<VectorIndex> index)
    : bundle_(bundle),
      space_(space),
      index_(std::move(index)),
      exact_index_(space.spec->index().kind() == "flat"
                       ? nullptr
                       : MakeFlatIndex(space.items)) {}

absl::StatusOr<std::unique_ptr<Retriever>> VectorRetriever::Create(
    const Bundle& bundle, const v1::RetrieverSpec& spec) {
  const EmbeddingSpace* space = bundle.FindSpace(spec.space());
  if (space == nullptr) {
    return absl::InvalidArgumentError(fmt::format(
        "space: \"{}\" is not a space of the bundle", spec.space()));
  }
  ASSIGN_OR_RETURN(auto index, OpenIndex(bundle, *space));
  return std::unique_ptr<Retriever>(
      new VectorRetriever(bundle, *space, std::move(index)));
}

absl::StatusOr<Ask> VectorRetriever::Retrieve(
    const RetrieverQuery& query, uint32_t n,
    std::vector<ScoredRow>* proposals) const {
  return Search(*index_, query, n, proposals);
}

absl::StatusOr<Ask> VectorRetriever::RetrieveExact(
    const RetrieverQuery& query, uint32_t n,
    std::vector<ScoredRow>* proposals) const {
  if (exact_index_ == nullptr) {
    return absl::UnimplementedError("the space's index is flat: exact already");
  }
  return Search(*exact_index_, query, n, proposals);
}

absl::StatusOr<Ask> VectorRetriever::Search(
    const VectorIndex& index, const RetrieverQuery& query, uint32_t n,
    std::vector<ScoredRow>* proposals) const {
  proposals->clear();
  thread_local std::vector<float> vector;
  if (!MakeVector(query, &vector)) return Ask::kNoQuery;
  const double norm = Norm(vector);
  if (norm == 0) return Ask::kNoQuery;
  if (space_.spec->metric() == v1::COSINE) Scale(1 / norm, &vector);
  RETURN_IF_ERROR(
      index.Search(vector, n, query.excluded, query.deadline, proposals));
  return Ask::kAnswered;
}

bool VectorRetriever::MakeVector(const RetrieverQuery& query,
                                 std::vector<float>* vector) const {
  for (const SpaceVector& given : query.vectors) {
    if (given.space != space_.spec->name()) continue;
    vector->assign(given.values.begin(), given.values.end());
    return true;
  }
  const bool means = space_.spec->history_encoder() == v1::MEAN;
  if (means && MeanOf(query.history, vector)) return true;
  if (query.user == kNoRow) return false;
  if (const auto position = space_.users.Find(query.user)) {
    vector->resize(space_.users.dim());
    space_.users.Read(*position, *vector);
    return true;
  }
  return means && MeanOf(Newest(bundle_.Seen(query.user)), vector);
}

bool VectorRetriever::MeanOf(std::span<const Row> items,
                             std::vector<float>* vector) const {
  thread_local std::vector<float> item_vector;
  item_vector.resize(space_.items.dim());
  vector->assign(item_vector.size(), 0.0f);
  uint32_t found = 0;
  for (const Row item : items) {
    const auto position = space_.items.Find(item);
    if (!position.has_value()) continue;
    space_.items.Read(*position, item_vector);
    std::transform(vector->begin(), vector->end(), item_vector.begin(),
                   vector->begin(), std::plus<>());
    ++found;
  }
  if (found == 0) return false;
  Scale(1.0 / found, vector);
  return true;
}

}  // namespace tributary
