#include "server/http/http_listener.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/listen/bound_address.h"
#include "tests/server/http/raw_client.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Milliseconds = std::chrono::milliseconds;

// /echo answers with the body, /big with 8 MB, /later when the test does.
class FakeHandler final : public HttpHandler {
 public:
  std::optional<HttpReply> Refuse(HttpRequest* request) override {
    if (request->path != "/nowhere") return std::nullopt;
    return ErrorReply(absl::NotFoundError("nowhere"));
  }
  void Refused(const HttpRequest& request, absl::StatusCode code) override {
    last_refused = request.path + " " + absl::StatusCodeToString(code);
    refused.release();
  }
  std::optional<HttpReply> Handle(HttpRequest request,
                                  ReplyTo reply_to) override {
    if (request.path == "/later") {
      later.push_back(std::move(reply_to));
      arrived.release();
      return std::nullopt;
    }
    if (request.path == "/thread") {
      std::thread([to = std::move(reply_to)] {
        to(TextReply("from a thread"));
      }).detach();
      return std::nullopt;
    }
    if (request.path == "/big") return TextReply(std::string(8 << 20, 'x'));
    return TextReply(request.method + " " + request.body);
  }

  std::counting_semaphore<> refused{0};
  // Read it after `refused`.
  std::string last_refused;
  std::counting_semaphore<> arrived{0};
  // Read it after `arrived`.
  std::vector<ReplyTo> later;
};

