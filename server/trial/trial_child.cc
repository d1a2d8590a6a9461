// The process of a trial.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "index/bundle/bundle.h"
#include "index/search/vector_index.h"
#include "index/tower/user_tower.h"
#include "index/verify/verify_bundle.h"
#include "server/gate/gate.h"
#include "server/process/cpu_throttle.h"
#include "server/trial/child_process.h"
#include "server/trial/enter_trial.h"
#include "server/trial/trial.h"
#include "server/trial/trial_protocol.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

void WriteLine(std::string_view head, std::string_view text) {
  std::string line = fmt::format("{}{}\n", head, text);
  for (std::string_view left = line; !left.empty();) {
    const ssize_t wrote = ::write(kAnswerDescriptor, left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    // The parent no longer reads.
    if (wrote <= 0) _exit(1);
    left.remove_prefix(static_cast<size_t>(wrote));
  }
}

void Announce(std::string_view what) { WriteLine(kAtLine, what); }

std::string IndexFilesOf(const EmbeddingSpace& space) {
  const std::string& kind = space.spec->index().kind();
  const std::string& name = space.spec->name();
  if (kind == "faiss") return name + ".index";
  return kind == "flat" ? name + ".items.npy" : name + ".ivf.*.npy";
}

// Makes the retrievers of kinds that only this program knows. Those that every
// program knows read nothing that was not checked.
absl::Status MakeOwnKinds(const Bundle& bundle,
                          const RetrieverRegistry& registry) {
  const RetrieverRegistry built_in = RetrieverRegistry::BuiltIn();
  for (const v1::RetrieverSpec& spec : bundle.manifest().retrievers()) {
    if (built_in.Knows(spec.kind()) || !registry.Knows(spec.kind())) continue;
    Announce(fmt::format("making source {}", spec.name()));
    RETURN_IF_ERROR(registry.Make(bundle, spec).status());
  }
  return absl::OkStatus();
}

absl::Status Verify(const std::filesystem::path& dir,
                    const RetrieverRegistry& registry) {
  Announce("verifying its files");
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(dir));
  RETURN_IF_ERROR(VerifyBundle(*bundle));
  Announce("trying its towers");
  RETURN_IF_ERROR(CheckTowers(*bundle));
  RETURN_IF_ERROR(CheckIndexes(*bundle, [](const EmbeddingSpace& space) {
    Announce(fmt::format("trying {} index {} of space {}",
                         space.spec->index().kind(), IndexFilesOf(space),
                         space.spec->name()));
  }));
  return MakeOwnKinds(*bundle, registry);
}

absl::StatusOr<v1::GateReport> Measure(const v1::TrialRequest& request,
                                       const RetrieverRegistry& registry) {
  std::shared_ptr<const Bundle> old_bundle;
  std::string old_error;
  if (!request.old_bundle().empty()) {
    auto opened = Bundle::Open(request.old_bundle());
    if (opened.ok()) {
      old_bundle = *std::move(opened);
    } else {
      old_error = std::string(opened.status().message());
    }
  }
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(request.bundle()));
  ASSIGN_OR_RETURN(const GateMeasurements measured,
                   MeasureGate(old_bundle.get(), *bundle, registry,
                               request.gate(), Announce));
  v1::GateReport report = Decide(measured, request.gate());
  if (!old_error.empty()) {
    // It is not the new version's fault, but it must not go unseen either.
    v1::GateCheck& check = *report.add_checks();
    check.set_name("old");
    check.set_subject("version");
    check.set_verdict(v1::GateCheck::NOTED);
    check.set_note("not compared with the old version: " + old_error);
  }
  return report;
}

absl::StatusOr<v1::GateReport> Try(const v1::TrialRequest& request,
                                   const RetrieverRegistry& registry) {
  if (request.verify()) RETURN_IF_ERROR(Verify(request.bundle(), registry));
  if (request.has_gate()) return Measure(request, registry);
  v1::GateReport report;
  report.set_passed(true);
  return report;
}

absl::StatusOr<v1::GateReport> TryCatching(const v1::TrialRequest& request,
                                           const RetrieverRegistry& registry) {
  try {
    return Try(request, registry);
  } catch (const std::bad_alloc&) {
    return absl::FailedPreconditionError(fmt::format(
        "the trial needs more memory than the files' sizes and {} bytes",
        request.trial().max_extra_bytes()));
  } catch (const std::exception& error) {
    return absl::FailedPreconditionError(
        fmt::format("the trial failed: {}", error.what()));
  }
}

[[noreturn]] void RunTrial(const char* json,
                           const RetrieverRegistry& registry) {
  v1::TrialRequest request;
  if (!google::protobuf::util::JsonStringToMessage(json, &request).ok()) {
    _exit(1);
  }
  EnterTrial(request);
  const CpuThrottle throttle;
  const auto report = TryCatching(request, registry);
  v1::TrialAnswer answer;
  if (report.ok()) {
    *answer.mutable_gate() = *report;
  } else {
    // INTERNAL comes from a search library, and is the version's fault.
    const absl::Status& status = report.status();
    answer.set_code(static_cast<int>(absl::IsInternal(status)
                                         ? absl::StatusCode::kDataLoss
                                         : status.code()));
    answer.set_message(std::string(status.message()));
  }
  std::string answer_json;
  (void)google::protobuf::util::MessageToJsonString(answer, &answer_json);
  WriteLine(kDoneLine, answer_json);
  _exit(0);
}

}  // namespace

void RunTrialIfAsked(int argc, char** argv, const RetrieverRegistry& registry) {
  if (argc == 3 && std::strcmp(argv[1], kTrialArgument) == 0) {
    RunTrial(argv[2], registry);
  }
}

}  // namespace tributary
