// The time of an iteration of weighted ALS: prints milliseconds, the median of
// all iterations.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "fmt/core.h"
#include "index/assemble/build_config.h"
#include "index/data/data_set.h"
#include "index/train/als/als_trainer.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kMaxMalformedLines = 100;

int Run(const std::string& data_name, const v1::BuildConfig& wanted) {
  const auto data = ReadDataSet(data_name, kMaxMalformedLines);
  const auto config = CompleteBuildConfig(wanted);
  if (!data.ok() || !config.ok()) {
    fmt::print(stderr, "{}\n{}\n", data.status().ToString(),
               config.status().ToString());
    return 1;
  }
  std::vector<Clock::time_point> starts;
  const AlsTrainer trainer(
      config->als(), config->seed(), config->threads(),
      [&](std::string_view, double) { starts.push_back(Clock::now()); });
  const auto space = trainer.Train(*data);
  if (!space.ok()) {
    fmt::print(stderr, "{}\n", space.status().ToString());
    return 1;
  }
  std::vector<double> took_ms;
  for (size_t i = 1; i < starts.size(); ++i) {
    took_ms.push_back(
        std::chrono::duration<double, std::milli>(starts[i] - starts[i - 1])
            .count());
  }
  std::sort(took_ms.begin(), took_ms.end());
  fmt::print("{:.3f}\n", took_ms[took_ms.size() / 2]);
  return 0;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  CLI::App app("The time of an iteration of weighted ALS, in milliseconds");
  std::string data;
  uint32_t threads = 2;
  uint32_t dim = 64;
  uint32_t iterations = 10;
  app.add_option("--data", data, "As of `tributary build`")->required();
  app.add_option("--threads", threads)->capture_default_str();
  app.add_option("--dim", dim)->capture_default_str();
  app.add_option("--iterations", iterations)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  tributary::v1::BuildConfig config;
  config.set_threads(threads);
  config.mutable_als()->set_dim(dim);
  config.mutable_als()->set_iterations(iterations);
  config.mutable_als()->set_alpha(20);
  config.mutable_als()->set_regularization(0.004);
  return tributary::Run(data, config);
}
