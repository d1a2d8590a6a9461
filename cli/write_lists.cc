// Workers take the next chunk of users, ask for its lists, and write them when
// all chunks before it are written. So a worker holds one chunk at a time, and
// the order of the file is that of the users.
#include "cli/write_lists.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "cli/access_flags.h"
#include "fmt/format.h"
#include "status/status_macros.h"
#include "sync/mutex.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// How long a chunk is asked for again while the server refuses it: other calls
// go first.
constexpr auto kPatience = std::chrono::minutes(2);
constexpr auto kFirstPause = std::chrono::milliseconds(100);
constexpr auto kLongestPause = std::chrono::milliseconds(2000);

// A field of a CSV file (RFC 4180).
void AppendField(std::string_view text, std::string* line) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    line->append(text);
    return;
  }
  line->push_back('"');
  for (const char c : text) {
    if (c == '"') line->push_back('"');
    line->push_back(c);
  }
  line->push_back('"');
}

// The lists of a chunk of users, as text, and what they sum up to.
struct Chunk {
  uint64_t index = 0;
  std::vector<std::string> users;
  std::string text;
  ListsWritten sums;
};

void AppendList(const std::string& user, const v1::RetrieveResponse& list,
                Chunk* chunk) {
  std::string prefix;
  AppendField(user, &prefix);
  prefix.push_back(',');
  const auto out = std::back_inserter(chunk->text);
  for (int i = 0; i < list.scores_size(); ++i) {
    chunk->text += prefix;
    if (list.item_keys_size() > 0) {
      AppendField(list.item_keys(i), &chunk->text);
    } else {
      fmt::format_to(out, "{}", list.item_ids(i));
    }
    fmt::format_to(out, ",{},{}\n", i + 1, list.scores(i));
  }
  chunk->sums.candidates += static_cast<uint64_t>(list.scores_size());
  if (list.cold_start()) ++chunk->sums.cold_starts;
  if (list.degraded()) ++chunk->sums.degraded;
}

absl::Status AddPart(const v1::BatchRetrieveResponse& part, Chunk* chunk) {
  for (const v1::BatchEntry& entry : part.entries()) {
    if (chunk->sums.users >= chunk->users.size()) {
      return absl::DataLossError("the server answered more than was asked for");
    }
    const std::string& user = chunk->users[chunk->sums.users++];
    if (entry.code() == 0) {
      AppendList(user, entry.response(), chunk);
    } else if (chunk->sums.failed++ == 0) {
      chunk->sums.first_error =
          fmt::format("user {}: {}", Quoted(user), entry.message());
    }
  }
  chunk->sums.bundle_version = part.bundle_version();
  return absl::OkStatus();
}

absl::Status AskOnce(RetrievalClient* client,
                     const v1::BatchRetrieveRequest& request, Chunk* chunk) {
  chunk->text.clear();
  chunk->sums = {};
  RETURN_IF_ERROR(client->StreamRetrieve(
      request, [chunk](const v1::BatchRetrieveResponse& part) {
        return AddPart(part, chunk);
      }));
  if (chunk->sums.users == chunk->users.size()) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("the server answered {} of {} requests", chunk->sums.users,
                  chunk->users.size()));
}

absl::Status AskFor(const v1::RetrieveRequest& each, RetrievalClient* client,
                    Chunk* chunk) {
  v1::BatchRetrieveRequest request;
  for (const std::string& user : chunk->users) {
    v1::RetrieveRequest* const one = request.add_requests();
    *one = each;
    one->set_user_key(user);
  }
  const auto start = std::chrono::steady_clock::now();
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    const absl::Status asked = AskOnce(client, request, chunk);
    const bool passing =
        absl::IsResourceExhausted(asked) || absl::IsUnavailable(asked);
    const auto waited = std::chrono::steady_clock::now() - start;
    if (!passing || waited > kPatience) return asked;
    std::this_thread::sleep_for(pause);
  }
}

// The users' file, read by one chunk after the other. Not thread-safe.
class UsersFile {
 public:
  absl::Status Open(const std::string& path) {
    if (path == "-") return absl::OkStatus();
    file_.open(path);
    if (file_) return absl::OkStatus();
    return absl::NotFoundError(
        fmt::format("--users: {}: {}", path, std::strerror(errno)));
  }

  // The next keys, at most `most`; none at the end.
  std::vector<std::string> Next(uint32_t most) {
    std::istream& input = file_.is_open() ? file_ : std::cin;
    std::vector<std::string> keys;
    std::string line;
    while (keys.size() < most && std::getline(input, line)) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (!line.empty()) keys.push_back(std::move(line));
    }
    return keys;
  }

 private:
  std::ifstream file_;
};

