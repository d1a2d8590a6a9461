#include "server/metrics/server_metrics.h"

#include <utility>

namespace tributary {
namespace {

// The factor by which a sample's weight decays with each later sample: weights
// add up to 1 / (1 - kDecay) = 100 samples.
constexpr double kDecay = 0.99;

// What metrics call the active version.
constexpr std::string_view kActiveLabel = "stable";

}  // namespace

void LiveRecallMetrics::Add(uint64_t found, uint64_t expected) {
  hits_.Add(found);
  expected_.Add(expected);
  const auto decay = [](std::atomic<double>* sum, uint64_t sample) {
    sum->store(sum->load(std::memory_order_relaxed) * kDecay +
                   static_cast<double>(sample),
               std::memory_order_relaxed);
  };
  decay(&recent_hits_, found);
  decay(&recent_expected_, expected);
}

double LiveRecallMetrics::recent() const {
  const double expected = recent_expected_.load(std::memory_order_relaxed);
  if (expected <= 0) return 1;
  return recent_hits_.load(std::memory_order_relaxed) / expected;
}

ServerMetrics::ServerMetrics() {
  const MutexLock lock(&mutex_);
  AddRetriever(kOtherName);
  AddAudience(kOtherName, kOtherName);
  AddAudience(kActiveLabel, "");
}

ServerMetrics::~ServerMetrics() = default;

MethodMetrics& ServerMetrics::AddMethod(std::string service,
                                        std::string method) {
  const MutexLock lock(&mutex_);
  const size_t slot = method_count_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < slot; ++i) {
    if (methods_[i]->service == service && methods_[i]->method == method) {
      return *methods_[i];
    }
  }
  methods_.at(slot) = std::make_unique<MethodMetrics>();
  methods_[slot]->service = std::move(service);
  methods_[slot]->method = std::move(method);
  method_count_.store(slot + 1, std::memory_order_release);
  return *methods_[slot];
}

void ServerMetrics::AddRetriever(std::string_view name) {
  const size_t slot = retriever_count_.load(std::memory_order_relaxed);
  if (slot == retrievers_.size()) return;
  retrievers_[slot] = std::make_unique<RetrieverMetrics>();
  retrievers_[slot]->name = name;
  retrievers_[slot]->slot = slot;
  // Publishes the entry to ForRetriever, which takes no lock.
  retriever_count_.store(slot + 1, std::memory_order_release);
}

RetrieverMetrics& ServerMetrics::ForRetriever(std::string_view name) {
  // For a handful of short names, a linear search is faster than a hash table.
  const size_t count = retriever_count_.load(std::memory_order_acquire);
  for (size_t i = 1; i < count; ++i) {
    if (retrievers_[i]->name == name) return *retrievers_[i];
  }
  return *retrievers_[0];
}

void ServerMetrics::ForEachLiveRecall(
    const std::function<void(std::string_view name, double recall)>& visit)
    const {
  const size_t count = retriever_count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    const LiveRecallMetrics& longest = retrievers_[i]->live_recall.back();
    if (longest.expected() > 0) visit(retrievers_[i]->name, longest.recent());
  }
}

void ServerMetrics::AddAudience(std::string_view label,
                                std::string_view profile) {
  const size_t slot = audience_count_.load(std::memory_order_relaxed);
  if (slot > kMaxAudiences) return;
  audiences_[slot] = std::make_unique<AudienceMetrics>();
  audiences_[slot]->label = label;
  audiences_[slot]->profile = profile;
  audience_count_.store(slot + 1, std::memory_order_release);
}

AudienceMetrics* ServerMetrics::FindAudience(std::string_view label,
                                             std::string_view profile) const {
  const size_t count = audience_count_.load(std::memory_order_acquire);
  for (size_t i = 1; i < count; ++i) {
    if (audiences_[i]->label == label && audiences_[i]->profile == profile) {
      return audiences_[i].get();
    }
  }
  return nullptr;
}

AudienceMetrics& ServerMetrics::ForAudience(std::string_view label,
                                            std::string_view profile) {
  if (label.empty()) label = kActiveLabel;
  if (AudienceMetrics* const found = FindAudience(label, profile)) {
    return *found;
  }
  if (audience_count_.load(std::memory_order_acquire) > kMaxAudiences) {
    return *audiences_[0];
  }
  const MutexLock lock(&mutex_);
  // Another thread may have added it meanwhile.
  if (FindAudience(label, profile) == nullptr) AddAudience(label, profile);
  AudienceMetrics* const added = FindAudience(label, profile);
  return added == nullptr ? *audiences_[0] : *added;
}

void ServerMetrics::MadeResident(const v1::Manifest& manifest) {
  const MutexLock lock(&mutex_);
  for (const v1::RetrieverSpec& spec : manifest.retrievers()) {
    if (ForRetriever(spec.name()).slot == 0) AddRetriever(spec.name());
  }
}

void ServerMetrics::Activated(const v1::Manifest& manifest,
                              std::chrono::nanoseconds swap_duration) {
  swap_seconds_.Observe(swap_duration);
  const MutexLock lock(&mutex_);
  measured_recall_ = manifest.measured_recall();
}

void ServerMetrics::WatchBundles(std::function<v1::ServerStatus()> get_status) {
  const MutexLock lock(&mutex_);
  get_status_ = std::move(get_status);
}

}  // namespace tributary
