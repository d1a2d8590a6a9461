#include "server/loader/version_trial.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <span>
#include <system_error>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/sha256.h"
#include "index/bundle/version_directory.h"
#include "server/process/memory.h"
#include "server/trial/trial.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr char kThisProgram[] = "/proc/self/exe";
constexpr uint32_t kUsersToVerify = 20;

std::string HashText(const std::string& text) {
  return Sha256Hex(std::as_bytes(std::span(text)));
}

std::string ReadWhole(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Identifies this program: another one may judge otherwise.
std::string ProgramText() {
  std::error_code error;
  const auto size = fs::file_size(kThisProgram, error);
  const auto time = fs::last_write_time(kThisProgram, error);
  return fmt::format("{}-{}", size, time.time_since_epoch().count());
}

absl::Status CheckRoom(const fs::path& dir) {
  const auto memory = ReadProcessMemory();
  // Without figures there is nothing to compare with.
  return memory.ok() ? CheckRoomFor(dir, *memory) : absl::OkStatus();
}

}  // namespace

absl::Status VersionTrial::Verify(const fs::path& dir,
                                  const std::stop_token& stop) const {
  TrialTask task{
      .bundle = dir, .gate = config_.gate(), .trial = config_.trial()};
  // A server without CURRENT opens the highest version in the directory: so
  // every source is asked before the version appears there. The verdict of the
  // gate comes later.
  task.gate->set_sample_users(kUsersToVerify);
  absl::Status status = CheckRoom(dir);
  if (status.ok()) status = TryVersion(task, stop).status();
  return absl::IsResourceExhausted(status)
             ? absl::UnavailableError(status.message())
             : status;
}

absl::StatusOr<v1::GateReport> VersionTrial::Gate(
    uint64_t version, uint64_t active, bool verify,
    const std::stop_token& stop) const {
  if (!config_.gate().enabled() && !verify) {
    v1::GateReport report;
    report.set_version(version);
    report.set_passed(true);
    return report;
  }
  TrialTask task{.bundle = VersionPath(config_.bundles(), version),
                 .verify = verify,
                 .trial = config_.trial()};
  if (config_.gate().enabled()) task.gate = config_.gate();
  const uint64_t old_version = OldVersion(version, active);
  if (old_version != 0) {
    task.old_bundle = VersionPath(config_.bundles(), old_version);
  }
  RETURN_IF_ERROR(CheckRoom(task.bundle));
  return TryVersion(task, stop);
}

uint64_t VersionTrial::OldVersion(uint64_t version, uint64_t active) const {
  std::error_code error;
  const fs::path manifest =
      VersionPath(config_.bundles(), active) / kManifestName;
  return active < version && fs::exists(manifest, error) ? active : 0;
}

std::string VersionTrial::VerifyDependsOn() const {
  std::string settings = config_.trial().SerializeAsString();
  if (!config_.product().empty()) settings += "product " + config_.product();
  for (const std::string& key : config_.public_keys()) {
    settings += HashText(ReadWhole(key));
  }
  return fmt::format("program {}, settings {}", ProgramText(),
                     HashText(settings));
}

std::string VersionTrial::GateDependsOn(uint64_t version,
                                        uint64_t active) const {
  // The program: another one may know other kinds of retrievers.
  return fmt::format("program {}, gate {}, forced {}, against {}",
                     ProgramText(),
                     HashText(config_.gate().SerializeAsString()),
                     IsForced(version), OldVersion(version, active));
}

bool VersionTrial::IsForced(uint64_t version) const {
  return std::find(config_.force().begin(), config_.force().end(), version) !=
         config_.force().end();
}

}  // namespace tributary
