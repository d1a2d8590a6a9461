// Retrieve (k = 500, three sources) beside its floor: an RPC of the same kind
// of server, in the same process, that sends the same bytes without any work.
// Both are measured in turns, in one run, by the same generator.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/load/load_generator.h"
#include "client/retrieval_client.h"
#include "fmt/format.h"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "index/bundle/version_directory.h"
#include "server/rpc/grpc_server.h"
#include "server/server.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

// Of both, in turns: what the machine's other load does to one it does to the
// other.
constexpr int kRounds = 10;
constexpr std::chrono::milliseconds kWarmUp(100);

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

absl::StatusOr<std::shared_ptr<const Bundle>> OpenCurrent(
    const std::string& bundles) {
  const uint64_t version = ValueOrDie(ReadCurrent(bundles));
  return Bundle::Open(std::filesystem::path(bundles) /
                      fmt::format("{}", version));
}

std::vector<std::string> SomeUsers(const std::string& bundles) {
  constexpr uint64_t kUsers = 1000;
  const auto bundle = ValueOrDie(OpenCurrent(bundles));
  const KeyTable& users = bundle->users();
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < kUsers && users.size() > 0; ++i) {
    keys.push_back(users.text(static_cast<Row>(i * users.size() / kUsers)));
  }
  if (keys.empty()) keys.emplace_back("anonymous");
  return keys;
}

struct BenchOptions {
  std::string bundles;
  uint32_t k = 500;
  // Retrievers, one quota of the same size for each; none: the default.
  std::vector<std::string> sources;
  // For each of both, at each number of callers.
  double seconds = 5;
  std::vector<uint32_t> callers = {1, 4, 16};
  // Of the data, in what is written to `json`, unless that is empty.
  std::string name = "service";
  std::string json;
};

// What is wanted where the catalogue is small, and where it is large.
constexpr double kFloorGoal = 0.85;
constexpr uint64_t kSmallCatalogue = 10'000;
constexpr double kApartGoal = 0.9;
constexpr uint64_t kLargeCatalogue = 1'000'000;
constexpr double kSpreadGoal = 3;
constexpr uint32_t kSpreadCallers = 4;

class ServiceBench {
 public:
  explicit ServiceBench(const BenchOptions& options)
      : options_(options), users_(SomeUsers(options.bundles)) {
    v1::ServerConfig config;
    config.set_bundles(options.bundles);
    config.set_listen("127.0.0.1:0");
    config.set_http("127.0.0.1:0");
    config.set_admin("off");
    config.mutable_live_recall()->set_sample_share(0);
    server_ = ValueOrDie(Server::Start(config));
    const auto client = ValueOrDie(RetrievalClient::Connect(
        server_->grpc_address(), {.wait_for_ready = true}));
    v1::RetrieveRequest request = Request();
    request.set_user_key(users_[0]);
    const auto reply = ValueOrDie(client->Retrieve(request));
    fmt::print("reply: {} candidates, {} bytes, from", reply.scores_size(),
               reply.ByteSizeLong());
    for (const v1::SourceReport& report : reply.source_reports()) {
      fmt::print(" {}", report.name());
    }
    fmt::print("\n");
    floor_service_ = std::make_unique<FloorService>(reply.SerializeAsString());
    floor_ = ValueOrDie(GrpcServer::Start({.field = "floor",
                                           .address = "127.0.0.1:0",
                                           .services = {floor_service_.get()},
                                           .max_calls = 256}));
    const LoadReport alone = Connect(server_->grpc_address(), 1)->Run();
    items_ = ValueOrDie(OpenCurrent(options.bundles))->items().size();
    search_s_ = static_cast<double>(alone.sources_us) * 1e-6 /
                static_cast<double>(alone.answered);
    fmt::print("searching takes {:.0f} us a call with one caller\n",
               search_s_ * 1e6);
  }

