#include "index/assemble/extend.h"

#include <algorithm>
#include <span>
#include <utility>

#include "fmt/format.h"
#include "index/assemble/encode_new_items.h"
#include "index/assemble/extend_files.h"
#include "index/assemble/finish_bundle.h"
#include "index/assemble/golden_queries.h"
#include "index/assemble/predict_vectors.h"
#include "index/assemble/write_attributes.h"
#include "index/assemble/write_index.h"
#include "index/assemble/write_lists.h"
#include "index/assemble/write_vectors.h"
#include "index/bundle/bundle_writer.h"
#include "index/data/row_map.h"
#include "index/data/spread_evenly.h"
#include "index/tower/user_tower.h"
#include "index/train/half_precision.h"
#include "index/train/trainer.h"
#include "index/verify/verify_bundle.h"
#include "status/status_macros.h"
#include "version/version.h"

namespace tributary {
namespace {

// Queries that lists and indexes are measured on.
constexpr size_t kSampledQueries = 200;
// How much less recall an index may reach after it was built again on a few
// more vectors.
constexpr double kRecallSlack = 0.01;

// The table's vectors and those of new items (by their positions), in the order
// of the new rows.
TrainedVectors Join(const VectorTable& table, const TrainedVectors& fresh,
                    const RowMap& map) {
  const uint32_t dim = table.dim();
  TrainedVectors joined;
  joined.rows.reserve(table.size() + fresh.rows.size());
  joined.values.resize((table.size() + fresh.rows.size()) * dim);
  uint64_t old = 0;
  size_t next = 0;
  float* out = joined.values.data();
  for (; old < table.size() || next < fresh.rows.size(); out += dim) {
    const Row old_row = old < table.size() ? map.OfOld(table.row(old)) : kNoRow;
    const Row new_row =
        next < fresh.rows.size() ? map.OfNew(fresh.rows[next]) : kNoRow;
    joined.rows.push_back(std::min(old_row, new_row));
    if (old_row < new_row) {
      table.Read(old++, {out, dim});
    } else {
      const float* const vector = &fresh.values[next++ * dim];
      std::copy(vector, vector + dim, out);
    }
  }
  return joined;
}

// Old and new vectors, and whether they are stored in half precision.
struct JoinedTable {
  TrainedVectors vectors;
  bool half;
};

class Extender {
 public:
  Extender(const Bundle& from, const NewItems& items,
           const ExtendRequest& request, BundleWriter writer)
      : from_(from),
        items_(items),
        request_(request),
        map_(from.items(), items.keys),
        writer_(std::move(writer)),
        manifest_(from.manifest()),
        has_vector_(items.keys.size(), false) {}

  absl::StatusOr<Extension> Run() {
    encoded_ = FindEncodedSpace(from_);
    if (encoded_ != nullptr) content_ = EncodeByFeatures(*encoded_, items_);
    RETURN_IF_ERROR(writer_.AddKeys("items", map_.keys()));
    manifest_.mutable_items()->set_count(map_.size());
    for (size_t i = 0; i < from_.spaces().size(); ++i) {
      RETURN_IF_ERROR(ExtendSpace(
          from_.spaces()[i], manifest_.mutable_spaces(static_cast<int>(i))));
    }
    for (size_t i = 0; i < from_.popularity().size(); ++i) {
      RETURN_IF_ERROR(
          ExtendPopularity(from_.popularity()[i],
                           manifest_.mutable_popularity(static_cast<int>(i))));
    }
    RETURN_IF_ERROR(WriteSharedLists(manifest_, shared_lists_, &writer_));
    manifest_.clear_attributes();
    for (size_t i = 0; i < from_.attributes().size(); ++i) {
      RETURN_IF_ERROR(WriteAttribute(
          JoinAttribute(from_.attributes()[i], items_.attributes[i], map_),
          map_.size(), &writer_, &manifest_));
    }
    for (const v1::FileEntry& file : from_.manifest().files()) {
      ASSIGN_OR_RETURN(const FileTreatment treatment,
                       TreatmentOf(from_.manifest(), file.name()));
      if (treatment == FileTreatment::kMade) continue;
      RETURN_IF_ERROR(TakeOverFile(from_, file.name(), map_, &writer_));
    }
    for (Row place = 0; place < items_.keys.size(); ++place) {
      if (has_vector_[place]) continue;
      extension_.without_vector.push_back(items_.keys.text(place));
    }
    v1::Builder& builder = *manifest_.mutable_builder();
    // Recall was measured and fusion was learned without the new items.
    const uint64_t old_version = manifest_.version();
    if (manifest_.has_measured_recall() &&
        manifest_.measured_recall().measured_on_version() == 0) {
      manifest_.mutable_measured_recall()->set_measured_on_version(old_version);
    }
    if (manifest_.has_fusion() && manifest_.fusion_learned_on_version() == 0) {
      manifest_.set_fusion_learned_on_version(old_version);
    }
    builder.set_program("tributary extend");
    builder.set_revision(Revision());
    builder.set_data(fmt::format("{} + {} items of {}", builder.data(),
                                 items_.keys.size(), request_.data_name));
    ASSIGN_OR_RETURN(extension_.dir,
                     FinishBundle(std::move(manifest_), &writer_));
    return std::move(extension_);
  }

