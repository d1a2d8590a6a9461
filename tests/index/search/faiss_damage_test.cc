// Files of FAISS with damaged bytes, as a version with right hashes may have
// them: each is refused, or searches as it should. Processes of their own read
// them, so that a crash is counted and not suffered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "index/search/faiss_file.h"
#include "index/search/faiss_searcher.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/search/run_in_child.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint32_t kDim = 8;
constexpr uint64_t kVectors = 300;
constexpr uint32_t kN = 20;
constexpr int kDamagesPerKind = 3000;
constexpr int kDamagesPerProcess = 500;

// What the children did, in memory that they share with the test.
struct Counts {
  int refused;
  int accepted;
  int out_of_memory;
  int wrong_answers;
  // The damage at work, to be named after a crash.
  char at[128];
};

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string FileOf(const std::string& factory) {
  const auto values = RandomVectors(kVectors, kDim, 1);
  const auto searcher = FaissSearcher::Train(factory, values, kDim);
  EXPECT_TRUE(searcher.ok()) << searcher.status();
  const auto file = MakeTestDir() / "whole.index";
  EXPECT_TRUE(searcher->Write(file).ok());
  return ReadFile(file);
}

bool IsRightAnswer(const std::vector<ScoredRow>& hits,
                   const std::vector<uint32_t>& excluded) {
  std::vector<Row> rows;
  for (const ScoredRow& hit : hits) {
    if (hit.row >= kVectors || std::isnan(hit.score)) return false;
    if (std::binary_search(excluded.begin(), excluded.end(), hit.row)) {
      return false;
    }
    rows.push_back(hit.row);
  }
  std::sort(rows.begin(), rows.end());
  return hits.size() <= kN &&
         std::is_sorted(hits.begin(), hits.end(), Better) &&
         std::adjacent_find(rows.begin(), rows.end()) == rows.end();
}

// Whether ten searches give answers that are right in form.
bool AnswersRightly(const FaissSearcher& searcher) {
  const std::vector<uint32_t> excluded = {0, 7, 8, kVectors - 1};
  const auto queries = RandomVectors(10, kDim, 2);
  std::vector<ScoredRow> hits;
  for (int i = 0; i < 10; ++i) {
    const std::span<const float> query(&queries[i * kDim], kDim);
    const std::vector<uint32_t> none;
    const auto& excludes = i % 2 == 0 ? excluded : none;
    // FAISS may refuse a search, but must not answer it wrongly.
    const auto status = searcher.Search(query, kN, excludes, nullptr, &hits);
    if (status.ok() && !IsRightAnswer(hits, excludes)) return false;
  }
  return true;
}

// Changes one byte, or a number that a size, an id or a dimension may be.
std::string Damaged(std::string bytes, std::mt19937_64* random,
                    Counts* counts) {
  const size_t at = (*random)() % bytes.size();
  if ((*random)() % 3 != 0) {
    const auto change = static_cast<char>(1 + (*random)() % 255);
    std::snprintf(counts->at, sizeof(counts->at), "byte %zu ^ %d", at, change);
    bytes[at] ^= change;
    return bytes;
  }
  constexpr int64_t kNumbers[] = {0,
                                  -1,
                                  1,
                                  kVectors,
                                  INT32_MAX,
                                  int64_t{1} << 31,
                                  (int64_t{1} << 40) - 1,
                                  INT64_MAX,
                                  int64_t{1} << 20};
  const int64_t number = kNumbers[(*random)() % std::size(kNumbers)];
  const size_t size =
      std::min<size_t>((*random)() % 2 == 0 ? 4 : 8, bytes.size() - at);
  std::snprintf(counts->at, sizeof(counts->at), "%zu bytes at %zu = %lld", size,
                at, static_cast<long long>(number));
  std::memcpy(&bytes[at], &number, size);
  return bytes;
}

void ReadDamaged(const std::string& whole, const std::filesystem::path& file,
                 uint64_t seed, Counts* counts) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < kDamagesPerProcess; ++i) {
    OverwriteFile(file, Damaged(whole, &random, counts));
    const auto searcher = FaissSearcher::Read(file);
    if (absl::IsResourceExhausted(searcher.status())) ++counts->out_of_memory;
    if (!searcher.ok() || searcher->dim() != kDim ||
        searcher->size() != kVectors || !searcher->is_inner_product()) {
      ++counts->refused;
      continue;
    }
    ++counts->accepted;
    if (!AnswersRightly(*searcher)) {
      ++counts->wrong_answers;
      std::fprintf(stderr, "wrong answers: %s\n", counts->at);
    }
  }
}

class FaissDamage : public testing::TestWithParam<std::string> {};

