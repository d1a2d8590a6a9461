#ifndef TRIBUTARY_CLI_JSON_FLAG_H_
#define TRIBUTARY_CLI_JSON_FLAG_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace tributary {

// What --json asks for, alike in every command: nothing, or JSON on stdout
// instead of text. The commands that write reports also take a FILE for it.
class JsonFlag {
 public:
  // Adds --json to the command; this object outlives it. `what` completes
  // "Print ... as JSON".
  void AddTo(CLI::App& command, std::string_view what);
  // Adds --json [FILE].
  void AddWithFileTo(CLI::App& command, std::string_view what);

  bool given() const { return file_.has_value(); }
  // Whether stdout is for JSON, and so for nothing else.
  bool on_stdout() const { return given() && file_->empty(); }
  // Writes the JSON to where the flag says. OK without the flag.
  absl::Status Write(const std::string& json) const;
  // The same, of a message as proto3 JSON.
  absl::Status Write(const google::protobuf::Message& message) const;
  // The same, of one object with these members.
  absl::Status WriteObject(
      std::initializer_list<std::pair<const char*, std::string>> members) const;

 private:
  // The empty file is stdout.
  std::optional<std::string> file_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_JSON_FLAG_H_
