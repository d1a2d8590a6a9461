// A store on a real S3-compatible server, which checks signatures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fmt/core.h"
#include "index/bundle/version_directory.h"
#include "index/changes/change_log.h"
#include "index/changes/read_changes.h"
#include "index/publish/fetch_version.h"
#include "index/publish/open_change_files.h"
#include "index/publish/open_store.h"
#include "index/publish/publish.h"
#include "index/verify/verify_version.h"
#include "server/change_writer/change_writer.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/padded_bundle.h"
#include "tests/integration/deployment.h"
#include "tests/integration/store_servers.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

constexpr char kUrl[] = "s3://models/a b/c=d";

class S3StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (S3Gateway::FindProgram().empty()) {
      GTEST_SKIP() << "there is no versitygw; scripts/build_versitygw.sh "
                      "builds it where there is Go";
    }
    gateway_ = std::make_unique<S3Gateway>();
    ::setenv("AWS_ACCESS_KEY_ID", S3Gateway::kAccessKey, 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", S3Gateway::kSecretKey, 1);
    ::unsetenv("AWS_SESSION_TOKEN");
  }

  std::unique_ptr<Store> Open() const {
    StoreOptions options;
    options.s3.set_endpoint(gateway_->endpoint());
    options.download.set_attempts(1);
    return *OpenStore(kUrl, options);
  }

  static absl::Status Fetch(Store* store, uint64_t version,
                            const fs::path& root) {
    const auto manifest = store->ReadManifest(version, {});
    if (!manifest.ok()) return manifest.status();
    FetchOptions options;
    options.exclusive = true;
    return FetchVersion(store, version, *manifest, root, options);
  }

  fs::path InBucket(const std::string& name) const {
    return gateway_->bucket() / "a b" / "c=d" / name;
  }

  std::vector<std::string> PublishCommand(const fs::path& bundle) const {
    return {Program("tributary"), "publish",           bundle, kUrl,
            "--endpoint",         gateway_->endpoint()};
  }

  std::unique_ptr<S3Gateway> gateway_;
};

TEST_F(S3StoreTest, TakesFromThePublisherAndFeedsALoader) {
  Deployment deployment;
  deployment.StartServer();
  const fs::path key = MakeTestDir() / "key";
  ASSERT_EQ(RunProgram({Program("tributary"), "keygen", key}).exit_status, 0);
  Process loader(
      {Program("tributary-loader"), "--store", kUrl, "--s3.endpoint",
       gateway_->endpoint(), "--bundles", deployment.bundles(), "--control",
       fmt::format("unix:{}/control.sock", deployment.bundles().string()),
       "--poll-interval-ms", "20", "--gate.enabled", "false", "--public_keys",
       key.string() + ".pub"});
  for (const uint64_t version : {1, 2}) {
    std::vector<std::string> command =
        PublishCommand(WriteTinyBundle(deployment.built(), version));
    command.insert(command.end(), {"--sign", key});
    const Outcome outcome = RunProgram(command);
    ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
    ASSERT_TRUE(deployment.WaitForVersion(version)) << loader.Output();
  }
  // One that is not signed.
  const auto unsigned_one = WriteTinyBundle(deployment.built(), 3);
  ASSERT_EQ(RunProgram(PublishCommand(unsigned_one)).exit_status, 0);
  ASSERT_TRUE(loader.WaitFor("event=refused version=3")) << loader.Output();
  EXPECT_EQ(deployment.Status().active_version(), 2);
}

TEST_F(S3StoreTest, MayHaveItsBucketInTheHostName) {
  StoreOptions options;
  options.s3.set_endpoint(gateway_->named_endpoint());
  options.s3.set_path_style(false);
  options.download.set_attempts(1);
  const auto store = *OpenStore(kUrl, options);
  const absl::Status published =
      Publish(WriteTinyBundle(MakeTestDir(), 1), store.get());
  ASSERT_TRUE(published.ok()) << published;
  EXPECT_TRUE(fs::exists(InBucket("1/manifest.json")));
  const fs::path root = MakeTestDir();
  const absl::Status fetched = Fetch(store.get(), 1, root);
  ASSERT_TRUE(fetched.ok()) << fetched;
  EXPECT_TRUE(VerifyVersion(root / "1").ok());
}

TEST_F(S3StoreTest, IsWrittenOnceForEachVersion) {
  const auto store = Open();
  const fs::path bundle = WriteTinyBundle(MakeTestDir(), 1);
  ASSERT_TRUE(Publish(bundle, store.get()).ok());
  EXPECT_EQ(*store->ReadCurrent({}), 1);
  const auto written = fs::last_write_time(InBucket("1/manifest.json"));
  EXPECT_TRUE(Publish(bundle, store.get()).ok());
  EXPECT_EQ(fs::last_write_time(InBucket("1/manifest.json")), written);
  const fs::path other = WritePaddedBundle(MakeTestDir(), 1, 10);
  const absl::Status status = Publish(other, store.get());
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_FALSE(fs::exists(InBucket("1/padding.bin")));
}

