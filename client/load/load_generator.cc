#include "client/load/load_generator.h"

#include <future>
#include <numeric>
#include <string_view>
#include <utility>

#include "client/load/lane.h"
#include "client/server_address.h"
#include "fmt/format.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kMaxCallers = 10'000;
constexpr auto kConnectTimeout = std::chrono::seconds(5);
constexpr auto kProgressInterval = std::chrono::milliseconds(100);
// Holds the longest reply.
constexpr int kMaxResponseBytes = 64 << 20;

absl::Status CheckRange(std::string_view option, uint32_t value,
                        uint32_t highest) {
  if (value >= 1 && value <= highest) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: {}, expected 1 to {}", option, value, highest));
}

absl::Status CheckOptions(const LoadOptions& options) {
  absl::Status status = CheckRange("callers", options.callers, kMaxCallers);
  status.Update(
      CheckRange("connections", options.connections, options.callers));
  status.Update(CheckRange("threads", options.threads, options.callers));
  status.Update(CheckRange("deadline_ms", options.deadline_ms, UINT32_MAX));
  // Written so that NaN fails.
  if (!(options.rate >= 0 && options.rate <= 1e7)) {
    status.Update(absl::InvalidArgumentError(
        fmt::format("rate: {}, expected 0 to 10000000", options.rate)));
  }
  status.Update(CheckServerAddress("address", options.address));
  return status;
}

// Channels with equal arguments share a connection unless each has its own
// subchannel pool.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(
    const LoadOptions& options) {
  grpc::ChannelArguments arguments;
  SetProxyFor(options.address, &arguments);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  return OpenChannel(options.address, options.credentials, arguments);
}

// Returns the size of the i-th of `parts` nearly equal parts of `whole`.
uint32_t PartOf(uint32_t whole, uint32_t parts, uint32_t i) {
  return whole / parts + (i < whole % parts ? 1 : 0);
}

uint64_t SumOfCalls(const std::vector<std::unique_ptr<Lane>>& lanes) {
  return std::accumulate(
      lanes.begin(), lanes.end(), uint64_t{0},
      [](uint64_t sum, const auto& lane) { return sum + lane->calls(); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadGenerator>> LoadGenerator::Connect(
    const LoadOptions& options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
  Stubs stubs;
  for (uint32_t i = 0; i < options.connections; ++i) {
    const auto channel = MakeChannel(options);
    if (!channel.ok()) return channel.status();
    if (!(*channel)->WaitForConnected(deadline)) {
      return absl::UnavailableError(ExplainUnavailable(
          options.address,
          fmt::format("{}: no server answers", options.address)));
    }
    stubs.push_back(v1::Retrieval::NewStub(*channel));
  }
  return std::unique_ptr<LoadGenerator>(
      new LoadGenerator(options, std::move(stubs)));
}

LoadGenerator::LoadGenerator(const LoadOptions& options, Stubs stubs)
    : options_(options), stubs_(std::move(stubs)) {}

LoadReport LoadGenerator::Run(const Progress& progress) const {
  const auto start = Clock::now();
  const LoadWindow window{.start = start,
                          .measured = start + options_.warm_up,
                          .end = start + options_.warm_up + options_.duration};
  std::vector<std::unique_ptr<Lane>> lanes;
  uint32_t first_caller = 0;
  for (uint32_t i = 0; i < options_.threads; ++i) {
    const uint32_t callers = PartOf(options_.callers, options_.threads, i);
    lanes.push_back(std::make_unique<Lane>(options_, stubs_, window,
                                           first_caller, callers));
    first_caller += callers;
  }

  std::vector<std::future<void>> runs;
  for (const auto& lane : lanes) {
    runs.push_back(std::async(std::launch::async, &Lane::Run, lane.get()));
  }
  for (const std::future<void>& run : runs) {
    while (run.wait_for(kProgressInterval) != std::future_status::ready) {
      if (progress == nullptr) continue;
      const std::chrono::duration<double> done = Clock::now() - start;
      progress(done / (window.end - start), SumOfCalls(lanes));
    }
  }
  LoadReport report;
  for (const auto& lane : lanes) report.Merge(lane->report());
  return report;
}

}  // namespace tributary
