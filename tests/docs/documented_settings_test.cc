// What docs/configuration.md says of defaults and ranges is what the programs
// do. Both come from the comments of config.proto.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "index/assemble/build_config.h"
#include "proto/yaml/yaml_message.h"
#include "server/loader/loader_config.h"
#include "server/pipeline/server_config.h"
#include "tributary/v1/config.pb.h"

namespace tributary {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A line of `generate_docs.py --settings`.
struct Setting {
  std::string program;
  std::string path;
  std::string range;
  // As in the file; empty when it is described in words.
  std::string default_value;
};

std::vector<Setting> ReadSettings() {
  std::string text;
  FILE* const pipe = ::popen(PRINT_SETTINGS, "r");
  if (pipe == nullptr) return {};
  char buffer[4096];
  for (size_t got = 0; (got = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    text.append(buffer, got);
  }
  EXPECT_EQ(::pclose(pipe), 0);
  std::vector<Setting> settings;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream columns(line);
    Setting& setting = settings.emplace_back();
    std::getline(columns, setting.program, '\t');
    std::getline(columns, setting.path, '\t');
    std::getline(columns, setting.range, '\t');
    std::getline(columns, setting.default_value, '\t');
  }
  return settings;
}

// `yaml` with the defaults filled in, or the error.
template <typename Config, typename Completer>
absl::StatusOr<std::shared_ptr<const Message>> ReadAndComplete(
    std::string_view yaml, const Completer& complete, Config config) {
  absl::Status read = ReadYaml(yaml, "test", &config);
  if (!read.ok()) return read;
  absl::StatusOr<Config> completed = complete(std::move(config));
  if (!completed.ok()) return completed.status();
  return std::make_shared<const Config>(*std::move(completed));
}

absl::StatusOr<std::shared_ptr<const Message>> Complete(
    std::string_view program, std::string_view yaml) {
  if (program == "ServerConfig") {
    v1::ServerConfig config;
    config.set_bundles("DIR");
    return ReadAndComplete(yaml, CompleteServerConfig, std::move(config));
  }
  if (program == "LoaderConfig") {
    v1::LoaderConfig config;
    config.set_store("STORE");
    config.set_bundles("DIR");
    return ReadAndComplete(yaml, CompleteLoaderConfig, std::move(config));
  }
  return ReadAndComplete(yaml, CompleteBuildConfig, v1::BuildConfig());
}

// "a: {b: {c: value}}" for the path a.b.c.
std::string Yaml(const std::string& path, const std::string& value) {
  std::string yaml = value;
  std::string rest = path;
  for (bool innermost = true; !rest.empty(); innermost = false) {
    const size_t dot = rest.rfind('.');
    const size_t name = dot == std::string::npos ? 0 : dot + 1;
    yaml = fmt::format(fmt::runtime(innermost ? "{}: {}" : "{}: {{{}}}"),
                       rest.substr(name), yaml);
    rest.resize(dot == std::string::npos ? 0 : dot);
  }
  return yaml;
}

const FieldDescriptor* FindField(const Descriptor* type, std::string_view path,
                                 const Message** message) {
  for (;;) {
    const size_t dot = path.find('.');
    const FieldDescriptor* const field =
        type->FindFieldByName(std::string(path.substr(0, dot)));
    if (field == nullptr || dot == std::string_view::npos) return field;
    *message = &(*message)->GetReflection()->GetMessage(**message, field);
    type = field->message_type();
    path.remove_prefix(dot + 1);
  }
}

// The value of the setting as text; for lists, of each entry.
std::vector<std::string> ValuesOf(const Message& config,
                                  std::string_view path) {
  const Message* message = &config;
  const FieldDescriptor* const field =
      FindField(config.GetDescriptor(), path, &message);
  EXPECT_NE(field, nullptr) << path;
  if (field == nullptr) return {};
  const bool repeated = field->is_repeated();
  const int count =
      repeated ? message->GetReflection()->FieldSize(*message, field) : 1;
  std::vector<std::string> values(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    google::protobuf::TextFormat::PrintFieldValueToString(
        *message, field, repeated ? i : -1, &values[static_cast<size_t>(i)]);
  }
  return values;
}

std::string Replace(std::string text, std::string_view what,
                    std::string_view by) {
  const size_t at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

TEST(DocumentedSettings, DefaultsAreThoseOfThePrograms) {
  int compared = 0;
  std::set<std::string> in_words;
  for (const Setting& setting : ReadSettings()) {
    if (setting.default_value.empty()) {
      in_words.insert(setting.path);
      continue;
    }
    const std::string text =
        Replace(Replace(setting.default_value, "<bundles>", "DIR"), "<region>",
                "us-east-1");
    const auto completed = Complete(setting.program, "");
    ASSERT_TRUE(completed.ok()) << completed.status();
    const auto documented = Complete(setting.program, Yaml(setting.path, text));
    ASSERT_TRUE(documented.ok()) << setting.path << ": " << documented.status();
    EXPECT_EQ(ValuesOf(**completed, setting.path),
              ValuesOf(**documented, setting.path))
        << setting.program << " " << setting.path;
    ++compared;
  }
  EXPECT_GE(compared, 110);
  // Required, chosen or depending on something else.
  EXPECT_THAT(
      in_words,
      testing::UnorderedElementsAre(
          "bundles", "store", "defaults.quotas",
          "defaults.fusion_model.segments", "defaults.fusion_model.quotas",
          "execution.search_threads", "execution.request_threads", "threads",
          "behavior.history.epochs", "behavior.history.dropout",
          "behavior.history.weight_decay", "behavior.history.decay",
          "behavior.history.cut_share", "behavior.history.dropped_targets",
          "behavior.towers.user.id_dim", "behavior.towers.user.text",
          "behavior.towers.item.id_dim", "behavior.towers.item.text",
          "behavior.towers.stop_after", "index.factory", "als.alpha",
          "als.regularization", "s3.credentials_file", "tracing.service_name"));
}

// Whether the program takes the value.
bool Takes(const Setting& setting, const std::string& value) {
  std::string yaml = Yaml(setting.path, value);
  // One head goes with every dimension.
  if (setting.path == "behavior.towers.history.dim") {
    yaml = fmt::format(
        "behavior: {{towers: {{history: {{dim: {}, heads: 1}}}}"
        "}}",
        value);
  }
  return Complete(setting.program, yaml).ok();
}

// As YAML: a list or map with one entry where the field is one.
std::string Wrap(const FieldDescriptor& field, const std::string& value) {
  if (field.is_map()) return fmt::format("{{some: {}}}", value);
  if (field.is_repeated()) return fmt::format("[{}]", value);
  return value;
}

bool IsDouble(const FieldDescriptor& field) {
  const FieldDescriptor& value =
      field.is_map() ? *field.message_type()->map_value() : field;
  return value.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE;
}

// A little below or above.
std::string Beyond(double bound, int direction, bool is_double) {
  if (!is_double) {
    return fmt::format("{}", static_cast<int64_t>(bound) + direction);
  }
  const double step = bound == 0 ? 1e-9 : 1e-9 * std::abs(bound);
  return fmt::format("{}", bound + direction * step);
}

std::optional<double> Number(const std::string& text) {
  size_t end = 0;
  try {
    const double number = std::stod(text, &end);
    if (end == text.size()) return number;
  } catch (const std::exception&) {
  }
  return std::nullopt;
}

// False when the range is in words.
bool CheckRange(const Setting& setting, const FieldDescriptor& field) {
  const std::string& range = setting.range;
  if (range.starts_with("one of ")) {
    std::istringstream choices(range.substr(7));
    for (std::string choice; choices >> choice;) {
      if (choice.ends_with(',')) choice.pop_back();
      EXPECT_TRUE(Takes(setting, choice)) << setting.path << ": " << choice;
    }
    EXPECT_FALSE(Takes(setting, "no_such_choice")) << setting.path;
    return true;
  }
  const size_t to = range.find(" to ");
  const size_t or_more = range.ends_with(" or more") ? range.find(' ') : to;
  const std::string low_text = range.substr(0, or_more);
  const std::string high_text =
      to == std::string::npos ? "" : range.substr(to + 4);
  const std::optional<double> low = Number(low_text);
  const std::optional<double> high = Number(high_text);
  const bool open = or_more != to;
  if (!low.has_value() || (!open && !high.has_value())) return false;
  const bool is_double = IsDouble(field);
  const auto check = [&](const std::string& value, bool takes) {
    EXPECT_EQ(Takes(setting, Wrap(field, value)), takes)
        << setting.program << " " << setting.path << ": " << value
        << ", documented as " << range;
  };
  check(low_text, true);
  check(Beyond(*low, -1, is_double), false);
  if (open) return true;
  check(high_text, true);
  check(Beyond(*high, 1, is_double), false);
  return true;
}

TEST(DocumentedSettings, RangesAreThoseOfThePrograms) {
  int compared = 0;
  for (const Setting& setting : ReadSettings()) {
    const auto config = Complete(setting.program, "");
    ASSERT_TRUE(config.ok()) << config.status();
    const Message* message = config->get();
    const FieldDescriptor* const field =
        FindField(message->GetDescriptor(), setting.path, &message);
    ASSERT_NE(field, nullptr) << setting.path;
    if (CheckRange(setting, *field)) ++compared;
  }
  EXPECT_GE(compared, 90);
}

// The paths of everything that is not a mapping of its own.
void CollectPaths(const Descriptor& type, const std::string& prefix,
                  std::set<std::string>* paths) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string path = prefix + std::string(field.name());
    if (field.message_type() != nullptr && !field.is_repeated()) {
      CollectPaths(*field.message_type(), path + ".", paths);
    } else {
      paths->insert(path);
    }
  }
}

TEST(DocumentedSettings, EverySettingIsThere) {
  std::set<std::string> expected;
  for (const Descriptor* type :
       {v1::ServerConfig::descriptor(), v1::BuildConfig::descriptor(),
        v1::LoaderConfig::descriptor()}) {
    CollectPaths(*type, std::string(type->name()) + " ", &expected);
  }
  std::set<std::string> documented;
  for (const Setting& setting : ReadSettings()) {
    documented.insert(setting.program + " " + setting.path);
  }
  EXPECT_EQ(documented, expected);
}

}  // namespace
}  // namespace tributary
