#include "cli/brokers/follow_broker.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cli/brokers/applied_batch.h"
#include "cli/brokers/broker.h"
#include "cli/brokers/broker_address.h"
#include "cli/brokers/open_broker.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "index/bundle/file_lock.h"
#include "index/bundle/sha256.h"
#include "index/changes/read_changes.h"
#include "status/status_macros.h"
#include "status/status_message.h"
#include "text/quoted.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kMaxBatch = 1000;
constexpr size_t kMaxBatchBytes = size_t{8} << 20;
constexpr milliseconds kBatchTime(50);
// How long to wait before something that failed is tried again.
constexpr milliseconds kPauseAfterFailure(500);
constexpr milliseconds kPauseForWriter(5);
constexpr milliseconds kDrainPatience(10'000);

constexpr milliseconds kLookForSignal(10);

// Whether SIGTERM or SIGINT came. They are handled, not blocked: libraries have
// threads already, which would take them. The second one ends the process.
std::atomic<bool> stop_came{false};

void HandleStopSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stop_came = true; };
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
}

absl::StatusOr<v1::Change> ParseMessage(std::string_view text) {
  v1::Change change;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      {text.data(), text.size()}, &change);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(fmt::format(
        "not a change: {}", Printable(parsed.message().ToString(), 200)));
  }
  if (change.number() != 0 || change.at_ms() != 0) {
    return absl::InvalidArgumentError("number and atMs are the log's to set");
  }
  RETURN_IF_ERROR(CheckChange(change, "the change"));
  return change;
}

// Reads, writes, commits, and begins again.
class Follower {
 public:
  Follower(const FollowOptions& options, fs::path file, std::string reader,
           Broker* broker, FollowCounts* counts)
      : options_(options),
        file_(std::move(file)),
        reader_(std::move(reader)),
        broker_(*broker),
        counts_(*counts) {}

  absl::Status Run() {
    ASSIGN_OR_RETURN(last_,
                     AppliedBatch::Read(file_, options_.folder, reader_));
    while (!Stopped()) {
      std::vector<BrokerMessage> messages;
      RETURN_IF_ERROR(ReadBatch(&messages));
      if (messages.empty()) {
        if (options_.drain && broker_.AtEnd()) break;
        RETURN_IF_ERROR(LastingFailure());
        continue;
      }
      RETURN_IF_ERROR(Take(messages));
    }
    return absl::OkStatus();
  }

 private:
  // Whether a signal came, now or within the time.
  static bool Stopped(milliseconds time = milliseconds(0)) {
    const auto end = steady_clock::now() + time;
    while (!stop_came && steady_clock::now() < end) {
      std::this_thread::sleep_for(kLookForSignal);
    }
    return stop_came;
  }

  // Names what failed, once, and waits. Returns it when it is not to be tried
  // again: see LastingFailure.
  absl::Status Pause(const absl::Status& failure) {
    if (failure_.ok()) failing_since_ = steady_clock::now();
    if (failure_.message() != failure.message()) {
      fmt::print(stderr, "{}; trying again\n", std::string(failure.message()));
    }
    failure_ = failure;
    RETURN_IF_ERROR(LastingFailure());
    Stopped(kPauseAfterFailure);
    return absl::OkStatus();
  }
  // What failed last and was not done since, if one who drains has waited long
  // enough. A broker may name a failure once, and then be silent.
  absl::Status LastingFailure() const {
    const bool lasts = options_.drain && !failure_.ok() &&
                       steady_clock::now() - failing_since_ >= kDrainPatience;
    return lasts ? failure_ : absl::OkStatus();
  }
  void Succeeded() { failure_ = absl::OkStatus(); }

  // What comes within the time. Nothing when the broker cannot be read, or has
  // nothing.
  absl::Status ReadBatch(std::vector<BrokerMessage>* messages) {
    size_t bytes = 0;
    auto end = steady_clock::time_point::max();
    while (messages->size() < kMaxBatch && bytes < kMaxBatchBytes) {
      const auto left =
          std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
      if (left <= milliseconds(0)) break;
      bool found = false;
      const absl::Status read =
          broker_.Read(std::min(left, kBatchTime), messages, &found);
      if (!read.ok()) {
        if (!messages->empty() || Stopped()) break;
        return Pause(read);
      }
      if (found) Succeeded();
      if (!found) {
        if (messages->empty()) break;
        continue;
      }
      if (messages->size() == 1) end = steady_clock::now() + kBatchTime;
      bytes += messages->back().text.size();
    }
    return absl::OkStatus();
  }