TEST_F(S3StoreTest, GoesOnWithAPublishThatWasCutOff) {
  const auto store = Open();
  const fs::path bundle = WriteTinyBundle(MakeTestDir(), 1);
  ASSERT_TRUE(Publish(bundle, store.get()).ok());
  fs::remove(InBucket("1/manifest.json"));
  fs::remove(InBucket("1/seen.rows.npy"));
  const auto written = fs::last_write_time(InBucket("1/taste.items.npy"));
  ASSERT_TRUE(Publish(bundle, store.get()).ok());
  EXPECT_EQ(fs::last_write_time(InBucket("1/taste.items.npy")), written);
  const fs::path root = MakeTestDir();
  const absl::Status fetched = Fetch(store.get(), 1, root);
  ASSERT_TRUE(fetched.ok()) << fetched;
  EXPECT_TRUE(VerifyVersion(root / "1").ok());
}

TEST_F(S3StoreTest, TakesALargeFileInParts) {
  const auto store = Open();
  // Two parts of 32 MiB and a bit.
  const fs::path bundle = WritePaddedBundle(MakeTestDir(), 1, (64 << 20) + 5);
  const absl::Status published = Publish(bundle, store.get());
  ASSERT_TRUE(published.ok()) << published;
  EXPECT_THAT(gateway_->Output(), HasSubstr("uploads"));
  const fs::path root = MakeTestDir();
  const absl::Status fetched = Fetch(store.get(), 1, root);
  ASSERT_TRUE(fetched.ok()) << fetched;
  EXPECT_TRUE(VerifyVersion(root / "1").ok());
}

TEST_F(S3StoreTest, RefusesWrongBytes) {
  const auto store = Open();
  ASSERT_TRUE(Publish(WriteTinyBundle(MakeTestDir(), 1), store.get()).ok());
  std::string contents = ReadFile(InBucket("1/taste.items.npy"));
  contents.back() ^= 1;
  OverwriteFile(InBucket("1/taste.items.npy"), contents);
  const absl::Status status = Fetch(store.get(), 1, MakeTestDir());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("taste.items.npy"));
}

TEST_F(S3StoreTest, HasNoVersionAndNoCurrentBeforeTheFirst) {
  const auto store = Open();
  EXPECT_EQ(*store->ReadCurrent({}), 0);
  EXPECT_TRUE(absl::IsNotFound(store->ReadManifest(1, {}).status()));
}

TEST_F(S3StoreTest, SaysThatThereIsNoBucket) {
  StoreOptions options;
  options.s3.set_endpoint(gateway_->endpoint());
  options.download.set_attempts(1);
  const auto current = (*OpenStore("s3://other/x", options))->ReadCurrent({});
  EXPECT_FALSE(current.ok());
  EXPECT_THAT(std::string(current.status().message()),
              HasSubstr("NoSuchBucket"));
}

// At every level of the log, and whatever goes wrong.
TEST_F(S3StoreTest, CredentialsAreNeverSaid) {
  const fs::path bundle = WriteTinyBundle(MakeTestDir(), 1);
  ASSERT_TRUE(Publish(bundle, Open().get()).ok());
  const std::string id = "AKIDOFTHISTEST";
  const std::string secret = "hidden+and/wrong";
  const std::string token = "tokenthatishidden";
  const auto expect_none = [&](const std::string& output) {
    for (const std::string& text : {id, secret, token}) {
      EXPECT_THAT(output, Not(HasSubstr(text)));
    }
  };
  std::vector<std::string> environment = {"env", "AWS_ACCESS_KEY_ID=" + id,
                                          "AWS_SECRET_ACCESS_KEY=" + secret,
                                          "AWS_SESSION_TOKEN=" + token};
  std::vector<std::string> publish = environment;
  for (const auto& word : PublishCommand(bundle)) publish.push_back(word);
  const Outcome outcome = RunProgram(publish);
  EXPECT_EQ(outcome.exit_status, 1);
  EXPECT_THAT(outcome.output, HasSubstr("the server answered 4"));
  expect_none(outcome.output);
  // With the right key, and a secret that is wrong: a reply to that one says
  // what was signed.
  environment[1] = fmt::format("AWS_ACCESS_KEY_ID={}", S3Gateway::kAccessKey);
  environment.pop_back();
  for (const char* level : {"trace", "info"}) {
    std::vector<std::string> command = environment;
    for (const std::string& word :
         {Program("tributary-loader"), std::string("--store"),
          std::string(kUrl), std::string("--s3.endpoint"), gateway_->endpoint(),
          std::string("--bundles"), MakeTestDir().string(),
          std::string("--poll-interval-ms"), std::string("5"),
          std::string("--log_level"), std::string(level)}) {
      command.push_back(word);
    }
    Process loader(command);
    ASSERT_TRUE(loader.WaitFor("SignatureDoesNotMatch")) << loader.Output();
    expect_none(loader.Output());
    EXPECT_THAT(loader.Output(), Not(HasSubstr(S3Gateway::kAccessKey)));
  }
}

