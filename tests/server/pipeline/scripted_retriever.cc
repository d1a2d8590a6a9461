#include "tests/server/pipeline/scripted_retriever.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "index/bundle/bundle_writer.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

class ScriptedRetriever : public Retriever {
 public:
  explicit ScriptedRetriever(Script script) : script_(std::move(script)) {}
  ~ScriptedRetriever() override {
    if (script_.on_destroyed) script_.on_destroyed();
  }

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override {
    if (script_.on_retrieve) script_.on_retrieve(query);
    return Answer(script_.rows, query, n, proposals);
  }

  absl::StatusOr<Ask> RetrieveExact(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override {
    if (script_.exact_rows.empty()) return absl::UnimplementedError("exact");
    if (query.deadline <= std::chrono::steady_clock::now()) {
      return absl::DeadlineExceededError("late");
    }
    return Answer(script_.exact_rows, query, n, proposals);
  }

  uint32_t expected_us(uint32_t /*n*/) const override {
    return script_.expected_us;
  }

 private:
  absl::StatusOr<Ask> Answer(const std::vector<Row>& rows,
                             const RetrieverQuery& query, uint32_t n,
                             std::vector<ScoredRow>* proposals) const {
    if (!script_.error.ok()) return script_.error;
    if (script_.no_query) return Ask::kNoQuery;
    proposals->clear();
    for (const Row row : rows) {
      if (proposals->size() == n) break;
      if (std::binary_search(query.excluded.begin(), query.excluded.end(),
                             row)) {
        continue;
      }
      const auto rank = static_cast<float>(proposals->size());
      proposals->push_back({row, 1 - rank / 10000});
    }
    return Ask::kAnswered;
  }

  const Script script_;
};

KeyList Keys(v1::KeyKind kind, uint64_t first, uint64_t count) {
  KeyList keys{kind, {}, {}};
  for (uint64_t key = first; key < first + count; ++key) {
    if (kind == v1::UINT64) {
      keys.ids.push_back(key);
    } else {
      keys.strings.push_back(std::to_string(key));
    }
  }
  return keys;
}

template <typename T>
void Add(BundleWriter& writer, std::string_view name, std::vector<T> values,
         uint64_t columns = 0) {
  const absl::Status status = writer.AddArray<T>(name, values, columns);
  ASSERT_TRUE(status.ok()) << status;
}

void AddFiles(const ScriptedBundleOptions& options, BundleWriter& writer) {
  EXPECT_TRUE(
      writer.AddKeys("items", Keys(options.item_keys, 1000, kScriptedItems))
          .ok());
  EXPECT_TRUE(writer.AddKeys("users", Keys(options.user_keys, 1, 3)).ok());
  Add<float>(writer, "taste.items.npy",
             std::vector<float>(2 * kScriptedItems, 1), 2);
  Add<Row>(writer, "popularity.plan=gold.npy", {0, 5});
  Add<float>(writer, "popularity.plan=gold.scores.npy", {9, 8});
  Add<uint64_t>(writer, "seen.offsets.npy", {0, 2, 2, 2});
  Add<Row>(writer, "seen.rows.npy", {1, 0});
  Add<uint16_t>(writer, "users.segments.npy", {0, 1, 0});
  for (const ScriptedAttribute& attribute : options.attributes) {
    const std::string prefix = "attribute." + attribute.name;
    Add<int64_t>(writer, prefix + ".values.npy", attribute.values);
    Add<uint8_t>(writer, prefix + ".codes.npy", attribute.codes,
                 kScriptedItems);
  }
}

v1::Manifest MakeManifest(const ScriptedBundleOptions& options) {
  v1::Manifest manifest;
  manifest.mutable_items()->set_kind(options.item_keys);
  manifest.mutable_items()->set_count(kScriptedItems);
  manifest.mutable_users()->set_kind(options.user_keys);
  manifest.mutable_users()->set_count(3);
  v1::EmbeddingSpace* space = manifest.add_spaces();
  space->set_name("taste");
  space->set_dim(2);
  space->set_metric(v1::INNER_PRODUCT);
  space->set_fingerprint("f00d");
  space->set_item_vectors(kScriptedItems);
  space->mutable_index()->set_kind("flat");
  v1::PopularityList* list = manifest.add_popularity();
  list->set_name("plan=gold");
  list->set_count(2);
  list->set_segment(1);
  *manifest.mutable_fusion() = options.fusion;
  for (const ScriptedAttribute& attribute : options.attributes) {
    v1::Attribute* spec = manifest.add_attributes();
    spec->set_name(attribute.name);
    spec->set_type(attribute.type);
    spec->set_values(attribute.values.size());
    const auto present = static_cast<uint64_t>(std::count_if(
        attribute.codes.begin(), attribute.codes.end(),
        [&](uint8_t code) { return code < attribute.values.size(); }));
    spec->set_present(present);
    spec->set_uses(present);
  }
  for (const std::string& name : options.retrievers) {
    v1::RetrieverSpec* spec = manifest.add_retrievers();
    spec->set_name(name);
    spec->set_kind("scripted");
  }
  return manifest;
}

}  // namespace

RetrieverRegistry ScriptedRegistry(Scripts scripts) {
  RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  registry.Register("scripted",
                    [scripts = std::move(scripts)](
                        const Bundle&, const v1::RetrieverSpec& spec)
                        -> absl::StatusOr<std::unique_ptr<Retriever>> {
                      const auto script = scripts.find(spec.name());
                      return std::make_unique<ScriptedRetriever>(
                          script == scripts.end() ? Script() : script->second);
                    });
  return registry;
}

std::shared_ptr<const ServingBundle> ServeScripted(
    Scripts scripts, const ScriptedBundleOptions& options) {
  auto writer = BundleWriter::Create(MakeTestDir(), options.version);
  EXPECT_TRUE(writer.ok()) << writer.status();
  AddFiles(options, *writer);
  const auto dir = writer->Finish(MakeManifest(options));
  EXPECT_TRUE(dir.ok()) << dir.status();
  const auto bundle = Bundle::Open(*dir);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  const auto serving =
      ServingBundle::Open(*bundle, ScriptedRegistry(std::move(scripts)));
  EXPECT_TRUE(serving.ok()) << serving.status();
  return *serving;
}

std::vector<Row> Rows(Row begin, Row end) {
  std::vector<Row> rows(end - begin);
  std::iota(rows.begin(), rows.end(), begin);
  return rows;
}

}  // namespace tributary
