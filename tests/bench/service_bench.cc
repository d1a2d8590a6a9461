// Retrieve (k = 500, three sources) beside its floor: an RPC of the same kind
// of server that sends the same bytes without any work. Both are measured in
// turns, in one run.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/retrieval_client.h"
#include "fmt/core.h"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "index/publish/store.h"
#include "server/rpc/grpc_server.h"
#include "server/server.h"
#include "spdlog/spdlog.h"
#include "tests/bench/latencies.h"

namespace tributary {
namespace {

constexpr int kRounds = 5;
constexpr double kWarmUpSeconds = 0.5;
// gRPC spreads callers over connections badly; each has its own.
constexpr int kMaxCallers = 64;

template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  fmt::print(stderr, "{}\n", value.status().ToString());
  std::exit(1);
}

// Answers Retrieve with bytes that were made before.
class FloorService final : public grpc::Service {
 public:
  explicit FloorService(const std::string& reply) {
    const grpc::Slice slice(reply);
    reply_ = grpc::ByteBuffer(&slice, 1);
    AddMethod(new grpc::internal::RpcServiceMethod(
        "/tributary.v1.Retrieval/Retrieve",
        grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<FloorService, grpc::ByteBuffer,
                                             grpc::ByteBuffer>(
            [](FloorService* service, grpc::ServerContext*,
               const grpc::ByteBuffer*, grpc::ByteBuffer* out) {
              *out = service->reply_;
              return grpc::Status::OK;
            },
            this)));
  }

 private:
  grpc::ByteBuffer reply_;
};

std::vector<std::unique_ptr<RetrievalClient>> Connect(
    const std::string& address) {
  std::vector<std::unique_ptr<RetrievalClient>> clients;
  for (int i = 0; i < kMaxCallers; ++i) {
    clients.push_back(
        ValueOrDie(RetrievalClient::Connect(address, {.deadline_ms = 10000})));
  }
  return clients;
}

class ServiceBench {
 public:
  ServiceBench(const std::string& bundles, uint32_t k, double seconds)
      : k_(k), seconds_(seconds) {
    v1::ServerConfig config;
    config.set_bundles(bundles);
    config.set_listen("127.0.0.1:0");
    config.set_http("127.0.0.1:0");
    config.mutable_live_recall()->set_sample_share(0);
    server_ = ValueOrDie(Server::Start(config));
    LoadUsers(bundles);
    clients_ = Connect(server_->grpc_address());
    const auto reply = ValueOrDie(clients_[0]->Retrieve(Request(0)));
    floor_service_ = std::make_unique<FloorService>(reply.SerializeAsString());
    fmt::print("reply: {} candidates, {} bytes, from {} sources\n",
               reply.scores_size(), reply.ByteSizeLong(),
               reply.source_reports_size());
    floor_ = ValueOrDie(GrpcServer::Start({.field = "floor",
                                           .address = "127.0.0.1:0",
                                           .services = {floor_service_.get()},
                                           .max_calls = 256}));
    floor_clients_ = Connect(floor_->address());
  }

  void Run(int callers) {
    Latencies retrieve;
    Latencies floor;
    Round(clients_, callers, kWarmUpSeconds);
    Round(floor_clients_, callers, kWarmUpSeconds);
    for (int round = 0; round < kRounds; ++round) {
      Append(Round(clients_, callers, seconds_ / kRounds), &retrieve);
      Append(Round(floor_clients_, callers, seconds_ / kRounds), &floor);
    }
    Print("Retrieve", callers, retrieve);
    Print("same bytes, no work", callers, floor);
    fmt::print("{:<22}{:>8}{:>10.3f}{:>10.2f}{:>10.2f}\n", "ratio", callers,
               retrieve.Qps() / floor.Qps(),
               retrieve.Quantile(.5) / floor.Quantile(.5),
               retrieve.Quantile(.99) / floor.Quantile(.99));
  }

 private:
  using Clients = std::vector<std::unique_ptr<RetrievalClient>>;

  void LoadUsers(const std::string& bundles) {
    const uint64_t version = ValueOrDie(ReadCurrent(bundles));
    const auto bundle = ValueOrDie(Bundle::Open(std::filesystem::path(bundles) /
                                                fmt::format("{}", version)));
    const KeyTable& users = bundle->users();
    for (uint64_t i = 0; i < 1000 && users.size() > 0; ++i) {
      users_.push_back(users.text(static_cast<Row>(i * users.size() / 1000)));
    }
    if (users_.empty()) users_.emplace_back("anonymous");
  }

  v1::RetrieveRequest Request(uint64_t i) const {
    v1::RetrieveRequest request;
    request.set_user_key(users_[i % users_.size()]);
    request.set_k(k_);
    return request;
  }

  Latencies Round(const Clients& clients, int callers, double seconds) const {
    return Measure(callers, seconds, [&](int caller, uint64_t i) {
      // Each caller has users of its own.
      const uint64_t user = static_cast<uint64_t>(caller) * 127 + i;
      (void)ValueOrDie(
          clients[static_cast<size_t>(caller)]->Retrieve(Request(user)));
    });
  }

  static void Print(const char* what, int callers, const Latencies& l) {
    fmt::print("{:<22}{:>8}{:>10.0f}{:>10.1f}{:>10.1f}\n", what, callers,
               l.Qps(), l.Quantile(.5), l.Quantile(.99));
  }

  const uint32_t k_;
  const double seconds_;
  std::unique_ptr<Server> server_;
  std::vector<std::string> users_;
  Clients clients_;
  std::unique_ptr<FloorService> floor_service_;
  std::unique_ptr<GrpcServer> floor_;
  Clients floor_clients_;
};

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  CLI::App app("Retrieve beside an RPC that sends the same bytes");
  std::string bundles;
  uint32_t k = 500;
  double seconds = 5;
  std::vector<int> callers = {1, 4};
  app.add_option("--bundles", bundles, "Directory of versions")->required();
  app.add_option("-k", k, "Candidates")->capture_default_str();
  app.add_option("--seconds", seconds, "Per row")->capture_default_str();
  app.add_option("--callers", callers, "Concurrent callers")
      ->delimiter(',')
      ->check(CLI::Range(1, tributary::kMaxCallers));
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::warn);
  tributary::ServiceBench bench(bundles, k, seconds);
  fmt::print("{:<22}{:>8}{:>10}{:>10}{:>10}\n", "", "callers", "QPS", "p50 us",
             "p99 us");
  for (const int c : callers) bench.Run(c);
  return 0;
}
