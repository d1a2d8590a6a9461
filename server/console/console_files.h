// The files of the page, compiled into the program.
#ifndef TRIBUTARY_SERVER_CONSOLE_CONSOLE_FILES_H_
#define TRIBUTARY_SERVER_CONSOLE_CONSOLE_FILES_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tributary {

struct ConsoleFile {
  std::string_view name;
  const unsigned char* bytes = nullptr;
  size_t size = 0;

  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes), size};
  }
};

// Every file, made by embed_files.cmake from those that CMakeLists.txt lists.
std::span<const ConsoleFile> ConsoleFiles();

// The file of a path: console.html of /console, and NAME of /console/NAME.
// nullptr where there is none.
const ConsoleFile* FindConsoleFile(std::string_view path);

// What its name says that it is, as a Content-Type.
std::string ContentTypeOf(const ConsoleFile& file);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_CONSOLE_CONSOLE_FILES_H_