  void Run(uint32_t callers) {
    const auto retrieve = Connect(server_->grpc_address(), callers);
    const auto floor = Connect(floor_->address(), callers);
    LoadReport retrieve_report;
    LoadReport floor_report;
    for (int round = 0; round < kRounds; ++round) {
      retrieve_report.Append(retrieve->Run());
      floor_report.Append(floor->Run());
    }
    Print("Retrieve", callers, retrieve_report);
    Print("same bytes, no work", callers, floor_report);
    fmt::print("{:<22}{:>8}{:>10.3f}\n", "ratio", callers,
               retrieve_report.Qps() / floor_report.Qps());
    // What would be left if a call cost its RPC and its searches, and nothing
    // else. Searches share the cores that calls do.
    const double share =
        std::min(callers, std::max(1U, std::thread::hardware_concurrency()));
    const double apart = 1 / (1 / floor_report.Qps() + search_s_ / share);
    fmt::print("{:<22}{:>8}{:>10.3f}\n", "ratio to RPC + search", callers,
               retrieve_report.Qps() / apart);
    if (items_ <= kSmallCatalogue) {
      AddGoal("QPS beside the same bytes without work", callers,
              retrieve_report.Qps(), floor_report.Qps(), kFloorGoal, false);
    }
    if (items_ >= kLargeCatalogue) {
      AddGoal("QPS beside RPC and search apart", callers, retrieve_report.Qps(),
              apart, kApartGoal, false);
    }
    if (callers == kSpreadCallers) {
      AddGoal("p99 us beside p50", callers, Micros(retrieve_report, .99),
              Micros(retrieve_report, .5), kSpreadGoal, true);
    }
  }

  // Rows as those of tests/bench/peers/compare.py.
  void WriteGoals() const {
    std::ofstream(options_.json)
        << fmt::format("[{}]\n", fmt::join(goals_, ",\n"));
  }

 private:
  v1::RetrieveRequest Request() const {
    v1::RetrieveRequest request;
    request.set_k(options_.k);
    const auto sources = static_cast<uint32_t>(options_.sources.size());
    for (const std::string& source : options_.sources) {
      (*request.mutable_quotas())[source].set_target(options_.k / sources);
    }
    return request;
  }

  // A connection for every four callers, two threads to drive them.
  std::unique_ptr<LoadGenerator> Connect(const std::string& address,
                                         uint32_t callers) const {
    LoadOptions load;
    load.address = address;
    load.request = Request();
    load.users = UserKeys(users_);
    load.callers = callers;
    load.connections = std::max(1U, callers / 4);
    load.threads = std::min(callers, 2U);
    load.deadline_ms = 10'000;
    load.warm_up = kWarmUp;
    load.duration = std::chrono::nanoseconds(
        std::llround(options_.seconds * 1e9 / kRounds));
    return ValueOrDie(LoadGenerator::Connect(load));
  }

  static double Micros(const LoadReport& report, double share) {
    return std::chrono::duration<double, std::micro>(
               report.latency.Quantile(share))
        .count();
  }

  static void Print(const char* what, uint32_t callers, const LoadReport& r) {
    fmt::print("{:<22}{:>8}{:>10.0f}{:>10.1f}{:>10.1f}{:>10.2f}{:>8}\n", what,
               callers, r.Qps(), Micros(r, .5), Micros(r, .99),
               Micros(r, .99) / Micros(r, .5), r.failed() + r.degraded);
  }

  void AddGoal(const char* goal, uint32_t callers, double ours, double peer,
               double wanted, bool at_most) {
    const double ratio = ours / peer;
    goals_.push_back(fmt::format(
        R"({{"goal":"{}: {}, {} callers","ours":{:.1f},"peer":{:.1f},)"
        R"("ratio":{:.3f},"wanted":"{} {}","met":{},"recall":""}})",
        options_.name, goal, callers, ours, peer, ratio, at_most ? "<=" : ">=",
        wanted, at_most ? ratio <= wanted : ratio >= wanted));
  }

  const BenchOptions options_;
  const std::vector<std::string> users_;
  uint64_t items_ = 0;
  std::vector<std::string> goals_;
  // Of a call, when it has the machine for itself.
  double search_s_ = 0;
  std::unique_ptr<Server> server_;
  std::unique_ptr<FloorService> floor_service_;
  std::unique_ptr<GrpcServer> floor_;
};

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  CLI::App app("Retrieve beside an RPC that sends the same bytes");
  tributary::BenchOptions options;
  app.add_option("--bundles", options.bundles, "Directory of versions")
      ->required();
  app.add_option("-k", options.k, "Candidates")->capture_default_str();
  app.add_option("--sources", options.sources,
                 "Retrievers, an equal quota for each; default: the server's")
      ->delimiter(',');
  app.add_option("--seconds", options.seconds, "Per row")
      ->capture_default_str();
  app.add_option("--callers", options.callers, "Concurrent callers")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000));
  app.add_option("--name", options.name, "Of the data, in --json")
      ->capture_default_str();
  app.add_option("--json", options.json, "File for ratios and what is wanted");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::warn);
  tributary::ServiceBench bench(options);
  fmt::print("{:<22}{:>8}{:>10}{:>10}{:>10}{:>10}{:>8}\n", "", "callers", "QPS",
             "p50 us", "p99 us", "p99/p50", "failed");
  for (const uint32_t callers : options.callers) bench.Run(callers);
  if (!options.json.empty()) bench.WriteGoals();
  return 0;
}
