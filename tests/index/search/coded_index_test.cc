#include "index/search/coded_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "fmt/core.h"
#include "tests/index/search/allowed.h"
#include "tests/index/search/coded_bundle.h"
#include "tests/index/search/sample_vectors.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kDim = 6;
constexpr uint32_t kRows = 1500;
constexpr uint32_t kAll = 1'000'000;

std::vector<Row> Every(Row step, Row size, Row first = 0) {
  std::vector<Row> rows;
  for (Row row = first; row < size; row += step) rows.push_back(row);
  return rows;
}

// Every third row has no vector. Inner products are exact.
SpaceBundle TwoOfThree(bool half) {
  SpaceBundle description{.item_count = kRows, .dim = kDim};
  for (Row row = 0; row < kRows; ++row) {
    if (row % 3 != 2) description.rows.push_back(row);
  }
  description.items = SmallIntegers(description.rows.size() * kDim, 1);
  if (half) description.halves = IntegerHalves(description.items);
  return description;
}

struct Opened {
  explicit Opened(const SpaceBundle& description)
      : bundle(description.Open()), space(bundle->spaces()[0]) {
    auto opened = OpenIndex(*bundle, space);
    EXPECT_TRUE(opened.ok()) << opened.status();
    index = *std::move(opened);
  }

  // `allowed`: the rows that may be found; null for all.
  std::vector<ScoredRow> Search(
      std::span<const float> query, uint32_t n, RowFilter filter = {},
      const std::vector<Row>* allowed = nullptr) const {
    std::unique_ptr<const AllowedVectors> made;
    if (allowed != nullptr) {
      made = index->Allow(SetOf(*allowed, kRows));
      filter.allowed = made.get();
    }
    std::vector<ScoredRow> hits = {{7, 7}};
    const auto status =
        index->Search(query, n, filter, SteadyTime::max(), &hits);
    EXPECT_TRUE(status.ok()) << status;
    return hits;
  }

  std::vector<ScoredRow> Exact(
      std::span<const float> query, uint32_t n, const RowFilter& filter = {},
      const std::vector<Row>* allowed = nullptr) const {
    std::vector<ScoredRow> hits;
    EXPECT_TRUE(MakeFlatIndex(space.items)
                    ->Search(query, kRows, filter, SteadyTime::max(), &hits)
                    .ok());
    std::erase_if(hits, [&](const ScoredRow& hit) {
      return allowed != nullptr &&
             !std::binary_search(allowed->begin(), allowed->end(), hit.row);
    });
    if (hits.size() > n) hits.resize(n);
    return hits;
  }

  std::shared_ptr<const Bundle> bundle;
  const EmbeddingSpace& space;
  std::unique_ptr<VectorIndex> index;
};

// Parameters: whether values are halves, and the number of lists.
class CodedKinds : public testing::TestWithParam<std::tuple<bool, uint32_t>> {
 protected:
  SpaceBundle Described(const SearchEffort& effort) const {
    SpaceBundle description = TwoOfThree(std::get<0>(GetParam()));
    AddCodedIndex(std::get<1>(GetParam()), effort, &description);
    return description;
  }
};

TEST_P(CodedKinds, EqualFlatSearchWithFullEffortWhateverTheFilter) {
  const Opened opened(Described({10, kAll, kAll}));
  ASSERT_TRUE(opened.index->CheckContents().ok())
      << opened.index->CheckContents();
  const auto half = Every(2, kRows);
  const auto few = Every(100, kRows);
  const auto most = Every(1, kRows, 30);
  const std::vector<Row> none;
  for (uint32_t seed = 2; seed < 6; ++seed) {
    const auto query = SmallIntegers(kDim, seed);
    for (const uint32_t n : {0U, 1U, 50U, 1000U, 5000U}) {
      EXPECT_EQ(opened.Search(query, n), opened.Exact(query, n));
      for (const auto& excluded : {none, half, few, most}) {
        RowFilter filter(excluded);
        ASSERT_EQ(opened.Search(query, n, filter),
                  opened.Exact(query, n, filter))
            << excluded.size() << " excluded";
        for (const auto& allowed : {none, half, few, most}) {
          ASSERT_EQ(opened.Search(query, n, filter, &allowed),
                    opened.Exact(query, n, filter, &allowed))
              << excluded.size() << " excluded, " << allowed.size()
              << " allowed";
        }
      }
    }
  }
}