 private:
  // Writes <stem>.npy and .rows.npy, with the new items' vectors in their rows.
  absl::StatusOr<JoinedTable> ExtendTable(const std::string& stem,
                                          const VectorTable& table,
                                          const TrainedVectors& fresh) {
    JoinedTable joined{Join(table, fresh, map_), false};
    joined.half =
        table.dtype() == Dtype::kFloat16 && RoundToHalf(&joined.vectors.values);
    RETURN_IF_ERROR(WriteVectors(stem, joined.vectors, table.dim(), joined.half,
                                 map_.size(), &writer_));
    return joined;
  }

  absl::Status ExtendSpace(const EmbeddingSpace& space,
                           v1::EmbeddingSpace* spec) {
    ASSIGN_OR_RETURN(const TrainedVectors fresh, MakeVectors(space));
    for (const Row place : fresh.rows) has_vector_[place] = true;
    ASSIGN_OR_RETURN(const JoinedTable joined,
                     ExtendTable(spec->name() + ".items", space.items, fresh));
    const TrainedVectors& items = joined.vectors;
    spec->set_item_vectors(items.rows.size());
    if (spec->index().kind() != "flat") {
      RETURN_IF_ERROR(BuildIndex(space, joined, spec));
    }
    for (v1::GoldenQuery& golden : *manifest_.mutable_golden_queries()) {
      if (golden.space() != spec->name()) continue;
      AnswerGoldenQuery(items, &golden);
      for (Row& row : *golden.mutable_history()) row = map_.OfOld(row);
    }
    if (spec->user_tower().has_history()) return ExtendHistory(spec);
    return absl::OkStatus();
  }

  // Queries as the user tower makes them from users' histories.
  absl::StatusOr<std::vector<SpaceQuery>> TowerQueries(
      const EmbeddingSpace& space) const {
    ASSIGN_OR_RETURN(const auto tower, UserTower::Open(from_, space));
    std::vector<SpaceQuery> queries;
    for (const uint64_t user :
         SpreadEvenly(kSampledQueries, from_.users().size())) {
      SpaceQuery query;
      query.seen = from_.Seen(static_cast<Row>(user));
      if (!tower->Encode(static_cast<Row>(user),
                         from_.Wanted(static_cast<Row>(user)), &query.vector)) {
        continue;
      }
      // One of a user's interests is enough.
      query.vector.resize(space.spec->dim());
      queries.push_back(std::move(query));
    }
    return queries;
  }

  // Users' query vectors; empty when users have none.
  absl::StatusOr<std::vector<SpaceQuery>> UserQueries(
      const EmbeddingSpace& space) const {
    if (space.spec->history_encoder() == v1::TOWER) return TowerQueries(space);
    std::vector<SpaceQuery> queries;
    for (const uint64_t i : SpreadEvenly(kSampledQueries, space.users.size())) {
      SpaceQuery& query = queries.emplace_back();
      query.vector.resize(space.spec->dim());
      space.users.Read(i, query.vector);
      query.seen = from_.Seen(space.users.row(i));
    }
    return queries;
  }

  // Vectors of the new items, by their positions.
  absl::StatusOr<TrainedVectors> MakeVectors(
      const EmbeddingSpace& space) const {
    if (&space == encoded_) return content_;
    if (space.spec->has_item_tower()) {
      return EncodeByTower(from_, space, items_, content_);
    }
    return PredictItems(space);
  }

  // The same in a space that is not made from features.
  absl::StatusOr<TrainedVectors> PredictItems(
      const EmbeddingSpace& space) const {
    if (content_.rows.empty() || space.items.size() == 0) {
      return TrainedVectors();
    }
    const auto& layers = space.spec->user_tower().layers();
    const bool last_is_bias =
        !layers.empty() && layers.rbegin()->kind() == v1::Layer::APPEND_ONE;
    VectorPredictor predictor(*encoded_, space.items, last_is_bias,
                              request_.threads);
    ASSIGN_OR_RETURN(const auto queries, UserQueries(space));
    RETURN_IF_ERROR(predictor.Calibrate(queries));
    return predictor.Predict(content_);
  }

