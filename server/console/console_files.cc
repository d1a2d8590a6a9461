#include "server/console/console_files.h"

#include <algorithm>

namespace tributary {
namespace {

constexpr std::string_view kPage = "console.html";
constexpr std::string_view kPath = "/console";

}  // namespace

const ConsoleFile* FindConsoleFile(std::string_view path) {
  if (!path.starts_with(kPath)) return nullptr;
  path.remove_prefix(kPath.size());
  // The page has one address, which its relative ones refer to.
  if (!path.empty() && (path[0] != '/' || path.substr(1) == kPage)) {
    return nullptr;
  }
  const std::string_view name = path.empty() ? kPage : path.substr(1);
  const auto files = ConsoleFiles();
  const auto found = std::ranges::find(files, name, &ConsoleFile::name);
  return found == files.end() ? nullptr : &*found;
}

std::string ContentTypeOf(const ConsoleFile& file) {
  const std::string_view name = file.name;
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/plain; charset=utf-8";
}

}  // namespace tributary
