#include "cli/remove_scratch_on_signal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "index/bundle/scratch_directory.h"

namespace tributary {
namespace {

// What shells say of a process that a signal ended.
constexpr int kSignalStatus = 128;

// A handler may do next to nothing: it passes the signal to a thread.
int signal_pipe[2] = {-1, -1};

void PassOn(int signal) {
  const int before = errno;
  const auto byte = static_cast<unsigned char>(signal);
  static_cast<void>(!::write(signal_pipe[1], &byte, 1));
  errno = before;
}

// From now on the signal ends the process. Linux spares the first process of a
// container from signals that it does not handle.
void EndBy(int signal) {
  std::signal(signal, ::getpid() == 1
                          ? [](int number) { ::_exit(kSignalStatus + number); }
                          : SIG_DFL);
}

void EndBySignal() {
  unsigned char signal = 0;
  while (::read(signal_pipe[0], &signal, 1) != 1) {
    if (errno != EINTR) return;
  }
  // A second signal ends the process at once.
  for (const int one : {SIGINT, SIGTERM, SIGHUP}) EndBy(one);
  RemoveOwnScratchDirectories();
  ::kill(::getpid(), signal);
}

}  // namespace

void RemoveScratchOnSignal() {
  if (::pipe2(signal_pipe, O_CLOEXEC) != 0) return;
  std::thread(EndBySignal).detach();
  struct sigaction action {};
  action.sa_handler = PassOn;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    // One that was ignored from the start, as by nohup, stays so.
    if (::sigaction(signal, nullptr, &before) == 0 &&
        before.sa_handler != SIG_IGN) {
      ::sigaction(signal, &action, nullptr);
    }
  }
}

}  // namespace tributary
