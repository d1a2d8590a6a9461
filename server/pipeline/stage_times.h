#ifndef TRIBUTARY_SERVER_PIPELINE_STAGE_TIMES_H_
#define TRIBUTARY_SERVER_PIPELINE_STAGE_TIMES_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "server/fusion/fusion.h"
#include "server/pipeline/fan_out.h"
#include "server/pipeline/reply.h"
#include "server/versions/bundle_routes.h"

namespace tributary {

// A source, as it was asked for a request.
struct SourceStage {
  // Views the bundle.
  std::string_view name;
  // {} where it was not started.
  SteadyTime began;
  std::chrono::nanoseconds duration{0};
  SourceState state = SourceState::kLate;
  uint32_t asked = 0;
  uint32_t proposed = 0;
  uint32_t admitted = 0;
};

// What a request spent its time on, for whoever tells of it when the request is
// over. Its owner keeps it from request to request, so that it allocates
// nothing; times that are {} did not come.
struct StageTimes {
  // The plan begins.
  SteadyTime began;
  // The sources begin.
  SteadyTime planned;
  SteadyTime fused;
  // The reply has its form.
  SteadyTime replied;
  // When the search for what passes the filter began, and how long it took.
  SteadyTime filter_began;
  std::chrono::nanoseconds filter{0};
  std::chrono::nanoseconds fusion{0};
  uint32_t k = 0;
  uint32_t candidates = 0;
  uint32_t deeper_rounds = 0;
  bool degraded = false;
  bool cold_start = false;
  v1::ServiceLevel level = v1::FULL_SERVICE;
  // Views the configuration; empty for none.
  std::string_view profile;
  uint32_t source_count = 0;
  std::array<SourceStage, kMaxSources> sources;
  // Keeps what `sources` view. Whoever calls the pipeline sets it, and lets go
  // of it when the call is over.
  RoutedBundle from;
  // Called on another thread, after the request, when the searches of a request
  // that live recall took have been repeated: when that began, and ended. Null
  // where nobody wants to know.
  std::function<void(SteadyTime, SteadyTime)> on_recall_measured;

  // Forgets the request before, but neither `from` nor on_recall_measured.
  void Begin(SteadyTime now) {
    began = now;
    planned = fused = replied = filter_began = {};
    filter = fusion = {};
    k = candidates = deeper_rounds = source_count = 0;
    degraded = cold_start = false;
    level = v1::FULL_SERVICE;
    profile = {};
  }
};

// Notes the sources that were asked, and the plan; fusion may still come.
void NoteSources(const ServingBundle& bundle, const Plan& plan,
                 std::span<const SourceResult> results, StageTimes* stages);
// Notes the rest: `fusion` began at `fused`, in all its rounds, and the reply
// was complete at `replied`.
void NoteReply(const Reply& reply, SteadyTime fused,
               std::chrono::nanoseconds fusion, SteadyTime replied,
               StageTimes* stages);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_STAGE_TIMES_H_
