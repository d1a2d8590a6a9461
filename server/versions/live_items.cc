#include "server/versions/live_items.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/magnitude.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// Fewer rows are not worth being numbered anew.
constexpr uint32_t kFewRows = 4096;

// What of a vector a space cannot take; "" if it can take all.
std::string FaultOf(const EmbeddingSpace& space, uint64_t version,
                    std::span<const float> vector) {
  if (vector.size() != space.spec->dim()) {
    return fmt::format("{} values, version {} has {}", vector.size(), version,
                       space.spec->dim());
  }
  const std::optional<size_t> bad = FindUnusable(vector);
  if (!bad.has_value()) return "";
  return fmt::format("value {} is {}", *bad, DescribeUnusable(vector[*bad]));
}

// As builds do it.
void MakeOneLong(std::vector<float>* vector) {
  double square = 0;
  for (const double x : *vector) square += x * x;
  if (square == 0) return;
  const double scale = 1 / std::sqrt(square);
  for (float& x : *vector) x = static_cast<float>(x * scale);
}

class LiveItemsMaker {
 public:
  LiveItemsMaker(const ServingBundle& serving, const LiveItemEncoder& encoder,
                 PassOver pass_over)
      : bundle_(serving.bundle()), encoder_(encoder), pass_over_(pass_over) {}

  NewItem Make(const std::string& key, const Upsertion& upsertion) const {
    const v1::UpsertItem upsert = upsertion.Item();
    NewItem item;
    item.key = key;
    AddVectors(upsertion.change, upsert, &item);
    encoder_.Encode(upsert.features(), &item.vectors);
    AddValues(upsertion.change, upsert, &item);
    if (upsert.has_popularity()) {
      item.popularity = static_cast<float>(upsert.popularity());
    }
    return item;
  }

 private:
  void PassOverPart(uint64_t change, std::string_view part,
                    std::string_view name, std::string_view why) const {
    pass_over_(change, fmt::format("change {}: {}[{}]: {}", change, part,
                                   Quoted(name), why));
  }

  void AddVectors(uint64_t change, const v1::UpsertItem& upsert,
                  NewItem* item) const {
    item->vectors.resize(bundle_.spaces().size());
    for (const auto& [name, given] : upsert.vectors()) {
      const EmbeddingSpace* const space = bundle_.FindSpace(name);
      const std::span<const float> values(
          given.values().data(), static_cast<size_t>(given.values_size()));
      const std::string fault =
          space == nullptr
              ? fmt::format("no space of version {}", bundle_.version())
              : FaultOf(*space, bundle_.version(), values);
      if (!fault.empty()) {
        PassOverPart(change, "vectors", name, fault);
        continue;
      }
      std::vector<float>& vector =
          item->vectors[static_cast<size_t>(space - bundle_.spaces().data())];
      vector.assign(values.begin(), values.end());
      if (space->spec->metric() == v1::COSINE) MakeOneLong(&vector);
    }
  }

  void AddValues(uint64_t change, const v1::UpsertItem& upsert,
                 NewItem* item) const {
    for (const AttributeColumn& column : bundle_.attributes()) {
      ItemValue& value = item->values.emplace_back();
      const auto found = upsert.features().fields().find(column.name());
      if (found == upsert.features().fields().end()) continue;
      if (auto read = ReadItemValue(column.type(), found->second)) {
        value = *std::move(read);
      } else {
        PassOverPart(
            change, "features", column.name(),
            fmt::format("no value of {}, which it is in version {}",
                        AttributeTypeName(column.type()), bundle_.version()));
      }
    }
  }

  const Bundle& bundle_;
  const LiveItemEncoder& encoder_;
  const PassOver pass_over_;
};

// An upsert that is about an item that the bundle lacks, and not known to it
// already.
struct Wanted {
  const std::string* key;
  const Upsertion* upsertion;
};

bool IsWanted(const Bundle& bundle, const std::string& key,
              const Upsertion& upsertion) {
  return upsertion.change > bundle.manifest().changes_through() &&
         bundle.items().Find(std::string_view(key)) == kNoRow;
}