  absl::Status Take(std::span<const BrokerMessage> messages) {
    std::vector<v1::Change> changes;
    std::vector<BrokerMessage> written;
    std::vector<BrokerMessage> again;
    absl::Status poison;
    size_t taken = 0;
    for (; taken < messages.size(); ++taken) {
      const BrokerMessage& message = messages[taken];
      if (last_.Has(message)) {
        again.push_back(message);
        continue;
      }
      auto change = ParseMessage(message.text);
      if (change.ok()) {
        changes.push_back(*std::move(change));
        written.push_back(message);
        continue;
      }
      const std::string why =
          fmt::format("message {}: {}", message.Where(),
                      std::string(change.status().message()));
      if (options_.strict) {
        poison = absl::InvalidArgumentError(why);
        break;
      }
      fmt::print(stderr, "passed over: {}\n", why);
      ++counts_.passed_over;
    }
    counts_.again += again.size();
    if (!changes.empty()) {
      // The file forgets them when the next batch is written.
      RETURN_IF_ERROR(Commit(again));
      if (Stopped()) return absl::OkStatus();
      RETURN_IF_ERROR(Write(changes, written));
      if (!written_) return absl::OkStatus();
    }
    RETURN_IF_ERROR(Commit(messages.first(taken)));
    return poison;
  }

  // Writes the batch, however long others write or the disk is full. Sets
  // written_ to whether it did before a signal came.
  absl::Status Write(const std::vector<v1::Change>& changes,
                     std::span<const BrokerMessage> messages) {
    written_ = false;
    while (true) {
      const absl::Status status = WriteOnce(changes, messages);
      if (status.ok()) break;
      if (!absl::IsUnavailable(status) && !absl::IsResourceExhausted(status)) {
        return status;
      }
      if (absl::IsUnavailable(status)) {
        Stopped(kPauseForWriter);
      } else {
        if (options_.drain) return status;
        RETURN_IF_ERROR(Pause(status));
      }
      if (Stopped()) return absl::OkStatus();
      // What failed may have been written all the same.
      ASSIGN_OR_RETURN(last_,
                       AppliedBatch::Read(file_, options_.folder, reader_));
      if (last_.Has(messages.back())) break;
    }
    written_ = true;
    counts_.written += changes.size();
    return absl::OkStatus();
  }

  absl::Status WriteOnce(const std::vector<v1::Change>& changes,
                         std::span<const BrokerMessage> messages) {
    ASSIGN_OR_RETURN(const std::unique_ptr<ChangeLog> log, options_.open());
    AppliedBatch batch(messages);
    RETURN_IF_ERROR(batch.Write(file_));
    RETURN_IF_ERROR(
        log->Append(changes, {.reader = reader_, .sha256 = batch.Sha256()}));
    last_ = std::move(batch);
    Succeeded();
    return absl::OkStatus();
  }

  absl::Status Commit(std::span<const BrokerMessage> messages) {
    while (true) {
      // A signal may have cut the call short: it is made once more.
      const bool last = Stopped();
      const absl::Status status = broker_.Commit(messages);
      if (status.ok()) return status;
      // What was written is known to be, when it comes again.
      if (last) return absl::OkStatus();
      if (!Stopped()) RETURN_IF_ERROR(Pause(status));
    }
  }

  // Constant after construction.
  const FollowOptions& options_;
  const fs::path file_;
  // Its name in the head of the log.
  const std::string reader_;
  Broker& broker_;
  FollowCounts& counts_;

  AppliedBatch last_;
  // What failed last, and since when something does.
  absl::Status failure_;
  steady_clock::time_point failing_since_;
  bool written_ = false;
};

}  // namespace

absl::Status FollowBroker(const FollowOptions& options, FollowCounts* counts) {
  HandleStopSignals();
  ASSIGN_OR_RETURN(const BrokerAddress address,
                   ParseBrokerAddress(options.address));
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), options.folder.native());
  }
  const std::string text = address.Text();
  std::string reader =
      Sha256Hex(std::as_bytes(std::span(text.data(), text.size())));
  const std::string name = "broker-" + reader.substr(0, 16);
  auto lock = FileLock::TryAcquire(options.folder / (name + ".lock"));
  if (absl::IsUnavailable(lock.status())) {
    return absl::UnavailableError(
        fmt::format("{}: another process reads it into this store", text));
  }
  RETURN_IF_ERROR(lock.status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Broker> broker, OpenBroker(address));
  return Follower(options, options.folder / (name + ".batch"),
                  std::move(reader), broker.get(), counts)
      .Run();
}

}  // namespace tributary
