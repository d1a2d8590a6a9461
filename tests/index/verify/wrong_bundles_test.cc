// Bundles with one thing wrong inside, and hashes that say it is right: each is
// refused, with the file, the entry or field, and the value.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "index/bundle/sha256.h"
#include "index/verify/verify_version.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

v1::Manifest ManifestOf(const fs::path& dir) {
  v1::Manifest manifest;
  const std::string json = ReadFile(dir / kManifestName);
  EXPECT_TRUE(
      google::protobuf::util::JsonStringToMessage(json, &manifest).ok());
  return manifest;
}

void WriteManifest(const fs::path& dir, const v1::Manifest& manifest) {
  std::string json;
  EXPECT_TRUE(
      google::protobuf::util::MessageToJsonString(manifest, &json).ok());
  OverwriteFile(dir / kManifestName, json);
}

// Replaces a file, and what the manifest says of it.
void ReplaceFile(const fs::path& dir, const std::string& name,
                 const std::string& bytes) {
  OverwriteFile(dir / name, bytes);
  v1::Manifest manifest = ManifestOf(dir);
  for (v1::FileEntry& file : *manifest.mutable_files()) {
    if (file.name() != name) continue;
    file.set_size_bytes(bytes.size());
    file.set_sha256(Sha256Hex(std::as_bytes(std::span(bytes))));
  }
  WriteManifest(dir, manifest);
}

std::string RefusalOf(const fs::path& dir) {
  const absl::Status status = VerifyVersion(dir);
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(BlamesVersion(status)) << status;
  return std::string(status.message());
}

// An entry of an array, and what it is set to.
struct Entry {
  std::string file;
  size_t index;
  // The bytes of the value.
  std::string value;
  std::string expected;
};

template <typename T>
Entry Set(std::string file, size_t index, T value, std::string expected) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return {std::move(file), index, std::move(bytes), std::move(expected)};
}

