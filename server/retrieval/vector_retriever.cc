#include "server/retrieval/vector_retriever.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "fmt/core.h"
#include "server/retrieval/added_items.h"
#include "server/retrieval/liked_items.h"
#include "server/retrieval/query_vector.h"
#include "server/retrieval/user_history.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr size_t kMaxSeen = 200;

void Scale(double factor, std::span<float> vector) {
  for (float& value : vector) value = static_cast<float>(value * factor);
}

std::span<const Row> Newest(std::span<const Row> seen) {
  return seen.last(std::min(seen.size(), kMaxSeen));
}

// Replaces *best with the n best items of both lists. An item of both has the
// better of its scores.
void MergeBest(std::span<const ScoredRow> other, uint32_t n,
               std::vector<ScoredRow>* best) {
  best->insert(best->end(), other.begin(), other.end());
  std::sort(best->begin(), best->end(),
            [](const ScoredRow& a, const ScoredRow& b) {
              return a.row != b.row ? a.row < b.row : a.score > b.score;
            });
  const auto end = std::unique(
      best->begin(), best->end(),
      [](const ScoredRow& a, const ScoredRow& b) { return a.row == b.row; });
  best->erase(end, best->end());
  std::sort(best->begin(), best->end(), Better);
  if (best->size() > n) best->resize(n);
}

// Replaces *best with the n best items of both lists, which have none in
// common, and are in order.
void MergeSorted(std::span<const ScoredRow> other, uint32_t n,
                 std::vector<ScoredRow>* best) {
  if (other.empty()) return;
  const auto middle = static_cast<std::ptrdiff_t>(best->size());
  best->insert(best->end(), other.begin(), other.end());
  thread_local std::vector<ScoredRow> merged;
  merged.resize(best->size());
  std::merge(best->begin(), best->begin() + middle, best->begin() + middle,
             best->end(), merged.begin(), Better);
  if (merged.size() > n) merged.resize(n);
  best->assign(merged.begin(), merged.end());
}

}  // namespace

VectorRetriever::VectorRetriever(const Bundle& bundle,
                                 const EmbeddingSpace& space,
                                 std::unique_ptr<VectorIndex> index,
                                 std::unique_ptr<UserTower> tower)
    : bundle_(bundle),
      space_(space),
      index_(std::move(index)),
      exact_index_(space.spec->index().kind() == "flat"
                       ? nullptr
                       : MakeFlatIndex(space.items)),
      tower_(std::move(tower)) {}

absl::StatusOr<std::unique_ptr<Retriever>> VectorRetriever::Create(
    const Bundle& bundle, const v1::RetrieverSpec& spec) {
  const EmbeddingSpace* space = bundle.FindSpace(spec.space());
  if (space == nullptr) {
    return absl::InvalidArgumentError(fmt::format(
        "space: \"{}\" is not a space of the bundle", spec.space()));
  }
  ASSIGN_OR_RETURN(auto index, OpenIndex(bundle, *space));
  std::unique_ptr<UserTower> tower;
  if (space->spec->history_encoder() == v1::TOWER) {
    ASSIGN_OR_RETURN(tower, UserTower::Open(bundle, *space));
  }
  return std::unique_ptr<Retriever>(
      new VectorRetriever(bundle, *space, std::move(index), std::move(tower)));
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
  thread_local std::vector<float> vectors;
  thread_local std::vector<float> weights;
  thread_local std::vector<ScoredRow> hits;
  if (!MakeVectors(query, &vectors, &weights)) return Ask::kNoQuery;
  const size_t dim = space_.spec->dim();
  SearchTerms terms(query.deadline);
  terms.cancelled = query.cancelled;
  terms.effort = query.effort;
  RowFilter filter(query.excluded);
  if (query.passing != nullptr) filter.allowed = &query.passing->For(index);
  bool searched = false;
  for (size_t begin = 0; begin < vectors.size(); begin += dim) {
    const std::span<float> vector(&vectors[begin], dim);
    const double factor = ScaleForSearch(space_.spec->metric(), vector);
    if (factor == 0) continue;
    std::vector<ScoredRow>* const found = searched ? &hits : proposals;
    RETURN_IF_ERROR(index.Search(vector, n, filter, terms, found));
    RestoreScores(factor * weights[begin / dim], found);
    if (query.added != nullptr) {
      RETURN_IF_ERROR(SearchAdded(index, query, vector, n,
                                  factor * weights[begin / dim], terms, found));
    }
    if (searched) MergeBest(hits, n, proposals);
    searched = true;
  }
  return searched ? Ask::kAnswered : Ask::kNoQuery;
}

