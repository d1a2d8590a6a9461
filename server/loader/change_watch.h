#ifndef TRIBUTARY_SERVER_LOADER_CHANGE_WATCH_H_
#define TRIBUTARY_SERVER_LOADER_CHANGE_WATCH_H_

#include <chrono>
#include <filesystem>
#include <stop_token>

namespace tributary {

// Waits for the HEAD of a log in a directory of this host to be replaced, by
// inotify. Not thread-safe.
class ChangeWatch {
 public:
  // `folder` is that of the log. It need not exist yet, nor its parent.
  explicit ChangeWatch(std::filesystem::path folder);
  ~ChangeWatch();
  ChangeWatch(const ChangeWatch&) = delete;
  ChangeWatch& operator=(const ChangeWatch&) = delete;

  // Watches from now on, if it does not do so yet. Whoever reads the log after
  // this and then calls Wait misses nothing.
  void Arm();
  // Whether the kernel will tell of every change: it watches the folder, and
  // that is on a file system which nobody else writes to. Of changes that other
  // hosts make, on NFS for example, the kernel does not know.
  bool tells() const { return watched_ == Watched::kFolder && is_local_; }
  // Returns when HEAD was replaced since the last Wait, or Arm, or after
  // `longest`, or when `stop` is requested.
  void Wait(std::chrono::milliseconds longest, const std::stop_token& stop);

 private:
  enum class Watched { kNothing, kParent, kFolder };

  void Forget();
  // Whether one of the events that are there is about HEAD, or about the folder
  // as a whole.
  bool TakeEvents();

  const std::filesystem::path folder_;
  // -1: the system has no more of them.
  int inotify_ = -1;
  // Is written to when `stop` is requested.
  int stop_event_ = -1;
  int watch_ = -1;
  Watched watched_ = Watched::kNothing;
  bool is_local_ = false;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_CHANGE_WATCH_H_
