#ifndef TRIBUTARY_CLI_SCRATCH_FILE_H_
#define TRIBUTARY_CLI_SCRATCH_FILE_H_

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/status/status.h"
#include "index/bundle/durable_file.h"

namespace tributary {

// A file in the system's directory for such files, for as long as the object
// lives. Readable only by its owner.
class ScratchFile {
 public:
  // The name ends with `ending`.
  explicit ScratchFile(const std::string& ending) {
    std::error_code error;
    const auto dir = std::filesystem::temp_directory_path(error);
    path_ = (dir / ("tributary-XXXXXX" + ending)).native();
    const int file = ::mkstemps(path_.data(), static_cast<int>(ending.size()));
    if (file >= 0) ::close(file);
  }
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  const std::string& path() const { return path_; }

  absl::Status Write(std::string_view contents) const {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file << contents;
    file.close();
    return file ? absl::OkStatus() : SystemError("write", path_);
  }

 private:
  std::string path_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_SCRATCH_FILE_H_
