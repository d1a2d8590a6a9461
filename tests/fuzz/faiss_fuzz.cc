// The first byte chooses an index of FAISS. Then every eight bytes are a
// change: four that say where, and four that are written there, as many of them
// as the lowest bits of the first say.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "index/bundle/mapped_file.h"
#include "index/search/faiss_searcher.h"
#include "tests/fuzz/fuzz_target.h"

namespace tributary {
namespace {

constexpr uint32_t kDim = 8;
constexpr size_t kVectors = 60;
constexpr const char* kFactories[] = {
    "Flat",         "SQ8",       "SQfp16",         "PQ4x4",
    "PQ8x4fs",      "IVF4,Flat", "IVF4,SQ4",       "IVF4,PQ4x4",
    "IVF4,PQ8x4fs", "HNSW4",     "HNSW4,SQ8",      "IVF4_HNSW4,Flat",
    "PQ4x4,RFlat",  "PCAR4,SQ8", "IDMap2,IVF4,SQ8"};

std::vector<float> VectorsOf(size_t count) {
  std::vector<float> values(count * kDim);
  uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31F;
  }
  return values;
}

const std::string& Whole(size_t factory) {
  static std::vector<std::string>& files = *[] {
    auto* const made = new std::vector<std::string>;
    for (const char* text : kFactories) {
      const auto searcher =
          FaissSearcher::Train(text, VectorsOf(kVectors), kDim);
      Require(searcher.ok());
      Require(searcher->Write(FuzzDir() / "whole").ok());
      const auto mapped = MappedFile::Open(FuzzDir() / "whole");
      made->emplace_back(reinterpret_cast<const char*>(mapped->bytes().data()),
                         mapped->bytes().size());
    }
    return made;
  }();
  return files[factory % files.size()];
}

void SearchAll(const FaissSearcher& searcher) {
  if (searcher.dim() > 64) return;
  const std::vector<float> query(searcher.dim(), 1.5F);
  std::vector<ScoredRow> hits;
  for (const uint32_t n : {3U, 500U}) {
    if (!searcher.Search(query, n, {}, nullptr, &hits).ok()) continue;
    std::vector<Row> rows;
    for (const ScoredRow& hit : hits) {
      Require(hit.row < searcher.size() && !std::isnan(hit.score));
      rows.push_back(hit.row);
    }
    std::sort(rows.begin(), rows.end());
    Require(std::adjacent_find(rows.begin(), rows.end()) == rows.end());
  }
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;
  if (size < 1) return 0;
  std::string bytes = Whole(data[0]);
  for (size_t at = 1; at + 8 <= size; at += 8) {
    uint32_t where = 0;
    std::memcpy(&where, data + at, sizeof(where));
    const size_t begin = (where >> 2) % bytes.size();
    const size_t count =
        std::min<size_t>(1 + (where & 3), bytes.size() - begin);
    std::memcpy(&bytes[begin], data + at + 4, count);
  }
  const auto file = FuzzDir() / "damaged.index";
  WriteInput(file, bytes);
  const auto searcher = FaissSearcher::Read(file);
  if (searcher.ok()) SearchAll(*searcher);
  return 0;
}
