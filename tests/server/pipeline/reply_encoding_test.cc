// The forms of a reply agree: over many random replies, the bytes that
// EncodeReply writes are those of the message that WriteMessage makes, and a
// batch's bytes are those of its message.
#include "server/pipeline/reply_encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "index/bundle/bundle_writer.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/pipeline/scripted_retriever.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

using google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;

constexpr size_t kItems = 500;
constexpr uint64_t kVersion = 1'000'000'000'000;

KeyList Ids() {
  KeyList keys{v1::UINT64, {}, {}};
  for (uint64_t i = 0; i < kItems; ++i) keys.ids.push_back(i << 40 | i);
  return keys;
}

// Keys whose lengths take one, two and three bytes.
KeyList Strings() {
  KeyList keys{v1::UTF8, {}, {}};
  for (uint64_t i = 0; i < kItems; ++i) {
    keys.strings.emplace_back(i * i / 8 + i + 1, 'k');
  }
  return keys;
}

std::shared_ptr<const ServingBundle> WithItems(const KeyList& keys) {
  auto writer = BundleWriter::Create(MakeTestDir(), kVersion);
  EXPECT_TRUE(writer.ok()) << writer.status();
  EXPECT_TRUE(writer->AddKeys("items", keys).ok());
  v1::Manifest manifest;
  manifest.mutable_items()->set_kind(keys.kind);
  manifest.mutable_items()->set_count(keys.size());
  for (const char* name : {"a", "b", "c", "with-a-longer-name"}) {
    v1::RetrieverSpec* retriever = manifest.add_retrievers();
    retriever->set_name(name);
    retriever->set_kind("scripted");
  }
  const auto dir = writer->Finish(manifest);
  EXPECT_TRUE(dir.ok()) << dir.status();
  const auto bundle = Bundle::Open(*dir);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  const auto serving = ServingBundle::Open(*bundle, ScriptedRegistry({}));
  EXPECT_TRUE(serving.ok()) << serving.status();
  return *serving;
}

// A reply with storage of its own.
struct RandomReply {
  std::shared_ptr<const ServingBundle> bundle;
  std::string label;
  Plan plan;
  std::vector<SourceResult> results;
  FusionResult fused;

  Reply view() const {
    return {.bundle = bundle.get(),
            .bundle_label = label,
            .plan = &plan,
            .results = results,
            .fused = &fused};
  }
};

class RandomReplies {
 public:
  RandomReplies(std::shared_ptr<const ServingBundle> bundle, uint64_t seed)
      : bundle_(std::move(bundle)), random_(seed) {}

  std::unique_ptr<RandomReply> Next() {
    auto reply = std::make_unique<RandomReply>();
    reply->bundle = bundle_;
    if (Below(2) == 0) reply->label = std::string(1 + Below(60), 'l');
    reply->plan.full_view = Below(3) == 0;
    reply->plan.cold_start = Below(2) == 0;
    reply->plan.segment_unknown = Below(3) == 0;
    reply->fused.weights_unusable = Below(3) == 0;
    reply->plan.unknown_items = Below(3) == 0 ? Below(1000) : 0;
    for (const Row row : RandomRows()) {
      // Masks of one to five bytes, and once in a while all sources.
      const uint32_t sources = Below(4) == 0 ? 0xffffffff : 1U << Below(32);
      reply->fused.candidates.push_back({row, RandomScore(), sources});
    }
    const uint32_t sources = Below(5);
    for (uint32_t i = 0; i < sources; ++i) AddSource(i, reply.get());
    return reply;
  }

  uint32_t Below(uint32_t bound) {
    return std::uniform_int_distribution<uint32_t>(0, bound - 1)(random_);
  }

 private:
  float RandomScore() {
    return std::uniform_real_distribution<float>(-1, 1)(random_);
  }

  std::vector<Row> RandomRows() {
    std::vector<Row> rows(bundle_->bundle().items().size());
    std::iota(rows.begin(), rows.end(), 0);
    std::shuffle(rows.begin(), rows.end(), random_);
    rows.resize(Below(4) == 0 ? 0 : Below(static_cast<uint32_t>(kItems)));
    return rows;
  }

