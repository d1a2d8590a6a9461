#include "server/service/slow_call_log.h"

#include <iterator>

#include "fmt/format.h"

namespace tributary {
namespace {

double Milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

std::string_view StateText(SourceState state) {
  switch (state) {
    case SourceState::kAnswered:
      return "";
    case SourceState::kNoQuery:
      return ":no_query";
    case SourceState::kLate:
      return ":late";
    case SourceState::kFailed:
      return ":failed";
    case SourceState::kLeftOut:
      return ":left_out";
  }
  return "";
}

// Names of retrievers are letters, digits, '_', '-' and '.' in bundles of ours;
// those of others' bundles are quoted where they could be mistaken.
void AppendSources(const StageTimes& stages, std::string* line) {
  if (stages.source_count == 0) return;
  *line += " sources_ms=";
  for (uint32_t i = 0; i < stages.source_count; ++i) {
    const SourceStage& source = stages.sources[i];
    const bool plain =
        source.name.find_first_of(" =,:\"\n\t") == std::string_view::npos;
    *line += i == 0 ? "" : ",";
    *line +=
        plain ? std::string(source.name) : fmt::format("{:?}", source.name);
    *line += fmt::format(":{:.3f}{}", Milliseconds(source.duration),
                         StateText(source.state));
  }
}

void AppendStages(const StageTimes& stages, std::string* line) {
  if (stages.k > 0) *line += fmt::format(" k={}", stages.k);
  if (!stages.profile.empty()) {
    *line += fmt::format(" profile={}", stages.profile);
  }
  const std::string_view label = stages.from.label.view();
  if (!label.empty()) *line += fmt::format(" label={}", label);
  if (stages.from.bundle != nullptr) {
    *line += fmt::format(" version={}", stages.from.bundle->bundle().version());
  }
  const auto append = [line](std::string_view name,
                             std::chrono::nanoseconds time) {
    *line += fmt::format(" {}_ms={:.3f}", name, Milliseconds(time));
  };
  if (stages.planned > stages.began) {
    append("plan", stages.planned - stages.began);
  }
  if (stages.filter_began != SteadyTime()) append("filter", stages.filter);
  AppendSources(stages, line);
  if (stages.fused == SteadyTime()) return;
  append("fusion", stages.fusion);
  append("reply", stages.replied - stages.fused - stages.fusion);
  if (stages.deeper_rounds > 0) {
    *line += fmt::format(" deeper_rounds={}", stages.deeper_rounds);
  }
  if (stages.degraded) *line += " degraded=true";
  if (stages.level != v1::FULL_SERVICE) {
    *line += " level=" + v1::ServiceLevel_Name(stages.level);
  }
}

}  // namespace

std::optional<uint64_t> LineBudget::Take(SteadyTime now) {
  const MutexLock lock(&mutex_);
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    lines_ = 0;
  }
  if (lines_ == max_per_second_) {
    ++left_out_;
    return std::nullopt;
  }
  ++lines_;
  return std::exchange(left_out_, 0);
}

std::string SlowCallLine(const SlowCall& call, uint64_t suppressed) {
  std::string line = "event=slow_call request_id=" + call.request_id;
  if (!call.trace_id.empty()) line += " trace_id=" + call.trace_id;
  line += fmt::format(" method={:?} code={} total_ms={:.3f} wait_ms={:.3f}",
                      call.method, absl::StatusCodeToString(call.code),
                      Milliseconds(call.total), Milliseconds(call.wait));
  if (call.requests != 1) line += fmt::format(" requests={}", call.requests);
  if (call.entry.has_value()) line += fmt::format(" entry={}", *call.entry);
  if (call.stages != nullptr) AppendStages(*call.stages, &line);
  line += fmt::format(" suppressed={}", suppressed);
  return line;
}

}  // namespace tributary
