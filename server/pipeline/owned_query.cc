#include "server/pipeline/owned_query.h"

namespace tributary {

OwnedQuery::OwnedQuery(const RetrieverQuery& query,
                       const std::atomic<bool>* cancelled)
    : live_history_(query.live_history.begin(), query.live_history.end()),
      history_(query.history.begin(), query.history.end()),
      history_weights_(query.history_weights.begin(),
                       query.history_weights.end()),
      liked_(query.liked.begin(), query.liked.end()),
      unliked_(query.unliked.begin(), query.unliked.end()),
      excluded_(query.excluded.begin(), query.excluded.end()),
      added_allowed_(query.added_allowed.begin(), query.added_allowed.end()),
      view_(query) {
  for (const SpaceVector& vector : query.vectors) {
    space_names_.emplace_back(vector.space);
    values_.emplace_back(vector.values.begin(), vector.values.end());
  }
  // Views are taken when both vectors have grown, which moves short strings.
  for (size_t i = 0; i < values_.size(); ++i) {
    vectors_.push_back({space_names_[i], values_[i], query.vectors[i].weight});
  }
  CopyFeatures(query.user_features);
  view_.live_history = live_history_;
  view_.history = history_;
  view_.history_weights = history_weights_;
  view_.liked = liked_;
  view_.unliked = unliked_;
  view_.vectors = vectors_;
  view_.user_features = user_features_;
  view_.excluded = excluded_;
  view_.added_allowed = added_allowed_;
  view_.cancelled = cancelled;
}

void OwnedQuery::CopyFeatures(std::span<const UserFeature> features) {
  size_t categories = 0;
  for (const UserFeature& feature : features) {
    categories += feature.categories.size();
  }
  // Neither grows any more: views of what is in them stay valid.
  feature_texts_.reserve(features.size() + categories);
  categories_.reserve(categories);
  for (const UserFeature& feature : features) {
    UserFeature& copy = user_features_.emplace_back();
    copy.name = feature_texts_.emplace_back(feature.name);
    copy.number = feature.number;
    const size_t begin = categories_.size();
    for (const std::string_view category : feature.categories) {
      categories_.push_back(feature_texts_.emplace_back(category));
    }
    copy.categories = std::span(categories_).subspan(begin);
  }
}

}  // namespace tributary
