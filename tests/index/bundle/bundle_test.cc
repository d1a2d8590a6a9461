#include "index/bundle/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "index/bundle/bundle_writer.h"
#include "index/bundle/sha256.h"
#include "index/verify/verify_bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

v1::Manifest LoadManifest(const std::filesystem::path& dir) {
  v1::Manifest manifest;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(
                  ReadFile(dir / kManifestName), &manifest)
                  .ok());
  return manifest;
}

void SaveManifest(const std::filesystem::path& dir,
                  const v1::Manifest& manifest) {
  std::string json;
  EXPECT_TRUE(
      google::protobuf::util::MessageToJsonString(manifest, &json).ok());
  OverwriteFile(dir / kManifestName, json);
}

// Replaces a file and its entry in the manifest, so that only the file's
// contents can be wrong.
void ReplaceConsistently(const std::filesystem::path& dir,
                         const std::string& name, const std::string& contents) {
  OverwriteFile(dir / name, contents);
  v1::Manifest manifest = LoadManifest(dir);
  for (v1::FileEntry& file : *manifest.mutable_files()) {
    if (file.name() != name) continue;
    file.set_size_bytes(contents.size());
    file.set_sha256(Sha256Hex(std::as_bytes(std::span(contents))));
  }
  SaveManifest(dir, manifest);
}

template <typename T>
std::string NpyFile(std::vector<T> values, uint64_t columns = 0) {
  std::string file =
      columns == 0
          ? FormatNpyHeader(DtypeOf<T>(), 1, values.size(), 1)
          : FormatNpyHeader(DtypeOf<T>(), 2, values.size() / columns, columns);
  return file.append(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(T));
}

class BundleTest : public testing::Test {
 protected:
  void SetUp() override { dir_ = WriteTinyBundle(MakeTestDir(), 7); }

  std::filesystem::path dir_;
};

