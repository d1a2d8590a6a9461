#include "tests/index/bundle/tiny_bundle.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
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
  attributes {
    name: "in_stock"
    type: BOOLEAN
    values: 2
    present: 5
    uses: 5
    frequent: 2
    column: "in_stock"
  }
  attributes {
    name: "brand"
    type: CATEGORY
    values: 3
    present: 5
    uses: 5
    frequent: 3
    column: "Brand"
  }
  attributes {
    name: "tags"
    type: TAGS
    values: 3
    present: 5
    uses: 8
    frequent: 3
    column: "tags"
  }
  attributes {
    name: "year"
    type: INTEGER
    values: 3
    present: 5
    uses: 5
    column: "year"
  }
  attributes {
    name: "price"
    type: NUMBER
    values: 4
    present: 5
    uses: 5
    column: "price"
  }
  attributes {
    name: "created_at"
    type: TIME
    values: 3
    present: 5
    uses: 5
    column: "created at"
  }
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

void AddStrings(BundleWriter& writer, std::string_view table,
                std::vector<std::string> strings) {
  const auto status = writer.AddKeys(table, {v1::UTF8, {}, std::move(strings)});
  ASSERT_TRUE(status.ok()) << status;
}

// By hand, so that they test what reads and what writes attributes.
void AddTinyAttributes(BundleWriter& writer) {
  Add<uint8_t>(writer, "attribute.in_stock.codes.npy", {1, 0, 1, 2, 1, 0}, 6);
  Add<uint32_t>(writer, "attribute.in_stock.frequent.npy", {0, 1});
  Add<uint64_t>(writer, "attribute.in_stock.bitmaps.npy", {0b100010, 0b010101},
                1);
  AddStrings(writer, "attribute.brand", {"acme", "bolt", "core"});
  Add<uint8_t>(writer, "attribute.brand.codes.npy", {0, 1, 0, 3, 2, 1}, 6);
  Add<uint32_t>(writer, "attribute.brand.frequent.npy", {0, 1, 2});
  Add<uint64_t>(writer, "attribute.brand.bitmaps.npy",
                {0b000101, 0b100010, 0b010000}, 1);
  AddStrings(writer, "attribute.tags", {"new", "sale", "toys"});
  Add<Row>(writer, "attribute.tags.items.npy", {0, 2, 5, 1, 2, 0, 2, 3});
  Add<uint64_t>(writer, "attribute.tags.items.offsets.npy", {0, 3, 5, 8});
  Add<uint32_t>(writer, "attribute.tags.frequent.npy", {0, 1, 2});
  Add<uint64_t>(writer, "attribute.tags.bitmaps.npy",
                {0b100101, 0b000110, 0b001101}, 1);
  Add<int64_t>(writer, "attribute.year.values.npy", {1984, 1999, 2020});
  Add<uint8_t>(writer, "attribute.year.codes.npy", {1, 2, 0, 1, 3, 2}, 6);
  Add<double>(writer, "attribute.price.values.npy", {0.5, 9.99, 49.9, 100});
  Add<uint8_t>(writer, "attribute.price.codes.npy", {1, 2, 0, 3, 1, 4}, 6);
  Add<int64_t>(writer, "attribute.created_at.values.npy",
               {1704067200000, 1749988800000, 1767225600000});
  Add<uint8_t>(writer, "attribute.created_at.codes.npy", {0, 1, 3, 2, 0, 1}, 6);
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
  AddTinyAttributes(*writer);
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
