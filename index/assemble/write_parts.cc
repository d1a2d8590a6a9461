#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/assemble/bundle_parts.h"
#include "index/assemble/finish_bundle.h"
#include "index/assemble/golden_queries.h"
#include "index/assemble/take_over.h"
#include "index/assemble/write_attributes.h"
#include "index/assemble/write_index.h"
#include "index/assemble/write_lists.h"
#include "index/assemble/write_vectors.h"
#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"
#include "index/bundle/sha256.h"
#include "index/train/half_precision.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Enough to measure a recall of .99 at n 500 to about .0005.
constexpr size_t kRecallQueries = 400;
constexpr size_t kFingerprintDigits = 16;
// The decay of histories by which categories are mixed, where there are times.
constexpr double kCategoryDecay = 0.4;

std::string Fingerprint(const TrainedSpace& space) {
  const std::string text = fmt::format(
      "{} {} {}", Sha256Hex(std::as_bytes(std::span(space.items.values))),
      space.items.rows.size(), space.dim);
  return Sha256Hex(std::as_bytes(std::span(text)))
      .substr(0, kFingerprintDigits);
}

absl::Status WriteFeatureEncoder(const std::string& space,
                                 const TrainedEncoder& encoder, uint32_t dim,
                                 BundleWriter* writer) {
  RETURN_IF_ERROR(
      writer->AddKeys(space + ".terms",
                      {.kind = v1::UTF8, .ids = {}, .strings = encoder.terms}));
  RETURN_IF_ERROR(
      writer->AddArray<float>(space + ".terms.idf.npy", encoder.idf));
  const std::string projection = space + ".projection.npy";
  return encoder.half_projection
             ? writer->AddArray<Half>(projection, ToHalves(encoder.projection),
                                      dim)
             : writer->AddArray<float>(projection, encoder.projection, dim);
}

// The configuration of one space's index.
v1::IndexChoice ChoiceFor(const std::string& space,
                          const v1::IndexChoice& all) {
  v1::IndexChoice choice = all;
  choice.clear_by_space();
  const auto own = all.by_space().find(space);
  if (own != all.by_space().end()) choice.MergeFrom(own->second);
  return choice;
}

absl::Status CheckSpaces(const BundleParts& parts,
                         const v1::IndexChoice& choice) {
  for (const auto& [name, own] : choice.by_space()) {
    const bool known = std::any_of(
        parts.spaces.begin(), parts.spaces.end(),
        [&, &wanted = name](const auto& s) { return s.name == wanted; });
    if (known) continue;
    return absl::InvalidArgumentError(fmt::format(
        "index.by_space[\"{}\"]: the bundle has no such space", name));
  }
  return absl::OkStatus();
}