TEST_P(FaissDamage, IsRefusedOrHarmless) {
  const std::string whole = FileOf(GetParam());
  // In memory, as thousands of them are written.
  const int descriptor = ::memfd_create("damaged.index", 0);
  ASSERT_GE(descriptor, 0);
  const std::filesystem::path file =
      "/proc/self/fd/" + std::to_string(descriptor);
  const auto counts = MakeShared<Counts>();
  for (int i = 0; i < kDamagesPerKind / kDamagesPerProcess; ++i) {
    EXPECT_EQ(RunInChild([&] { ReadDamaged(whole, file, i, counts.get()); }),
              "")
        << " at " << counts->at;
  }
  EXPECT_EQ(counts->wrong_answers, 0);
  EXPECT_EQ(counts->out_of_memory, 0);
  // Most bytes are codes and values, which any number is right for.
  EXPECT_GT(counts->refused, kDamagesPerKind / 100);
  std::printf("counted: %s: %d of %d damaged files refused, %d harmless\n",
              GetParam().c_str(), counts->refused,
              counts->refused + counts->accepted, counts->accepted);
  ::close(descriptor);
}

INSTANTIATE_TEST_SUITE_P(
    Factories, FaissDamage,
    testing::Values("Flat", "SQ8", "SQfp16", "SQ6", "PQ4x6", "PQ8x4fs",
                    "IVF8,Flat", "IVF8,SQ8", "IVF8,SQfp16", "IVF8,PQ4x6",
                    "IVF8,PQ8x4fs", "IVF8_HNSW4,Flat", "IVF8(SQ8),PQ4x4",
                    "HNSW8", "HNSW8,SQ8", "PQ4x4,RFlat",
                    "IVF8,PQ4x4,Refine(SQ8)", "PCAR4,SQ8", "OPQ4_8,IVF8,PQ4x4",
                    "PCA4,HNSW8,Flat", "RR8,L2norm,Flat", "Pad16,SQ8",
                    "IDMap,Flat", "IDMap2,IVF8,Flat"),
    [](const auto& kind) { return std::to_string(kind.index); });

// The error of a file that `damage` changes.
std::string Refusal(const std::string& factory, size_t at, uint64_t number,
                    size_t size) {
  std::string bytes = FileOf(factory);
  EXPECT_LE(at + size, bytes.size());
  std::memcpy(&bytes[at], &number, size);
  const auto status = CheckFaissFile(BytesOf(bytes), "taste.index");
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  return std::string(status.message());
}

TEST(CheckFaissFile, NamesFilePartAndValue) {
  EXPECT_EQ(Refusal("Flat", 4, 0, 4),
            "taste.index: IndexFlatIP: d is 0, expected 1 to 65536");
  EXPECT_THAT(Refusal("IVF8,Flat", 37, 9, 8),
              AllOf(HasSubstr("IndexIVFFlat"), HasSubstr("expected 9")));
  // 33 bytes are the header, 4 the type.
  EXPECT_THAT(
      Refusal("Flat", 37, uint64_t{1} << 39, 8),
      HasSubstr("codes has 549755813888 elements of 4 bytes, but the file has "
                "only 9600 bytes more"));
}

TEST(CheckFaissFile, NamesWhatIsNotAccepted) {
  const std::string text = Refusal("Flat", 0, 0x46784249, 4);  // "IBxF"
  EXPECT_THAT(text, AllOf(HasSubstr("taste.index: IndexBinaryFlat is not "
                                    "accepted, only IndexFlatIP"),
                          HasSubstr("IndexHNSWFlat")));
  EXPECT_THAT(Refusal("Flat", 0, 0xffffffff, 4),
              HasSubstr(R"(an unknown type, "\xff\xff\xff\xff")"));
}

TEST(CheckFaissFile, RefusesListsThatAreInOtherFiles) {
  std::string bytes = FileOf("IVF8,Flat");
  const size_t lists = bytes.find("ilar");
  ASSERT_NE(lists, std::string::npos);
  bytes.replace(lists, 4, "ilod");
  const auto status = CheckFaissFile(BytesOf(bytes), "taste.index");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(R"(the lists are of type "ilod", expected "ilar")"));
}

TEST(CheckFaissFile, RefusesWhatFollowsTheIndex) {
  const auto status = CheckFaissFile(BytesOf(FileOf("SQ8") + "x"), "a.index");
  EXPECT_EQ(std::string(status.message()),
            "a.index: 1 bytes follow the end of the index");
}

TEST(CheckFaissFile, RefusesIdsTwiceAndValuesThatAreNotFinite) {
  std::string bytes = FileOf("IDMap,Flat");
  int64_t id = 0;
  std::memcpy(&id, &bytes[bytes.size() - 8], 8);
  EXPECT_EQ(id, kVectors - 1);
  id = 5;
  std::memcpy(&bytes[bytes.size() - 8], &id, 8);
  EXPECT_THAT(
      std::string(CheckFaissFile(BytesOf(bytes), "a.index").message()),
      HasSubstr("IndexIDMap: id_map: entry 299 is 5, which occurs twice"));
  const float nan = std::nanf("");
  bytes = FileOf("Flat");
  std::memcpy(&bytes[bytes.size() - 4], &nan, 4);
  EXPECT_EQ(std::string(CheckFaissFile(BytesOf(bytes), "a.index").message()),
            "a.index: IndexFlatIP: codes: value 2399 is nan, "
            "expected a finite number within +-1e+15");
}

}  // namespace
}  // namespace tributary
