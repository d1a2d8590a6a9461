#include "server/trial/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "status/status_macros.h"

extern char** environ;

namespace tributary {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kMaxOutputTail = 2000;
// Above the descriptors that the child gets.
constexpr int kLowestDescriptor = 10;

// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

absl::StatusOr<Descriptor> MoveUp(Descriptor low) {
  const int fd = ::fcntl(low.get(), F_DUPFD_CLOEXEC, kLowestDescriptor);
  if (fd < 0) return absl::ErrnoToStatus(errno, "a descriptor of a trial");
  return Descriptor(fd);
}

absl::StatusOr<Pipe> MakePipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "the pipe of a trial");
  }
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  ASSIGN_OR_RETURN(pipe.write, MoveUp(std::move(pipe.write)));
  return pipe;
}

// The arguments of posix_spawn.
class SpawnSettings {
 public:
  SpawnSettings(const Pipe& answer, const Pipe& output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output.write.get(),
                                     STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output.write.get(),
                                     STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, answer.write.get(),
                                     kAnswerDescriptor);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kAnswerDescriptor + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// What a program needs of its environment in order to start, and to report what
// sanitizers and coverage found. Nothing else is passed on: the child reads
// what others have written, and this process's environment may hold
// credentials.
constexpr std::array<std::string_view, 9> kPassedOn = {
    "ASAN_OPTIONS",      "GCOV_PREFIX",  "LD_LIBRARY_PATH", "LD_PRELOAD",
    "LLVM_PROFILE_FILE", "LSAN_OPTIONS", "TSAN_OPTIONS",    "TZ",
    "UBSAN_OPTIONS"};

std::string_view NameOf(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::vector<std::string> MakeEnvironment(
    const std::vector<std::string>& given) {
  std::vector<std::string> variables = given;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view name = NameOf(*variable);
    const bool is_given = std::any_of(
        given.begin(), given.end(),
        [&](const std::string& other) { return NameOf(other) == name; });
    const bool passed_on =
        std::find(kPassedOn.begin(), kPassedOn.end(), name) != kPassedOn.end();
    if (passed_on && !is_given) variables.emplace_back(*variable);
  }
  return variables;
}

absl::StatusOr<pid_t> Spawn(const ChildTask& task, const Pipe& answer,
                            const Pipe& output) {
  const SpawnSettings settings(answer, output);
  std::vector<std::string> arguments = {task.program};
  arguments.insert(arguments.end(), task.arguments.begin(),
                   task.arguments.end());
  const std::vector<std::string> variables = MakeEnvironment(task.environment);
  pid_t pid = -1;
  const int error = ::posix_spawn(
      &pid, task.program.c_str(), settings.actions(), settings.attributes(),
      Pointers(arguments).data(), Pointers(variables).data());
  if (error == 0) return pid;
  return absl::ErrnoToStatus(error, task.program.string() + ": start a trial");
}

// Appends what can be read now; false at the end of the file.
bool ReadSome(int fd, std::string* text) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR;
  text->append(buffer.data(), static_cast<size_t>(got));
  return got > 0;
}

// Reads both pipes to their ends, which the child's end closes.
void Listen(pid_t pid, const ChildTask& task, Pipe* answer, Pipe* output,
            ChildEnd* end) {
  const auto deadline = SteadyClock::now() + task.timeout;
  std::array<pollfd, 2> polled = {pollfd{answer->read.get(), POLLIN, 0},
                                  pollfd{output->read.get(), POLLIN, 0}};
  std::array<std::string*, 2> texts = {&end->answer, &end->output_tail};
  while (polled[0].fd >= 0 || polled[1].fd >= 0) {
    const auto left =
        std::chrono::ceil<milliseconds>(deadline - SteadyClock::now());
    const bool killed = end->timed_out || end->output_limit_exceeded;
    const auto wait_ms =
        killed ? -1 : static_cast<int>(std::max<int64_t>(0, left.count()));
    if (::poll(polled.data(), polled.size(), wait_ms) == 0) {
      end->timed_out = true;
      ::kill(pid, SIGKILL);
      continue;
    }
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      if (!ReadSome(polled[i].fd, texts[i])) polled[i].fd = -1;
    }
    if (end->output_tail.size() > 2 * kMaxOutputTail) {
      end->output_tail.erase(0, end->output_tail.size() - kMaxOutputTail);
    }
    if (end->answer.size() > task.max_answer_bytes && !killed) {
      end->output_limit_exceeded = true;
      ::kill(pid, SIGKILL);
    }
    if (end->output_limit_exceeded) end->answer.clear();
  }
}

}  // namespace

absl::StatusOr<ChildEnd> RunChild(const ChildTask& task, std::stop_token stop) {
  ASSIGN_OR_RETURN(Pipe answer, MakePipe());
  ASSIGN_OR_RETURN(Pipe output, MakePipe());
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(task, answer, output));
  answer.write.Close();
  output.write.Close();
  ChildEnd end;
  {
    // The child has not been waited for, so that no other process has its id.
    const std::stop_callback kill_it(stop, [pid] { ::kill(pid, SIGKILL); });
    Listen(pid, task, &answer, &output, &end);
  }
  // The child has ended, or has closed its descriptors, which it must not.
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, &end.wait_status, 0) < 0 && errno == EINTR) {
  }
  end.stopped = stop.stop_requested();
  return end;
}

}  // namespace tributary
