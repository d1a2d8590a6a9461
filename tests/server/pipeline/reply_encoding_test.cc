#include "server/pipeline/reply_columns.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

std::shared_ptr<const Bundle> WithItems(const KeyList& keys) {
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  EXPECT_TRUE(writer.ok()) << writer.status();
  EXPECT_TRUE(writer->AddKeys("items", keys).ok());
  v1::Manifest manifest;
  manifest.mutable_items()->set_kind(keys.kind);
  manifest.mutable_items()->set_count(keys.size());
  v1::RetrieverSpec* retriever = manifest.add_retrievers();
  retriever->set_name("none");
  retriever->set_kind("none");
  const auto dir = writer->Finish(manifest);
  EXPECT_TRUE(dir.ok()) << dir.status();
  const auto bundle = Bundle::Open(*dir);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  return *bundle;
}

// Row after row, from the last; every third proposed by as many sources as
// there can be.
std::vector<FusedCandidate> AllRows(const KeyTable& items) {
  std::vector<FusedCandidate> candidates;
  for (auto row = static_cast<Row>(items.size()); row-- > 0;) {
    const uint32_t sources = row % 3 == 0 ? 0xffffffff : 1U << (row % 32);
    candidates.push_back({row, 1.0f / static_cast<float>(row + 1), sources});
  }
  return candidates;
}

v1::RetrieveResponse Message(const KeyTable& items,
                             const std::vector<FusedCandidate>& candidates) {
  v1::RetrieveResponse message;
  for (const FusedCandidate& candidate : candidates) {
    if (items.kind() == v1::UINT64) {
      message.add_item_ids(items.id(candidate.row));
    } else {
      message.add_item_keys(std::string(items.string(candidate.row)));
    }
    message.add_scores(candidate.score);
    message.add_sources(candidate.sources);
  }
  return message;
}

TEST(EncodeColumns, GivesTheBytesOfTheMessage) {
  KeyList ids{v1::UINT64, {}, {}};
  KeyList strings{v1::UTF8, {}, {}};
  for (uint64_t i = 0; i < 500; ++i) {
    ids.ids.push_back(i << 40 | i);
    // Lengths of one, two and three bytes.
    strings.strings.emplace_back(i * i / 8 + 1, 'k');
  }
  for (const KeyList& keys : {ids, strings}) {
    const auto bundle = WithItems(keys);
    const KeyTable& items = bundle->items();
    const auto candidates = AllRows(items);
    std::string bytes = "of the reply before";
    EncodeColumns(items, candidates, &bytes);
    EXPECT_EQ(bytes, Message(items, candidates).SerializeAsString());
  }
}

TEST(EncodeColumns, NoCandidatesAreNoBytes) {
  const auto bundle = WithItems({v1::UINT64, {1}, {}});
  std::string bytes = "of the reply before";
  EncodeColumns(bundle->items(), {}, &bytes);
  EXPECT_EQ(bytes, "");
}

}  // namespace
}  // namespace tributary
