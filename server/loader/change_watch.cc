#include "server/loader/change_watch.h"

#include <linux/magic.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "index/changes/change_head.h"
#include "index/publish/backoff.h"

namespace tributary {
namespace {

// File systems whose changes all come from this host.
constexpr std::array<uint64_t, 8> kLocalFileSystems = {
    EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
    RAMFS_MAGIC, F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC,
    // ZFS, which linux/magic.h lacks.
    0x2fc12fc1};

constexpr uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF;

bool IsOnLocalFileSystem(const std::filesystem::path& path) {
  struct statfs info;
  return ::statfs(path.c_str(), &info) == 0 &&
         std::ranges::find(kLocalFileSystems,
                           static_cast<uint64_t>(info.f_type)) !=
             kLocalFileSystems.end();
}

}  // namespace

ChangeWatch::ChangeWatch(std::filesystem::path folder)
    : folder_(std::move(folder)),
      inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      stop_event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

ChangeWatch::~ChangeWatch() {
  if (inotify_ >= 0) ::close(inotify_);
  if (stop_event_ >= 0) ::close(stop_event_);
}

void ChangeWatch::Forget() {
  if (watch_ >= 0) ::inotify_rm_watch(inotify_, watch_);
  watch_ = -1;
  watched_ = Watched::kNothing;
}

void ChangeWatch::Arm() {
  if (inotify_ < 0 || stop_event_ < 0 || watched_ == Watched::kFolder) return;
  const int watch = ::inotify_add_watch(inotify_, folder_.c_str(),
                                        IN_MOVED_TO | kGone | IN_ONLYDIR);
  if (watch >= 0) {
    Forget();
    watch_ = watch;
    watched_ = Watched::kFolder;
    is_local_ = IsOnLocalFileSystem(folder_);
  } else if (watched_ == Watched::kNothing) {
    watch_ = ::inotify_add_watch(inotify_, folder_.parent_path().c_str(),
                                 IN_CREATE | IN_MOVED_TO | kGone | IN_ONLYDIR);
    if (watch_ >= 0) watched_ = Watched::kParent;
  }
}

bool ChangeWatch::TakeEvents() {
  alignas(inotify_event) std::array<char, 4096> buffer;
  bool found = false;
  bool gone = false;
  while (true) {
    const ssize_t size = ::read(inotify_, buffer.data(), buffer.size());
    if (size <= 0) break;
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      const char* const text = buffer.data() + at + sizeof(event);
      const std::string_view name =
          event.len > 0 ? std::string_view(text) : std::string_view();
      at += static_cast<ssize_t>(sizeof(event) + event.len);
      // What was lost may have been about HEAD.
      if ((event.mask & IN_Q_OVERFLOW) != 0) found = true;
      // Of a watch that was replaced.
      if (event.wd != watch_) continue;
      const std::string_view wanted =
          watched_ == Watched::kFolder ? kChangeHeadName : kChangesName;
      found = found || name == wanted;
      gone = gone || (event.mask & (kGone | IN_IGNORED)) != 0;
    }
  }
  if (gone) Forget();
  return found || gone;
}

void ChangeWatch::Wait(std::chrono::milliseconds longest,
                       const std::stop_token& stop) {
  if (watched_ == Watched::kNothing) {
    SleepFor(longest, stop);
    return;
  }
  const std::stop_callback on_stop(stop, [this] {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written =
        ::write(stop_event_, &one, sizeof(one));
  });
  const auto end = std::chrono::steady_clock::now() + longest;
  while (!stop.stop_requested()) {
    if (TakeEvents()) return;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    pollfd files[] = {{inotify_, POLLIN, 0}, {stop_event_, POLLIN, 0}};
    ::poll(files, 2, static_cast<int>(left.count()));
  }
}

}  // namespace tributary
