#include "tests/torture/attacks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "fmt/core.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "tests/integration/process.h"
#include "tests/integration/torture.h"
#include "tests/server/http/raw_client.h"
#include "tests/server/rpc/raw_http2.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr char kBatchMethod[] = "/tributary.v1.Retrieval/BatchRetrieve";
constexpr size_t kBodyBytes = 4'190'000;
constexpr size_t kFramePayload = 16'384;

std::string Repeated(std::string_view bytes, size_t count) {
  std::string all;
  all.reserve(bytes.size() * count);
  for (size_t i = 0; i < count; ++i) all += bytes;
  return all;
}

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value > 127; value >>= 7) {
    bytes += static_cast<char>((value & 127) | 128);
  }
  return bytes += static_cast<char>(value);
}

// A field of protobuf's wire format that has a length.
std::string Field(int number, const std::string& bytes) {
  return Varint(static_cast<uint64_t>(number) << 3 | 2) + Varint(bytes.size()) +
         bytes;
}

// The largest reply that the server has.
std::string LargeRequest() {
  v1::RetrieveRequest request;
  request.set_user_key("u3");
  request.set_k(400);
  request.set_view(v1::FULL);
  return request.SerializeAsString();
}

// A connection of HTTP/2 on which sending gives up after a second.
RawHttp2 ConnectHttp2(const Victim& victim, uint32_t window = 65535) {
  RawHttp2 connection(victim.grpc, window);
  connection.SetSendTimeout(milliseconds(1000));
  return connection;
}

// --- gRPC ---

void ZeroWindows(const Victim& victim, Grip* grip) {
  RawHttp2 connection = ConnectHttp2(victim, /*window=*/0);
  const std::string request = LargeRequest();
  std::string calls;
  for (int i = 0; i < 400; ++i) {
    calls += connection.CallBytes(kRetrieveMethod, request);
  }
  connection.Send(calls);
  grip->Hold();
}

void RapidReset(const Victim& victim, Grip* grip) {
  const std::string request = LargeRequest();
  const int resets = TortureCount(5'000, 100'000);
  std::optional<RawHttp2> connection;
  for (int done = 0; done < resets && !grip->released(); done += 50) {
    if (!connection.has_value()) connection.emplace(ConnectHttp2(victim));
    std::string bytes;
    for (int i = 0; i < 50; ++i) {
      bytes += connection->CallBytes(kRetrieveMethod, request);
      bytes += RawHttp2::ResetBytes(connection->last_stream());
    }
    if (!connection->Send(bytes) || !connection->Discard()) connection.reset();
  }
}

// Calls that have sent a half of their message, or only their headers.
void HalfMessages(const Victim& victim, Grip* grip) {
  const int calls = TortureCount(500, 2000);
  constexpr int kCallsOfAConnection = 500;
  std::deque<RawHttp2> connections;
  for (int i = 0; i < calls; ++i) {
    if (i % kCallsOfAConnection == 0) {
      connections.push_back(ConnectHttp2(victim));
    }
    RawHttp2& to = connections.back();
    std::string bytes = to.CallBytes(kRetrieveMethod, std::nullopt);
    if (i % 2 == 0) {
      bytes += FrameBytes(kDataFrame, 0, to.last_stream(),
                          std::string_view("\0\0\0\x10\0xxxx", 9));
    }
    to.Send(bytes);
  }
  grip->Hold();
}

// Headers in frames of CONTINUATION that never end.
void Continuations(const Victim& victim, Grip* grip, size_t bytes,
                   size_t frame_bytes) {
  // A literal whose value is said to have 2^27 bytes.
  const std::string begin("\0\1k\x7f\x81\xff\xff\x3f", 8);
  const std::string frame =
      FrameBytes(kContinuationFrame, 0, 1, std::string(frame_bytes, 'v'));
  const std::string frames = Repeated(frame, 65536 / frame.size() + 1);
  size_t sent = 0;
  while (sent < bytes && !grip->released()) {
    RawHttp2 connection = ConnectHttp2(victim);
    bool open = connection.Send(FrameBytes(kHeadersFrame, 0, 1, begin));
    while (open && sent < bytes && !grip->released()) {
      open = connection.Send(frames);
      sent += frames.size();
    }
  }
}

