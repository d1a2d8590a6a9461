// Kills a program at its n-th system call on files under a path, or makes that
// call fail. The library is preloaded (LD_PRELOAD) and wraps functions of the C
// library by name. It does not see system calls that the C library makes
// itself, so functions of stdio and directory streams are wrapped as well.
// strace -f shows which calls are missed: at the time of writing, none of ours
// that writes.
//
// Classes of calls:
//   open      open for reading, opendir
//   create    open that may create or truncate
//   read      read, pread, readdir, fread; sendfile out of the path
//   write     write, pwrite, writev, fwrite, fallocate, FICLONE; sendfile and
//             copy_file_range into the path
//   sync      fsync, fdatasync, syncfs
//   rename, link (also symlink), unlink (also rmdir), mkdir, truncate
//   bind      bind of a unix socket, which creates a name
//   mmap, lock (flock), close
//
// Thread-safe. Counts are exact over all processes that share the record.
#ifdef _FORTIFY_SOURCE
#undef _FORTIFY_SOURCE
#endif
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/torture/fault_record.h"

namespace {

using tributary::FaultRecord;

constexpr size_t kMaxPath = 4096;

enum Action { kNone, kKillBefore, kKillAfter, kShort, kFail };

struct Settings {
  FaultRecord* record = nullptr;
  const char* under = "";
  const char* calls = "";
  uint32_t at = 0;
  uint32_t times = 1;
  Action action = kNone;
  int error = 0;
  int log_fd = -1;
};

// What to do to a call.
struct Verdict {
  Action action = kNone;
  int error = 0;
};

const char* Variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

int ErrorNamed(const char* name) {
  const struct {
    const char* name;
    int number;
  } errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE},
                {"ENOMEM", ENOMEM}, {"EINTR", EINTR},   {"EDQUOT", EDQUOT}};
  for (const auto& error : errors) {
    if (strcmp(name, error.name) == 0) return error.number;
  }
  return 0;
}

int RawOpen(const char* path, int flags) {
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, 0644));
}

