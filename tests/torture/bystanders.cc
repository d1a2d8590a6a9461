#include "tests/torture/bystanders.h"

#include <httplib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <utility>

#include "fmt/core.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {
namespace {

namespace health = grpc::health::v1;

constexpr int kDeadlineSeconds = 10;

double NowSeconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// A channel with a connection of its own.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(kDeadlineSeconds));
  context->set_wait_for_ready(true);
}

std::string ErrorOf(const grpc::Status& status) {
  if (status.ok()) return "";
  return fmt::format("{} {}", static_cast<int>(status.error_code()),
                     status.error_message());
}

std::string Check(health::Health::Stub* stub) {
  grpc::ClientContext context;
  SetDeadline(&context);
  health::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, {}, &response);
  if (status.ok() &&
      response.status() != health::HealthCheckResponse::SERVING) {
    return "not serving";
  }
  return ErrorOf(status);
}

std::string Retrieve(v1::Retrieval::Stub* stub) {
  grpc::ClientContext context;
  SetDeadline(&context);
  v1::RetrieveRequest request;
  request.set_user_key("u7");
  request.set_k(50);
  v1::RetrieveResponse response;
  const grpc::Status status = stub->Retrieve(&context, request, &response);
  if (status.ok() && response.item_keys_size() == 0) return "no items";
  return ErrorOf(status);
}

}  // namespace

double Answers::QuantileMs(double share) const {
  if (latencies_ms.empty()) return 0;
  std::vector<double> sorted = latencies_ms;
  std::ranges::sort(sorted);
  const auto rank = static_cast<size_t>(
      std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

std::string GetOverNewConnection(const std::string& address,
                                 const std::string& path) {
  httplib::Client client("http://" + address);
  client.set_connection_timeout(kDeadlineSeconds);
  client.set_read_timeout(kDeadlineSeconds);
  const auto result = client.Get(path);
  if (!result) return httplib::to_string(result.error());
  return result->status == 200 ? "" : fmt::format("status {}", result->status);
}

std::string CheckOverNewConnection(const std::string& address) {
  const auto stub = health::Health::NewStub(NewChannel(address));
  return Check(stub.get());
}

std::string RetrieveOverNewConnection(const std::string& address) {
  const auto stub = v1::Retrieval::NewStub(NewChannel(address));
  return Retrieve(stub.get());
}

double CpuSeconds(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  // The program's name, in parentheses, may have spaces.
  const size_t after_name = text.rfind(')');
  if (after_name == std::string::npos) return 0;
  std::istringstream fields(text.substr(after_name + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) /
         static_cast<double>(sysconf(_SC_CLK_TCK));
}

uint64_t ResidentBytes(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/statm", pid));
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

Bystanders::Bystanders(Victim victim)
    : victim_(std::move(victim)),
      cpu_seconds_before_(CpuSeconds(victim_.pid)),
      began_seconds_(NowSeconds()) {
  const auto start = [this](Answers Sight::*answers, int pause_ms,
                            std::function<std::string()> call) {
    threads_.emplace_back([this, answers, pause_ms, call = std::move(call)] {
      Repeat(answers, pause_ms, call);
    });
  };
  const std::shared_ptr<health::Health::Stub> prober =
      health::Health::NewStub(NewChannel(victim_.grpc));
  const std::shared_ptr<v1::Retrieval::Stub> caller =
      v1::Retrieval::NewStub(NewChannel(victim_.grpc));
  start(&Sight::health, 20, [prober] { return Check(prober.get()); });
  start(&Sight::retrieve, 5, [caller] { return Retrieve(caller.get()); });
  start(&Sight::http, 20,
        [this] { return GetOverNewConnection(victim_.http, "/healthz"); });
  start(&Sight::admin, 20,
        [this] { return GetOverNewConnection(victim_.admin, "/healthz"); });
  start(&Sight::new_client, 100,
        [this] { return CheckOverNewConnection(victim_.grpc); });
  threads_.emplace_back([this] { WatchMemory(); });
}

void Bystanders::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Sight Bystanders::Take() {
  const double cpu_seconds = CpuSeconds(victim_.pid);
  const double now_seconds = NowSeconds();
  const MutexLock lock(&mutex_);
  Sight taken = std::exchange(sight_, {});
  taken.cpu_seconds =
      cpu_seconds - std::exchange(cpu_seconds_before_, cpu_seconds);
  taken.seconds = now_seconds - std::exchange(began_seconds_, now_seconds);
  return taken;
}

void Bystanders::Repeat(Answers Sight::*answers, int pause_ms,
                        std::function<std::string()> call) {
  while (!stopping_) {
    const double began_seconds = NowSeconds();
    const std::string error = call();
    const double took_ms = (NowSeconds() - began_seconds) * 1000;
    {
      const MutexLock lock(&mutex_);
      Answers& to = sight_.*answers;
      if (error.empty()) {
        to.latencies_ms.push_back(took_ms);
      } else {
        ++to.errors[error];
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
  }
}

void Bystanders::WatchMemory() {
  while (!stopping_) {
    const uint64_t resident_bytes = ResidentBytes(victim_.pid);
    {
      const MutexLock lock(&mutex_);
      sight_.peak_resident_bytes =
          std::max(sight_.peak_resident_bytes, resident_bytes);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace tributary