v1::Change Remove(const std::string& item) {
  v1::Change change;
  change.set_item(item);
  change.mutable_remove();
  return change;
}

class S3ChangesTest : public S3StoreTest {
 protected:
  std::unique_ptr<ChangeLog> OpenLog() const {
    StoreOptions options;
    options.s3.set_endpoint(gateway_->endpoint());
    options.download.set_attempts(1);
    auto files = OpenChangeFiles(kUrl, options);
    EXPECT_TRUE(files.ok()) << files.status();
    auto log = ChangeLog::Open(*std::move(files));
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  v1::ChangeWriting Settings() const {
    v1::ChangeWriting settings;
    settings.set_store(kUrl);
    settings.mutable_s3()->set_endpoint(gateway_->endpoint());
    return settings;
  }
  // What the bucket's log has.
  std::vector<std::string> Items() const {
    const fs::path folder = InBucket("changes");
    const auto head = ReadChangeHead(folder);
    EXPECT_TRUE(head.ok()) << head.status();
    ChangePosition position;
    std::vector<std::string> items;
    const absl::Status read = ReadChanges(
        *head, folder, &position,
        [&](const v1::Change& change, std::string_view, const absl::Status&) {
          items.push_back(change.item());
          return absl::OkStatus();
        });
    EXPECT_TRUE(read.ok()) << read;
    return items;
  }
};

TEST_F(S3ChangesTest, OfTwoWritersOneIsToldSo) {
  {
    // Also where there is no log yet.
    const auto first = OpenLog();
    const auto second = OpenLog();
    ASSERT_TRUE(first->Append({Remove("0")}).ok());
    EXPECT_TRUE(absl::IsUnavailable(second->Append({Remove("b")})));
  }
  const auto first = OpenLog();
  const auto second = OpenLog();
  ASSERT_TRUE(first->Append({Remove("a")}).ok());
  const absl::Status late = second->Append({Remove("b")});
  EXPECT_EQ(late.code(), absl::StatusCode::kUnavailable) << late;
  EXPECT_THAT(std::string(late.message()), HasSubstr("another process writes"));
  EXPECT_EQ(Items(), (std::vector<std::string>{"0", "a"}));
  ASSERT_TRUE(first->Append({Remove("c")}).ok());
  ASSERT_TRUE(OpenLog()->Append({Remove("d")}).ok());
  EXPECT_EQ(Items(), (std::vector<std::string>{"0", "a", "c", "d"}));
  ASSERT_TRUE(OpenLog()->Compact().ok());
  EXPECT_EQ(Items(), (std::vector<std::string>{"0", "a", "c", "d"}));
}

TEST_F(S3ChangesTest, ManyWritersLoseNothing) {
  constexpr int kWriters = 4;
  constexpr int kBatches = 12;
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([this, i] {
      // As of processes of their own.
      ChangeWriter writer(Settings());
      for (int j = 0; j < kBatches; ++j) {
        const auto written =
            writer.Append({Remove(fmt::format("{}-{}", i, j)), Remove("too")},
                          absl::Now() + absl::Seconds(60));
        ASSERT_TRUE(written.ok()) << written.status();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::vector<std::string> items = Items();
  EXPECT_EQ(items.size(), size_t{2 * kWriters * kBatches});
  EXPECT_EQ(std::set<std::string>(items.begin(), items.end()).size(),
            size_t{kWriters * kBatches + 1});
}

TEST_F(S3ChangesTest, AreWrittenByTheCommandAndFollowedByALoader) {
  Deployment deployment;
  deployment.StartServer();
  const Process loader(
      {Program("tributary-loader"), "--store", kUrl, "--s3.endpoint",
       gateway_->endpoint(), "--bundles", deployment.bundles(), "--control",
       fmt::format("unix:{}/control.sock", deployment.bundles().string()),
       "--changes_poll_interval_ms", "20", "--gate.enabled", "false"});
  const auto change = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {Program("tributary"), "change", kUrl,
                                         "--endpoint", gateway_->endpoint()});
    return RunProgram(arguments);
  };
  const Outcome written = change({"--remove", "a", "--remove", "b"});
  EXPECT_EQ(written.exit_status, 0) << written.output;
  EXPECT_THAT(written.output, HasSubstr("numbers 1 to 2, durably; the log has "
                                        "2 changes, and 2 items are taken"));
  EXPECT_TRUE(
      WaitUntil([&] { return deployment.Status().changes().through() == 2; }));
  EXPECT_EQ(change({"--compact"}).exit_status, 0);
  EXPECT_EQ(change({"--restore", "a"}).exit_status, 0);
  EXPECT_TRUE(
      WaitUntil([&] { return deployment.Status().changes().through() == 3; }));
  EXPECT_TRUE(deployment.Status().changes().has_checked_at());
  EXPECT_THAT(change({"--list"}).output, HasSubstr("3 changes, and 1 item is"));
}

}  // namespace
}  // namespace tributary