absl::Status VectorRetriever::SearchAdded(
    const VectorIndex& index, const RetrieverQuery& query,
    std::span<const float> vector, uint32_t n, double factor,
    const SearchTerms& terms, std::vector<ScoredRow>* proposals) const {
  const auto space = static_cast<size_t>(&space_ - bundle_.spaces().data());
  if (query.added->VectorsOf(space) == 0) return absl::OkStatus();
  // What scores less than all n of the others is not among the best. The floor
  // is a little lower, because the scores were multiplied and rounded.
  float floor = -std::numeric_limits<float>::infinity();
  if (proposals->size() >= n && factor > 0) {
    const double worst = proposals->back().score / factor;
    floor = static_cast<float>(worst - std::abs(worst) * 1e-5);
  }
  const bool exact = exact_index_ == nullptr || &index == exact_index_.get();
  thread_local std::vector<ScoredRow> hits;
  RETURN_IF_ERROR(query.added->Search(space, vector, n, query.added_allowed,
                                      floor, exact, terms, &hits));
  RestoreScores(factor, &hits);
  MergeSorted(hits, n, proposals);
  return absl::OkStatus();
}

bool VectorRetriever::MakeVectors(const RetrieverQuery& query,
                                  std::vector<float>* vectors,
                                  std::vector<float>* weights) const {
  vectors->clear();
  weights->clear();
  for (const SpaceVector& given : query.vectors) {
    if (given.space != space_.spec->name()) continue;
    vectors->insert(vectors->end(), given.values.begin(), given.values.end());
    weights->push_back(given.weight);
  }
  if (vectors->empty() && !MakeUserVectors(query, vectors)) vectors->clear();
  if (!query.liked.empty() || !query.unliked.empty()) {
    AddLikedItems(query, space_, vectors);
  }
  // Those that the request did not give count 1.
  weights->resize(vectors->size() / space_.spec->dim(), 1);
  return !vectors->empty();
}

bool VectorRetriever::MakeUserVectors(const RetrieverQuery& query,
                                      std::vector<float>* vectors) const {
  const bool has_features =
      tower_ != nullptr && tower_->TakesAny(query.user_features);
  if ((has_features || !query.history.empty()) &&
      EncodeHistory(query, query.history, query.history_weights, vectors)) {
    return true;
  }
  if (!query.live_history.empty() && EncodeHistory(query, {}, {}, vectors)) {
    return true;
  }
  if (query.user == kNoRow) return false;
  if (const auto position = space_.users.Find(query.user)) {
    vectors->resize(space_.users.dim());
    space_.users.Read(*position, *vectors);
    return true;
  }
  return EncodeHistory(query, {}, {}, vectors);
}

bool VectorRetriever::EncodeHistory(const RetrieverQuery& query,
                                    std::span<const Row> recent,
                                    std::span<const float> weights,
                                    std::vector<float>* vectors) const {
  const std::span<const Row> stored = StoredHistory(bundle_, query);
  if (tower_ != nullptr) {
    thread_local std::vector<Row> history;
    JoinCounting(stored, recent, weights, tower_->max_items(), &history);
    return tower_->Encode(query.user, history, query.user_features, vectors);
  }
  if (space_.spec->history_encoder() != v1::MEAN) return false;
  return recent.empty() ? MeanOf(Newest(stored), {}, vectors)
                        : MeanOf(recent, weights, vectors);
}

bool VectorRetriever::MeanOf(std::span<const Row> items,
                             std::span<const float> weights,
                             std::vector<float>* vector) const {
  thread_local std::vector<float> item_vector;
  item_vector.resize(space_.items.dim());
  vector->assign(item_vector.size(), 0.0f);
  double total = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const float weight = weights.empty() ? 1 : weights[i];
    const auto position = space_.items.Find(items[i]);
    if (weight == 0 || !position.has_value()) continue;
    space_.items.Read(*position, item_vector);
    std::transform(
        vector->begin(), vector->end(), item_vector.begin(), vector->begin(),
        [weight](float sum, float value) { return sum + weight * value; });
    total += weight;
  }
  if (total == 0) return false;
  Scale(1.0 / total, *vector);
  return true;
}

bool VectorRetriever::AddReachable(ReachableItems* items) const {
  if (space_.items.size() == items->items()) {
    items->AddAll();
    return true;
  }
  for (uint64_t i = 0; i < space_.items.size(); ++i) {
    items->Add(space_.items.row(i));
  }
  return true;
}

}  // namespace tributary
