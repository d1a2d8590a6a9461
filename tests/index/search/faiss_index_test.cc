#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "index/search/faiss_build.h"
#include "index/search/faiss_searcher.h"
#include "index/search/recall.h"
#include "index/search/vector_index.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/search/allowed.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr uint32_t kDim = 16;
constexpr uint64_t kVectors = 2000;
constexpr uint32_t kN = 50;

// A bundle in which only even rows have vectors, with an index of `factory`.
SpaceBundle EvenRows(const std::string& factory, double target_recall) {
  SpaceBundle description{.item_count = 2 * kVectors, .dim = kDim};
  description.items = RandomVectors(kVectors, kDim, 1);
  for (Row row = 0; row < 2 * kVectors; row += 2) {
    description.rows.push_back(row);
  }
  const auto queries = RandomVectors(20, kDim, 2);
  const FaissBuildInput input{description.items, kDim, factory,
                              target_recall,     kN,   queries};
  const auto file = MakeTestDir() / "built.index";
  const auto spec = BuildFaissIndex(input, file);
  EXPECT_TRUE(spec.ok()) << spec.status();
  if (spec.ok()) *description.spec.mutable_index() = *spec;
  description.write_index = [file](const std::filesystem::path& path) {
    std::filesystem::copy_file(file, path);
    return absl::OkStatus();
  };
  return description;
}

struct Kind {
  std::string factory;
  // The target for kinds with a knob; what kinds without one reach.
  double recall;
};

class FaissKinds : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    bundle_ = EvenRows(GetParam().factory, GetParam().recall).Open();
    space_ = &bundle_->spaces()[0];
    auto index = OpenIndex(*bundle_, *space_);
    ASSERT_TRUE(index.ok()) << index.status();
    index_ = *std::move(index);
  }

  std::vector<ScoredRow> Search(const VectorIndex& index,
                                std::span<const float> query, uint32_t n,
                                std::span<const Row> excluded) {
    std::vector<ScoredRow> hits;
    const auto status =
        index.Search(query, n, excluded, SteadyTime::max(), &hits);
    EXPECT_TRUE(status.ok()) << status;
    return hits;
  }

  // The mean recall of fresh queries, each of which excludes the best
  // `excluded_count` rows of its exact answer.
  double MeanRecall(size_t excluded_count) {
    const auto flat = MakeFlatIndex(space_->items);
    double sum = 0;
    for (uint32_t seed = 10; seed < 30; ++seed) {
      const auto query = RandomVectors(1, kDim, seed);
      std::vector<Row> excluded;
      for (const ScoredRow& hit : Search(*flat, query, excluded_count, {})) {
        excluded.push_back(hit.row);
      }
      // A row without a vector may be excluded as well.
      excluded.push_back(2 * kVectors - 1);
      std::sort(excluded.begin(), excluded.end());
      const auto hits = Search(*index_, query, kN, excluded);
      EXPECT_THAT(hits, SizeIs(kN));
      EXPECT_TRUE(std::is_sorted(hits.begin(), hits.end(), Better));
      for (const ScoredRow& hit : hits) {
        EXPECT_FALSE(
            std::binary_search(excluded.begin(), excluded.end(), hit.row));
      }
      sum += Recall(Search(*flat, query, kN, excluded), hits);
    }
    return sum / 20;
  }

  std::shared_ptr<const Bundle> bundle_;
  const EmbeddingSpace* space_ = nullptr;
  std::unique_ptr<VectorIndex> index_;
};

TEST_P(FaissKinds, MeetTheRecallTheyWereBuiltFor) {
  EXPECT_GE(space_->spec->index().measured_recall(), GetParam().recall);
  EXPECT_EQ(space_->spec->index().measured_n(), kN);
  EXPECT_GE(MeanRecall(0), GetParam().recall - 0.05);
}

TEST_P(FaissKinds, LoseNoResultsToExclusions) {
  // The other rows are farther from the query, and somewhat harder to find.
  EXPECT_GE(MeanRecall(30), GetParam().recall - 0.1);
}