absl::Status WriteTowers(const DataSet& data, const TrainedSpace& space,
                         BundleWriter* writer, v1::EmbeddingSpace* spec) {
  if (space.user_tower.has_value()) {
    const TrainedTower& tower = *space.user_tower;
    if (tower.spec.has_history()) {
      RETURN_IF_ERROR(WriteVectors(
          space.name + ".history", tower.history, tower.spec.history().dim(),
          tower.half_history, data.items.size(), writer));
    }
    if (!tower.contexts.rows.empty()) {
      RETURN_IF_ERROR(WriteVectors(space.name + ".context", tower.contexts,
                                   tower.spec.context_dim(), false,
                                   data.users.size(), writer));
    }
    *spec->mutable_user_tower() = tower.spec;
  }
  if (space.item_tower.has_value()) {
    *spec->mutable_item_tower() = *space.item_tower;
  }
  for (const auto& [name, keys] : space.tower_keys) {
    RETURN_IF_ERROR(writer->AddKeys(name, keys));
  }
  for (const TrainedArray& array : space.tower_arrays) {
    RETURN_IF_ERROR(writer->AddArray<float>(array.name + ".npy", array.values,
                                            array.columns));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::IndexSpec> WriteSpaceIndex(const TrainedSpace& space,
                                              const WriteRequest& request,
                                              BundleWriter* writer) {
  const std::vector<float> queries = SampleQueries(space, kRecallQueries);
  IndexRequest index{.space = space.name,
                     .dim = space.dim,
                     .values = space.items.values,
                     .half = space.half_items,
                     .queries = queries,
                     .choice = ChoiceFor(space.name, request.index),
                     .threads = request.threads};
  if (request.like == nullptr) return WriteIndex(index, writer);
  index.earlier = EarlierIndex(*request.like, space.name, space.dim,
                               space.items.rows.size(), index.choice);
  bool taken = false;
  ASSIGN_OR_RETURN(v1::IndexSpec spec, WriteIndex(index, writer, &taken));
  const std::string settings =
      spec.kind() == "flat"
          ? std::string("flat")
          : fmt::format("{} lists={} probes={} reranked={}", spec.kind(),
                        spec.lists(), spec.probes(), spec.reranked());
  if (taken) {
    request.report(fmt::format("like version {}: index of {}: {}",
                               request.like->version(), space.name, settings));
  } else {
    request.report(fmt::format(
        "not like version {}: index of {}: chosen again ({}), {}",
        request.like->version(), space.name, settings,
        index.earlier == nullptr
            ? "the space is new, changed much or configured otherwise"
            : "the earlier settings miss index.target_recall"));
  }
  return spec;
}

absl::Status WriteSpace(const DataSet& data, const TrainedSpace& space,
                        const WriteRequest& request, BundleWriter* writer,
                        v1::Manifest* manifest) {
  RETURN_IF_ERROR(WriteVectors(space.name + ".items", space.items, space.dim,
                               space.half_items, data.items.size(), writer));
  const bool store_users =
      !space.users.rows.empty() && !space.user_tower.has_value();
  if (store_users) {
    RETURN_IF_ERROR(WriteVectors(space.name + ".users", space.users, space.dim,
                                 false, data.users.size(), writer));
  }
  v1::EmbeddingSpace& spec = *manifest->add_spaces();
  spec.set_name(space.name);
  spec.set_dim(space.dim);
  spec.set_metric(space.metric);
  spec.set_fingerprint(Fingerprint(space));
  spec.set_item_vectors(space.items.rows.size());
  spec.set_user_vectors(store_users ? space.users.rows.size() : 0);
  spec.set_history_encoder(space.history_encoder);
  RETURN_IF_ERROR(WriteTowers(data, space, writer, &spec));
  spec.mutable_training()->Assign(space.training.begin(), space.training.end());
  if (space.feature_encoder) {
    RETURN_IF_ERROR(WriteFeatureEncoder(space.name, *space.feature_encoder,
                                        space.dim, writer));
    *spec.mutable_feature_encoder() = space.feature_encoder->spec;
  }
  ASSIGN_OR_RETURN(*spec.mutable_index(),
                   WriteSpaceIndex(space, request, writer));
  v1::RetrieverSpec& retriever = *manifest->add_retrievers();
  retriever.set_name(space.name);
  retriever.set_kind("vector");
  retriever.set_space(space.name);
  AddGoldenQueries(space, manifest);
  return absl::OkStatus();
}

absl::Status WriteCategories(const CountedPopularity& popularity, double decay,
                             BundleWriter* writer, v1::Manifest* manifest) {
  if (popularity.categories.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(writer->AddArray<uint16_t>(
      kCategoriesFile, popularity.categories, popularity.category_width));
  v1::RetrieverSpec& retriever = *manifest->add_retrievers();
  retriever.set_name("category");
  retriever.set_kind("category_popularity");
  retriever.set_decay(decay);
  retriever.set_max_history(kNeighborHistory);
  return absl::OkStatus();
}

// The name of the retriever that reads a list of all items.
std::string PopularityRetriever(const CountedList& list) {
  return list.name == kTrendingList ? kTrendingList : "popularity";
}

void AddPopularityRetriever(const CountedList& list, v1::Manifest* manifest) {
  v1::RetrieverSpec& retriever = *manifest->add_retrievers();
  const bool trending = list.name == kTrendingList;
  retriever.set_name(PopularityRetriever(list));
  retriever.set_kind("popularity");
  retriever.set_by_segment(!trending);
  if (trending) retriever.add_lists(kTrendingList);
  retriever.add_lists(kAllTimeList);
}

absl::Status WritePopularity(const CountedPopularity& popularity, double decay,
                             BundleWriter* writer, v1::Manifest* manifest) {
  SharedLists shared;
  for (const CountedList& list : popularity.lists) {
    v1::PopularityList& spec = *manifest->add_popularity();
    spec.set_name(list.name);
    spec.set_segment(list.segment);
    spec.set_category(list.category);
    const bool of_all = list.segment == 0 && list.category == 0;
    if (!of_all) spec.set_begin(0);
    RETURN_IF_ERROR(WriteList(list.rows, list.scores, writer, &shared, &spec));
    if (of_all) AddPopularityRetriever(list, manifest);
  }
  RETURN_IF_ERROR(WriteSharedLists(*manifest, shared, writer));
  RETURN_IF_ERROR(WriteCategories(popularity, decay, writer, manifest));
  if (popularity.user_segments.empty()) return absl::OkStatus();
  return writer->AddArray<uint16_t>("users.segments.npy",
                                    popularity.user_segments);
}

absl::Status WriteNeighbors(const NeighborLists& lists, BundleWriter* writer,
                            v1::Manifest* manifest) {
  const std::string stem = "neighbors." + lists.name;
  RETURN_IF_ERROR(
      writer->AddArray<uint32_t>(stem + ".rows.npy", lists.rows, lists.width));
  std::vector<float> scores = lists.scores;
  const std::string scores_file = stem + ".scores.npy";
  if (RoundToHalf(&scores)) {
    RETURN_IF_ERROR(
        writer->AddArray<Half>(scores_file, ToHalves(scores), lists.width));
  } else {
    RETURN_IF_ERROR(
        writer->AddArray<float>(scores_file, lists.scores, lists.width));
  }
  v1::NeighborTable& table = *manifest->add_neighbors();
  table.set_name(lists.name);
  table.set_width(lists.width);
  table.mutable_chosen()->insert(lists.chosen.begin(), lists.chosen.end());
  v1::RetrieverSpec& retriever = *manifest->add_retrievers();
  retriever.set_name(lists.name);
  retriever.set_kind("neighbors");
  retriever.set_table(lists.name);
  retriever.set_decay(lists.decay);
  retriever.set_max_history(kNeighborHistory);
  return absl::OkStatus();
}

absl::Status WriteTables(const DataSet& data, const SeenLists& seen,
                         BundleWriter* writer, v1::Manifest* manifest) {
  RETURN_IF_ERROR(writer->AddKeys("items", data.items));
  manifest->mutable_items()->set_kind(data.items.kind);
  manifest->mutable_items()->set_count(data.items.size());
  if (data.users.size() == 0) return absl::OkStatus();
  RETURN_IF_ERROR(writer->AddKeys("users", data.users));
  manifest->mutable_users()->set_kind(data.users.kind);
  manifest->mutable_users()->set_count(data.users.size());
  if (seen.offsets.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(writer->AddArray<uint64_t>("seen.offsets.npy", seen.offsets));
  if (!seen.wanted.empty()) {
    RETURN_IF_ERROR(writer->AddArray<uint64_t>("seen.wanted.npy", seen.wanted));
  }
  return writer->AddArray<uint32_t>("seen.rows.npy", seen.rows);
}

bool HasRetriever(const v1::Manifest& manifest, const std::string& name) {
  return std::any_of(
      manifest.retrievers().begin(), manifest.retrievers().end(),
      [&](const v1::RetrieverSpec& spec) { return spec.name() == name; });
}

// Quotas of retrievers that the validation bundle had and this one lacks are
// dropped.
void AddJudgement(const Judgement& judgement, v1::Manifest* manifest) {
  if (judgement.recall.users() > 0) {
    *manifest->mutable_measured_recall() = judgement.recall;
  }
  if (judgement.fusion.segments().empty()) return;
  *manifest->mutable_fusion() = judgement.fusion;
  manifest->set_fusion_learned_on_version(
      judgement.recall.measured_on_version());
  auto* quotas = manifest->mutable_fusion()->mutable_quotas();
  quotas->erase(std::remove_if(quotas->begin(), quotas->end(),
                               [&](const v1::QuotaShare& quota) {
                                 return !HasRetriever(*manifest,
                                                      quota.retriever());
                               }),
                quotas->end());
}

}  // namespace

std::vector<std::string> RetrieverNames(const BundleParts& parts) {
  std::vector<std::string> names;
  for (const TrainedSpace& space : parts.spaces) names.push_back(space.name);
  for (const NeighborLists& lists : parts.neighbors) {
    names.push_back(lists.name);
  }
  for (const CountedList& list : parts.popularity.lists) {
    if (list.segment == 0 && list.category == 0) {
      names.push_back(PopularityRetriever(list));
    }
  }
  if (!parts.popularity.categories.empty()) names.push_back("category");
  return names;
}

absl::StatusOr<std::filesystem::path> WriteParts(const DataSet& data,
                                                 const BundleParts& parts,
                                                 const WriteRequest& request,
                                                 const Progress& progress) {
  RETURN_IF_ERROR(CheckSpaces(parts, request.index));
  ASSIGN_OR_RETURN(BundleWriter writer,
                   BundleWriter::Create(request.root, request.version));
  v1::Manifest manifest;
  *manifest.mutable_builder() = request.builder;
  manifest.set_product(request.product);
  manifest.set_changes_through(request.changes_through);
  RETURN_IF_ERROR(WriteTables(data, parts.seen, &writer, &manifest));
  for (size_t i = 0; i < parts.spaces.size(); ++i) {
    progress("index",
             static_cast<double>(i) / static_cast<double>(parts.spaces.size()));
    RETURN_IF_ERROR(
        WriteSpace(data, parts.spaces[i], request, &writer, &manifest));
  }
  progress("index", 1);
  for (const NeighborLists& lists : parts.neighbors) {
    RETURN_IF_ERROR(WriteNeighbors(lists, &writer, &manifest));
  }
  RETURN_IF_ERROR(WritePopularity(parts.popularity,
                                  data.has_times ? kCategoryDecay : 0, &writer,
                                  &manifest));
  for (const auto& attribute : data.attributes) {
    RETURN_IF_ERROR(
        WriteAttribute(*attribute, data.items.size(), &writer, &manifest));
  }
  AddJudgement(request.judgement, &manifest);
  progress("verify", 0);
  auto path = FinishBundle(std::move(manifest), &writer);
  progress("verify", 1);
  return path;
}

}  // namespace tributary