// Frames that cost the server an answer or a look-up each.
void Frames(const Victim& victim, Grip* grip, const std::string& frame) {
  const auto end = Clock::now() + milliseconds(TortureCount(300, 8000));
  const std::string frames = Repeated(frame, 65536 / frame.size() + 1);
  std::optional<RawHttp2> connection;
  while (Clock::now() < end && !grip->released()) {
    if (!connection.has_value()) connection.emplace(ConnectHttp2(victim));
    if (!connection->Send(frames) || !connection->Discard()) connection.reset();
  }
}

// A header of 4,000 bytes that others refer to by one byte each.
void HpackBomb(const Victim& victim, Grip* grip) {
  std::string entry("\x40\1k\x7f\xa1\x1e", 6);
  entry += std::string(4000, 'v');
  const std::string references =
      FrameBytes(kContinuationFrame, 0, 1, std::string(12'000, '\xbe'));
  const auto end = Clock::now() + milliseconds(TortureCount(300, 8000));
  while (Clock::now() < end && !grip->released()) {
    RawHttp2 connection = ConnectHttp2(victim);
    connection.Send(FrameBytes(kHeadersFrame, 0, 1, entry) +
                    Repeated(references, 8));
    connection.Discard();
  }
}

// Replies that nobody takes off the socket, whatever the windows are.
void UnreadReplies(const Victim& victim, Grip* grip) {
  std::deque<RawHttp2> connections;
  const std::string request = LargeRequest();
  for (int i = 0; i < 4; ++i) {
    RawHttp2& to =
        connections.emplace_back(ConnectHttp2(victim, /*window=*/0x7fff'ffff));
    // The window of the connection, too.
    to.Send(FrameBytes(8, 0, 0, std::string_view("\x7f\xff\0\0", 4)));
    for (int j = 0; j < 200; ++j) {
      to.Send(to.CallBytes(kRetrieveMethod, request));
    }
  }
  grip->Hold();
}

// --- Bodies ---

struct Body {
  const char* method;
  std::string bytes;
};

std::string MapEntries(int number) {
  std::string bytes;
  while (bytes.size() < kBodyBytes) {
    bytes += Field(number, Field(1, fmt::format("{:06x}", bytes.size())));
  }
  return bytes;
}

// Four megabytes each, which would become a multiple of it in memory.
std::vector<Body> AmplifyingBodies() {
  const auto full = [](const std::string& bytes) {
    return Repeated(bytes, kBodyBytes / bytes.size());
  };
  const std::string group_begin("\xa3\x06", 2);
  const std::string group_end("\xa4\x06", 2);
  const std::string nested =
      Repeated(group_begin, 90) + Repeated(group_end, 90);
  const std::string empties = full(std::string("\xa2\x06\0", 3));
  return {
      {kBatchMethod, full(std::string("\x0a\x02\x4a\0", 4))},
      {kRetrieveMethod, full(std::string("\x42\0", 2))},
      {kRetrieveMethod, Field(7, std::string(kBodyBytes, '\1'))},
      {kRetrieveMethod, MapEntries(4)},
      {kRetrieveMethod, MapEntries(6)},
      {kRetrieveMethod, empties},
      {kRetrieveMethod, full(nested)},
      {kRetrieveMethod, Repeated(group_begin, kBodyBytes / 2)},
      {kRetrieveMethod, Field(2, std::string(kBodyBytes, 'a'))},
      // Fields that there are, of another type.
      {kRetrieveMethod, full(std::string("\x0a\0", 2))},
      {kRetrieveMethod, group_begin + empties + group_end},
      {kRetrieveMethod, Field(4, Field(1, "a") + Field(2, empties))},
      {kRetrieveMethod, Field(6, Field(1, "a") + Field(2, empties))},
      {kRetrieveMethod, Field(6, empties)},
      {kRetrieveMethod, Field(5, full(std::string("\x0a\0", 2)))},
      {kRetrieveMethod, Field(9, full(std::string("\x18\0", 2)))},
  };
}

// Sends each body over `connections` connections of gRPC's own client, one
// call after the other, so often.
void SendBodies(const Victim& victim, Grip* grip,
                const std::vector<Body>& bodies, int connections, int rounds) {
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&] {
      grpc::ChannelArguments arguments;
      arguments.SetMaxSendMessageSize(-1);
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      grpc::GenericStub stub(grpc::CreateCustomChannel(
          victim.grpc, grpc::InsecureChannelCredentials(), arguments));
      for (int round = 0; round < rounds; ++round) {
        for (const Body& body : bodies) {
          if (grip->released()) return;
          grpc::ClientContext context;
          context.set_deadline(std::chrono::system_clock::now() +
                               std::chrono::seconds(5));
          grpc::CompletionQueue queue;
          const grpc::Slice slice(body.bytes);
          const auto call = stub.PrepareUnaryCall(
              &context, body.method, grpc::ByteBuffer(&slice, 1), &queue);
          call->StartCall();
          grpc::ByteBuffer reply;
          grpc::Status status;
          call->Finish(&reply, &status, nullptr);
          void* tag = nullptr;
          bool ok = false;
          queue.Next(&tag, &ok);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void EmptyBatches(const Victim& victim, Grip* grip) {
  const Body batch = {kBatchMethod,
                      Repeated(std::string("\x0a\0", 2), kBodyBytes / 2)};
  SendBodies(victim, grip, {batch}, 16, TortureCount(1, 10));
}

// More than transport.max_buffer_bytes at a time, in messages that are longer
// than limits.max_request_bytes, but not too long for gRPC.
void LongMessages(const Victim& victim, Grip* grip) {
  const Body body = {kRetrieveMethod, std::string(15 << 20, '\1')};
  SendBodies(victim, grip, {body}, TortureCount(8, 64), TortureCount(1, 5));
}

void Bodies(const Victim& victim, Grip* grip) {
  SendBodies(victim, grip, AmplifyingBodies(), TortureCount(2, 16),
             TortureCount(1, 3));
}

// The same over HTTP: texts of four megabytes.
void JsonBodies(const Victim& victim, Grip* grip) {
  const auto wrapped = [](const char* begin, std::string_view element,
                          const char* end) {
    return begin + Repeated(element, kBodyBytes / element.size()) + end;
  };
  const std::vector<std::string> bodies = {
      wrapped("{\"recentItemIds\":[", "1,", "1]}"),
      wrapped("{\"recentItemKeys\":[", "\"\",", "\"\"]}"),
      wrapped("{\"vectors\":{\"a\":{\"values\":[", "1,", "1]}}}"),
      wrapped("{\"k\":", "1", "}"),
      wrapped("{\"userKey\":\"", "\\u0061", "\"}"),
      wrapped("", "[", ""),
      wrapped("{\"x\":[", "0,", "0]}"),
      wrapped("{", "\"k\":1,", "\"k\":1}"),
      wrapped("{\"k\":1", " ", "}"),
  };
  const uint16_t port = static_cast<uint16_t>(
      std::stoi(victim.http.substr(victim.http.rfind(':') + 1)));
  std::vector<std::thread> threads;
  for (int i = 0; i < TortureCount(2, 16); ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < TortureCount(1, 3); ++round) {
        for (const std::string& body : bodies) {
          RawClient client;
          if (grip->released() || !client.Connect(port)) return;
          client.Send(fmt::format(
              "POST /v1/retrieve HTTP/1.1\r\nHost: a\r\nContent-Length: "
              "{}\r\nConnection: close\r\n\r\n",
              body.size()));
          client.Send(body);
          client.Reply();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// --- HTTP ---

// Opens as many as the system lets it; does not wait for the server.
class Connections {
 public:
  ~Connections() { CloseAll(); }

  void Open(const std::string& address, int count, Grip* grip) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<uint16_t>(
        std::stoi(address.substr(address.rfind(':') + 1))));
    for (int i = 0; i < count && !grip->released(); ++i) {
      const int fd =
          socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fd < 0) return;
      connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
      fds_.push_back(fd);
    }
  }

  void Send(std::string_view bytes) {
    for (const int fd : fds_) {
      send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  }

  void CloseAll() {
    for (const int fd : fds_) close(fd);
    fds_.clear();
  }

 private:
  std::vector<int> fds_;
};

// Sends a beginning, and then the same bytes until the server has enough;
// again and again.
void Endless(const Victim& victim, Grip* grip, const std::string& begin,
             const std::string& more) {
  const auto end = Clock::now() + milliseconds(TortureCount(300, 3000));
  while (Clock::now() < end && !grip->released()) {
    const int fd = ConnectTo(victim.http);
    const timeval second = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
    bool open = send(fd, begin.data(), begin.size(), MSG_NOSIGNAL) > 0;
    while (open && Clock::now() < end && !grip->released()) {
      open = send(fd, more.data(), more.size(), MSG_NOSIGNAL) > 0;
    }
    close(fd);
  }
}

void EndlessHeads(const Victim& victim, Grip* grip) {
  const std::string post =
      "POST /v1/retrieve HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2";
  Endless(victim, grip, "GET / HTTP/1.1\r\nA: ", std::string(65536, 'a'));
  Endless(victim, grip, "GET /", std::string(65536, 'a'));
  Endless(victim, grip, "GET /healthz HTTP/1.1\r\n", Repeated("a:b\r\n", 9000));
  Endless(victim, grip, "", Repeated("\r\n", 32768));
  Endless(victim, grip, post + ";", std::string(65536, 'a'));
  Endless(victim, grip, post + "\r\n{}\r\n0\r\n", Repeated("a:b\r\n", 9000));
}

void SlowBytes(const Victim& victim, Grip* grip) {
  const int each = TortureCount(50, 333);
  Connections heads;
  Connections bodies;
  Connections prefaces;
  heads.Open(victim.http, each, grip);
  bodies.Open(victim.http, each, grip);
  prefaces.Open(victim.grpc, each, grip);
  std::this_thread::sleep_for(milliseconds(50));
  heads.Send("GET / HTTP/1.1\r\n");
  bodies.Send("POST /v1/retrieve HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
  const std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const auto end = Clock::now() + milliseconds(TortureCount(1000, 8000));
  for (size_t i = 0; Clock::now() < end && !grip->released(); ++i) {
    heads.Send("X");
    bodies.Send(" ");
    if (i < preface.size()) prefaces.Send(preface.substr(i, 1));
    std::this_thread::sleep_for(milliseconds(100));
  }
}

void ManyConnections(const std::string& address, Grip* grip,
                     std::string_view first_bytes) {
  Connections connections;
  connections.Open(address, TortureCount(1000, 10'000), grip);
  std::this_thread::sleep_for(milliseconds(100));
  connections.Send(first_bytes);
  grip->Hold();
}

// More connections than the server has descriptors, on every listener.
void AllDescriptors(const Victim& victim, Grip* grip) {
  std::deque<Connections> all(3);
  all[0].Open(victim.grpc, 100, grip);
  all[1].Open(victim.http, 100, grip);
  all[2].Open(victim.admin, 100, grip);
  grip->Hold();
}

void Ranges(const Victim& victim, Grip* grip) {
  const std::string request =
      "GET /metrics HTTP/1.1\r\nHost: a\r\nRange: bytes=" +
      Repeated("-,", 4000) + "-\r\nAccept-Encoding: br\r\n\r\n";
  const uint16_t port = static_cast<uint16_t>(
      std::stoi(victim.http.substr(victim.http.rfind(':') + 1)));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      RawClient client;
      if (!client.Connect(port)) return;
      for (int j = 0; j < TortureCount(10, 200) && !grip->released(); ++j) {
        if (!client.Send(request)) return;
        client.Reply();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Requests one after the other, of whose replies nobody takes a byte.
void UnreadPages(const Victim& victim, Grip* grip) {
  const std::string body = R"({"userKey":"u3","k":400,"view":"FULL"})";
  const std::string requests =
      Repeated("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" +
                   fmt::format("POST /v1/retrieve HTTP/1.1\r\nHost: a\r\n"
                               "Content-Length: {}\r\n\r\n{}",
                               body.size(), body),
               50);
  const uint16_t port = static_cast<uint16_t>(
      std::stoi(victim.http.substr(victim.http.rfind(':') + 1)));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < TortureCount(20, 200) && !grip->released(); ++i) {
    clients.push_back(std::make_unique<RawClient>(/*receive_buffer=*/4096));
    if (!clients.back()->Connect(port)) break;
    clients.back()->Send(requests);
  }
  grip->Hold();
}

// A client that is stopped while it has 256 calls in progress.
void StoppedClient(const Victim& victim, Grip* grip) {
  Process client({Program("tributary"), "bench", "--address", victim.grpc,
                  "--cold", "-k", "400", "--callers", "256", "--connections",
                  "4", "--duration", "60", "--deadline-ms", "60000"});
  for (int i = 0; i < 10 && !grip->released(); ++i) {
    std::this_thread::sleep_for(milliseconds(TortureCount(30, 200)));
  }
  client.Signal(SIGSTOP);
  grip->Hold();
}

std::vector<Attack> GrpcAttacks() {
  const std::string ping = FrameBytes(kPingFrame, 0, 0, "12345678");
  const std::string settings =
      FrameBytes(kSettingsFrame, 0, 0, std::string_view("\0\4\0\0\xff\xff", 6));
  const std::string priority = FrameBytes(2, 0, 1, std::string(5, '\0'));
  const auto frames = [](const std::string& frame) {
    return [frame](const Victim& victim, Grip* grip) {
      Frames(victim, grip, frame);
    };
  };
  const auto continuations = [](size_t bytes, size_t frame_bytes) {
    return [=](const Victim& victim, Grip* grip) {
      Continuations(victim, grip, bytes, frame_bytes);
    };
  };
  const size_t mebi = 1 << 20;
  return {
      {"zero_windows", ZeroWindows},
      {"rapid_reset", RapidReset},
      {"half_messages", HalfMessages},
      {"empty_batches", EmptyBatches},
      {"amplifying_bodies", Bodies},
      {"long_messages", LongMessages},
      {"unread_replies", UnreadReplies},
      {"stopped_client", StoppedClient},
      {"endless_headers",
       continuations(TortureCount(2 * mebi, 100 * mebi), kFramePayload)},
      {"endless_headers_by_bytes",
       continuations(TortureCount(mebi / 16, mebi * 2), 1)},
      {"hpack_bomb", HpackBomb},
      {"pings", frames(ping)},
      {"settings", frames(settings)},
      {"priorities", frames(priority)},
      {"garbage", frames(std::string(5000, '\x16'))},
  };
}

std::vector<Attack> HttpAttacks() {
  return {
      {"json_bodies", JsonBodies},   {"endless_heads", EndlessHeads},
      {"slow_bytes", SlowBytes},     {"ranges", Ranges},
      {"unread_pages", UnreadPages},
  };
}

std::vector<Attack> ConnectionAttacks() {
  const auto to = [](std::string Victim::*address, std::string bytes) {
    return [=](const Victim& victim, Grip* grip) {
      ManyConnections(victim.*address, grip, bytes);
    };
  };
  return {
      {"connections_grpc",
       to(&Victim::grpc, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0, true},
      {"connections_grpc_silent", to(&Victim::grpc, ""), 0, true},
      {"connections_http", to(&Victim::http, "GET /metrics HTTP/1.1\r\n\r\n"),
       0, true},
      {"connections_http_silent", to(&Victim::http, ""), 0, true},
      {"connections_admin", to(&Victim::admin, ""), 0, true},
      {"all_descriptors", AllDescriptors, 64, true},
  };
}

}  // namespace

void Grip::Hold() {
  MutexLock lock(&mutex_);
  held_ = true;
  changed_.NotifyAll();
  while (!released_) changed_.Wait(&mutex_);
}

bool Grip::released() const {
  const MutexLock lock(&mutex_);
  return released_;
}

void Grip::WaitUntilHeld(int timeout_ms) {
  const auto end = Clock::now() + milliseconds(timeout_ms);
  MutexLock lock(&mutex_);
  while (!held_ && Clock::now() < end) {
    changed_.WaitFor(&mutex_, end - Clock::now());
  }
}

void Grip::Release() {
  {
    const MutexLock lock(&mutex_);
    released_ = true;
  }
  changed_.NotifyAll();
}

void Grip::End() {
  {
    const MutexLock lock(&mutex_);
    held_ = true;
  }
  changed_.NotifyAll();
}

std::vector<Attack> AllAttacks() {
  std::vector<Attack> all;
  for (const auto& kind : {GrpcAttacks(), HttpAttacks(), ConnectionAttacks()}) {
    all.insert(all.end(), kind.begin(), kind.end());
  }
  return all;
}

}  // namespace tributary