TEST_P(CodedKinds, FindOnlyRowsThatPassTheFilter) {
  const Opened opened(Described({50, 4, 100}));
  const auto excluded = Every(5, kRows);
  const auto allowed = Every(1, kRows, 100);
  RowFilter filter(excluded);
  for (const bool only_allowed : {false, true}) {
    const auto hits = opened.Search(SmallIntegers(kDim, 2), 300, filter,
                                    only_allowed ? &allowed : nullptr);
    ASSERT_THAT(hits, SizeIs(300));
    EXPECT_TRUE(std::is_sorted(hits.begin(), hits.end(), Better));
    for (const ScoredRow& hit : hits) {
      EXPECT_NE(hit.row % 3, 2) << "has no vector";
      EXPECT_NE(hit.row % 5, 0);
      EXPECT_TRUE(!only_allowed || hit.row >= 100);
    }
  }
}

TEST_P(CodedKinds, FindNothingWhereNothingIsAllowed) {
  const Opened opened(Described({50, 4, 100}));
  const std::vector<Row> none;
  EXPECT_THAT(opened.Search(SmallIntegers(kDim, 2), 10, {}, &none), IsEmpty());
  // No allowed row has a vector.
  const auto allowed = Every(3, kRows, 2);
  EXPECT_THAT(opened.Search(SmallIntegers(kDim, 2), 10, {}, &allowed),
              IsEmpty());
}

TEST_P(CodedKinds, RefuseBadQueriesAndLateOnes) {
  const Opened opened(Described({50, 4, 100}));
  std::vector<ScoredRow> hits;
  const auto allowed = Every(2, kRows);
  RowFilter filter;
  for (const bool only_allowed : {false, true}) {
    const auto made = opened.index->Allow(SetOf(allowed, kRows));
    if (only_allowed) filter.allowed = made.get();
    EXPECT_EQ(opened.index
                  ->Search(std::vector<float>(kDim - 1), 5, filter,
                           SteadyTime::max(), &hits)
                  .code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(opened.index
                  ->Search(std::vector<float>(
                               kDim, std::numeric_limits<float>::quiet_NaN()),
                           5, filter, SteadyTime::max(), &hits)
                  .code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(
        opened.index
            ->Search(std::vector<float>(kDim), 5, filter, SteadyTime(), &hits)
            .code(),
        absl::StatusCode::kDeadlineExceeded);
  }
}

TEST_P(CodedKinds, ExpectMoreTimeForMoreResults) {
  const Opened opened(Described({50, 4, 100}));
  EXPECT_GE(opened.index->expected_us(1), 1);
  EXPECT_GE(opened.index->expected_us(1000), opened.index->expected_us(1));
}

INSTANTIATE_TEST_SUITE_P(Lists, CodedKinds,
                         testing::Combine(testing::Bool(),
                                          testing::Values(1, 12)));

// 700 vectors in about ten lists.
class CodedFiles : public testing::Test {
 protected:
  CodedFiles() {
    description_.items = RandomVectors(700, kDim, 1);
    AddCodedIndex(10, {10, 3, 30}, &description_);
  }

  // Writes the index again, with its arrays changed.
  void Change(const std::function<void(CodedArrays*)>& change) {
    AddCodedIndex(10, {10, 3, 30}, &description_, change);
  }

  v1::IndexSpec& spec() { return *description_.spec.mutable_index(); }

  // Checks that opening the index fails, and does not crash.
  void ExpectDoesNotOpen(const std::string& what) {
    const auto bundle = description_.Open();
    const auto index = OpenIndex(*bundle, bundle->spaces()[0]);
    EXPECT_EQ(index.status().code(), absl::StatusCode::kDataLoss) << what;
    EXPECT_THAT(std::string(index.status().message()), HasSubstr(what));
  }

  // Checks that the index opens, as that reads little, but fails when all of
  // it is read.
  void ExpectFailsTheCheck(const std::string& what) {
    const auto bundle = description_.Open();
    EXPECT_TRUE(OpenIndex(*bundle, bundle->spaces()[0]).ok());
    const auto status = CheckIndexes(*bundle);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << what;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("space space"), HasSubstr(what)));
  }

  SpaceBundle description_{.item_count = 700, .dim = kDim};
};

TEST_F(CodedFiles, AreReadAsTheyWereWritten) {
  const auto bundle = description_.Open();
  EXPECT_TRUE(CheckIndexes(*bundle).ok()) << CheckIndexes(*bundle);
  EXPECT_EQ(std::count_if(bundle->manifest().files().begin(),
                          bundle->manifest().files().end(),
                          [](const auto& file) {
                            return file.name().starts_with("space.ivf.");
                          }),
            7);
}

