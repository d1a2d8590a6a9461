// Swaps versions of the real server under load: each is staged (verified,
// mapped and warmed up) and activated, and the version before the previous one
// is unloaded. There are 100 swaps, or with TRIBUTARY_TORTURE=1 1,000 under two
// million requests. Torture also swaps versions of a million items and limits
// the latencies, which are always printed.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/npy.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/swap_load.h"
#include "tests/integration/torture.h"

namespace tributary {
namespace {

constexpr uint64_t kVersions = 3;

void Stage(Deployment* deployment, uint64_t version) {
  grpc::ClientContext context;
  v1::StageRequest request;
  request.set_version(version);
  v1::BundleStatus status;
  const auto done = deployment->control().Stage(&context, request, &status);
  ASSERT_TRUE(done.ok()) << done.error_message();
}

void Activate(Deployment* deployment, uint64_t version) {
  grpc::ClientContext context;
  v1::ActivateRequest request;
  request.set_version(version);
  v1::BundleStatus status;
  const auto done = deployment->control().Activate(&context, request, &status);
  ASSERT_TRUE(done.ok()) << done.error_message();
}

// The server starts with the highest version; swaps activate 1, 2, ... in turn.
void Swap(Deployment* deployment, int i) {
  const uint64_t version = 1 + static_cast<uint64_t>(i) % kVersions;
  Stage(deployment, version);
  Activate(deployment, version);
}

void ExpectFlat([[maybe_unused]] const SwapLoad::Outcome& outcome) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(_GLIBCXX_TSAN)
  // Sanitizers keep freed memory for a while. In a short run, a few threads'
  // heaps are still growing.
  const double margin = TortureCount(.05, .02);
  const auto before = static_cast<double>(outcome.resident_before);
  EXPECT_NEAR(static_cast<double>(outcome.resident_after) / before, 1, margin);
#endif
}

// On a quiet machine the ratio is 1.1; without CpuThrottle it is several times
// that.
void ExpectUnnoticed(const SwapLoad::Outcome& outcome) {
  if (!IsTorture()) return;
  EXPECT_LT(outcome.P99Ratio(), 1.5);
}

// All item keys have the version in them.
bool IsOfOneVersion(const v1::RetrieveResponse& response) {
  if (response.item_keys_size() != 200) return false;
  const std::string prefix = fmt::format("v{}-", response.bundle_version());
  for (const std::string& key : response.item_keys()) {
    if (!key.starts_with(prefix)) return false;
  }
  return true;
}

TEST(SwapTest, NoRequestFailsNoReplyMixesVersionsAndMemoryIsFlat) {
  Deployment deployment;
  for (uint64_t version = 1; version <= kVersions; ++version) {
    ASSERT_NO_FATAL_FAILURE(deployment.Build(version));
    std::filesystem::rename(deployment.built() / std::to_string(version),
                            deployment.bundles() / std::to_string(version));
  }
  deployment.StartServer();
  SwapLoad load(
      &deployment,
      {.pairs = TortureCount(5, 50),
       .swaps_per_window = 20,
       .requests_per_window = TortureCount<uint64_t>(1000, 20'000),
       .request =
           [](int caller, int i) {
             v1::RetrieveRequest request;
             request.set_k(200);
             request.set_user_key(fmt::format("u{}", (caller + 7 * i) % 60));
             return request;
           },
       .check = IsOfOneVersion});
  const auto outcome = load.Run([&](int i) { Swap(&deployment, i); });
  outcome.Print();
  EXPECT_EQ(outcome.failed, 0);
  EXPECT_EQ(outcome.wrong, 0);
  EXPECT_GE(outcome.swaps, TortureCount(100, 1000));
  EXPECT_GE(outcome.requests, TortureCount(10'000, 1'000'000));
  EXPECT_GE(deployment.Status().swaps(), outcome.swaps);
  ExpectFlat(outcome);
  ExpectUnnoticed(outcome);
  EXPECT_EQ(deployment.StopServer(), 0);
}

// Draws unit vectors from 200 Gaussians of rank 16 in 64 dimensions, plus
// noise, and writes them in the format of <space>.items.npy and .users.npy. The
// Gaussians are the same for every seed.
class Mixture {
 public:
  Mixture() {
    std::mt19937 random(1);
    for (float& value : centres_) value = normal_(random);
    for (float& value : bases_) value = normal_(random) / 2;
  }

  void Write(const std::filesystem::path& path, uint64_t rows, unsigned seed) {
    std::mt19937 random(seed);
    std::ofstream file(path, std::ios::binary);
    const std::string header = FormatNpyHeader(Dtype::kFloat32, 2, rows, kDim);
    file.write(header.data(), static_cast<std::streamsize>(header.size()));
    for (uint64_t row = 0; row < rows; ++row) {
      const std::array<float, kDim> vector = Draw(&random);
      file.write(reinterpret_cast<const char*>(vector.data()), sizeof(vector));
    }
  }

 private:
  static constexpr size_t kDim = 64;
  static constexpr size_t kRank = 16;
  static constexpr size_t kCentres = 200;

  std::array<float, kDim> Draw(std::mt19937* random) {
    const size_t cluster = (*random)() % kCentres;
    std::array<float, kDim> vector;
    for (size_t d = 0; d < kDim; ++d) {
      vector[d] = centres_[cluster * kDim + d] + normal_(*random) / 10;
    }
    for (size_t r = 0; r < kRank; ++r) {
      const float z = normal_(*random);
      const float* const basis = &bases_[(cluster * kRank + r) * kDim];
      for (size_t d = 0; d < kDim; ++d) vector[d] += z * basis[d];
    }
    float square = 0;
    for (const float value : vector) square += value * value;
    for (float& value : vector) value /= std::sqrt(square);
    return vector;
  }

  std::normal_distribution<float> normal_;
  std::vector<float> centres_ = std::vector<float>(kCentres * kDim);
  std::vector<float> bases_ = std::vector<float>(kCentres * kRank * kDim);
};

// Copies a version under another number, which only the manifest contains.
void CopyAs(const std::filesystem::path& root, uint64_t from, uint64_t to) {
  const auto source = root / std::to_string(from);
  const auto target = root / std::to_string(to);
  std::filesystem::create_directories(target);
  for (const auto& entry : std::filesystem::directory_iterator(source)) {
    if (entry.path().filename() == kManifestName) continue;
    // Copied, not linked, so that each version has its own pages.
    std::filesystem::copy(entry.path(), target / entry.path().filename());
  }
  std::string manifest = ReadFile(source / kManifestName);
  const std::string version = fmt::format("\"version\": \"{}\"", from);
  const size_t at = manifest.find(version);
  ASSERT_NE(at, std::string::npos) << manifest.substr(0, 300);
  manifest.replace(at, version.size(), fmt::format("\"version\": \"{}\"", to));
  OverwriteFile(target / kManifestName, manifest);
}

TEST(SwapTest, AMillionItemsAreMappedAndWarmedWithoutARequestNoticing) {
  if (!IsTorture()) GTEST_SKIP() << "TRIBUTARY_TORTURE=1 runs it";
  Deployment deployment;
  const auto data = MakeTestDir();
  Mixture mixture;
  mixture.Write(data / "behavior.items.npy", 1'000'000, 2);
  mixture.Write(data / "behavior.users.npy", 20'000, 3);
  const Outcome built = RunProgram({Program("tributary"), "build", "--data",
                                    "vectors:" + data.string(), "--out",
                                    deployment.bundles(), "--version", "1"});
  ASSERT_EQ(built.exit_status, 0) << built.output;
  for (uint64_t version = 2; version <= kVersions; ++version) {
    ASSERT_NO_FATAL_FAILURE(CopyAs(deployment.bundles(), 1, version));
  }
  deployment.StartServer();
  SwapLoad load(&deployment,
                {.callers = 2,
                 .pairs = 5,
                 .swaps_per_window = 4,
                 .requests_per_window = 10'000,
                 .request =
                     [](int caller, int i) {
                       v1::RetrieveRequest request;
                       request.set_k(500);
                       request.set_user_id(
                           static_cast<uint64_t>(caller + 7919 * i) % 20'000);
                       return request;
                     },
                 .check =
                     [](const v1::RetrieveResponse& response) {
                       return response.item_ids_size() == 500;
                     }});
  const auto outcome = load.Run([&](int i) { Swap(&deployment, i); });
  outcome.Print();
  EXPECT_EQ(outcome.failed, 0);
  EXPECT_EQ(outcome.wrong, 0);
  ExpectFlat(outcome);
  ExpectUnnoticed(outcome);
  EXPECT_EQ(deployment.StopServer(), 0);
}

}  // namespace
}  // namespace tributary