// The retrievers by which stand-ins are found, the best first.
std::vector<const NamedRetriever*> StandInRetrievers(
    const ServingBundle& serving) {
  std::vector<const NamedRetriever*> found;
  for (const bool encoded : {true, false}) {
    for (const NamedRetriever& named : serving.retrievers()) {
      if (named.spec->kind() != "vector") continue;
      const EmbeddingSpace* const space =
          serving.bundle().FindSpace(named.spec->space());
      if (space != nullptr && space->spec->has_feature_encoder() == encoded) {
        found.push_back(&named);
      }
    }
  }
  return found;
}

}  // namespace

std::shared_ptr<const AddedItems> AddUpsertedItems(
    const ServingBundle& serving, const UpsertedItems& upserted,
    std::span<const std::string> keys,
    absl::FunctionRef<bool(std::string_view key)> is_down,
    const std::shared_ptr<const AddedItems>& before,
    std::shared_ptr<const LiveItemEncoder>* encoder, PassOver pass_over) {
  const Bundle& bundle = serving.bundle();
  std::vector<Wanted> wanted;
  std::vector<const std::string*> moved;
  // Rows that are in use no more take room, so that at times all items are
  // numbered anew.
  const bool anew = before != nullptr && before->size() > kFewRows &&
                    before->size() > 2 * before->n_live();
  const auto look_at = [&](const std::string& key, const Upsertion& upsertion) {
    if (!IsWanted(bundle, key, upsertion)) return;
    const Row row = before == nullptr || anew ? kNoRow : before->Find(key);
    if (row == kNoRow || before->change(row) != upsertion.change) {
      wanted.push_back({&key, &upsertion});
    } else if (before->IsLive(row) == is_down(key)) {
      moved.push_back(&key);
    }
  };
  if (anew) {
    for (const auto& [key, upsertion] : upserted.upsertions()) {
      look_at(key, upsertion);
    }
  } else {
    for (const std::string& key : keys) {
      const Upsertion* const upsertion = upserted.Find(key);
      if (upsertion != nullptr) look_at(key, *upsertion);
    }
  }
  if (wanted.empty() && moved.empty()) return before;
  std::ranges::sort(wanted, {},
                    [](const Wanted& one) { return one.upsertion->change; });
  AddedItems::Builder builder(bundle, anew ? nullptr : before.get());
  if (*encoder == nullptr) {
    *encoder = std::make_shared<const LiveItemEncoder>(bundle);
  }
  const LiveItemsMaker maker(serving, **encoder, pass_over);
  const bool decimal = bundle.items().kind() == v1::UINT64;
  for (const auto& [key, upsertion] : wanted) {
    if (uint64_t id = 0; decimal && !ParseDecimalKey(*key, &id)) {
      pass_over(upsertion->change,
                fmt::format("change {}: item: {} is no integer, which the keys "
                            "of version {} are",
                            upsertion->change, Quoted(*key), bundle.version()));
      continue;
    }
    builder.Add(maker.Make(*key, *upsertion), upsertion->change);
    if (is_down(*key)) builder.SetLive(*key, false);
  }
  for (const std::string* key : moved) builder.SetLive(*key, !is_down(*key));
  if (builder.empty()) return before;
  return builder.Finish();
}

bool FindStandIns(const ServingBundle& serving, const AddedItems& added,
                  const std::shared_ptr<const PassingItems>& remaining,
                  std::chrono::steady_clock::time_point until, uint32_t* next) {
  const std::vector<const NamedRetriever*> retrievers =
      StandInRetrievers(serving);
  std::vector<ScoredRow> nearest;
  for (; *next < added.size(); ++*next) {
    const Row row = added.first() + *next;
    if (added.StandIn(row) != kNoRow) continue;
    if (std::chrono::steady_clock::now() >= until) return false;
    for (const NamedRetriever* named : retrievers) {
      const std::string& name = named->spec->space();
      const EmbeddingSpace* const space = serving.bundle().FindSpace(name);
      const std::span<const float> vector = added.Vector(
          static_cast<size_t>(space - serving.bundle().spaces().data()), row);
      if (vector.empty()) continue;
      const SpaceVector query_vector = {.space = name, .values = vector};
      RetrieverQuery query;
      query.vectors = {&query_vector, 1};
      query.passing = remaining;
      const auto ask = named->retriever->Retrieve(query, 1, &nearest);
      if (!ask.ok() || nearest.empty()) continue;
      added.SetStandIn(row, nearest.front().row);
      break;
    }
  }
  return true;
}

}  // namespace tributary
