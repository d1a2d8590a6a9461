// Fetching from a web server that misbehaves.
#include "index/publish/http_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>

#include "fmt/core.h"
#include "index/bundle/version_directory.h"
#include "index/publish/fetch_version.h"
#include "index/publish/open_store.h"
#include "index/verify/verify_version.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/misbehaving_server.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

constexpr uint64_t kVersion = 3;
// The file that tests let fail; any other would do.
constexpr char kFile[] = "/3/taste.items.npy";

class HttpStoreTest : public testing::Test {
 protected:
  // Answers like a correct server that has the tiny bundle.
  WebAnswer Serve(const WebRequest& request, std::string_view etag = "\"1\"") {
    std::string name = request.path;
    if (const size_t at = name.find("%3D"); at != std::string::npos) {
      name.replace(at, 3, "=");
    }
    const fs::path path = store_.string() + name;
    if (!fs::is_regular_file(path)) return Answer("404 Not Found", "not here");
    const std::string body = ReadFile(path);
    const std::string tag = fmt::format("ETag: {}\r\n", etag);
    const auto range = request.headers.find("range");
    const auto condition = request.headers.find("if-range");
    if (range == request.headers.end() ||
        (condition != request.headers.end() && condition->second != etag)) {
      return Answer("200 OK", body, tag);
    }
    const size_t from = std::stoul(range->second.substr(6));
    if (from >= body.size()) return Answer("416 Range Not Satisfiable", "");
    return Answer("206 Partial Content", body.substr(from),
                  fmt::format("{}Content-Range: bytes {}-{}/{}\r\n", tag, from,
                              body.size() - 1, body.size()));
  }

  static std::unique_ptr<Store> Open(const MisbehavingServer& server) {
    StoreOptions options;
    options.download.set_stall_ms(300);
    return *OpenStore(server.url(), options);
  }

  absl::Status Fetch(const MisbehavingServer& server) {
    const auto store = Open(server);
    const auto manifest = store->ReadManifest(kVersion, {});
    if (!manifest.ok()) return manifest.status();
    FetchOptions options;
    options.exclusive = true;
    options.download.set_attempts(2);
    options.download.set_parallel(1);
    options.counts = &counts_;
    return FetchVersion(store.get(), kVersion, *manifest, root_, options);
  }

  // Checks that the version is on the host and correct.
  void ExpectFetched(const MisbehavingServer& server) {
    const absl::Status status = Fetch(server);
    ASSERT_TRUE(status.ok()) << status;
    const absl::Status verified = VerifyVersion(root_ / "3");
    EXPECT_TRUE(verified.ok()) << verified;
  }

  static size_t Count(const MisbehavingServer& server, const std::string& path,
                      const std::string& header = "") {
    size_t count = 0;
    for (const WebRequest& request : server.requests()) {
      count += request.path == path &&
               (header.empty() || request.headers.contains(header));
    }
    return count;
  }

  const fs::path store_ =
      WriteTinyBundle(MakeTestDir(), kVersion).parent_path();
  const fs::path root_ = MakeTestDir();
  FetchCounts counts_;
};

TEST_F(HttpStoreTest, FetchesAVersion) {
  MisbehavingServer server([&](const WebRequest& r) { return Serve(r); });
  ExpectFetched(server);
  EXPECT_EQ(counts_.fetched_bytes, [&] {
    uint64_t bytes = 0;
    for (const auto& file : fs::directory_iterator(root_ / "3")) {
      if (file.path().filename() != "manifest.json") bytes += file.file_size();
    }
    return bytes;
  }());
}

TEST_F(HttpStoreTest, ResumesAFileWhoseConnectionWasCut) {
  std::atomic<int> calls = 0;
  MisbehavingServer server([&](const WebRequest& r) {
    WebAnswer answer = Serve(r);
    if (r.path == kFile && calls++ == 0) {
      answer.bytes.resize(answer.bytes.size() - 10);
    }
    return answer;
  });
  ExpectFetched(server);
  EXPECT_EQ(Count(server, kFile), 2);
  EXPECT_EQ(Count(server, kFile, "range"), 1);
  EXPECT_EQ(Count(server, kFile, "if-range"), 1);
  const uint64_t once = [&] {
    uint64_t bytes = 0;
    for (const auto& file : fs::directory_iterator(root_ / "3")) {
      if (file.path().filename() != "manifest.json") bytes += file.file_size();
    }
    return bytes;
  }();
  EXPECT_EQ(counts_.fetched_bytes, once);
}

TEST_F(HttpStoreTest, ResumesAFileWhoseConnectionStalls) {
  std::atomic<int> calls = 0;
  MisbehavingServer server([&](const WebRequest& r) {
    WebAnswer answer = Serve(r);
    if (r.path == kFile && calls++ == 0) {
      answer.bytes.resize(answer.bytes.size() - 10);
      answer.hang = true;
    }
    return answer;
  });
  ExpectFetched(server);
  EXPECT_EQ(Count(server, kFile, "range"), 1);
}