constexpr const char* kFiles[] = {"centroids", "blocks", "spreads",
                                  "positions", "places", "codes",
                                  "codebooks"};

// Writes the files of the index, but lets `write` write the one called `name`.
absl::Status WriteWith(const SpaceBundle& description, const std::string& name,
                       const std::function<absl::Status(BundleWriter*)>& write,
                       BundleWriter* writer) {
  // The files of a bundle that is whole.
  const auto original = description.Open();
  for (const std::string file : kFiles) {
    const std::string full = "space.ivf." + file + ".npy";
    const auto copy = [&](const std::filesystem::path& path) {
      std::filesystem::copy_file(original->dir() / full, path);
      return absl::OkStatus();
    };
    const auto status =
        file == name ? write(writer) : writer->AddFile(full, copy);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

TEST_F(CodedFiles, ThatAreMissingAreNamed) {
  const SpaceBundle whole = description_;
  for (const std::string file : kFiles) {
    description_.add_files = [&](BundleWriter* writer) {
      return WriteWith(
          whole, file, [](auto) { return absl::OkStatus(); }, writer);
    };
    ExpectDoesNotOpen("space.ivf." + file + ".npy: not in the manifest");
  }
}

TEST_F(CodedFiles, OfAnotherTypeAreNamed) {
  const SpaceBundle whole = description_;
  for (const std::string file : kFiles) {
    description_.add_files = [&](BundleWriter* writer) {
      const auto write = [&](BundleWriter* to) {
        return to->AddArray<uint64_t>("space.ivf." + file + ".npy",
                                      std::vector<uint64_t>(20));
      };
      return WriteWith(whole, file, write, writer);
    };
    ExpectDoesNotOpen("space.ivf." + file + ".npy: <u8 [20, 1]");
  }
}

TEST_F(CodedFiles, OfAnotherShapeAreNamed) {
  const auto remove_last = [](auto* values) { values->pop_back(); };
  Change([&](auto* a) { a->centroids.resize(9 * kDim); });
  ExpectDoesNotOpen("space.ivf.centroids.npy");
  Change([&](auto* a) { remove_last(&a->blocks); });
  ExpectDoesNotOpen("space.ivf.blocks.npy");
  Change([&](auto* a) { a->spreads.push_back(1); });
  ExpectDoesNotOpen("space.ivf.spreads.npy");
  Change([&](auto* a) { remove_last(&a->positions); });
  ExpectDoesNotOpen("space.ivf.positions.npy");
  Change([&](auto* a) { a->slots.push_back(0); });
  ExpectDoesNotOpen("space.ivf.places.npy");
  Change([&](auto* a) {
    a->codewords.resize(a->codewords.size() - 2 * kCodewords);
  });
  ExpectDoesNotOpen("space.ivf.codebooks.npy");
  Change([&](auto* a) { a->codes.resize(a->codes.size() - 2 * kBlockItems); });
  ExpectDoesNotOpen("space.ivf.codes.npy");
}

TEST_F(CodedFiles, OfAnotherWidthAreNamed) {
  const SpaceBundle whole = description_;
  description_.add_files = [&](BundleWriter* writer) {
    const auto write = [&](BundleWriter* to) {
      const uint64_t width = kDim + 1;
      return to->AddArray<float>(
          "space.ivf.centroids.npy",
          std::vector<float>(whole.spec.index().lists() * width), width);
    };
    return WriteWith(whole, "centroids", write, writer);
  };
  ExpectDoesNotOpen("space.ivf.centroids.npy: <f4");
}

TEST_F(CodedFiles, WithBlocksThatDoNotAscendFromZeroAreNamed) {
  const std::string what = "space.ivf.blocks.npy: not ascending from 0";
  Change([](auto* a) { a->blocks.front() = 1; });
  ExpectDoesNotOpen(what);
  // A list without a block.
  Change([](auto* a) { a->blocks[1] = a->blocks[2]; });
  ExpectDoesNotOpen(what);
  Change([](auto* a) { a->blocks[4] = 0xFFFFFFFF; });
  ExpectDoesNotOpen(what);
  Change([](auto* a) { a->blocks.back() = 0; });
  ExpectDoesNotOpen(what);
}

TEST_F(CodedFiles, WithMoreBlocksThanTheyHoldAreNamed) {
  Change([](auto* a) { a->blocks.back() = 0xFFFFFFFF; });
  ExpectDoesNotOpen("space.ivf.positions.npy");
}

TEST_F(CodedFiles, ThatTheManifestDescribesBadlyAreNamed) {
  const v1::IndexSpec good = spec();
  const auto expect = [&](const std::string& what, auto change) {
    spec() = good;
    change(&spec());
    ExpectDoesNotOpen(what);
  };
  const std::string above = "index.lists, code_dims";
  expect(above, [](auto* s) { s->set_lists(0); });
  expect(above, [](auto* s) { s->set_code_dims(0); });
  expect(above, [](auto* s) { s->set_code_dims(0xFFFFFFFF); });
  expect(above, [](auto* s) { s->set_probes(0); });
  expect(above, [](auto* s) { s->set_measured_n(0); });
  expect("space.ivf.centroids.npy", [](auto* s) { s->set_lists(0xFFFFFFFF); });
  expect("space.ivf.codebooks.npy", [](auto* s) { s->set_code_dims(3); });
}

TEST(CodedIndex, RefusesMoreCodesThanAScanTakes) {
  SpaceBundle description{.item_count = 70, .dim = 600};
  description.items = RandomVectors(70, 600, 1);
  AddCodedIndex(1, {10, 1, 30}, &description);
  description.spec.mutable_index()->set_code_dims(2);
  const auto bundle = description.Open();
  const auto index = OpenIndex(*bundle, bundle->spaces()[0]);
  EXPECT_EQ(index.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(index.status().message()),
              HasSubstr("index.code_dims 2 makes 300 codes"));
}

TEST_F(CodedFiles, WithNumbersThatAreNotFiniteFailTheCheck) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Change([&](auto* a) { a->centroids[8] = nan; });
  ExpectFailsTheCheck("space.ivf.centroids.npy: value 8 is nan");
  Change([&](auto* a) { a->codewords[3] = -nan; });
  ExpectFailsTheCheck("space.ivf.codebooks.npy: value 3 is");
  Change(
      [&](auto* a) { a->spreads[2] = std::numeric_limits<float>::infinity(); });
  ExpectFailsTheCheck("space.ivf.spreads.npy: value 2 is inf");
}

TEST_F(CodedFiles, WithSlotsOutOfRangeFailTheCheck) {
  Change([](auto* a) { a->slots[5] = 0xFFFFFFFF; });
  ExpectFailsTheCheck("space.ivf.places.npy: slot 4294967295 of vector 5");
  Change([](auto* a) { a->slots[5] = a->slots[6]; });
  ExpectFailsTheCheck("of vector 5 does not hold that vector");
}

TEST_F(CodedFiles, WithAGapInTheirPositionsFailTheCheck) {
  // The first vector of a list moves behind the list's end.
  uint32_t list = 0;
  Change([&](auto* a) {
    const auto last = [&] { return a->blocks[list + 1] * kBlockItems - 1; };
    while (a->positions[last()] != kNoPosition) ++list;
    const uint32_t first = a->blocks[list] * kBlockItems;
    a->slots[a->positions[first]] = last();
    std::swap(a->positions[first], a->positions[last()]);
  });
  ExpectFailsTheCheck(fmt::format(
      "space.ivf.positions.npy: list {} is empty or has a gap", list));
}

TEST_F(CodedFiles, WithMorePositionsThanVectorsFailTheCheck) {
  Change([](auto* a) {
    const auto end =
        std::find(a->positions.begin(), a->positions.end(), kNoPosition);
    *end = 12345;
  });
  ExpectFailsTheCheck("space.ivf.positions.npy: 701 vectors, expected 700");
}

TEST_F(CodedFiles, WithAnEmptyListFailTheCheck) {
  // One more list, with a block of its own.
  Change([](auto* a) {
    a->blocks.push_back(a->blocks.back() + 1);
    a->positions.resize(a->positions.size() + kBlockItems, kNoPosition);
    a->codes.resize(a->codes.size() / (a->blocks.back() - 1) *
                    a->blocks.back());
    a->spreads.push_back(0);
    a->centroids.resize(a->centroids.size() + kDim, 0);
  });
  spec().set_lists(spec().lists() + 1);
  ExpectFailsTheCheck(fmt::format("space.ivf.positions.npy: list {} is empty",
                                  spec().lists() - 1));
}

}  // namespace
}  // namespace tributary