  // The new items' vectors as part of histories, so that clicks on them count.
  absl::Status ExtendHistory(v1::EmbeddingSpace* spec) {
    v1::HistoryInput& history = *spec->mutable_user_tower()->mutable_history();
    const std::string stem = spec->name() + ".history";
    ASSIGN_OR_RETURN(
        const VectorTable table,
        VectorTable::Open(from_.dir(), stem, from_.HasFile(stem + ".rows.npy"),
                          history.item_vectors(), history.dim(),
                          from_.items().size()));
    TrainedVectors fresh;
    if (!content_.rows.empty() && table.size() > 0) {
      const VectorPredictor predictor(*encoded_, table, /*last_is_bias=*/false,
                                      request_.threads);
      ASSIGN_OR_RETURN(fresh, predictor.Predict(content_));
    }
    ASSIGN_OR_RETURN(const JoinedTable joined, ExtendTable(stem, table, fresh));
    history.set_item_vectors(joined.vectors.rows.size());
    return absl::OkStatus();
  }

  // The users' vectors or, where they have none, the golden queries.
  absl::StatusOr<std::vector<float>> RecallQueries(
      const EmbeddingSpace& space) const {
    std::vector<float> queries;
    ASSIGN_OR_RETURN(const auto users, UserQueries(space));
    for (const SpaceQuery& query : users) {
      queries.insert(queries.end(), query.vector.begin(), query.vector.end());
    }
    if (!queries.empty()) return queries;
    for (const v1::GoldenQuery& golden : manifest_.golden_queries()) {
      if (golden.space() != space.spec->name()) continue;
      queries.insert(queries.end(), golden.vector().begin(),
                     golden.vector().end());
    }
    return queries;
  }

  // With the settings of the earlier index. Where these miss the recall that
  // was measured then, the space is searched exactly, as the build would do.
  absl::Status BuildIndex(const EmbeddingSpace& space, const JoinedTable& items,
                          v1::EmbeddingSpace* spec) {
    const v1::IndexSpec& recipe = space.spec->index();
    ASSIGN_OR_RETURN(const std::vector<float> queries, RecallQueries(space));
    v1::IndexChoice choice;
    choice.set_kind(recipe.kind());
    choice.set_factory(recipe.factory());
    choice.set_lists(recipe.lists());
    choice.set_target_recall(
        std::max(0.0, recipe.measured_recall() - kRecallSlack));
    choice.set_target_n(recipe.measured_n());
    const auto built = WriteIndex({.space = spec->name(),
                                   .dim = spec->dim(),
                                   .values = items.vectors.values,
                                   .half = items.half,
                                   .queries = queries,
                                   .choice = choice,
                                   .threads = request_.threads},
                                  &writer_);
    if (built.ok()) *spec->mutable_index() = *built;
    if (!absl::IsFailedPrecondition(built.status())) return built.status();
    spec->clear_index();
    spec->mutable_index()->set_kind("flat");
    spec->mutable_index()->set_measured_recall(1);
    spec->mutable_index()->set_measured_n(recipe.measured_n());
    return absl::OkStatus();
  }

  // New items come last, with score 0, in lists of the whole catalogue.
  absl::Status ExtendPopularity(const PopularityList& list,
                                v1::PopularityList* spec) {
    std::vector<ScoredRow> old;
    for (size_t i = 0; i < list.rows().size(); ++i) {
      old.push_back({map_.OfOld(list.rows()[i]), list.scores()[i]});
    }
    std::vector<ScoredRow> fresh;
    if (old.size() == map_.n_old()) {
      const float score = old.empty() ? 0 : std::min(0.0f, old.back().score);
      for (Row place = 0; place < map_.n_new(); ++place) {
        fresh.push_back({map_.OfNew(place), score});
      }
    }
    std::vector<ScoredRow> all;
    std::merge(old.begin(), old.end(), fresh.begin(), fresh.end(),
               std::back_inserter(all), Better);
    std::vector<Row> rows;
    std::vector<float> scores;
    for (const ScoredRow& entry : all) {
      rows.push_back(entry.row);
      scores.push_back(entry.score);
    }
    return WriteList(rows, scores, &writer_, &shared_lists_, spec);
  }

  const Bundle& from_;
  const NewItems& items_;
  const ExtendRequest& request_;
  const RowMap map_;
  BundleWriter writer_;
  v1::Manifest manifest_;
  SharedLists shared_lists_;
  // nullptr when the bundle has no feature encoder.
  const EmbeddingSpace* encoded_ = nullptr;
  TrainedVectors content_;
  // By position: whether the item has a vector in any space.
  std::vector<bool> has_vector_;
  Extension extension_;
};

}  // namespace

absl::StatusOr<Extension> ExtendBundle(const Bundle& from,
                                       const NewItems& items,
                                       const ExtendRequest& request) {
  RETURN_IF_ERROR(VerifyBundle(from.dir()));
  // Checked before the work is done.
  for (const v1::FileEntry& file : from.manifest().files()) {
    RETURN_IF_ERROR(TreatmentOf(from.manifest(), file.name()).status());
  }
  ASSIGN_OR_RETURN(BundleWriter writer,
                   BundleWriter::Create(request.root, request.version));
  return Extender(from, items, request, std::move(writer)).Run();
}

}  // namespace tributary
