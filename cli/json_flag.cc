#include "cli/json_flag.h"

#include "fmt/core.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "index/data/inter_file.h"

namespace tributary {

void JsonFlag::AddTo(CLI::App& command, std::string_view what) {
  command.add_flag_callback(
      "--json", [this] { file_ = ""; },
      fmt::format("Print {} as JSON instead of text", what));
}

void JsonFlag::AddWithFileTo(CLI::App& command, std::string_view what) {
  command
      .add_option_function<std::string>(
          "--json",
          [this](const std::string& value) {
            // What CLI11 passes for a flag without a value.
            file_ = value == "true" ? "" : value;
          },
          fmt::format("Print {} as JSON instead of text, or write it to FILE "
                      "beside the text",
                      what))
      ->type_name("[FILE]")
      ->expected(0, 1);
}

absl::Status JsonFlag::Write(const std::string& json) const {
  if (!given()) return absl::OkStatus();
  if (!file_->empty()) return WriteTextFile(*file_, json);
  fmt::print("{}", json);
  return absl::OkStatus();
}

absl::Status JsonFlag::Write(const google::protobuf::Message& message) const {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  // Fails only for messages with unknown Any types.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return Write(json);
}

absl::Status JsonFlag::WriteObject(
    std::initializer_list<std::pair<const char*, std::string>> members) const {
  google::protobuf::Struct object;
  for (const auto& [name, value] : members) {
    (*object.mutable_fields())[name].set_string_value(value);
  }
  return Write(object);
}

}  // namespace tributary
