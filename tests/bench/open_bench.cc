// Opening a bundle costs the same whatever the number of users; verifying it
// reads every byte.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"
#include "index/verify/verify_bundle.h"

namespace tributary {
namespace {

constexpr uint32_t kDim = 8;

void Require(const absl::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "{}\n", status.ToString());
  std::abort();
}

// A bundle with so many users, each with a vector, and a thousand items.
class UserBundle {
 public:
  explicit UserBundle(uint64_t n_users)
      : root_(std::filesystem::temp_directory_path() /
              fmt::format("tributary-open-bench-{}-{}", ::getpid(), n_users)) {
    KeyList items{v1::UINT64, Numbers(1000), {}};
    KeyList users{v1::UINT64, Numbers(n_users), {}};
    auto writer = BundleWriter::Create(root_, 1);
    Require(writer.status());
    Require(writer->AddKeys("items", items));
    Require(writer->AddKeys("users", users));
    AddVectors("s.items.npy", 1000, &*writer);
    AddVectors("s.users.npy", n_users, &*writer);
    v1::Manifest manifest;
    SetTable(1000, manifest.mutable_items());
    SetTable(n_users, manifest.mutable_users());
    v1::EmbeddingSpace* space = manifest.add_spaces();
    space->set_name("s");
    space->set_dim(kDim);
    space->set_metric(v1::INNER_PRODUCT);
    space->set_item_vectors(1000);
    space->set_user_vectors(n_users);
    space->mutable_index()->set_kind("flat");
    v1::RetrieverSpec* retriever = manifest.add_retrievers();
    retriever->set_name("s");
    retriever->set_kind("vector");
    retriever->set_space("s");
    const auto dir = writer->Finish(manifest);
    Require(dir.status());
    dir_ = *dir;
  }
  ~UserBundle() { std::filesystem::remove_all(root_); }

  const std::filesystem::path& dir() const { return dir_; }

 private:
  static std::vector<uint64_t> Numbers(uint64_t n) {
    std::vector<uint64_t> numbers(n);
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
  }
  static void AddVectors(const char* name, uint64_t n, BundleWriter* writer) {
    const std::vector<float> values(n * kDim, 0.5f);
    Require(writer->AddArray<float>(name, values, kDim));
  }
  static void SetTable(uint64_t n, v1::KeyTable* table) {
    table->set_kind(v1::UINT64);
    table->set_count(n);
  }

  std::filesystem::path root_;
  std::filesystem::path dir_;
};

void BM_Open(benchmark::State& state) {
  const UserBundle bundle(static_cast<uint64_t>(state.range(0)));
  for (auto _ : state) {
    auto opened = Bundle::Open(bundle.dir());
    Require(opened.status());
    benchmark::DoNotOptimize(opened);
  }
}
BENCHMARK(BM_Open)
    ->ArgName("users")
    ->Arg(1'000)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Unit(benchmark::kMicrosecond);

void BM_Verify(benchmark::State& state) {
  const UserBundle bundle(static_cast<uint64_t>(state.range(0)));
  for (auto _ : state) Require(VerifyBundle(bundle.dir()));
}
BENCHMARK(BM_Verify)->ArgName("users")->Arg(1'000)->Arg(1'000'000)->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace tributary