class HttpListenerTest : public testing::Test {
 protected:
  void Start(HttpListenerOptions options) {
    auto bound = BoundAddress::Bind("http", "127.0.0.1:0");
    ASSERT_TRUE(bound.ok());
    const std::string address = bound->address();
    port_ = static_cast<uint16_t>(
        std::stoul(address.substr(address.rfind(':') + 1)));
    auto started = HttpListener::Start(
        std::move(options), std::move(*bound).ListenAll().value(), &handler_);
    ASSERT_TRUE(started.ok()) << started.status();
    listener_ = *std::move(started);
  }
  RawClient Connected(int receive_buffer_bytes = 0) {
    RawClient client(receive_buffer_bytes);
    EXPECT_TRUE(client.Connect(port_));
    return client;
  }
  // Everything that the server says to this, until it closes.
  std::string AllOf(const std::string& sent) {
    RawClient client = Connected();
    client.Send(sent);
    return client.Rest();
  }
  std::string Once(const std::string& sent) {
    RawClient client = Connected();
    client.Send(sent);
    return client.Reply();
  }
  void ExpectAlive() {
    EXPECT_THAT(Once("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  }

  FakeHandler handler_;
  uint16_t port_ = 0;
  std::unique_ptr<HttpListener> listener_;
};

// As of a name with an address of each family.
TEST_F(HttpListenerTest, AnswersOnAllSocketsUntilItDrains) {
  std::vector<int> listening;
  std::vector<uint16_t> ports;
  for (int i = 0; i < 3; ++i) {
    auto bound = BoundAddress::Bind("http", "127.0.0.1:0");
    ASSERT_TRUE(bound.ok()) << bound.status();
    const std::string address = bound->address();
    ports.push_back(static_cast<uint16_t>(
        std::stoul(address.substr(address.rfind(':') + 1))));
    listening.push_back(std::move(*bound).ListenAll().value().front());
  }
  auto started = HttpListener::Start({}, listening, &handler_);
  ASSERT_TRUE(started.ok()) << started.status();
  for (const uint16_t port : ports) {
    port_ = port;
    ExpectAlive();
  }
  (*started)->Shutdown(std::chrono::steady_clock::now());
  for (const uint16_t port : ports) {
    EXPECT_FALSE(RawClient().Connect(port)) << port;
  }
}

constexpr char kGet[] = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(HttpListenerTest, KeepsConnectionsOpen) {
  Start({});
  RawClient client = Connected();
  for (int i = 0; i < 3; ++i) {
    client.Send("POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\n12");
    EXPECT_THAT(client.Reply(), testing::EndsWith("\r\n\r\nPOST 12"));
    client.Send("GET /thread HTTP/1.1\r\n\r\n");
    EXPECT_THAT(client.Reply(), testing::EndsWith("\r\n\r\nfrom a thread"));
    client.Send("GET /nowhere HTTP/1.1\r\n\r\n");
    EXPECT_THAT(client.Reply(), StartsWith("HTTP/1.1 404"));
  }
}

TEST_F(HttpListenerTest, AnswersPipelinedRequestsInOrder) {
  Start({});
  RawClient client = Connected();
  std::string sent;
  for (int i = 0; i < 100; ++i) {
    sent += i % 3 == 0 ? "GET /thread HTTP/1.1\r\n\r\n"
                       : "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\n" +
                             std::to_string(10 + i % 90);
  }
  client.Send(sent);
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(client.Reply(),
                testing::EndsWith(i % 3 == 0 ? std::string("from a thread")
                                             : std::to_string(10 + i % 90)));
  }
}

TEST_F(HttpListenerTest, ReadsChunkedBodies) {
  Start({});
  EXPECT_THAT(Once("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"),
              testing::EndsWith("POST abcde"));
}

TEST_F(HttpListenerTest, AnswersHeadWithoutABody) {
  Start({});
  RawClient client = Connected();
  client.Send("HEAD /echo HTTP/1.1\r\n\r\n" + std::string(kGet));
  EXPECT_THAT(client.Reply(/*is_head=*/true), HasSubstr("Content-Length: 5"));
  EXPECT_THAT(client.Reply(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpListenerTest, SaysContinue) {
  Start({.max_request_bytes = 10});
  RawClient client = Connected();
  client.Send(
      "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\n"
      "Content-Length: 2\r\n\r\n");
  EXPECT_THAT(client.Reply(), StartsWith("HTTP/1.1 100"));
  client.Send("12");
  EXPECT_THAT(client.Reply(), testing::EndsWith("POST 12"));
  EXPECT_THAT(AllOf("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\n"
                    "Content-Length: 11\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Once("GET /echo HTTP/1.1\r\nExpect: gold\r\n\r\n"),
              StartsWith("HTTP/1.1 417"));
}

TEST_F(HttpListenerTest, SpeaksHttp10) {
  Start({});
  EXPECT_THAT(AllOf("GET /echo HTTP/1.0\r\n\r\n"),
              testing::EndsWith("\r\n\r\nGET "));
  RawClient client = Connected();
  for (int i = 0; i < 2; ++i) {
    client.Send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(client.Reply(), HasSubstr("Connection: Keep-Alive"));
  }
}

TEST_F(HttpListenerTest, IgnoresRangesAndEncodings) {
  Start({});
  std::string ranges = "bytes=0-0";
  while (ranges.size() < 8000) ranges += ",0-";
  const std::string reply = Once(
      "GET /big HTTP/1.1\r\nAccept-Encoding: br, gzip\r\nRange: " + ranges +
      "\r\n\r\n");
  EXPECT_THAT(reply.substr(0, 200), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(reply.substr(0, 500), Not(HasSubstr("Encoding")));
  EXPECT_LT(reply.size(), (8 << 20) + 500);
  EXPECT_GT(reply.size(), 8 << 20);
}

TEST_F(HttpListenerTest, RefusesLongHeaders) {
  Start({.max_header_bytes = 2048});
  const auto with = [](const std::string& headers) {
    return "GET /echo HTTP/1.1\r\n" + headers + "\r\n";
  };
  ASSERT_THAT(Once(with("A: " + std::string(1900, 'a') + "\r\n")),
              StartsWith("HTTP/1.1 200"));
  const std::string longer =
      Once(with("A: " + std::string(2100, 'a') + "\r\n"));
  EXPECT_THAT(longer, StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(longer, HasSubstr("transport.max_header_bytes, 2048"));
  EXPECT_THAT(Once("GET /" + std::string(2100, 'a') + " HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 414"));
  // Without end.
  EXPECT_THAT(AllOf("GET / HTTP/1.1\r\nA: " + std::string(1 << 20, 'a')),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(AllOf("GET /" + std::string(1 << 20, 'a')),
              StartsWith("HTTP/1.1 414"));
  std::string many;
  for (int i = 0; i < 200'000; ++i) many += "a:b\r\n";
  EXPECT_THAT(AllOf("GET / HTTP/1.1\r\n" + many), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(AllOf("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "0\r\n" +
                    many),
              StartsWith("HTTP/1.1 431"));
  ExpectAlive();
}

TEST_F(HttpListenerTest, RefusesLongBodies) {
  Start({.max_request_bytes = 1000});
  const std::string declared =
      AllOf("POST /echo HTTP/1.1\r\nContent-Length: 1001\r\n\r\n" +
            std::string(1001, 'x'));
  EXPECT_THAT(declared, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(declared, HasSubstr("limits.max_request_bytes, 1000"));
  handler_.refused.acquire();
  EXPECT_EQ(handler_.last_refused, "/echo INVALID_ARGUMENT");
  EXPECT_THAT(AllOf("POST /echo HTTP/1.1\r\n"
                    "Content-Length: 4611686018427387904\r\n\r\n" +
                    std::string(1 << 20, 'x')),
              StartsWith("HTTP/1.1 413"));
  const std::string chunked = AllOf(
      "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "fffffff\r\n" +
      std::string(1 << 20, 'x'));
  EXPECT_THAT(chunked, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(chunked, HasSubstr("limits.max_request_bytes, 1000"));
  EXPECT_THAT(Once("POST /echo HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" +
                   std::string(1000, 'x')),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpListenerTest, BoundsWhatAllConnectionsHoldTogether) {
  // One reply of /big fits, and a little more.
  Start({.max_buffered_bytes = 9 << 20});
  RawClient reader = Connected(/*receive_buffer_bytes=*/4096);
  reader.Send("GET /big HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(reader.Readable(/*timeout_ms=*/-1));
  const std::string refused =
      AllOf("POST /echo HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" +
            std::string(2'000'000, 'x'));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1"));
  EXPECT_THAT(Once("GET /big HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 503"));
  ExpectAlive();
  EXPECT_GT(reader.Reply().size(), 8 << 20);
  EXPECT_THAT(Once("GET /big HTTP/1.1\r\n\r\n").substr(0, 100),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpListenerTest, RefusesBodiesWhoseEndIsInDoubt) {
  Start({});
  for (const std::string headers :
       {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length : 1\r\n", "Content-Length: x\r\n",
        "Content-Length: -1\r\n", "Content-Length: 1, 1\r\n"}) {
    EXPECT_THAT(AllOf("POST /echo HTTP/1.1\r\n" + headers + "\r\nx"),
                StartsWith("HTTP/1.1 400"))
        << headers;
  }
  EXPECT_THAT(
      AllOf("POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
      StartsWith("HTTP/1.1 501"));
  EXPECT_THAT(AllOf("POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\n"
                    "Content-Length: 1\r\n\r\nx"),
              StartsWith("HTTP/1.1 415"));
}

TEST_F(HttpListenerTest, SurvivesWhatIsNotHttp) {
  Start({});
  for (const std::string& text :
       {std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string("\r\n"),
        std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        std::string(1000, '\0'), std::string("\x16\x03\x01\x02")}) {
    RawClient client = Connected();
    client.Send(text);
    client.Close();
  }
  EXPECT_THAT(AllOf("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "zz\r\n"),
              StartsWith("HTTP/1.1 400"));
  ExpectAlive();
}

// Sends the bytes again and again until the server closes.
std::string Drip(RawClient* client, const std::string& bytes) {
  while (!client->Readable(/*timeout_ms=*/5)) {
    if (!client->Send(bytes)) break;
  }
  return client->Rest();
}

TEST_F(HttpListenerTest, ADrippingClientHasTheWholeTimeOnce) {
  Start({.read_timeout = Milliseconds(500)});
  std::vector<std::thread> clients;
  for (const std::string start :
       {"GET / HT", "GET / HTTP/1.1\r\nA: ",
        "POST /echo HTTP/1.1\r\nContent-Length: 100000\r\n\r\n",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"}) {
    // On a new connection, and on one that was kept.
    for (const bool kept : {false, true}) {
      clients.emplace_back([this, start, kept] {
        RawClient client = Connected();
        if (kept) {
          client.Send(kGet);
          EXPECT_THAT(client.Reply(), StartsWith("HTTP/1.1 200"));
        }
        client.Send(start);
        const std::string reply = Drip(&client, "x");
        EXPECT_THAT(reply, StartsWith("HTTP/1.1 408")) << start << kept;
        EXPECT_THAT(reply, HasSubstr("transport.http_read_timeout_ms"));
      });
    }
  }
  for (std::thread& client : clients) client.join();
}

TEST_F(HttpListenerTest, ClosesSilentConnectionsWithoutAWord) {
  Start({.read_timeout = Milliseconds(500), .keepalive = Milliseconds(100)});
  EXPECT_EQ(AllOf(""), "");
  RawClient kept = Connected();
  kept.Send(kGet);
  EXPECT_THAT(kept.Reply(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(kept.Rest(), "");
}

TEST_F(HttpListenerTest, KeepsNoConnectionWithoutATimeForThat) {
  Start({.keepalive = Milliseconds(0)});
  EXPECT_THAT(AllOf(kGet), HasSubstr("Connection: close"));
}

TEST_F(HttpListenerTest, EndsAChunkExtensionWithoutEnd) {
  Start({.max_header_bytes = 1024, .read_timeout = Milliseconds(60)});
  // The second time after a request that was answered later, in one write:
  // libmicrohttpd then no longer watches the socket.
  for (const std::string before : {"", "GET /thread HTTP/1.1\r\n\r\n"}) {
    RawClient client = Connected();
    client.Send(before +
                "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                std::string(100'000, 'x'));
    client.Rest();
  }
  ExpectAlive();
}

TEST_F(HttpListenerTest, AnswersProbesBesideTwoHundredDrippingClients) {
  Start({.max_connections = 300, .read_timeout = Milliseconds(60'000)});
  std::vector<RawClient> dripping;
  for (int i = 0; i < 200; ++i) {
    dripping.push_back(Connected());
    dripping.back().Send(i % 2 == 0 ? "GET / HTTP/1.1\r\nA: "
                                    : "POST /echo HTTP/1.1\r\n"
                                      "Content-Length: 9\r\n\r\n");
  }
  for (RawClient& client : dripping) {
    client.Send("x");
    ExpectAlive();
  }
}

TEST_F(HttpListenerTest, ResetsClientsThatDoNotRead) {
  Start({.write_timeout = Milliseconds(60)});
  RawClient client = Connected(/*receive_buffer_bytes=*/4096);
  client.Send("GET /big HTTP/1.1\r\n\r\n");
  ExpectAlive();
  // It reads nothing until the server has given up on it.
  while (client.Send(kGet)) std::this_thread::yield();
  EXPECT_LT(client.Rest().size(), 8 << 20);
  ExpectAlive();
}

TEST_F(HttpListenerTest, SeesThatAClientHasGone) {
  Start({});
  RawClient client = Connected();
  client.Send("GET /later HTTP/1.1\r\n\r\n");
  handler_.arrived.acquire();
  const auto cancelled = handler_.later[0].cancelled();
  EXPECT_FALSE(*cancelled);
  client.Close();
  while (!*cancelled) std::this_thread::yield();
  handler_.later[0](TextReply("for nobody"));
  ExpectAlive();
}

TEST_F(HttpListenerTest, OneThatStaysIsNotCancelled) {
  Start({});
  RawClient client = Connected();
  client.Send("GET /later HTTP/1.1\r\n\r\n");
  handler_.arrived.acquire();
  ExpectAlive();
  EXPECT_FALSE(*handler_.later[0].cancelled());
  handler_.later[0](TextReply("late"));
  EXPECT_THAT(client.Reply(), testing::EndsWith("late"));
}

TEST_F(HttpListenerTest, AConnectionEndsWhenItsClientSendsNoMore) {
  Start({.keepalive = Milliseconds(600'000)});
  RawClient client = Connected();
  client.Send(std::string(kGet) + kGet);
  client.EndSending();
  const std::string replies = client.Rest();
  EXPECT_THAT(replies, StartsWith("HTTP/1.1 200"));
  EXPECT_NE(replies.find("HTTP/1.1 200", 1), std::string::npos);
}

TEST_F(HttpListenerTest, FurtherConnectionsWaitForOnesAtWork) {
  Start({.max_connections = 2});
  RawClient first = Connected();
  RawClient second = Connected();
  for (RawClient* client : {&first, &second}) {
    client->Send("GET /later HTTP/1.1\r\n\r\n");
    handler_.arrived.acquire();
  }
  RawClient third = Connected();
  third.Send(kGet);
  EXPECT_FALSE(third.Readable(/*timeout_ms=*/50));
  handler_.later[0](TextReply("late"));
  EXPECT_THAT(first.Reply(), testing::EndsWith("late"));
  first.Close();
  EXPECT_THAT(third.Reply(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpListenerTest, WhoKeepsTheServerWaitingMakesRoom) {
  Start({.max_connections = 3,
         .read_timeout = Milliseconds(60'000),
         .keepalive = Milliseconds(60'000)});
  RawClient kept = Connected();
  kept.Send(kGet);
  EXPECT_THAT(kept.Reply(), StartsWith("HTTP/1.1 200"));
  RawClient slow = Connected();
  slow.Send("GET / HTTP/1.1\r\nA: ");
  RawClient silent = Connected();
  std::vector<RawClient> others;
  // The first takes the place of `kept`, the others those of whoever waits.
  for (int i = 0; i < 20; ++i) {
    others.push_back(Connected());
    others.back().Send(kGet);
    EXPECT_THAT(others.back().Reply(), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_EQ(kept.Rest(), "");
}

TEST_F(HttpListenerTest, SlowAndSilentConnectionsKeepNobodyOut) {
  Start({.max_connections = 4, .read_timeout = Milliseconds(60'000)});
  std::vector<RawClient> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(Connected());
    slow.back().Send("GET / HTTP/1.1\r\nA: ");
    slow.push_back(Connected());
  }
  ExpectAlive();
  EXPECT_THAT(slow[0].Rest(), StartsWith("HTTP/1.1 503"));
  EXPECT_EQ(slow[1].Rest(), "");
}

TEST_F(HttpListenerTest, AcceptsAgainAfterDescriptorsRanOut) {
  Start({});
  RawClient client;
  std::vector<int> taken;
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit low = before;
  low.rlim_cur = 256;
  setrlimit(RLIMIT_NOFILE, &low);
  for (int fd = dup(0); fd >= 0; fd = dup(0)) taken.push_back(fd);
  EXPECT_TRUE(client.Connect(port_));
  client.Send(kGet);
  EXPECT_FALSE(client.Readable(/*timeout_ms=*/20));
  for (const int fd : taken) close(fd);
  EXPECT_THAT(client.Reply(), StartsWith("HTTP/1.1 200"));
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(HttpListenerTest, ADrainAnswersWhatIsInProgressAndNothingElse) {
  Start({.read_timeout = Milliseconds(60'000)});
  RawClient idle = Connected();
  idle.Send(kGet);
  EXPECT_THAT(idle.Reply(), StartsWith("HTTP/1.1 200"));
  RawClient fresh = Connected();
  RawClient waiting = Connected();
  waiting.Send("GET /later HTTP/1.1\r\n\r\n");
  handler_.arrived.acquire();
  RawClient incomplete = Connected();
  incomplete.Send("POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nx");
  ExpectAlive();

  listener_->StartDrain();
  EXPECT_EQ(idle.Rest(), "");
  EXPECT_EQ(fresh.Rest(), "");
  EXPECT_FALSE(RawClient().Connect(port_));
  handler_.later[0](TextReply("late"));
  EXPECT_THAT(waiting.Rest(), HasSubstr("Connection: close"));
  // It may still complete its request.
  incomplete.Send("23456789");
  EXPECT_THAT(incomplete.Rest(), testing::EndsWith("x23456789"));
  listener_->Shutdown(std::chrono::steady_clock::now() + std::chrono::hours(1));
}

TEST_F(HttpListenerTest, AShutdownEndsWhateverClientsDo) {
  Start({.max_connections = 200,
         .read_timeout = Milliseconds(60'000),
         .write_timeout = Milliseconds(60'000)});
  std::vector<RawClient> dripping;
  for (int i = 0; i < 50; ++i) {
    dripping.push_back(Connected());
    dripping.back().Send("GET / HTTP/1.1\r\nA: ");
  }
  RawClient deaf = Connected(/*receive_buffer_bytes=*/4096);
  deaf.Send("GET /big HTTP/1.1\r\n\r\n");
  RawClient waiting = Connected();
  waiting.Send("GET /later HTTP/1.1\r\n\r\n");
  handler_.arrived.acquire();
  ExpectAlive();

  const auto start = std::chrono::steady_clock::now();
  listener_->Shutdown(start + Milliseconds(50));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_THAT(waiting.Rest(), StartsWith("HTTP/1.1 503"));
  EXPECT_TRUE(*handler_.later[0].cancelled());
  EXPECT_THAT(dripping[0].Rest(), StartsWith("HTTP/1.1 503"));
  // Nobody is there to take it.
  handler_.later[0](TextReply("too late"));
  listener_.reset();
  handler_.later[0](TextReply("later still"));
}

}  // namespace
}  // namespace tributary
