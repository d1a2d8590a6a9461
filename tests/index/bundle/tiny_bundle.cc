#include "tests/index/bundle/tiny_bundle.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/text_format.h"

namespace tributary {
namespace {

constexpr char kManifest[] = R"pb(
  items { kind: UTF8 count: 6 }
  users { kind: UINT64 count: 3 }
  spaces {
    name: "taste"
    dim: 2
    metric: INNER_PRODUCT
    fingerprint: "f00d"
    item_vectors: 5
    user_vectors: 2
    history_encoder: MEAN
    index { kind: "flat" }
  }
  popularity { name: "all" count: 6 }
  popularity { name: "plan=gold" count: 2 segment: 1 }
  popularity { name: "items-kind=film" count: 3 category: 1 }
  popularity { name: "items-kind=book" count: 2 category: 2 }
  retrievers { name: "taste" kind: "vector" space: "taste" }
  retrievers {
    name: "popularity"
    kind: "popularity"
    lists: "all"
    by_segment: true
  }
  neighbors { name: "joint" width: 3 }
  golden_queries {
    space: "taste"
    vector: [ 1, 0 ]
    rows: [ 4, 3 ]
    scores: [ 5, 4 ]
  }
)pb";

template <typename T>
void Add(BundleWriter& writer, std::string_view name, std::vector<T> values,
         uint64_t columns = 0) {
  const auto status = writer.AddArray<T>(name, values, columns);
  ASSERT_TRUE(status.ok()) << status;
}

}  // namespace

std::filesystem::path MakeTestDir() {
  // Removed when the program ends.
  struct Root {
    std::filesystem::path path = std::filesystem::path(testing::TempDir()) /
                                 fmt::format("tributary-test-{}", ::getpid());
    ~Root() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Root root;
  static std::atomic<int> next = 0;
  const auto dir = root.path / fmt::format("{}", next++);
  std::filesystem::create_directories(dir);
  return dir;
}

std::filesystem::path WriteTinyBundle(const std::filesystem::path& root,
                                      uint64_t version) {
  auto writer = BundleWriter::Create(root, version);
  EXPECT_TRUE(writer.ok()) << writer.status();
  KeyList items{v1::UTF8, {}, {"a", "b", "c", "d", "e", "f"}};
  KeyList users{v1::UINT64, {10, 20, 30}, {}};
  EXPECT_TRUE(writer->AddKeys("items", items).ok());
  EXPECT_TRUE(writer->AddKeys("users", users).ok());
  Add<float>(*writer, "taste.items.npy", {1, 5, 2, 4, 3, 3, 4, 2, 5, 1}, 2);
  Add<Row>(*writer, "taste.items.rows.npy", {0, 1, 2, 3, 4});
  Add<float>(*writer, "taste.users.npy", {1, 0, 0, 1}, 2);
  Add<Row>(*writer, "taste.users.rows.npy", {0, 1});
  Add<Row>(*writer, "popularity.all.npy", {5, 4, 3, 2, 1, 0});
  Add<float>(*writer, "popularity.all.scores.npy", {6, 5, 4, 3, 2, 1});
  Add<Row>(*writer, "popularity.plan=gold.npy", {0, 5});
  Add<float>(*writer, "popularity.plan=gold.scores.npy", {9, 8});
  constexpr Row kNone = kNoRow;
  Add<Row>(*writer, "neighbors.joint.rows.npy",
           {1, 2, kNone, 0, 2, 3, 0, 1, 4, kNone, kNone, kNone, 5, kNone, kNone,
            kNone, kNone, kNone},
           3);
  Add<float>(*writer, "neighbors.joint.scores.npy",
             {1, .5, 0, 1, .5, .25, .5, .5, -1, 0, 0, 0, 2, 0, 0, 0, 0, 0}, 3);
  Add<Row>(*writer, "popularity.items-kind=film.npy", {0, 1, 2});
  Add<float>(*writer, "popularity.items-kind=film.scores.npy", {.5, .25, .25});
  Add<Row>(*writer, "popularity.items-kind=book.npy", {3, 2});
  Add<float>(*writer, "popularity.items-kind=book.scores.npy", {.75, .25});
  Add<uint16_t>(*writer, "items.categories.npy",
                {1, 0, 1, 0, 1, 2, 2, 0, 0, 0, 0, 0}, 2);
  Add<uint64_t>(*writer, "seen.offsets.npy", {0, 2, 2, 2});
  Add<Row>(*writer, "seen.rows.npy", {0, 1});
  Add<uint16_t>(*writer, "users.segments.npy", {0, 1, 0});
  v1::Manifest manifest;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kManifest, &manifest));
  const auto dir = writer->Finish(manifest);
  EXPECT_TRUE(dir.ok()) << dir.status();
  return dir.value_or(std::filesystem::path());
}

std::shared_ptr<const Bundle> RewriteBundle(
    const Bundle& bundle, const v1::Manifest& manifest,
    const std::function<absl::Status(BundleWriter*)>& add) {
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const v1::FileEntry& file : bundle.manifest().files()) {
    const auto copy = [&](const std::filesystem::path& path) {
      OverwriteFile(path, ReadFile(bundle.dir() / file.name()));
      return absl::OkStatus();
    };
    EXPECT_TRUE(writer->AddFile(file.name(), copy).ok());
  }
  const absl::Status added = add(&*writer);
  EXPECT_TRUE(added.ok()) << added;
  const auto dir = writer->Finish(manifest);
  EXPECT_TRUE(dir.ok()) << dir.status();
  return *Bundle::Open(*dir);
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void OverwriteFile(const std::filesystem::path& path,
                   std::string_view contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

}  // namespace tributary
