#include "server/trial/trial.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "server/trial/child_process.h"
#include "server/trial/trial_protocol.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxAnswerBytes = 4 << 20;
constexpr size_t kMaxQuoted = 300;

// The sizes of a version's files. FAISS reads its files into memory, so that
// those are needed twice.
struct FileBytes {
  uint64_t all = 0;
  uint64_t read = 0;
};

absl::StatusOr<FileBytes> SumFiles(const fs::path& dir) {
  FileBytes sum;
  std::error_code error;
  for (fs::directory_iterator entry(dir, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code no_size;
    const uint64_t bytes = entry->file_size(no_size);
    if (no_size) continue;
    sum.all += bytes;
    if (entry->path().extension() == ".index") sum.read += bytes;
  }
  if (!error) return sum;
  return absl::ErrnoToStatus(error.value(), dir.string() + ": list");
}

absl::StatusOr<std::string> RequestJson(const TrialTask& task) {
  v1::TrialRequest request;
  request.set_bundle(task.bundle);
  request.set_old_bundle(task.old_bundle);
  request.set_verify(task.verify);
  if (task.gate) *request.mutable_gate() = *task.gate;
  *request.mutable_trial() = task.trial;
  request.set_parent(::getpid());
  ASSIGN_OR_RETURN(FileBytes bytes, SumFiles(task.bundle));
  request.set_files_bytes(bytes.all + bytes.read);
  if (!task.old_bundle.empty()) {
    ASSIGN_OR_RETURN(bytes, SumFiles(task.old_bundle));
    request.set_files_bytes(request.files_bytes() + bytes.all + bytes.read);
  }
  std::string json;
  const auto printed =
      google::protobuf::util::MessageToJsonString(request, &json);
  if (printed.ok()) return json;
  // The path is not UTF-8.
  return absl::InvalidArgumentError(
      fmt::format("{}: {}", task.bundle.string(), printed.ToString()));
}

// The last complete line that begins with `head`, without `head`.
std::string_view LastLine(std::string_view text, std::string_view head) {
  std::string_view found;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    // A line without its end was cut off.
    if (end == std::string_view::npos) break;
    if (line.starts_with(head)) found = line.substr(head.size());
    text.remove_prefix(end + 1);
  }
  return found;
}

// " while verifying its files; its output ends with ...".
std::string Circumstances(const ChildEnd& end) {
  std::string_view at = LastLine(end.answer, kAtLine);
  if (at.empty()) at = "starting";
  std::string text = fmt::format(" while {}", at);
  std::string_view output = end.output_tail;
  while (!output.empty() && output.back() == '\n') output.remove_suffix(1);
  output.remove_prefix(output.size() - std::min(output.size(), kMaxQuoted));
  if (!output.empty()) {
    text +=
        fmt::format("; its output ends with {}", Quoted(output, kMaxQuoted));
  }
  return text;
}

absl::Status AboutSignal(int signal, const v1::Trial& trial,
                         const std::string& circumstances) {
  if (signal == SIGXCPU) {
    return absl::FailedPreconditionError(
        fmt::format("the trial took more than {} s of CPU time{}",
                    trial.max_cpu_seconds(), circumstances));
  }
  const char* name = ::sigabbrev_np(signal);
  const std::string text = fmt::format(
      "the trial was killed by SIG{}{}",
      name == nullptr ? fmt::format("{}", signal) : name, circumstances);
  switch (signal) {
    case SIGSEGV:
    case SIGABRT:
    case SIGFPE:
    case SIGILL:
    case SIGSYS:
    case SIGTRAP:
      return absl::FailedPreconditionError(text);
    case SIGKILL:
      return absl::ResourceExhaustedError(
          text + "; the kernel does so when memory is insufficient");
    case SIGBUS:
      return absl::UnavailableError(text + ", as when the disk cannot be read");
    default:
      return absl::UnavailableError(text);
  }
}

absl::StatusOr<v1::GateReport> ParseAnswer(std::string_view json) {
  v1::TrialAnswer answer;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      {json.data(), json.size()}, &answer);
  if (!parsed.ok()) {
    return absl::UnavailableError(fmt::format(
        "the trial's answer is not a TrialAnswer: {}", parsed.ToString()));
  }
  if (answer.code() == 0) return answer.gate();
  return absl::Status(static_cast<absl::StatusCode>(answer.code()),
                      answer.message());
}

absl::StatusOr<v1::GateReport> Judge(const ChildEnd& end,
                                     const TrialTask& task) {
  if (end.stopped) return absl::CancelledError("the trial was stopped");
  const std::string circumstances = Circumstances(end);
  if (end.timed_out) {
    return absl::FailedPreconditionError(
        fmt::format("the trial took longer than {} ms{}",
                    task.trial.timeout_ms(), circumstances));
  }
  if (end.output_limit_exceeded) {
    return absl::FailedPreconditionError(fmt::format(
        "the trial's answer is longer than {} bytes", kMaxAnswerBytes));
  }
  if (WIFSIGNALED(end.wait_status)) {
    return AboutSignal(WTERMSIG(end.wait_status), task.trial, circumstances);
  }
  const std::string_view json = LastLine(end.answer, kDoneLine);
  if (!json.empty()) return ParseAnswer(json);
  return absl::UnavailableError(
      fmt::format("the trial ended with exit status {} and no answer{}",
                  WEXITSTATUS(end.wait_status), circumstances));
}

}  // namespace

absl::StatusOr<v1::GateReport> TryVersion(const TrialTask& task,
                                          std::stop_token stop) {
  if (std::getenv(kTrialVariable) != nullptr) {
    return absl::FailedPreconditionError(
        "this is a trial's process: its main does not call RunTrialIfAsked");
  }
  ASSIGN_OR_RETURN(std::string request, RequestJson(task));
  // Libraries would start a thread for each core, each with memory of its own.
  const ChildTask child{
      .program = task.program,
      .arguments = {kTrialArgument, std::move(request)},
      .environment = {fmt::format("{}=1", kTrialVariable), "OMP_NUM_THREADS=1",
                      "OPENBLAS_NUM_THREADS=1", "MALLOC_ARENA_MAX=2"},
      .timeout = std::chrono::milliseconds(task.trial.timeout_ms()),
      .max_answer_bytes = kMaxAnswerBytes};
  ASSIGN_OR_RETURN(const ChildEnd end, RunChild(child, std::move(stop)));
  return Judge(end, task);
}

absl::Status CheckRoomFor(const fs::path& bundle, const ProcessMemory& memory) {
  ASSIGN_OR_RETURN(const FileBytes bytes, SumFiles(bundle));
  const std::string what = "version " + bundle.filename().string();
  RETURN_IF_ERROR(
      CheckMemory(what, bytes.all, "the machine", memory.machine.available));
  return CheckMemory(what, bytes.read, "the container",
                     memory.container.available);
}

}  // namespace tributary