void* MapRecord(const char* path) {
  const int fd = RawOpen(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  const long mapped = syscall(SYS_mmap, nullptr, sizeof(FaultRecord),
                              PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  return mapped == -1 ? nullptr : reinterpret_cast<void*>(mapped);
}

Settings ReadSettings() {
  Settings settings;
  const char* record = Variable("TRIBUTARY_FAULT_RECORD");
  if (*record == '\0') return settings;
  settings.record = static_cast<FaultRecord*>(MapRecord(record));
  settings.under = Variable("TRIBUTARY_FAULT_UNDER");
  settings.calls = Variable("TRIBUTARY_FAULT_CALLS");
  settings.at = static_cast<uint32_t>(atoi(Variable("TRIBUTARY_FAULT_AT")));
  if (const char* times = Variable("TRIBUTARY_FAULT_TIMES"); *times != '\0') {
    settings.times = static_cast<uint32_t>(atoi(times));
  }
  const char* action = Variable("TRIBUTARY_FAULT_DO");
  settings.error = ErrorNamed(action);
  if (settings.error != 0) settings.action = kFail;
  if (strcmp(action, "kill_before") == 0) settings.action = kKillBefore;
  if (strcmp(action, "kill_after") == 0) settings.action = kKillAfter;
  if (strcmp(action, "short") == 0) settings.action = kShort;
  if (const char* log = Variable("TRIBUTARY_FAULT_LOG"); *log != '\0') {
    settings.log_fd = RawOpen(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC);
  }
  return settings;
}

const Settings& TheSettings() {
  static const Settings settings = ReadSettings();
  return settings;
}

// Looks up the wrapped function on first use: wrappers are called before any
// constructor of this library has run.
template <typename Function>
Function Next(Function, const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}
#define NEXT(function)                                   \
  ([] {                                                  \
    static const auto next = Next(&function, #function); \
    return next;                                         \
  }())

[[noreturn]] void Die() {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
  for (;;) syscall(SYS_pause);
}

bool Listed(const char* names, const char* name) {
  const size_t size = strlen(name);
  for (const char* at = names; (at = strstr(at, name)) != nullptr; ++at) {
    if ((at == names || at[-1] == ',') && (at[size] == ',' || at[size] == 0)) {
      return true;
    }
  }
  return false;
}

// The path of an open file; empty when it cannot be determined.
void PathOf(int fd, char* path) {
  char link[64];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, kMaxPath - 1);
  path[size < 0 ? 0 : size] = '\0';
}

void PathAt(int dir_fd, const char* name, char* path) {
  path[0] = '\0';
  if (name == nullptr) return;
  if (name[0] != '/') {
    if (dir_fd == AT_FDCWD) {
      syscall(SYS_getcwd, path, kMaxPath);
    } else {
      PathOf(dir_fd, path);
    }
    strncat(path, "/", kMaxPath - strlen(path) - 1);
  }
  strncat(path, name, kMaxPath - strlen(path) - 1);
}

bool IsUnder(const char* path) {
  const char* under = TheSettings().under;
  return strncmp(path, under, strlen(under)) == 0;
}

void Log(const char* function, const char* path, const char* other) {
  char line[2 * kMaxPath + 64];
  const int size = snprintf(line, sizeof(line), "%s %s%s%s\n", function, path,
                            *other == '\0' ? "" : " ", other);
  syscall(SYS_write, TheSettings().log_fd, line, size);
}

void Describe(FaultRecord* record, const char* function, const char* path,
              const char* other) {
  strncpy(record->function, function, sizeof(record->function) - 1);
  strncpy(record->path, path, sizeof(record->path) - 1);
  strncpy(record->other_path, other, sizeof(record->other_path) - 1);
}

// Counts the call if it matches, and returns what to do to it. Does not return
// if the process is to be killed before the call.
Verdict Judge(const char* call, const char* function, const char* path,
              const char* other = "") {
  const Settings& settings = TheSettings();
  if (settings.record == nullptr || !IsUnder(path) ||
      !Listed(settings.calls, call)) {
    return {};
  }
  const int saved_errno = errno;
  if (settings.log_fd >= 0) Log(function, path, other);
  const uint32_t number =
      __atomic_add_fetch(&settings.record->calls, 1, __ATOMIC_SEQ_CST);
  errno = saved_errno;
  if (settings.at == 0 || number < settings.at ||
      (settings.times != 0 && number >= settings.at + settings.times)) {
    return {};
  }
  if (__atomic_add_fetch(&settings.record->hits, 1, __ATOMIC_SEQ_CST) == 1) {
    Describe(settings.record, function, path, other);
  }
  if (settings.action == kKillBefore) Die();
  return {settings.action, settings.error};
}

Verdict JudgeFd(const char* call, const char* function, int fd) {
  if (TheSettings().record == nullptr || fd < 0) return {};
  char path[kMaxPath];
  PathOf(fd, path);
  return Judge(call, function, path);
}

bool IsFdUnder(int fd) {
  if (TheSettings().record == nullptr) return false;
  char path[kMaxPath];
  PathOf(fd, path);
  return IsUnder(path);
}

Verdict JudgePath(const char* call, const char* function, int dir_fd,
                  const char* name, int other_dir_fd = AT_FDCWD,
                  const char* other = nullptr) {
  if (TheSettings().record == nullptr) return {};
  char path[kMaxPath];
  char other_path[kMaxPath];
  PathAt(dir_fd, name, path);
  PathAt(other_dir_fd, other, other_path);
  return Judge(call, function, path, other_path);
}

// Fails instead of making the call, or makes it and returns its result.
template <typename Result, typename Call>
Result Do(const Verdict& verdict, Result failure, Call call) {
  if (verdict.action == kFail) {
    errno = verdict.error;
    return failure;
  }
  const Result result = call();
  if (verdict.action == kKillAfter) Die();
  return result;
}

// For a short read or write, one byte (or one of several parts): the least that
// the call may transfer.
size_t Shortened(const Verdict& verdict, size_t size) {
  return verdict.action == kShort && size > 1 ? 1 : size;
}

const char* OpenCall(int flags) {
  return (flags & (O_CREAT | O_TRUNC)) != 0 ? "create" : "open";
}

mode_t ModeOf(int flags, va_list arguments) {
  const bool has_mode =
      (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return has_mode ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

#define WRAP_OPEN(name)                                                     \
  int name(const char* path, int flags, ...) {                              \
    va_list arguments;                                                      \
    va_start(arguments, flags);                                             \
    const mode_t mode = ModeOf(flags, arguments);                           \
    va_end(arguments);                                                      \
    const auto verdict = JudgePath(OpenCall(flags), #name, AT_FDCWD, path); \
    return Do(verdict, -1, [&] { return NEXT(name)(path, flags, mode); });  \
  }
WRAP_OPEN(open)
WRAP_OPEN(open64)

#define WRAP_OPENAT(name)                                              \
  int name(int dir, const char* path, int flags, ...) {                \
    va_list arguments;                                                 \
    va_start(arguments, flags);                                        \
    const mode_t mode = ModeOf(flags, arguments);                      \
    va_end(arguments);                                                 \
    const auto verdict = JudgePath(OpenCall(flags), #name, dir, path); \
    return Do(verdict, -1,                                             \
              [&] { return NEXT(name)(dir, path, flags, mode); });     \
  }
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)

// Programs compiled with _FORTIFY_SOURCE call these.
int __open_2(const char* path, int flags) { return open(path, flags); }
int __open64_2(const char* path, int flags) { return open64(path, flags); }
int __openat_2(int dir, const char* path, int flags) {
  return openat(dir, path, flags);
}
int __openat64_2(int dir, const char* path, int flags) {
  return openat64(dir, path, flags);
}

int creat(const char* path, mode_t mode) {
  return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

#define WRAP_FOPEN(name)                                         \
  FILE* name(const char* path, const char* mode) {               \
    const char* call = mode[0] == 'r' ? "open" : "create";       \
    const auto verdict = JudgePath(call, #name, AT_FDCWD, path); \
    return Do(verdict, static_cast<FILE*>(nullptr),              \
              [&] { return NEXT(name)(path, mode); });           \
  }
WRAP_FOPEN(fopen)
WRAP_FOPEN(fopen64)

size_t fread(void* to, size_t size, size_t count, FILE* file) {
  const auto verdict = JudgeFd("read", "fread", fileno(file));
  return Do(verdict, size_t{0},
            [&] { return NEXT(fread)(to, size, count, file); });
}

size_t fwrite(const void* from, size_t size, size_t count, FILE* file) {
  const auto verdict = JudgeFd("write", "fwrite", fileno(file));
  return Do(verdict, size_t{0},
            [&] { return NEXT(fwrite)(from, size, count, file); });
}

int fclose(FILE* file) {
  const auto verdict = JudgeFd("close", "fclose", fileno(file));
  const int result = NEXT(fclose)(file);
  return Do(verdict, EOF, [&] { return result; });
}

DIR* opendir(const char* path) {
  const auto verdict = JudgePath("open", "opendir", AT_FDCWD, path);
  return Do(verdict, static_cast<DIR*>(nullptr),
            [&] { return NEXT(opendir)(path); });
}

dirent* readdir(DIR* dir) {
  const auto verdict = JudgeFd("read", "readdir", dirfd(dir));
  return Do(verdict, static_cast<dirent*>(nullptr),
            [&] { return NEXT(readdir)(dir); });
}

dirent64* readdir64(DIR* dir) {
  const auto verdict = JudgeFd("read", "readdir64", dirfd(dir));
  return Do(verdict, static_cast<dirent64*>(nullptr),
            [&] { return NEXT(readdir64)(dir); });
}

ssize_t read(int fd, void* to, size_t size) {
  const auto verdict = JudgeFd("read", "read", fd);
  return Do(verdict, ssize_t{-1},
            [&] { return NEXT(read)(fd, to, Shortened(verdict, size)); });
}

ssize_t __read_chk(int fd, void* to, size_t size, size_t) {
  return read(fd, to, size);
}

#define WRAP_PREAD(name)                                           \
  ssize_t name(int fd, void* to, size_t size, off_t offset) {      \
    const auto verdict = JudgeFd("read", #name, fd);               \
    return Do(verdict, ssize_t{-1}, [&] {                          \
      return NEXT(name)(fd, to, Shortened(verdict, size), offset); \
    });                                                            \
  }
WRAP_PREAD(pread)
WRAP_PREAD(pread64)

ssize_t write(int fd, const void* from, size_t size) {
  const auto verdict = JudgeFd("write", "write", fd);
  return Do(verdict, ssize_t{-1},
            [&] { return NEXT(write)(fd, from, Shortened(verdict, size)); });
}

#define WRAP_PWRITE(name)                                             \
  ssize_t name(int fd, const void* from, size_t size, off_t offset) { \
    const auto verdict = JudgeFd("write", #name, fd);                 \
    return Do(verdict, ssize_t{-1}, [&] {                             \
      return NEXT(name)(fd, from, Shortened(verdict, size), offset);  \
    });                                                               \
  }
WRAP_PWRITE(pwrite)
WRAP_PWRITE(pwrite64)

ssize_t writev(int fd, const iovec* parts, int count) {
  const auto verdict = JudgeFd("write", "writev", fd);
  const int shortened =
      static_cast<int>(Shortened(verdict, static_cast<size_t>(count)));
  return Do(verdict, ssize_t{-1},
            [&] { return NEXT(writev)(fd, parts, shortened); });
}

#define WRAP_SENDFILE(name)                                            \
  ssize_t name(int to, int from, off_t* offset, size_t size) {         \
    const auto verdict = IsFdUnder(to) ? JudgeFd("write", #name, to)   \
                                       : JudgeFd("read", #name, from); \
    return Do(verdict, ssize_t{-1}, [&] {                              \
      return NEXT(name)(to, from, offset, Shortened(verdict, size));   \
    });                                                                \
  }
ssize_t sendfile(int to, int from, off_t* offset, size_t size);
ssize_t sendfile64(int to, int from, off_t* offset, size_t size);
WRAP_SENDFILE(sendfile)
WRAP_SENDFILE(sendfile64)

ssize_t copy_file_range(int from, off_t* from_offset, int to, off_t* to_offset,
                        size_t size, unsigned int flags) {
  const auto verdict = JudgeFd("write", "copy_file_range", to);
  return Do(verdict, ssize_t{-1}, [&] {
    return NEXT(copy_file_range)(from, from_offset, to, to_offset,
                                 Shortened(verdict, size), flags);
  });
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  const auto verdict =
      request == FICLONE ? JudgeFd("write", "FICLONE", fd) : Verdict{};
  const auto call = [&] {
    return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
  };
  return Do(verdict, -1, call);
}

#define WRAP_FD(call, name)                                 \
  int name(int fd) {                                        \
    const auto verdict = JudgeFd(call, #name, fd);          \
    return Do(verdict, -1, [&] { return NEXT(name)(fd); }); \
  }
WRAP_FD("sync", fsync)
WRAP_FD("sync", fdatasync)
WRAP_FD("sync", syncfs)

// close(2) releases the descriptor even when it fails.
int close(int fd) {
  const auto verdict = JudgeFd("close", "close", fd);
  const int result = NEXT(close)(fd);
  return Do(verdict, -1, [&] { return result; });
}

int flock(int fd, int operation) {
  const auto verdict = JudgeFd("lock", "flock", fd);
  return Do(verdict, -1, [&] { return NEXT(flock)(fd, operation); });
}

int ftruncate(int fd, off_t size) {
  const auto verdict = JudgeFd("truncate", "ftruncate", fd);
  return Do(verdict, -1, [&] { return NEXT(ftruncate)(fd, size); });
}

int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int fallocate(int fd, int mode, off_t offset, off_t size) {
  const auto verdict = JudgeFd("write", "fallocate", fd);
  return Do(verdict, -1,
            [&] { return NEXT(fallocate)(fd, mode, offset, size); });
}

int rename(const char* from, const char* to) {
  const auto verdict =
      JudgePath("rename", "rename", AT_FDCWD, from, AT_FDCWD, to);
  return Do(verdict, -1, [&] { return NEXT(rename)(from, to); });
}

int renameat(int from_dir, const char* from, int to_dir, const char* to) {
  const auto verdict =
      JudgePath("rename", "renameat", from_dir, from, to_dir, to);
  return Do(verdict, -1,
            [&] { return NEXT(renameat)(from_dir, from, to_dir, to); });
}

int renameat2(int from_dir, const char* from, int to_dir, const char* to,
              unsigned int flags) {
  const auto verdict =
      JudgePath("rename", "renameat2", from_dir, from, to_dir, to);
  return Do(verdict, -1,
            [&] { return NEXT(renameat2)(from_dir, from, to_dir, to, flags); });
}

// A link matches by its new name.
int link(const char* from, const char* to) {
  const auto verdict = JudgePath("link", "link", AT_FDCWD, to, AT_FDCWD, from);
  return Do(verdict, -1, [&] { return NEXT(link)(from, to); });
}

int linkat(int from_dir, const char* from, int to_dir, const char* to,
           int flags) {
  const auto verdict = JudgePath("link", "linkat", to_dir, to, from_dir, from);
  return Do(verdict, -1,
            [&] { return NEXT(linkat)(from_dir, from, to_dir, to, flags); });
}

int symlink(const char* from, const char* to) {
  const auto verdict = JudgePath("link", "symlink", AT_FDCWD, to);
  return Do(verdict, -1, [&] { return NEXT(symlink)(from, to); });
}

#define WRAP_PATH(call, name)                                    \
  int name(const char* path) {                                   \
    const auto verdict = JudgePath(call, #name, AT_FDCWD, path); \
    return Do(verdict, -1, [&] { return NEXT(name)(path); });    \
  }
WRAP_PATH("unlink", unlink)
WRAP_PATH("unlink", rmdir)
WRAP_PATH("unlink", remove)

int unlinkat(int dir, const char* path, int flags) {
  const auto verdict = JudgePath("unlink", "unlinkat", dir, path);
  return Do(verdict, -1, [&] { return NEXT(unlinkat)(dir, path, flags); });
}

int mkdir(const char* path, mode_t mode) {
  const auto verdict = JudgePath("mkdir", "mkdir", AT_FDCWD, path);
  return Do(verdict, -1, [&] { return NEXT(mkdir)(path, mode); });
}

int mkdirat(int dir, const char* path, mode_t mode) {
  const auto verdict = JudgePath("mkdir", "mkdirat", dir, path);
  return Do(verdict, -1, [&] { return NEXT(mkdirat)(dir, path, mode); });
}

int truncate(const char* path, off_t size) {
  const auto verdict = JudgePath("truncate", "truncate", AT_FDCWD, path);
  return Do(verdict, -1, [&] { return NEXT(truncate)(path, size); });
}

int bind(int fd, const sockaddr* address, socklen_t size) {
  const bool is_unix = address != nullptr && address->sa_family == AF_UNIX;
  const auto verdict =
      is_unix
          ? JudgePath("bind", "bind", AT_FDCWD,
                      reinterpret_cast<const sockaddr_un*>(address)->sun_path)
          : Verdict{};
  return Do(verdict, -1, [&] { return NEXT(bind)(fd, address, size); });
}

#define WRAP_MMAP(name)                                                        \
  void* name(void* at, size_t size, int protection, int flags, int fd,         \
             off_t offset) {                                                   \
    const auto verdict =                                                       \
        (flags & MAP_ANONYMOUS) != 0 ? Verdict{} : JudgeFd("mmap", #name, fd); \
    return Do(verdict, MAP_FAILED, [&] {                                       \
      return NEXT(name)(at, size, protection, flags, fd, offset);              \
    });                                                                        \
  }
WRAP_MMAP(mmap)
WRAP_MMAP(mmap64)

}  // extern "C"