TEST(WrongBundles, OfValuesAreRefusedByFileEntryAndValue) {
  const Entry entries[] = {
      Set("taste.items.npy", 3, kNan,
          "taste.items.npy: vector 1, coordinate 1: "
          "nan, expected a finite number within "),
      Set("taste.items.npy", 0, -1e16F,
          "taste.items.npy: vector 0, coordinate 0: -1e+16, expected"),
      Set<Row>("taste.items.rows.npy", 2, 0,
               "taste.items.rows.npy: entry 2 is 0; rows must be ascending"),
      Set<Row>("taste.items.rows.npy", 4, 6,
               "taste.items.rows.npy: entry 4 is 6; rows must be ascending and "
               "below 6"),
      Set("taste.users.npy", 2, kInfinity,
          "taste.users.npy: vector 1, coordinate 0: inf, expected"),
      Set<Row>("taste.users.rows.npy", 1, 3,
               "taste.users.rows.npy: entry 1 is 3"),
      Set<Row>("popularity.all.npy", 0, 6,
               "popularity.all.npy: entry 0 is row 6, which is not an item"),
      Set<Row>("popularity.all.npy", 1, 5,
               "popularity.all.npy: entry 1 is row 5, which is listed twice"),
      Set("popularity.all.scores.npy", 2, kNan,
          "popularity.all.scores.npy: entry 2 is nan; scores must be finite"),
      Set("popularity.all.scores.npy", 0, 1e30F,
          "popularity.all.scores.npy: entry 0 is 1e+30; scores must be finite, "
          "within +-1e+15"),
      Set("popularity.all.scores.npy", 3, 9.0F,
          "popularity.all.scores.npy: entry 3 is 9; scores must be"),
      Set<Row>(
          "neighbors.joint.rows.npy", 0, 6,
          "neighbors.joint.rows.npy: item 0, entry 0 is 6, which is not an "
          "item"),
      Set<Row>("neighbors.joint.rows.npy", 1, 1,
               "neighbors.joint.rows.npy: item 0, entry 1 is 1, which occurs "
               "twice"),
      Set("neighbors.joint.scores.npy", 4, 1e25F,
          "neighbors.joint.scores.npy: vector 1, coordinate 1: 1e+25"),
      Set<uint64_t>("seen.offsets.npy", 0, 1,
                    "seen.offsets.npy: entry 0 is 1; offsets must begin at 0"),
      Set<uint64_t>("seen.offsets.npy", 1, 3, "seen.offsets.npy: entry"),
      Set<uint64_t>("seen.offsets.npy", 3, ~uint64_t{0}, "seen.rows.npy: 2"),
      Set<Row>("seen.rows.npy", 1, 6,
               "seen.rows.npy: entry 1 is row 6, but items.count is 6"),
      Set<Row>("seen.rows.npy", 1, 0,
               "seen.rows.npy: entry 1 is row 0, which user 0 has twice"),
      Set<uint16_t>("items.categories.npy", 4, 0,
                    "items.categories.npy: item 2, entry 1 is 2, but follows a "
                    "0"),
      Set<uint64_t>("users.keys.npy", 1, 9,
                    "users.keys.npy: the key of row 1, 9, does not come after "
                    "10"),
      Set<uint64_t>("items.keys.offsets.npy", 2, 1,
                    "items.keys.offsets.npy: row 1 ends at 1"),
      Set<uint8_t>(
          "items.keys.utf8", 5, 0xE9,
          "items.keys.utf8: the key of row 5, \"\\xe9\", is not UTF-8"),
  };
  for (const Entry& entry : entries) {
    const fs::path dir = WriteTinyBundle(MakeTestDir(), 1);
    std::string bytes = ReadFile(dir / entry.file);
    size_t begin = 0;
    if (entry.file.ends_with(".npy")) {
      const auto header =
          DescribeNpy(std::as_bytes(std::span(bytes)), entry.file);
      ASSERT_TRUE(header.ok()) << header.status();
      begin = header->data_offset;
    }
    const size_t at = begin + entry.index * entry.value.size();
    ASSERT_LE(at + entry.value.size(), bytes.size()) << entry.file;
    bytes.replace(at, entry.value.size(), entry.value);
    ReplaceFile(dir, entry.file, bytes);
    EXPECT_THAT(RefusalOf(dir), HasSubstr(entry.expected)) << entry.file;
  }
}

// A change of a manifest, and a part of the error.
struct Change {
  std::function<void(v1::Manifest*)> make;
  std::string expected;
};

v1::RetrieverSpec* Add(v1::Manifest* manifest, const std::string& kind) {
  v1::RetrieverSpec* const spec = manifest->add_retrievers();
  spec->set_name("more");
  spec->set_kind(kind);
  return spec;
}

void ExpectRefused(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    const fs::path dir = WriteTinyBundle(MakeTestDir(), 1);
    v1::Manifest manifest = ManifestOf(dir);
    change.make(&manifest);
    WriteManifest(dir, manifest);
    EXPECT_THAT(RefusalOf(dir), HasSubstr(change.expected));
  }
}

TEST(WrongBundles, OfRetrieversThatNoServerCanMakeAreRefused) {
  ExpectRefused({
      {[](auto* m) { Add(m, "vector"); },
       "manifest.json: retrievers[\"more\"].space: missing, but kind "
       "\"vector\" needs it"},
      {[](auto* m) { Add(m, "popularity"); },
       "retrievers[\"more\"].lists: missing"},
      {[](auto* m) { Add(m, "neighbors")->set_max_history(5); },
       "retrievers[\"more\"].table: missing"},
      {[](auto* m) { Add(m, "neighbors")->set_table("joint"); },
       "retrievers[\"more\"].maxHistory: 0, expected 1 to 1000"},
      {[](auto* m) {
         auto* const spec = Add(m, "neighbors");
         spec->set_table("joint");
         spec->set_max_history(9);
         spec->set_decay(kNan);
       },
       "retrievers[\"more\"].decay: nan, expected 0 to 10"},
      {[](auto* m) { Add(m, "category_popularity")->set_max_history(1001); },
       "retrievers[\"more\"].maxHistory: 1001"},
      {[](auto* m) {
         for (auto& list : *m->mutable_popularity()) list.clear_category();
         Add(m, "category_popularity")->set_max_history(9);
       },
       "no list of popularity has a category"},
      {[](auto* m) {
         (*m->mutable_retrievers(0)->mutable_settings())["fast\n"] = "1";
       },
       R"(retrievers["taste"].settings["fast\n"]: kind "vector" has no)"},
      {[](auto* m) { m->mutable_retrievers(0)->set_kind(""); },
       "retrievers[\"taste\"].kind: \"\", expected 1 to 128 bytes"},
  });
}