TEST_F(HttpStoreTest, BeginsAFileAgainThatChangedMeanwhile) {
  std::atomic<int> calls = 0;
  MisbehavingServer server([&](const WebRequest& r) {
    if (r.path != kFile || calls++ > 0) return Serve(r, "\"new\"");
    WebAnswer answer = Serve(r, "\"old\"");
    // The file has changed, and is cut off.
    for (size_t i = 20; i > 10; --i) {
      answer.bytes[answer.bytes.size() - i] ^= 1;
    }
    answer.bytes.resize(answer.bytes.size() - 10);
    return answer;
  });
  ExpectFetched(server);
  EXPECT_EQ(Count(server, kFile), 2);
}

TEST_F(HttpStoreTest, BeginsAgainIfTheServerSupportsNoRanges) {
  std::atomic<int> calls = 0;
  MisbehavingServer server([&](WebRequest r) {
    r.headers.erase("range");
    WebAnswer answer = Serve(r);
    if (r.path == kFile && calls++ == 0) {
      answer.bytes.resize(answer.bytes.size() - 10);
    }
    return answer;
  });
  ExpectFetched(server);
}

TEST_F(HttpStoreTest, RefusesARangeThatItDidNotRequest) {
  std::atomic<int> calls = 0;
  MisbehavingServer server([&](WebRequest r) {
    const int call = r.path == kFile ? calls++ : 9;
    if (call == 1) r.headers["range"] = "bytes=7-";
    WebAnswer answer = Serve(r);
    if (call == 0) answer.bytes.resize(answer.bytes.size() - 10);
    return answer;
  });
  ExpectFetched(server);
  EXPECT_EQ(Count(server, kFile), 3);
}