TEST_F(BundleTest, ReadsWhatTheWriterWrote) {
  const auto opened = Bundle::Open(dir_);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const Bundle& bundle = **opened;
  EXPECT_EQ(bundle.version(), 7);
  EXPECT_EQ(bundle.items().size(), 6);
  EXPECT_EQ(bundle.users().size(), 3);
  const EmbeddingSpace* space = bundle.FindSpace("taste");
  ASSERT_NE(space, nullptr);
  EXPECT_EQ(space->items.Find(4), 4);
  EXPECT_EQ(space->items.Find(5), std::nullopt);
  float vector[2];
  space->items.Read(4, vector);
  EXPECT_THAT(vector, ElementsAre(5, 1));
  EXPECT_THAT(bundle.FindPopularity("all")->rows(),
              ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_EQ(bundle.FindSegment(1)->spec().name(), "plan=gold");
  EXPECT_EQ(bundle.FindSegment(2), nullptr);
  EXPECT_EQ(bundle.FindSpace("smell"), nullptr);
  const NeighborTable* neighbors = bundle.FindNeighbors("joint");
  ASSERT_NE(neighbors, nullptr);
  EXPECT_EQ(bundle.FindNeighbors("other"), nullptr);
  EXPECT_THAT(neighbors->Neighbors(0), ElementsAre(1, 2));
  EXPECT_THAT(neighbors->Neighbors(1), ElementsAre(0, 2, 3));
  EXPECT_THAT(neighbors->Neighbors(3), IsEmpty());
  EXPECT_THAT(neighbors->Neighbors(6), IsEmpty());
  float scores[3];
  neighbors->ReadScores(2, scores);
  EXPECT_THAT(scores, ElementsAre(.5, .5, -1));
  EXPECT_THAT(bundle.Categories(2), ElementsAre(1, 2));
  EXPECT_THAT(bundle.Categories(5), IsEmpty());
  EXPECT_THAT(bundle.Categories(kNoRow), IsEmpty());
  EXPECT_THAT(bundle.Seen(0), ElementsAre(0, 1));
  EXPECT_THAT(bundle.Seen(2), IsEmpty());
  EXPECT_THAT(bundle.Seen(kNoRow), IsEmpty());
  EXPECT_EQ(bundle.Segment(1), 1);
  EXPECT_EQ(bundle.Segment(kNoRow), 0);
}

TEST_F(BundleTest, PassesVerification) {
  const auto status = VerifyBundle(dir_);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(BundleTest, WidensHalfPrecision) {
  // 1, -2, the smallest subnormal, the largest number.
  const std::vector<Half> values = {
      {0x3c00}, {0xc000}, {0x0001}, {0x7bff}, {0}, {0}, {0}, {0}, {0}, {0}};
  ReplaceConsistently(dir_, "taste.items.npy", NpyFile(values, 2));
  const auto bundle = Bundle::Open(dir_);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  float vector[2];
  (*bundle)->FindSpace("taste")->items.Read(0, vector);
  EXPECT_THAT(vector, ElementsAre(1, -2));
  (*bundle)->FindSpace("taste")->items.Read(1, vector);
  EXPECT_THAT(vector, ElementsAre(0x1p-24f, 65504));
}

TEST_F(BundleTest, AVersionIsWrittenOnce) {
  EXPECT_EQ(BundleWriter::Create(dir_.parent_path(), 7).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(BundleTest, AWriterDestroyedBeforeFinishLeavesNothing) {
  const auto root = MakeTestDir();
  {
    auto writer = BundleWriter::Create(root, 1);
    ASSERT_TRUE(writer.ok());
    const std::vector<Row> rows = {1};
    ASSERT_TRUE(writer->AddArray<Row>("x.npy", rows).ok());
    EXPECT_FALSE(std::filesystem::is_empty(root));
  }
  EXPECT_TRUE(std::filesystem::is_empty(root));
}

TEST_F(BundleTest, NamesEachMissingFile) {
  const v1::Manifest manifest = LoadManifest(dir_);
  for (const auto& entry : manifest.files()) {
    const auto dir = WriteTinyBundle(MakeTestDir(), 7);
    std::filesystem::remove(dir / entry.name());
    const auto status = VerifyBundle(dir);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << entry.name();
    EXPECT_THAT(std::string(status.message()), HasSubstr(entry.name()));
  }
  std::filesystem::remove(dir_ / kManifestName);
  EXPECT_EQ(VerifyBundle(dir_).code(), absl::StatusCode::kNotFound);
}

TEST_F(BundleTest, EveryFileIsCheckedToItsLastByte) {
  const v1::Manifest manifest = LoadManifest(dir_);
  for (const auto& entry : manifest.files()) {
    const std::string contents = ReadFile(dir_ / entry.name());
    std::string changed = contents;
    changed.back() = static_cast<char>(changed.back() ^ 1);
    for (const std::string& wrong :
         {changed, contents + "x", contents.substr(0, contents.size() - 1)}) {
      OverwriteFile(dir_ / entry.name(), wrong);
      const auto status = VerifyBundle(dir_);
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << entry.name();
      EXPECT_THAT(std::string(status.message()), HasSubstr(entry.name()));
    }
    OverwriteFile(dir_ / entry.name(), contents);
  }
  EXPECT_TRUE(VerifyBundle(dir_).ok());
}

TEST_F(BundleTest, NamesAFileThatTheManifestDoesNotList) {
  v1::Manifest manifest = LoadManifest(dir_);
  manifest.mutable_files()->DeleteSubrange(0, manifest.files_size());
  SaveManifest(dir_, manifest);
  EXPECT_THAT(std::string(VerifyBundle(dir_).message()),
              HasSubstr("items.keys.utf8"));
}

// link_test.cc has the links that are followed.
TEST_F(BundleTest, RejectsADirectoryInsteadOfAFile) {
  const auto file = dir_ / "seen.rows.npy";
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_THAT(std::string(VerifyBundle(dir_).message()),
              HasSubstr("seen.rows.npy: not a regular file"));
}

TEST_F(BundleTest, RejectsADirectoryOfAnotherName) {
  const auto other = dir_.parent_path() / "8";
  std::filesystem::rename(dir_, other);
  EXPECT_THAT(std::string(VerifyBundle(other).message()), HasSubstr("version"));
}

// A change of the manifest, and a part of the error that it must cause.
struct ManifestCase {
  std::string named;
  std::function<void(v1::Manifest&)> change;
};

TEST_F(BundleTest, EveryFieldOfTheManifestIsComparedWithTheFiles) {
  const std::vector<ManifestCase> cases = {
      {"format", [](auto& m) { m.set_format(2); }},
      {"version", [](auto& m) { m.set_version(0); }},
      {"items.count", [](auto& m) { m.mutable_items()->set_count(5); }},
      {"items.kind", [](auto& m) { m.mutable_items()->clear_kind(); }},
      {"users.count", [](auto& m) { m.mutable_users()->set_count(4); }},
      {"items.keys.npy",
       [](auto& m) { m.mutable_items()->set_kind(v1::UINT64); }},
      {"dim", [](auto& m) { m.mutable_spaces(0)->set_dim(0); }},
      {"taste.items.npy",
       [](auto& m) {
         m.mutable_spaces(0)->set_dim(3);
         m.clear_golden_queries();
       }},
      {"metric", [](auto& m) { m.mutable_spaces(0)->clear_metric(); }},
      {"taste.items.npy",
       [](auto& m) { m.mutable_spaces(0)->set_item_vectors(4); }},
      {"itemVectors",
       [](auto& m) { m.mutable_spaces(0)->set_item_vectors(9); }},
      {"userVectors: missing or 0",
       [](auto& m) { m.mutable_spaces(0)->set_user_vectors(0); }},
      {"taste.users.npy",
       [](auto& m) { m.mutable_spaces(0)->set_user_vectors(1); }},
      {"userVectors",
       [](auto& m) { m.mutable_spaces(0)->set_user_vectors(9); }},
      {"index.kind",
       [](auto& m) { m.mutable_spaces(0)->mutable_index()->clear_kind(); }},
      {"spaces[0].name",
       [](auto& m) { m.mutable_spaces(0)->set_name("a/../b"); }},
      {"twice", [](auto& m) { *m.add_spaces() = m.spaces(0); }},
      {"popularity[\"all\"].count",
       [](auto& m) { m.mutable_popularity(0)->set_count(3); }},
      {"popularity[\"all\"].count",
       [](auto& m) { m.mutable_popularity(0)->set_count(7); }},
      {"neighbors.joint.rows.npy",
       [](auto& m) { m.mutable_neighbors(0)->set_width(2); }},
      {"neighbors[\"joint\"].width",
       [](auto& m) { m.mutable_neighbors(0)->set_width(0); }},
      {"neighbors[0].name",
       [](auto& m) { m.mutable_neighbors(0)->set_name("Joint"); }},
      {"neighbors.other.rows.npy",
       [](auto& m) { m.mutable_neighbors(0)->set_name("other"); }},
      {"retrievers[\"taste\"].table",
       [](auto& m) { m.mutable_retrievers(0)->set_table("other"); }},
      {"popularity[\"plan=gold\"].category",
       [](auto& m) { m.mutable_popularity(1)->set_category(1); }},
      {"popularity[\"items-kind=film\"].category",
       [](auto& m) { m.mutable_popularity(2)->set_category(65536); }},
      {"retrievers", [](auto& m) { m.clear_retrievers(); }},
      {"retrievers[\"taste\"].space",
       [](auto& m) { m.mutable_retrievers(0)->set_space("smell"); }},
      {"retrievers[\"popularity\"].lists",
       [](auto& m) { m.mutable_retrievers(1)->set_lists(0, "some"); }},
      {"fusion.segments", [](auto& m) { m.mutable_fusion()->add_quotas(); }},
      {"fusion.quotas: there is no retriever",
       [](auto& m) {
         m.mutable_fusion()->add_segments();
         m.mutable_fusion()->add_quotas()->set_retriever("nobody");
       }},
      {"fusion.segments[0].weights",
       [](auto& m) {
         auto& weights = *m.mutable_fusion()->add_segments()->mutable_weights();
         weights["taste"] = -1;
       }},
      {"goldenQueries[0].vector",
       [](auto& m) { m.mutable_golden_queries(0)->add_vector(1); }},
      {"goldenQueries[0].rows",
       [](auto& m) { m.mutable_golden_queries(0)->set_rows(0, 6); }},
      {"files[0].name",
       [](auto& m) { m.mutable_files(0)->set_name("../items.keys.utf8"); }},
      {"files[0].name", [](auto& m) { m.mutable_files(0)->set_name(".."); }},
      {"files[0].name",
       [](auto& m) { m.mutable_files(0)->set_name("/etc/passwd"); }},
      {"sha256", [](auto& m) { m.mutable_files(0)->set_sha256("abc"); }},
      {"sha256",
       [](auto& m) { m.mutable_files(0)->set_sha256(std::string(64, '0')); }},
      {"sizeBytes", [](auto& m) { m.mutable_files(0)->set_size_bytes(1); }},
  };
  const v1::Manifest original = LoadManifest(dir_);
  for (const ManifestCase& c : cases) {
    v1::Manifest manifest = original;
    c.change(manifest);
    SaveManifest(dir_, manifest);
    const auto status = VerifyBundle(dir_);
    EXPECT_FALSE(status.ok()) << c.named;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.named));
  }
}

TEST_F(BundleTest, AnUnknownFormatIsAFailedPrecondition) {
  v1::Manifest manifest = LoadManifest(dir_);
  manifest.set_format(2);
  SaveManifest(dir_, manifest);
  EXPECT_EQ(Bundle::Open(dir_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(BundleTest, RejectsUnknownFieldsByName) {
  std::string json = ReadFile(dir_ / kManifestName);
  json.insert(json.find('{') + 1, "\"colour\": 1,");
  OverwriteFile(dir_ / kManifestName, json);
  EXPECT_THAT(std::string(VerifyBundle(dir_).message()), HasSubstr("colour"));
}

// A file whose contents are wrong although it agrees with the manifest, and a
// part of the error that it must cause.
struct ContentsCase {
  std::string file;
  std::string contents;
  std::string named;
};

TEST_F(BundleTest, EveryValueIsChecked) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<ContentsCase> cases = {
      {"items.keys.utf8", "abbdef", "row 2"},
      {"items.keys.utf8", "abcdfe", "row 5"},
      {"items.keys.offsets.npy", NpyFile<uint64_t>({0, 1, 2, 2, 4, 5, 6}),
       "row 2"},
      {"items.keys.offsets.npy", NpyFile<uint64_t>({0, 1, 2, 3, 4, 9, 6}),
       "row 5"},
      {"items.keys.offsets.npy", NpyFile<uint64_t>({0, 1, 2, 3, 4, 5, 7}), "7"},
      {"users.keys.npy", NpyFile<uint64_t>({10, 10, 30}), "row 1"},
      {"users.keys.npy", NpyFile<uint64_t>({10, 30, 20}), "row 2"},
      {"taste.items.npy", NpyFile<float>({1, 5, 2, nan, 3, 3, 4, 2, 5, 1}, 2),
       "vector 1, coordinate 1"},
      {"taste.users.npy", NpyFile<float>({1, 0, -inf, 1}, 2),
       "vector 1, coordinate 0"},
      {"taste.items.npy",
       NpyFile<Half>({{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0x7c00}},
                     2),
       "vector 4, coordinate 1"},
      {"taste.items.rows.npy", NpyFile<Row>({0, 1, 1, 3, 4}), "entry 2"},
      {"taste.items.rows.npy", NpyFile<Row>({0, 1, 2, 3, 6}), "entry 4"},
      {"popularity.all.npy", NpyFile<Row>({5, 4, 3, 2, 1, 6}), "entry 5"},
      {"popularity.all.npy", NpyFile<Row>({5, 4, 3, 2, 1, 1}), "entry 5"},
      {"popularity.all.scores.npy", NpyFile<float>({6, 5, 4, 3, 4, 1}),
       "entry 4"},
      {"popularity.all.scores.npy", NpyFile<float>({6, 5, 4, 3, 2, nan}),
       "entry 5"},
      {"neighbors.joint.rows.npy",
       NpyFile<Row>({1, 6, kNoRow, 0, 2, 3, 0, 1, 4, kNoRow, kNoRow, kNoRow, 5,
                     kNoRow, kNoRow, kNoRow, kNoRow, kNoRow},
                    3),
       "item 0, entry 1 is 6"},
      {"neighbors.joint.rows.npy",
       NpyFile<Row>({1, 2, kNoRow, 0, 2, 0, 0, 1, 4, kNoRow, kNoRow, kNoRow, 5,
                     kNoRow, kNoRow, kNoRow, kNoRow, kNoRow},
                    3),
       "item 1, entry 2 is 0, which occurs twice"},
      {"neighbors.joint.rows.npy",
       NpyFile<Row>({1, kNoRow, 2, 0, 2, 3, 0, 1, 4, kNoRow, kNoRow, kNoRow, 5,
                     kNoRow, kNoRow, kNoRow, kNoRow, kNoRow},
                    3),
       "item 0, entry 2 is 2, which follows an unused entry"},
      {"neighbors.joint.rows.npy",
       NpyFile<uint16_t>(std::vector<uint16_t>(18), 3), "of <u2"},
      {"neighbors.joint.scores.npy",
       NpyFile<float>(
           {1, .5, 0, 1, .5, nan, .5, .5, -1, 0, 0, 0, 2, 0, 0, 0, 0, 0}, 3),
       "vector 1, coordinate 2"},
      {"neighbors.joint.scores.npy", NpyFile<float>(std::vector<float>(15), 3),
       "shape (5, 3)"},
      {"items.categories.npy",
       NpyFile<uint16_t>({1, 0, 0, 1, 1, 2, 2, 0, 0, 0, 0, 0}, 2),
       "item 1, entry 1 is 1"},
      {"items.categories.npy", NpyFile<uint16_t>({1, 1, 1, 2, 2, 0}, 2),
       "shape (3, 2)"},
      {"items.categories.npy", NpyFile<float>(std::vector<float>(12), 2),
       "of <f4"},
      {"seen.offsets.npy", NpyFile<uint64_t>({0, 2, 1, 2}), "entry 2"},
      {"seen.offsets.npy", NpyFile<uint64_t>({1, 2, 2, 2}), "entry 0"},
      {"seen.rows.npy", NpyFile<Row>({0, 6}), "entry 1"},
  };
  for (const ContentsCase& c : cases) {
    const auto dir = WriteTinyBundle(MakeTestDir(), 7);
    ReplaceConsistently(dir, c.file, c.contents);
    const auto status = VerifyBundle(dir);
    EXPECT_FALSE(status.ok()) << c.file << " " << c.named;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.named)) << c.file;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(c.file.substr(0, c.file.find('.'))));
  }
}

// Opening does not read the contents. Wrong contents must not lead outside of
// a file.
TEST_F(BundleTest, ReadsNothingOutsideAFileWithWrongOffsets) {
  ReplaceConsistently(dir_, "items.keys.offsets.npy",
                      NpyFile<uint64_t>({0, 1, 2, 3, 4, 1 << 30, 6}));
  ReplaceConsistently(dir_, "seen.offsets.npy",
                      NpyFile<uint64_t>({0, 1 << 30, 3, 2}));
  const auto bundle = Bundle::Open(dir_);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ((*bundle)->items().string(4), "ef");
  EXPECT_EQ((*bundle)->items().string(5), "");
  EXPECT_THAT((*bundle)->Seen(0), ElementsAre(0, 1));
  EXPECT_THAT((*bundle)->Seen(1), IsEmpty());
}

}  // namespace
}  // namespace tributary
