#include "server/versions/status_board.h"

#include <utility>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "spdlog/spdlog.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr size_t kMaxTextBytes = 4096;

// A proto's string must be valid UTF-8, so it is not cut inside a character.
void Shorten(std::string* text) {
  text->resize(CutUtf8(*text, kMaxTextBytes).size());
}

}  // namespace

void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp) {
  const int64_t ns = absl::ToUnixNanos(time);
  timestamp->set_seconds(ns / 1'000'000'000);
  timestamp->set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
}

StatusBoard::StatusBoard() : started_at_(absl::Now()) {}

void StatusBoard::Refuse(uint64_t version, std::string reason) {
  Shorten(&reason);
  spdlog::warn("event=refused version={} reason={:?}", version, reason);
  const MutexLock lock(&mutex_);
  ++refusals_;
  last_refusal_.set_version(version);
  last_refusal_.set_reason(std::move(reason));
  SetTimestamp(absl::Now(), last_refusal_.mutable_at());
}

void StatusBoard::Report(v1::LoaderStatus loader) {
  Shorten(loader.mutable_store());
  Shorten(loader.mutable_last_error());
  if (loader.has_last_refusal()) {
    Shorten(loader.mutable_last_refusal()->mutable_reason());
  }
  const MutexLock lock(&mutex_);
  loader_ = std::move(loader);
}

void StatusBoard::Fill(v1::ServerStatus* status) const {
  SetTimestamp(started_at_, status->mutable_started_at());
  const MutexLock lock(&mutex_);
  status->set_refusals(refusals_);
  if (refusals_ > 0) *status->mutable_last_refusal() = last_refusal_;
  if (loader_.has_value()) *status->mutable_loader() = *loader_;
}

}  // namespace tributary