  void AddSource(uint32_t i, RandomReply* reply) {
    const uint32_t target = Below(kItems);
    const uint32_t admitted = Below(2) == 0 ? target : Below(target + 1);
    reply->plan.sources.push_back({.retriever = static_cast<int>(i),
                                   .target = target,
                                   .asked = target + Below(10)});
    reply->fused.outcomes.push_back({.admitted = admitted,
                                     .shortfall = target - admitted,
                                     .list_full = Below(2) == 0});
    SourceResult& result = reply->results.emplace_back();
    result.state = static_cast<SourceState>(Below(4));
    result.duration = std::chrono::microseconds(Below(100'000));
    if (result.state != SourceState::kAnswered) return;
    for (const Row row : RandomRows()) {
      result.proposals.push_back({row, RandomScore()});
    }
  }

  const std::shared_ptr<const ServingBundle> bundle_;
  std::mt19937_64 random_;
};

v1::RetrieveResponse MessageOf(const Reply& reply) {
  v1::RetrieveResponse message;
  message.set_bundle_label("of the reply before");
  const absl::Status status = WriteMessage(reply, &message);
  EXPECT_TRUE(status.ok()) << status;
  return message;
}

class ReplyEncodingTest : public testing::TestWithParam<v1::KeyKind> {
 protected:
  const std::shared_ptr<const ServingBundle> bundle_ =
      WithItems(GetParam() == v1::UINT64 ? Ids() : Strings());
  RandomReplies replies_{bundle_, /*seed=*/1};
};

INSTANTIATE_TEST_SUITE_P(KeyKinds, ReplyEncodingTest,
                         testing::Values(v1::UINT64, v1::UTF8));

TEST_P(ReplyEncodingTest, WritesTheBytesOfTheMessage) {
  std::string bytes = "of the reply before";
  for (int round = 0; round < 300; ++round) {
    const auto reply = replies_.Next();
    EncodeReply(reply->view(), &bytes);
    const v1::RetrieveResponse message = MessageOf(reply->view());
    ASSERT_EQ(bytes, message.SerializeAsString()) << round;
    v1::RetrieveResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(bytes)) << round;
    ASSERT_TRUE(MessageDifferencer::Equals(parsed, message)) << round;
  }
}

TEST_P(ReplyEncodingTest, WritesTheBytesOfTheBatch) {
  for (int round = 0; round < 40; ++round) {
    std::string bytes;
    v1::BatchRetrieveResponse batch;
    for (uint32_t entries = replies_.Below(9); entries > 0; --entries) {
      v1::BatchEntry* const entry = batch.add_entries();
      if (replies_.Below(4) == 0) {
        AppendBatchError(absl::NotFoundError("who?"), &bytes);
        entry->set_code(5);
        entry->set_message("who?");
        continue;
      }
      const auto reply = replies_.Next();
      ASSERT_TRUE(AppendBatchEntry(reply->view(), &bytes).ok());
      *entry->mutable_response() = MessageOf(reply->view());
    }
    AppendBatchVersion(kVersion, &bytes);
    batch.set_bundle_version(kVersion);
    ASSERT_EQ(bytes, batch.SerializeAsString()) << round;
  }
}

TEST_P(ReplyEncodingTest, TheMessageHasEveryFieldOfTheReply) {
  const KeyTable& items = bundle_->bundle().items();
  for (int round = 0; round < 100; ++round) {
    const auto reply = replies_.Next();
    const v1::RetrieveResponse message = MessageOf(reply->view());
    const auto& candidates = reply->fused.candidates;
    const int size = static_cast<int>(candidates.size());
    const bool ids = GetParam() == v1::UINT64;
    ASSERT_EQ(message.item_ids_size(), ids ? size : 0);
    ASSERT_EQ(message.item_keys_size(), ids ? 0 : size);
    ASSERT_EQ(message.scores_size(), size);
    ASSERT_EQ(message.sources_size(), size);
    for (int i = 0; i < size; ++i) {
      const FusedCandidate& candidate = candidates[static_cast<size_t>(i)];
      ASSERT_EQ(
          ids ? std::to_string(message.item_ids(i)) : message.item_keys(i),
          items.text(candidate.row));
      ASSERT_EQ(message.scores(i), candidate.score);
      ASSERT_EQ(message.sources(i), candidate.sources);
    }
    EXPECT_EQ(message.bundle_version(), kVersion);
    EXPECT_EQ(message.bundle_label(), reply->label);
    EXPECT_EQ(message.cold_start(), reply->plan.cold_start);
    EXPECT_EQ(message.unknown_items(), reply->plan.unknown_items);
    std::vector<int> notices;
    if (reply->plan.segment_unknown) notices.push_back(v1::SEGMENT_UNKNOWN);
    if (reply->fused.weights_unusable) notices.push_back(v1::WEIGHTS_UNUSABLE);
    EXPECT_THAT(message.notices(), ::testing::ElementsAreArray(notices));
    ASSERT_EQ(message.source_reports_size(), reply->results.size());
    for (int s = 0; s < message.source_reports_size(); ++s) {
      const v1::SourceReport& report = message.source_reports(s);
      const auto i = static_cast<size_t>(s);
      EXPECT_EQ(report.name(), bundle_->NameOf(s));
      EXPECT_EQ(report.target(), reply->plan.sources[i].target);
      EXPECT_EQ(report.asked(), reply->plan.sources[i].asked);
      EXPECT_EQ(report.proposed(), reply->results[i].proposals.size());
      EXPECT_EQ(report.admitted(), reply->fused.outcomes[i].admitted);
      EXPECT_EQ(report.shortfall(), reply->fused.outcomes[i].shortfall);
      EXPECT_EQ(report.ranks_size(), reply->plan.full_view ? size : 0);
    }
  }
}

TEST(ReplyEncoding, KeysThatAreNotUtf8AreAnErrorOfTheirEntry) {
  const auto bundle = WithItems({v1::UTF8, {}, {"good", "h\xe9"}});
  RandomReply reply;
  reply.bundle = bundle;
  reply.fused.candidates = {{0, 1, 1}};
  std::string bytes;
  EXPECT_TRUE(AppendBatchEntry(reply.view(), &bytes).ok());
  const std::string first = bytes;
  reply.fused.candidates = {{0, 1, 1}, {1, .5, 1}};
  const absl::Status status = AppendBatchEntry(reply.view(), &bytes);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("row 1"));
  EXPECT_EQ(bytes, first);
  v1::RetrieveResponse message;
  EXPECT_EQ(WriteMessage(reply.view(), &message).code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace tributary
