#include "proto/yaml/yaml_message.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "proto/yaml/scalar_text.h"
#include "status/nearest_name.h"
#include "status/status_macros.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/yaml.h"

namespace tributary {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kMaxFileBytes = 1 << 20;
// An alias inside its own anchor makes a document of infinite depth.
constexpr int kMaxDepth = 32;

std::string KindOf(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return fmt::format("\"{}\"", node.Scalar());
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a mapping";
    default:
      return "nothing";
  }
}

std::string Join(const std::string& path, std::string_view field) {
  return path.empty() ? std::string(field) : fmt::format("{}.{}", path, field);
}

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) {
    names.push_back(type.field(i)->name());
  }
  return names;
}

// The member that the field's oneof already has; nullptr for none.
const FieldDescriptor* OtherInOneof(const FieldDescriptor& field,
                                    const Message& message) {
  const auto* oneof = field.real_containing_oneof();
  if (oneof == nullptr) return nullptr;
  return message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
}

class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  absl::Status ReadMessage(const YAML::Node& node, const std::string& path,
                           Message* message) {
    if (node.IsNull()) return absl::OkStatus();
    if (!node.IsMap()) return Expected("a mapping", node, path);
    if (++depth_ > kMaxDepth) return Error(node, path, "nested too deeply");
    std::set<std::string> seen;
    for (const auto& entry : node) {
      RETURN_IF_ERROR(CheckKey(entry.first, path, &seen));
      const std::string& key = entry.first.Scalar();
      RETURN_IF_ERROR(ReadNamed(entry, Join(path, key), message));
    }
    --depth_;
    return absl::OkStatus();
  }

  absl::Status Error(const YAML::Mark& mark, const std::string& path,
                     std::string_view what) const {
    return absl::InvalidArgumentError(
        fmt::format("{}:{}:{}: {}{}{}", name_, mark.line + 1, mark.column + 1,
                    path, path.empty() ? "" : ": ", what));
  }

 private:
  using Entry = YAML::const_iterator::value_type;

  absl::Status Error(const YAML::Node& node, const std::string& path,
                     std::string_view what) const {
    return Error(node.Mark(), path, what);
  }

  absl::Status Expected(std::string_view what, const YAML::Node& node,
                        const std::string& path) const {
    return Error(node, path,
                 fmt::format("expected {}, found {}", what, KindOf(node)));
  }

  absl::Status CheckKey(const YAML::Node& key, const std::string& path,
                        std::set<std::string>* seen) const {
    if (!key.IsScalar()) return Expected("a name before ':'", key, path);
    if (!seen->insert(key.Scalar()).second) {
      return Error(key, Join(path, key.Scalar()), "given twice");
    }
    return absl::OkStatus();
  }

  absl::Status ReadNamed(const Entry& entry, const std::string& path,
                         Message* message) {
    const Descriptor& type = *message->GetDescriptor();
    const FieldDescriptor* const field =
        type.FindFieldByName(entry.first.Scalar());
    if (field == nullptr) {
      return Error(
          entry.first, path,
          fmt::format("unknown field of {}{}", type.name(),
                      DidYouMean(entry.first.Scalar(), FieldNames(type))));
    }
    const FieldDescriptor* const other = OtherInOneof(*field, *message);
    if (other != nullptr && other != field) {
      return Error(entry.first, path,
                   fmt::format("excludes {}, which is set", other->name()));
    }
    return ReadField(entry.second, path, *field, message);
  }

  absl::Status ReadField(const YAML::Node& node, const std::string& path,
                         const FieldDescriptor& field, Message* message) {
    if (field.is_map()) return ReadMap(node, path, field, message);
    if (field.is_repeated()) return ReadList(node, path, field, message);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return ReadMessage(
          node, path,
          message->GetReflection()->MutableMessage(message, &field));
    }
    return ReadScalar(node, path, field, message);
  }

  absl::Status ReadList(const YAML::Node& node, const std::string& path,
                        const FieldDescriptor& field, Message* message) {
    message->GetReflection()->ClearField(message, &field);
    if (node.IsNull()) return absl::OkStatus();
    if (!node.IsSequence()) return Expected("a list", node, path);
    for (size_t i = 0; i < node.size(); ++i) {
      const std::string item_path = fmt::format("{}[{}]", path, i);
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        RETURN_IF_ERROR(
            ReadMessage(node[i], item_path,
                        message->GetReflection()->AddMessage(message, &field)));
      } else {
        RETURN_IF_ERROR(ReadScalar(node[i], item_path, field, message));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadMap(const YAML::Node& node, const std::string& path,
                       const FieldDescriptor& field, Message* message) {
    message->GetReflection()->ClearField(message, &field);
    if (node.IsNull()) return absl::OkStatus();
    if (!node.IsMap()) return Expected("a mapping", node, path);
    const Descriptor& entry_type = *field.message_type();
    std::set<std::string> seen;
    for (const auto& entry : node) {
      RETURN_IF_ERROR(CheckKey(entry.first, path, &seen));
      const std::string entry_path = Join(path, entry.first.Scalar());
      // By reflection, a map is a list of messages with a key and a value.
      Message* const pair =
          message->GetReflection()->AddMessage(message, &field);
      RETURN_IF_ERROR(
          ReadScalar(entry.first, entry_path, *entry_type.map_key(), pair));
      RETURN_IF_ERROR(
          ReadField(entry.second, entry_path, *entry_type.map_value(), pair));
    }
    return absl::OkStatus();
  }

  absl::Status ReadScalar(const YAML::Node& node, const std::string& path,
                          const FieldDescriptor& field,
                          Message* message) const {
    // yaml-cpp tags quoted scalars with "!". They are strings.
    const bool is_text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    if (!node.IsScalar() || (node.Tag() == "!" && !is_text)) {
      return Expected(DescribeScalar(field), node, path);
    }
    const absl::Status status = SetScalar(node.Scalar(), field, message);
    if (status.ok()) return absl::OkStatus();
    const absl::string_view what = status.message();
    return Error(node, path, std::string_view(what.data(), what.size()));
  }

  const std::string_view name_;
  int depth_ = 0;
};

// Records where documents begin, and ignores what is in them.
class DocumentStarts : public YAML::EventHandler {
 public:
  std::vector<YAML::Mark> marks;

  void OnDocumentStart(const YAML::Mark& mark) override {
    marks.push_back(mark);
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Where a second document begins. YAML::LoadAll would tell, but does not return
// for some malformed lines.
std::optional<YAML::Mark> SecondDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts documents;
  for (int i = 0; i < 2; ++i) parser.HandleNextDocument(documents);
  if (documents.marks.size() < 2) return std::nullopt;
  return documents.marks[1];
}

}  // namespace

absl::Status ReadYaml(std::string_view text, std::string_view name,
                      Message* message) {
  Reader reader(name);
  try {
    if (const auto second = SecondDocument(std::string(text))) {
      return reader.Error(*second, "",
                          "expected one YAML document, found more");
    }
    const YAML::Node document = YAML::Load(std::string(text));
    if (!document.IsDefined() || document.IsNull()) return absl::OkStatus();
    return reader.ReadMessage(document, "", message);
  } catch (const YAML::Exception& e) {
    return reader.Error(e.mark, "", e.msg);
  }
}

absl::Status ReadYamlFile(const std::filesystem::path& file, Message* message) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    const int error = errno;
    return absl::ErrnoToStatus(error,
                               fmt::format("cannot open {}", file.native()));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (stream.fail() && !stream.eof())) {
    return absl::UnknownError(fmt::format("cannot read {}", file.native()));
  }
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        fmt::format("{}: longer than {} bytes", file.native(), kMaxFileBytes));
  }
  return ReadYaml(text, file.native(), message);
}

}  // namespace tributary