TEST_P(FaissKinds, ReturnEveryRowOnceWhenAskedForMore) {
  const auto query = RandomVectors(1, kDim, 5);
  const std::vector<Row> excluded = {0, 1, 2, 3};
  auto hits = Search(*index_, query, 3 * kVectors, excluded);
  std::sort(hits.begin(), hits.end(),
            [](const auto& a, const auto& b) { return a.row < b.row; });
  // HNSW reaches the nodes that its graph connects. IVF inside refinement and
  // fast-scan IVF take no parameters, so they search the lists of their spec.
  const std::string& factory = GetParam().factory;
  if (factory.starts_with("HNSW")) {
    EXPECT_GE(hits.size(), (kVectors - 2) * 0.95);
  } else if (factory != "IVF16,PQ16x6,RFlat" && factory != "IVF16,PQ16x4fs") {
    EXPECT_THAT(hits, SizeIs(kVectors - 2));
  }
  for (size_t i = 0; i < hits.size(); ++i) {
    EXPECT_EQ(hits[i].row % 2, 0) << "a row without a vector";
    EXPECT_GE(hits[i].row, i == 0 ? 4 : hits[i - 1].row + 1);
  }
}

// From a filter that passes most rows to one that passes a few, in which case
// they are scored one by one.
TEST_P(FaissKinds, FindTheBestOfTheAllowedRows) {
  const auto flat = MakeFlatIndex(space_->items);
  for (const Row step : {2, 6, 200, 100'000}) {
    std::vector<Row> rows;
    for (Row row = 0; row < 2 * kVectors; row += step) rows.push_back(row);
    const RowSet set = SetOf(rows, 2 * kVectors);
    const auto allowed = index_->Allow(set);
    const auto flat_allowed = flat->Allow(set);
    // One that is allowed, and one that is not.
    const std::vector<Row> excluded = {0, 1202};
    RowFilter filter(excluded);
    RowFilter flat_filter(excluded);
    filter.allowed = allowed.get();
    flat_filter.allowed = flat_allowed.get();
    double recall = 0;
    for (uint32_t seed = 10; seed < 30; ++seed) {
      const auto query = RandomVectors(1, kDim, seed);
      std::vector<ScoredRow> hits, exact;
      ASSERT_TRUE(
          index_->Search(query, kN, filter, SteadyTime::max(), &hits).ok());
      ASSERT_TRUE(
          flat->Search(query, kN, flat_filter, SteadyTime::max(), &exact).ok());
      // Every 100'000th row is row 0 alone, which is excluded.
      EXPECT_EQ(exact.empty(), step == 100'000);
      EXPECT_EQ(hits.size(), exact.size()) << "every " << step;
      for (const ScoredRow& hit : hits) {
        EXPECT_TRUE(set.Has(hit.row) && hit.row != 0 && hit.row != 1202)
            << hit.row;
      }
      recall += exact.empty() ? 1 : Recall(exact, hits);
    }
    EXPECT_GE(recall / 20, GetParam().recall - 0.1) << "every " << step;
  }
}

TEST_P(FaissKinds, GiveEveryThreadTheSameAnswer) {
  const auto query = RandomVectors(1, kDim, 6);
  const std::vector<Row> excluded = {2, 8, 64};
  const auto expected = Search(*index_, query, kN, excluded);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        EXPECT_EQ(Search(*index_, query, kN, excluded), expected);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(FaissKinds, RejectBadQueries) {
  std::vector<ScoredRow> hits;
  EXPECT_EQ(
      index_->Search(std::vector<float>(3), 5, {}, SteadyTime::max(), &hits)
          .code(),
      absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(index_->Search(std::vector<float>(kDim), 5, {}, SteadyTime(), &hits)
                .code(),
            absl::StatusCode::kDeadlineExceeded);
}

INSTANTIATE_TEST_SUITE_P(
    Factories, FaissKinds,
    testing::Values(Kind{"Flat", 1}, Kind{"", 0.95}, Kind{"IVF32,Flat", 0.95},
                    Kind{"IVF32,SQ8", 0.9}, Kind{"HNSW16", 0.95},
                    Kind{"SQ8", 0.9}, Kind{"SQfp16", 0.98},
                    Kind{"PQ16x6,RFlat", 0.6}, Kind{"IVF16,PQ16x6", 0.5},
                    Kind{"IVF16,PQ16x6,RFlat", 0.6},
                    Kind{"IVF16,PQ16x4fs", 0.4}, Kind{"PCAR16,SQ8", 0.9},
                    Kind{"PCAR16,IVF16,SQ8", 0.9}),
    [](const auto& kind) { return std::to_string(kind.index); });

TEST(FaissBuild, PutsSettingsAndRecallIntoTheSpec) {
  const v1::IndexSpec ivf = EvenRows("IVF32,Flat", 0.9).spec.index();
  EXPECT_EQ(ivf.kind(), "faiss");
  EXPECT_EQ(ivf.factory(), "IVF32,Flat");
  EXPECT_GT(ivf.nprobe(), 1);
  EXPECT_LT(ivf.nprobe(), 32);
  EXPECT_EQ(ivf.ef_search(), 0);
  const v1::IndexSpec hnsw = EvenRows("HNSW16", 0.9).spec.index();
  EXPECT_GT(hnsw.ef_search(), 0);
  EXPECT_EQ(hnsw.nprobe(), 0);
}

TEST(FaissBuild, ProbesOnlyAsManyListsAsTheTargetNeeds) {
  const uint32_t half = EvenRows("IVF32,Flat", 0.5).spec.index().nprobe();
  const uint32_t most = EvenRows("IVF32,Flat", 0.99).spec.index().nprobe();
  EXPECT_LT(half, most);
  EXPECT_EQ(EvenRows("IVF32,Flat", 1.0).spec.index().measured_recall(), 1);
}

TEST(FaissBuild, DerivesTheNumberOfListsFromTheNumberOfVectors) {
  // 4 sqrt(2000) = 179 lists would have 11 vectors each: 2000 / 39 = 51.
  EXPECT_EQ(EvenRows("", 0.9).spec.index().factory(), "IVF51,Flat");
}

TEST(FaissBuild, SameInputGivesTheSameBytes) {
  const auto values = RandomVectors(kVectors, kDim, 1);
  const auto queries = RandomVectors(5, kDim, 2);
  for (const std::string factory : {"IVF32,Flat", "HNSW16", "IVF16,PQ8x6"}) {
    const FaissBuildInput input{values, kDim, factory, 0.1, kN, queries};
    const auto dir = MakeTestDir();
    ASSERT_TRUE(BuildFaissIndex(input, dir / "a").ok());
    ASSERT_TRUE(BuildFaissIndex(input, dir / "b").ok());
    EXPECT_EQ(ReadFile(dir / "a"), ReadFile(dir / "b")) << factory;
  }
}

TEST(FaissBuild, ReportsTheRecallThatMissedTheTarget) {
  const auto values = RandomVectors(kVectors, kDim, 1);
  const auto queries = RandomVectors(5, kDim, 2);
  const FaissBuildInput input{values, kDim, "IVF16,PQ4x4", 0.99, kN, queries};
  const auto spec = BuildFaissIndex(input, MakeTestDir() / "x");
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(spec.status().message()),
              AllOf(HasSubstr("IVF16,PQ4x4"), HasSubstr("reaches recall 0."),
                    HasSubstr("0.99")));
}

TEST(FaissBuild, NamesAFactoryThatFaissRefuses) {
  const auto values = RandomVectors(100, kDim, 1);
  const FaissBuildInput input{values, kDim, "NoSuchIndex", 0.9, kN, values};
  const auto spec = BuildFaissIndex(input, MakeTestDir() / "x");
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(spec.status().message()), HasSubstr("NoSuchIndex"));
}

TEST(FaissBuild, NamesAFactoryOfATypeThatServersRefuse) {
  const auto values = RandomVectors(100, kDim, 1);
  const FaissBuildInput input{values, kDim, "RQ2x4", 0.1, kN, values};
  const auto spec = BuildFaissIndex(input, MakeTestDir() / "x");
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(spec.status().message()),
      AllOf(HasSubstr("factory \"RQ2x4\""),
            HasSubstr(
                "IndexResidualQuantizer is not accepted, only IndexFlatIP")));
}

TEST(FaissBuild, NeedsVectorsAndQueries) {
  const auto values = RandomVectors(100, kDim, 1);
  const FaissBuildInput input{values, kDim, "", 0.9, kN, {}};
  EXPECT_EQ(BuildFaissIndex(input, MakeTestDir() / "x").status().code(),
            absl::StatusCode::kInvalidArgument);
}

// The error of opening the space's index.
absl::Status OpenError(const SpaceBundle& description) {
  const auto bundle = description.Open();
  const auto index = OpenIndex(*bundle, bundle->spaces()[0]);
  EXPECT_FALSE(index.ok());
  return index.status();
}

SpaceBundle WithIndexOf(uint64_t vectors, uint32_t dim) {
  SpaceBundle description{.item_count = 100, .dim = kDim};
  description.items = RandomVectors(100, kDim, 1);
  description.spec.mutable_index()->set_kind("faiss");
  description.write_index = [=](const std::filesystem::path& path) {
    const auto values = RandomVectors(vectors, dim, 1);
    return FaissSearcher::Train("Flat", values, dim)->Write(path);
  };
  return description;
}

TEST(FaissIndex, NamesTheDimensionThatDiffers) {
  const auto error = OpenError(WithIndexOf(100, kDim + 1));
  EXPECT_EQ(error.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(error.message()),
              HasSubstr("space.index: dim is 17, but the manifest says 16"));
}

TEST(FaissIndex, NamesTheCountThatDiffers) {
  const auto error = OpenError(WithIndexOf(99, kDim));
  EXPECT_EQ(error.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(error.message()),
              HasSubstr("space.index: count is 99, but the manifest says "
                        "item_vectors 100"));
}

TEST(FaissIndex, NamesTheMetricThatDiffers) {
  SpaceBundle description = WithIndexOf(100, kDim);
  const auto write = description.write_index;
  description.write_index = [=](const std::filesystem::path& path) {
    const auto status = write(path);
    // FAISS writes "IxFI" for inner product and "IxF2" for L2; byte 33, in the
    // header common to all indexes, is the metric.
    std::string bytes = ReadFile(path);
    EXPECT_EQ(bytes.substr(0, 4), "IxFI");
    bytes[3] = '2';
    bytes[33] = 1;
    OverwriteFile(path, bytes);
    return status;
  };
  const auto error = OpenError(description);
  EXPECT_EQ(error.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(error.message()),
              HasSubstr("space.index: metric is not inner product"));
}

TEST(FaissIndex, MissingFromTheBundleIsNamed) {
  SpaceBundle description = WithIndexOf(100, kDim);
  description.write_index = nullptr;
  const auto error = OpenError(description);
  EXPECT_EQ(error.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(error.message()), HasSubstr("space.index"));
}

TEST(FaissIndex, TruncatedAnywhereIsACleanError) {
  const auto values = RandomVectors(500, kDim, 1);
  const auto dir = MakeTestDir();
  for (const std::string factory : {"IVF8,Flat", "HNSW8", "PQ8x4,RFlat"}) {
    const auto searcher = FaissSearcher::Train(factory, values, kDim);
    ASSERT_TRUE(searcher->Write(dir / "whole").ok());
    const std::string whole = ReadFile(dir / "whole");
    for (size_t size = 0; size < whole.size(); size += 1 + size / 2) {
      OverwriteFile(dir / "cut.index", whole.substr(0, size));
      const auto error = FaissSearcher::Read(dir / "cut.index").status();
      EXPECT_EQ(error.code(), absl::StatusCode::kDataLoss) << size;
      EXPECT_THAT(std::string(error.message()), HasSubstr("cut.index"));
    }
  }
}

TEST(FaissIndex, GarbledIsACleanError) {
  SpaceBundle description = WithIndexOf(100, kDim);
  description.write_index = [](const std::filesystem::path& path) {
    OverwriteFile(path, "this is not an index of any kind");
    return absl::OkStatus();
  };
  const auto error = OpenError(description);
  EXPECT_EQ(error.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(error.message()), HasSubstr("space.index"));
}

TEST(OpenIndex, NamesAKindItDoesNotKnow) {
  SpaceBundle description = WithIndexOf(100, kDim);
  description.spec.mutable_index()->set_kind("quantum");
  const auto error = OpenError(description);
  EXPECT_EQ(error.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(error.message()),
              AllOf(HasSubstr("space"), HasSubstr("quantum")));
}

}  // namespace
}  // namespace tributary