TEST_F(HttpStoreTest, RetriesAfterAnErrorOfTheServer) {
  std::atomic<int> calls = 0;
  MisbehavingServer server([&](const WebRequest& r) {
    if (r.path == kFile && calls++ == 0) {
      return Answer("500 Internal Server Error", std::string(100'000, 'x'));
    }
    return Serve(r);
  });
  ExpectFetched(server);
}

TEST_F(HttpStoreTest, GivesUpAfterTheLastAttemptAndContinuesLater) {
  bool broken = true;
  MisbehavingServer server([&](const WebRequest& r) {
    if (r.path == kFile && broken) return Answer("503 Later", "");
    return Serve(r);
  });
  const absl::Status status = Fetch(server);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("503"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(server.url() + kFile));
  EXPECT_EQ(Count(server, kFile), 2);
  EXPECT_FALSE(fs::exists(root_ / "3"));
  broken = false;
  ExpectFetched(server);
  // The other files had been fetched before.
  EXPECT_EQ(Count(server, "/3/seen.rows.npy"), 1);
}

TEST_F(HttpStoreTest, FetchesAFileWithWrongBytesAgainOnce) {
  std::atomic<int> calls = 0;
  MisbehavingServer server([&](const WebRequest& r) {
    WebAnswer answer = Serve(r);
    if (r.path == kFile && calls++ == 0) answer.bytes.back() ^= 1;
    return answer;
  });
  ExpectFetched(server);
}

TEST_F(HttpStoreTest, RefusesAFileWhoseBytesStayWrong) {
  MisbehavingServer server([&](const WebRequest& r) {
    WebAnswer answer = Serve(r);
    if (r.path == kFile) answer.bytes.back() ^= 1;
    return answer;
  });
  const absl::Status status = Fetch(server);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("taste.items.npy"));
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(HttpStoreTest, RefusesAFileThatIsTooShort) {
  MisbehavingServer server([&](const WebRequest& r) {
    if (r.path == kFile) return Answer("200 OK", "short");
    return Serve(r);
  });
  const absl::Status status = Fetch(server);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("size is 5"));
}

TEST_F(HttpStoreTest, StopsAtTheManifestsSizeOfAFileWithoutEnd) {
  MisbehavingServer server([&](const WebRequest& r) {
    if (r.path != kFile) return Serve(r);
    return WebAnswer{"HTTP/1.1 200 OK\r\n\r\n" + std::string(2000, 'x'), false,
                     true};
  });
  const absl::Status status = Fetch(server);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_LT(counts_.fetched_bytes, 20'000);
}

TEST_F(HttpStoreTest, GivesUpOnEndlessRedirects) {
  MisbehavingServer server([&](const WebRequest& r) {
    return Answer("302 Found", "", fmt::format("Location: {}x\r\n", r.path));
  });
  const auto current = Open(server)->ReadCurrent({});
  EXPECT_TRUE(absl::IsUnavailable(current.status())) << current.status();
  EXPECT_LT(server.requests().size(), 10);
}

TEST_F(HttpStoreTest, FollowsARedirect) {
  MisbehavingServer server([&](const WebRequest& r) {
    if (r.path == "/CURRENT") {
      return Answer("302 Found", "5\n", "Location: /elsewhere\r\n");
    }
    return Answer("200 OK", "3\n");
  });
  EXPECT_EQ(*Open(server)->ReadCurrent({}), 3);
}

TEST_F(HttpStoreTest, ReportsThatTheServerHangs) {
  MisbehavingServer server([&](const WebRequest&) {
    return WebAnswer{"", true};
  });
  const auto current = Open(server)->ReadCurrent({});
  EXPECT_TRUE(absl::IsUnavailable(current.status())) << current.status();
  EXPECT_THAT(std::string(current.status().message()), HasSubstr("300 ms"));
}

TEST_F(HttpStoreTest, GivesUpOnAStoreThatDrips) {
  MisbehavingServer server([&](const WebRequest& r) {
    if (r.path != kFile) return Serve(r);
    return WebAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", false,
                     false, true};
  });
  const absl::Status status = Fetch(server);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(HttpStoreTest, EndsEarlyWhenStopIsRequested) {
  std::stop_source stop;
  MisbehavingServer server([&](const WebRequest&) {
    stop.request_stop();
    return WebAnswer{"", true};
  });
  StoreOptions options;
  options.download.set_stall_ms(60'000);
  const auto store = *OpenStore(server.url(), options);
  const auto current = store->ReadCurrent(stop.get_token());
  EXPECT_TRUE(absl::IsCancelled(current.status())) << current.status();
}

TEST_F(HttpStoreTest, HasCurrentZeroWithoutTheFile) {
  MisbehavingServer server([&](const WebRequest& r) { return Serve(r); });
  EXPECT_EQ(*Open(server)->ReadCurrent({}), 0);
}

TEST_F(HttpStoreTest, ReportsThatCurrentIsNoVersion) {
  std::string text;
  MisbehavingServer server(
      [&](const WebRequest&) { return Answer("200 OK", text); });
  for (const std::string& wrong :
       {std::string("<html>"), std::string(), std::string("0\n"),
        std::string(1'000'000, '1')}) {
    text = wrong;
    const auto current = Open(server)->ReadCurrent({});
    EXPECT_TRUE(absl::IsDataLoss(current.status())) << current.status();
    EXPECT_THAT(std::string(current.status().message()), HasSubstr("CURRENT"));
  }
}

TEST_F(HttpStoreTest, RequestsCurrentWithTheLastETag) {
  std::atomic<int> version = 3;
  MisbehavingServer server([&](const WebRequest& r) {
    const std::string etag = fmt::format("\"{}\"", version.load());
    const auto known = r.headers.find("if-none-match");
    if (known != r.headers.end() && known->second == etag) {
      return Answer("304 Not Modified", "");
    }
    return Answer("200 OK", fmt::format("{}\n", version.load()),
                  fmt::format("ETag: {}\r\n", etag));
  });
  const auto store = Open(server);
  EXPECT_EQ(*store->ReadCurrent({}), 3);
  EXPECT_EQ(*store->ReadCurrent({}), 3);
  version = 4;
  EXPECT_EQ(*store->ReadCurrent({}), 4);
  EXPECT_EQ(Count(server, "/CURRENT", "if-none-match"), 2);
}

// nginx derives an ETag from the second of the last change and the size, so
// that two CURRENTs of the same second share one.
TEST_F(HttpStoreTest, DoesNotTrustTheETagOfAFileThatChangedJustNow) {
  std::string modified = "Sun, 22 Nov 2026 10:00:01 GMT";
  MisbehavingServer server([&](const WebRequest& r) {
    if (r.headers.contains("if-none-match")) {
      return Answer("304 Not Modified", "");
    }
    return Answer("200 OK", "3\n",
                  fmt::format("ETag: \"x\"\r\nLast-Modified: {}\r\n"
                              "Date: Sun, 22 Nov 2026 10:00:02 GMT\r\n",
                              modified));
  });
  const auto store = Open(server);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*store->ReadCurrent({}), 3);
  EXPECT_EQ(Count(server, "/CURRENT", "if-none-match"), 0);
  modified = "Sun, 22 Nov 2026 10:00:00 GMT";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*store->ReadCurrent({}), 3);
  EXPECT_EQ(Count(server, "/CURRENT", "if-none-match"), 2);
}

TEST_F(HttpStoreTest, ReportsAMissingManifestAsNotFound) {
  MisbehavingServer server([&](const WebRequest& r) { return Serve(r); });
  const auto manifest = Open(server)->ReadManifest(7, {});
  EXPECT_TRUE(absl::IsNotFound(manifest.status())) << manifest.status();
}

TEST_F(HttpStoreTest, ReportsAMissingFileAsNotFound) {
  bool exists = false;
  MisbehavingServer server([&](const WebRequest& r) {
    if (r.path == kFile && !exists) return Answer("404 Not Found", "");
    return Serve(r);
  });
  EXPECT_TRUE(absl::IsNotFound(Fetch(server)));
  exists = true;
  ExpectFetched(server);
}

TEST_F(HttpStoreTest, DoesNotReadAManifestWithoutEnd) {
  MisbehavingServer server([&](const WebRequest&) {
    return WebAnswer{"HTTP/1.1 200 OK\r\n\r\n" + std::string(2000, 'x'), false,
                     true};
  });
  const auto manifest = Open(server)->ReadManifest(kVersion, {});
  EXPECT_TRUE(absl::IsDataLoss(manifest.status())) << manifest.status();
}

TEST_F(HttpStoreTest, ReportsThatNoServerListens) {
  const auto store = *OpenStore("http://127.0.0.1:1/x", {});
  const auto current = store->ReadCurrent({});
  EXPECT_TRUE(absl::IsUnavailable(current.status())) << current.status();
}

TEST_F(HttpStoreTest, IsReadOnly) {
  const auto store = *OpenStore("http://127.0.0.1:1/x", {});
  EXPECT_TRUE(absl::IsFailedPrecondition(
      store->PutVersion(store_ / "3", std::nullopt, {})));
  EXPECT_TRUE(absl::IsFailedPrecondition(store->WriteCurrent(3)));
}

TEST_F(HttpStoreTest, NeitherAcceptsNorRepeatsAPasswordInItsUrl) {
  for (const std::string url :
       {"http://user:secret@host/x", "https://host/x?token=secret",
        "http://host/#secret", "http:///secret", "ftp://secret/x",
        "s3://UPPER/secret", "s3://x"}) {
    const auto store = OpenStore(url, {});
    EXPECT_TRUE(absl::IsInvalidArgument(store.status())) << url;
    EXPECT_THAT(std::string(store.status().message()), Not(HasSubstr("secret")))
        << url;
  }
}

// Sets a variable of the environment while it lives.
class WithVariable {
 public:
  WithVariable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~WithVariable() { unsetenv(name_); }
  WithVariable(const WithVariable&) = delete;

 private:
  const char* const name_;
};

// The proxy is not asked to resolve a host of the reserved domain "invalid".
constexpr char kElsewhere[] = "http://store.invalid/models";

std::string CurrentFrom(const char* url) {
  StoreOptions options;
  options.download.set_stall_ms(2000);
  return std::string(
      (*OpenStore(url, options))->ReadCurrent({}).status().message());
}

TEST(HttpStoreProxy, IsNamedWhereItCannotBeReached) {
  const WithVariable variable("http_proxy", "http://ann:secret@127.0.0.1:1");
  const std::string error = CurrentFrom(kElsewhere);
  EXPECT_THAT(error, HasSubstr("store.invalid/models/CURRENT: "));
  EXPECT_THAT(error, HasSubstr("went through the proxy http://127.0.0.1:1, "
                               "which the variable http_proxy names"));
  EXPECT_THAT(error, Not(HasSubstr("secret")));
  EXPECT_THAT(error, Not(HasSubstr("ann")));
}

TEST(HttpStoreProxy, IsNamedWhereItRefuses) {
  MisbehavingServer proxy([](const WebRequest&) {
    return Answer("407 Proxy Authentication Required", "");
  });
  const WithVariable variable("all_proxy", proxy.url());
  EXPECT_THAT(CurrentFrom(kElsewhere),
              HasSubstr("the server answered 407; the request went through the "
                        "proxy " +
                        proxy.url() + ", which the variable all_proxy names"));
  ASSERT_FALSE(proxy.requests().empty());
}

// A redirect may lead past the proxy.
TEST(HttpStoreProxy, IsNotNamedWhereItWasNotUsed) {
  MisbehavingServer gone(
      [](const WebRequest&) { return Answer("500 Gone", ""); });
  MisbehavingServer proxy([&](const WebRequest&) {
    return Answer("302 Found", "",
                  fmt::format("Location: {}/CURRENT\r\n", gone.url()));
  });
  const WithVariable variable("http_proxy", proxy.url());
  EXPECT_THAT(CurrentFrom(kElsewhere),
              testing::EndsWith("the server answered 500"));
  EXPECT_THAT(CurrentFrom(gone.url().c_str()),
              testing::EndsWith("the server answered 500"));
  EXPECT_EQ(proxy.requests().size(), 1);
  const WithVariable except("no_proxy", "store.invalid");
  EXPECT_THAT(CurrentFrom(kElsewhere), Not(HasSubstr("proxy")));
}

}  // namespace
}  // namespace tributary
