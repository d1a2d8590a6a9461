// A directory of tiny bundles and a BundleSet over it.
#ifndef TRIBUTARY_TESTS_SERVER_VERSIONS_BUNDLE_SET_FIXTURE_H_
#define TRIBUTARY_TESTS_SERVER_VERSIONS_BUNDLE_SET_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/pipeline/server_config.h"
#include "server/versions/bundle_set.h"
#include "sync/mutex.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {

// Records which thread destroyed the retrievers of each version. Its registry
// has the built-in kinds, with "popularity" replaced by a retriever that
// reports its destruction.
class Destructions {
 public:
  RetrieverRegistry Registry() {
    RetrieverRegistry registry;
    registry.Register("vector",
                      [](const Bundle& bundle, const v1::RetrieverSpec& spec) {
                        return RetrieverRegistry::BuiltIn().Make(bundle, spec);
                      });
    registry.Register("popularity",
                      [this](const Bundle& bundle, const v1::RetrieverSpec&)
                          -> absl::StatusOr<std::unique_ptr<Retriever>> {
                        return std::make_unique<Witness>(bundle.version(),
                                                         this);
                      });
    return registry;
  }

  // Waits until the version's retriever is destroyed; returns the thread that
  // did it.
  std::thread::id WaitFor(uint64_t version) {
    MutexLock lock(&mutex_);
    while (!by_version_.contains(version)) changed_.Wait(&mutex_);
    return by_version_[version];
  }
  void WaitAndForget(uint64_t version) {
    WaitFor(version);
    const MutexLock lock(&mutex_);
    by_version_.erase(version);
  }
  bool Happened(uint64_t version) {
    const MutexLock lock(&mutex_);
    return by_version_.contains(version);
  }

 private:
  class Witness : public Retriever {
   public:
    Witness(uint64_t version, Destructions* destructions)
        : version_(version), destructions_(destructions) {}
    ~Witness() override {
      const MutexLock lock(&destructions_->mutex_);
      destructions_->by_version_[version_] = std::this_thread::get_id();
      destructions_->changed_.NotifyAll();
    }
    absl::StatusOr<Ask> Retrieve(
        const RetrieverQuery&, uint32_t,
        std::vector<ScoredRow>* proposals) const override {
      proposals->clear();
      return Ask::kAnswered;
    }

   private:
    const uint64_t version_;
    Destructions* const destructions_;
  };

  Mutex mutex_;
  CondVar changed_;
  std::map<uint64_t, std::thread::id> by_version_ ABSL_GUARDED_BY(mutex_);
};

class BundleSetTest : public testing::Test {
 protected:
  v1::ServerConfig Config() const {
    v1::ServerConfig config;
    config.set_bundles(root_);
    config.mutable_defaults()->set_deadline_ms(60'000);
    v1::QuotaShare* share = config.mutable_defaults()->add_quotas();
    share->set_retriever("taste");
    share->set_share(1);
    return CompleteServerConfig(config).value();
  }
  std::vector<std::pair<uint64_t, v1::BundleState>> States() {
    std::vector<std::pair<uint64_t, v1::BundleState>> states;
    const auto list = set_.List();
    EXPECT_TRUE(list.ok()) << list.status();
    for (const v1::BundleStatus& bundle : list->bundles()) {
      states.emplace_back(bundle.version(), bundle.state());
    }
    return states;
  }
  std::vector<std::pair<uint64_t, v1::BundleState>> Resident() {
    std::vector<std::pair<uint64_t, v1::BundleState>> states;
    const v1::ServerStatus status = set_.GetStatus();
    for (const v1::BundleStatus& bundle : status.bundles()) {
      states.emplace_back(bundle.version(), bundle.state());
    }
    return states;
  }
  static std::vector<uint64_t> Residents(const BundleSet& set) {
    std::vector<uint64_t> versions;
    const v1::ServerStatus status = set.GetStatus();
    for (const auto& bundle : status.bundles()) {
      versions.push_back(bundle.version());
    }
    return versions;
  }
  static absl::StatusOr<v1::ServerStatus> SetLabel(BundleSet* set,
                                                   const std::string& name,
                                                   uint64_t version,
                                                   double share) {
    v1::SetLabelRequest request;
    request.set_name(name);
    request.set_version(version);
    request.set_share(share);
    return set->SetLabel(request);
  }
  // The version that answers an anonymous request; 0 for an error.
  uint64_t RoutedVersion(const std::string& label) {
    v1::RetrieveRequest request;
    request.set_bundle_label(label);
    const auto routed = set_.Route(request);
    return routed.ok() ? routed->bundle->bundle().version() : 0;
  }
  void StageAndActivate(uint64_t version) {
    const auto staged = set_.Stage(version);
    ASSERT_TRUE(staged.ok()) << staged.status();
    const auto active = set_.Activate(version);
    ASSERT_TRUE(active.ok()) << active.status();
    EXPECT_EQ(active->state(), v1::ACTIVE);
  }
  void FlipAByte(const std::filesystem::path& file) {
    std::string contents = ReadFile(file);
    contents.back() ^= 1;
    OverwriteFile(file, contents);
  }

  const std::filesystem::path root_ = MakeTestDir();
  Destructions destructions_;
  std::vector<uint64_t> resident_;
  std::vector<uint64_t> activated_;
  BundleSet set_{Config(),
                 destructions_.Registry(),
                 {.on_resident =
                      [this](const ServingBundle& resident) {
                        resident_.push_back(resident.bundle().version());
                      },
                  .on_activated =
                      [this](const ServingBundle& active, absl::Duration) {
                        activated_.push_back(active.bundle().version());
                      }}};
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_VERSIONS_BUNDLE_SET_FIXTURE_H_
