#include <unistd.h>

#include <fstream>
#include <string>
#include <system_error>

#include "tests/fuzz/fuzz_target.h"

namespace tributary {

const std::filesystem::path& FuzzDir() {
  struct Dir {
    std::filesystem::path path;
    Dir() {
      std::error_code error;
      const bool in_memory = std::filesystem::is_directory("/dev/shm", error);
      path = std::filesystem::path(in_memory ? "/dev/shm" : "/tmp") /
             ("tributary-fuzz-" + std::to_string(::getpid()));
      std::filesystem::create_directories(path);
    }
    ~Dir() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Dir dir;
  return dir.path;
}

void WriteInput(const std::filesystem::path& path, std::string_view contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

}  // namespace tributary
