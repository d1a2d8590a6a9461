#include "server/listen/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// REQUIRES: the path is not longer than a socket's may be.
sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// Whether a server answers. True when that cannot be found out.
bool ServerAnswers(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  const sockaddr_un address = AddressOf(path);
  const int result =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  close(fd);
  return result == 0;
}

// Creates a socket at the free path, and removes it.
absl::Status TryToCreate(std::string_view field, const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  const sockaddr_un address = AddressOf(path);
  const int result =
      bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = errno;
  close(fd);
  if (result == 0) {
    ::unlink(path.c_str());
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(
      error, fmt::format("{}: user {} cannot create the socket {}; give the "
                         "user write access to its directory, or name another "
                         "place by --{}",
                         field, ::geteuid(), path, field));
}

absl::Status CheckPath(std::string_view field, const std::string& path) {
  constexpr size_t kMaxLength = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path.size() > kMaxLength) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: expected the path of a socket of at most {} bytes, found \"{}\"",
        field, kMaxLength, path));
  }
  std::error_code error;
  const fs::path directory = fs::absolute(path, error).parent_path();
  if (!fs::is_directory(directory, error)) {
    return absl::NotFoundError(
        fmt::format("{}: the socket's directory {} does not exist", field,
                    directory.native()));
  }
  return absl::OkStatus();
}

// While it lives, the files that this process creates are accessible to their
// owner alone. The umask belongs to the whole process, so this is held only for
// the moment of binding, while the server starts.
class OwnerOnly {
 public:
  OwnerOnly() : previous_(umask(0177)) {}
  ~OwnerOnly() { umask(previous_); }
  OwnerOnly(const OwnerOnly&) = delete;
  OwnerOnly& operator=(const OwnerOnly&) = delete;

 private:
  const mode_t previous_;
};

}  // namespace

absl::StatusOr<int> BindUnixSocket(std::string_view field,
                                   const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  const sockaddr_un address = AddressOf(path);
  const OwnerOnly owner_only;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
      0) {
    return fd;
  }
  const int error = errno;
  close(fd);
  return absl::UnavailableError(
      fmt::format("{}: cannot create the socket {}: {}", field, path,
                  std::strerror(error)));
}

absl::Status PrepareUnixSocket(std::string_view field,
                               const std::string& path) {
  RETURN_IF_ERROR(CheckPath(field, path));
  std::error_code error;
  const fs::file_status file = fs::symlink_status(path, error);
  if (file.type() == fs::file_type::not_found) return TryToCreate(field, path);
  if (file.type() != fs::file_type::socket) {
    return absl::AlreadyExistsError(
        fmt::format("{}: {} exists and is not a socket", field, path));
  }
  if (ServerAnswers(path)) {
    return absl::UnavailableError(
        fmt::format("{}: another server answers on {}", field, path));
  }
  if (!fs::remove(path, error) && error) {
    return absl::PermissionDeniedError(
        fmt::format("{}: cannot remove the old socket {}: {}", field, path,
                    error.message()));
  }
  return TryToCreate(field, path);
}

}  // namespace tributary
