# Writes OUT, the C++ source of kConsoleFiles (console_files.h), from FILES.
#   cmake -D "FILES=a;b" -D OUT=content.cc -P embed_files.cmake
set(arrays "")
set(table "")
set(i 0)
foreach(path ${FILES})
  get_filename_component(name ${path} NAME)
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  # A file without a byte would be an array without an element.
  string(APPEND arrays "constexpr unsigned char kFile${i}[] = {${bytes}0};\n")
  string(APPEND table "    {\"${name}\", kFile${i}, sizeof(kFile${i}) - 1},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE ${OUT} "// Made by embed_files.cmake.
#include \"server/console/console_files.h\"

namespace tributary {
namespace {

${arrays}
constexpr ConsoleFile kFiles[] = {
${table}};

}  // namespace

std::span<const ConsoleFile> ConsoleFiles() { return kFiles; }

}  // namespace tributary
")
