#include "proto/yaml/config_flags.h"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "proto/yaml/field_comments.h"
#include "proto/yaml/program_flags.h"
#include "proto/yaml/scalar_text.h"
#include "proto/yaml/unknown_argument.h"
#include "proto/yaml/yaml_message.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsScalar(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
}

// Whether the field is a list of key=value: a map to scalars, or a list of
// messages with two scalar fields. (By reflection, a map is such a list.)
bool IsPair(const FieldDescriptor& field) {
  if (IsScalar(field) || !field.is_repeated()) return false;
  const Descriptor& type = *field.message_type();
  if (type.field_count() != 2) return false;
  for (int i = 0; i < 2; ++i) {
    if (!IsScalar(*type.field(i)) || type.field(i)->is_repeated()) return false;
  }
  return true;
}

// The message that `parents` lead to, which is created if need be.
Message* Descend(const std::vector<const FieldDescriptor*>& parents,
                 Message* message) {
  for (const FieldDescriptor* parent : parents) {
    message = message->GetReflection()->MutableMessage(message, parent);
  }
  return message;
}

std::vector<std::string_view> SplitByComma(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

absl::Status AddPair(std::string_view text, const FieldDescriptor& field,
                     Message* message) {
  const Descriptor& type = *field.message_type();
  const size_t equals = text.rfind('=');
  if (equals == std::string_view::npos) {
    return absl::InvalidArgumentError(
        fmt::format("expected {}={}, found \"{}\"", type.field(0)->name(),
                    type.field(1)->name(), text));
  }
  Message* const pair = message->GetReflection()->AddMessage(message, &field);
  RETURN_IF_ERROR(SetScalar(text.substr(0, equals), *type.field(0), pair));
  return SetScalar(text.substr(equals + 1), *type.field(1), pair);
}

absl::Status SetFromFlag(std::string_view text, const FieldDescriptor& field,
                         Message* message) {
  if (!field.is_repeated()) return SetScalar(text, field, message);
  message->GetReflection()->ClearField(message, &field);
  for (std::string_view part : SplitByComma(text)) {
    RETURN_IF_ERROR(IsPair(field) ? AddPair(part, field, message)
                                  : SetScalar(part, field, message));
  }
  return absl::OkStatus();
}

void ThrowIfError(const std::string& option, const absl::Status& status) {
  if (status.ok()) return;
  const std::string what(status.message());
  throw CLI::ValidationError(option, what);
}

std::string TypeName(const FieldDescriptor& field) {
  if (IsPair(field)) return "KEY=VALUE,...";
  std::string name = field.cpp_type_name();
  if (field.enum_type() != nullptr) name = DescribeScalar(field);
  return field.is_repeated() ? name + ",..." : name;
}

std::string HelpOf(const FieldDescriptor& field, const std::string& path) {
  std::string comment = CommentOf(field);
  return comment.empty() ? "Setting " + path : comment;
}

void AddFlags(const Descriptor& type, const std::string& prefix,
              const std::vector<const FieldDescriptor*>& parents, CLI::App& app,
              Message* config) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* const field = type.field(i);
    const std::string path = prefix + std::string(field->name());
    if (IsScalar(*field) || IsPair(*field)) {
      app.add_option_function<std::string>(
             "--" + path,
             [path, parents, field, config](const std::string& text) {
               ThrowIfError("--" + path, SetFromFlag(text, *field,
                                                     Descend(parents, config)));
             },
             HelpOf(*field, path))
          ->type_name(TypeName(*field))
          ->group("Configuration");
    } else if (!field->is_repeated()) {
      auto with_this = parents;
      with_this.push_back(field);
      AddFlags(*field->message_type(), path + ".", with_this, app, config);
    }
  }
}

}  // namespace

void AddConfigFlags(CLI::App& app, Message* config) {
  // CLI11 runs callbacks in the order in which options were added, not given:
  // the file is read before any flag is applied.
  app.add_option_function<std::string>(
         "--config",
         [config](const std::string& file) {
           ThrowIfError("--config", ReadYamlFile(file, config));
         },
         "YAML file with any of the settings below; flags override it")
      ->type_name("FILE");
  AddFlags(*config->GetDescriptor(), "", {}, app, config);
}

std::optional<int> ParseProgramFlags(int argc, char** argv,
                                     const ProgramFlags& program,
                                     Message* config) {
  CLI::App app(program.description);
  app.set_version_flag("--version", program.version);
  AddConfigFlags(app, config);
  for (const FlagAlias& alias : program.aliases) {
    const FieldDescriptor* const field =
        config->GetDescriptor()->FindFieldByName(alias.field);
    app.add_option_function<std::string>(
           alias.flag,
           [alias, field, config](const std::string& text) {
             ThrowIfError(alias.flag, SetFromFlag(text, *field, config));
           },
           "The same as --" + alias.field)
        ->type_name(TypeName(*field));
  }
  app.name(std::filesystem::path(argv[0]).filename().string());
  const std::string unknown = UnknownArgument(app, {argv + 1, argv + argc});
  if (!unknown.empty()) {
    fmt::print(stderr, "{}\nRun with --help for more information.\n", unknown);
    return static_cast<int>(CLI::ExitCodes::ExtrasError);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return std::nullopt;
}

}  // namespace tributary