// The file of lists. It has another name until Finish. Not thread-safe.
class ListsOutput {
 public:
  ~ListsOutput() {
    if (file_ != nullptr && file_ != stdout) {
      std::fclose(file_);
      std::remove(partial_.c_str());
    }
  }

  absl::Status Open(const std::string& path) {
    path_ = path;
    partial_ = path + ".partial";
    file_ = path == "-" ? stdout : std::fopen(partial_.c_str(), "w");
    return file_ == nullptr ? Error() : Write("user,item,rank,score\n");
  }
  absl::Status Write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) == text.size()) {
      return absl::OkStatus();
    }
    return Error();
  }
  absl::Status Finish() {
    if (std::fflush(file_) != 0) return Error();
    if (file_ == stdout) return absl::OkStatus();
    const int closed = std::fclose(std::exchange(file_, nullptr));
    if (closed != 0 || std::rename(partial_.c_str(), path_.c_str()) != 0) {
      absl::Status error = Error();
      std::remove(partial_.c_str());
      return error;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Error() const {
    return absl::ErrnoToStatus(errno, fmt::format("--out: {}", path_));
  }

  std::string path_;
  std::string partial_;
  std::FILE* file_ = nullptr;
};

// What the workers share.
class ListsWriter {
 public:
  explicit ListsWriter(const ListsJob& job) : job_(job), each_(job.request) {}

  absl::Status Open() {
    const MutexLock lock(&mutex_);
    RETURN_IF_ERROR(users_.Open(job_.users));
    RETURN_IF_ERROR(FixVersion());
    return output_.Open(job_.out);
  }

  // Asks and writes until no user is left, or something fails. On several
  // threads at once.
  void Work() {
    // A client has one connection.
    auto client = RetrievalClient::Connect(job_.address, job_.client);
    if (!client.ok()) return Fail(WithAccessFlags(client.status()));
    Chunk chunk;
    while (Take(&chunk)) {
      const absl::Status asked = AskFor(each_, client->get(), &chunk);
      if (!asked.ok()) return Fail(asked);
      Write(chunk);
    }
  }

  absl::StatusOr<ListsWritten> Finish() {
    const MutexLock lock(&mutex_);
    RETURN_IF_ERROR(status_);
    RETURN_IF_ERROR(output_.Finish());
    return sums_;
  }

 private:
  // The version that answers now is the one for all users.
  absl::Status FixVersion() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (each_.bundle_version() != 0) return absl::OkStatus();
    const auto client = RetrievalClient::Connect(job_.address, job_.client);
    if (!client.ok()) return WithAccessFlags(client.status());
    v1::RetrieveRequest probe;
    probe.set_k(1);
    probe.set_bundle_label(each_.bundle_label());
    ASSIGN_OR_RETURN(const auto reply, (*client)->Retrieve(probe));
    each_.set_bundle_version(reply.bundle_version());
    each_.clear_bundle_label();
    return absl::OkStatus();
  }

  bool Take(Chunk* chunk) {
    const MutexLock lock(&mutex_);
    if (!status_.ok()) return false;
    chunk->users = users_.Next(job_.users_per_call);
    chunk->index = taken_;
    if (chunk->users.empty()) return false;
    ++taken_;
    return true;
  }

  void Write(const Chunk& chunk) {
    MutexLock lock(&mutex_);
    while (status_.ok() && written_ != chunk.index) turn_.Wait(&mutex_);
    if (!status_.ok()) return;
    status_ = output_.Write(chunk.text);
    sums_.users += chunk.sums.users;
    sums_.candidates += chunk.sums.candidates;
    sums_.cold_starts += chunk.sums.cold_starts;
    sums_.degraded += chunk.sums.degraded;
    if (sums_.failed == 0) sums_.first_error = chunk.sums.first_error;
    sums_.failed += chunk.sums.failed;
    sums_.bundle_version = chunk.sums.bundle_version;
    ++written_;
    turn_.NotifyAll();
  }

  void Fail(const absl::Status& error) {
    const MutexLock lock(&mutex_);
    if (status_.ok()) status_ = error;
    turn_.NotifyAll();
  }

  // Constant after Open.
  const ListsJob& job_;
  v1::RetrieveRequest each_;

  Mutex mutex_;
  CondVar turn_;
  UsersFile users_ ABSL_GUARDED_BY(mutex_);
  ListsOutput output_ ABSL_GUARDED_BY(mutex_);
  // How many chunks were taken, and written.
  uint64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;
  ListsWritten sums_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<ListsWritten> WriteLists(const ListsJob& job) {
  ListsWriter writer(job);
  RETURN_IF_ERROR(writer.Open());
  std::vector<std::thread> workers;
  for (uint32_t i = 0; i < std::max(job.calls, 1U); ++i) {
    workers.emplace_back([&writer] { writer.Work(); });
  }
  for (std::thread& worker : workers) worker.join();
  return writer.Finish();
}

}  // namespace tributary