TEST(WrongBundles, OfAnotherKindAreNotForVerifyToJudge) {
  const fs::path dir = WriteTinyBundle(MakeTestDir(), 1);
  v1::Manifest manifest = ManifestOf(dir);
  (*Add(&manifest, "own")->mutable_settings())["half_life"] = "3";
  WriteManifest(dir, manifest);
  EXPECT_TRUE(VerifyVersion(dir).ok()) << VerifyVersion(dir);
}

TEST(WrongBundles, OfNamesAreRefused) {
  ExpectRefused({
      {[](auto* m) { m->mutable_spaces(0)->set_name(""); },
       "spaces[0].name: \"\", expected 1 to 128"},
      {[](auto* m) { m->mutable_retrievers(1)->set_name("\xC3\xBC"); },
       "retrievers[1].name: \"\xC3\xBC\", expected 1 to 128"},
      {[](auto* m) {
         m->mutable_neighbors(0)->set_name(std::string(129, 'a'));
       },
       "neighbors[0].name: \"aaa"},
      {[](auto* m) { m->mutable_popularity(0)->set_name("a\x1b[31m"); },
       R"(popularity[0].name: "a\x1b[31m")"},
      {[](auto* m) { m->mutable_files(0)->set_name("a\nb"); },
       R"(files[0].name: "a\nb", expected a plain file name)"},
  });
}

TEST(WrongBundles, OfTextThatIsNotUtf8AreRefused) {
  const fs::path dir = WriteTinyBundle(MakeTestDir(), 1);
  std::string json = ReadFile(dir / kManifestName);
  const size_t name = json.find("\"taste\"");
  ASSERT_NE(name, std::string::npos);
  json[name + 1] = '\xE9';
  OverwriteFile(dir / kManifestName, json);
  EXPECT_THAT(RefusalOf(dir), HasSubstr("manifest.json: "));
}

TEST(WrongBundles, OfCountsAndWeightsOutOfRangeAreRefused) {
  constexpr uint64_t kHuge = ~uint64_t{0};
  ExpectRefused({
      {[](auto* m) { m->mutable_items()->set_count(kHuge); },
       "items.count: 18446744073709551615, expected less than"},
      {[](auto* m) { m->mutable_users()->set_count(kHuge); }, "users.count: "},
      {[](auto* m) { m->mutable_spaces(0)->set_item_vectors(kHuge); },
       "spaces[\"taste\"].itemVectors: "},
      {[](auto* m) { m->mutable_popularity(0)->set_count(kHuge); },
       "popularity[\"all\"].count: "},
      {[](auto* m) {
         m->mutable_spaces(0)->mutable_feature_encoder()->set_terms(kHuge);
       },
       "spaces[\"taste\"].featureEncoder.terms: 18446744073709551615, expected "
       "less than"},
      {[](auto* m) {
         m->mutable_spaces(0)->mutable_index()->set_small_n_exponent(kNan);
       },
       "spaces[\"taste\"].index.shrinkage: nan, expected 0 to 1"},
      {[](auto* m) {
         m->mutable_spaces(0)->mutable_index()->set_measured_recall(2);
       },
       "spaces[\"taste\"].index.measuredRecall: 2, expected 0 to 1"},
      {[](auto* m) {
         auto& weights =
             *m->mutable_fusion()->add_segments()->mutable_weights();
         weights["taste"] = 1e300;
       },
       "fusion.segments[0].weights[\"taste\"]: 1e+300, expected 0 to 1e+15"},
  });
}

}  // namespace
}  // namespace tributary
