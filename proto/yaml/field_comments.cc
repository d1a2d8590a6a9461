#include "proto/yaml/field_comments.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.pb.h"

// protoc's descriptors with comments, which generated code leaves out. The file
// is made by proto/yaml/CMakeLists.txt; its bytes become a part of the program.
asm(R"(
    .pushsection .rodata
tributary_descriptors_begin:
    .incbin ")" TRIBUTARY_DESCRIPTORS R"("
tributary_descriptors_end:
    .byte 0
    .popsection
)");
extern const char kDescriptorsBegin[] asm("tributary_descriptors_begin");
extern const char kDescriptorsEnd[] asm("tributary_descriptors_end");

namespace tributary {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::SourceCodeInfo;

using Path = std::vector<int>;

// The paths of all fields of a message and of those within it, as
// SourceCodeInfo.Location has them, with the fields' full names.
void AddPaths(const DescriptorProto& message, const std::string& scope,
              const Path& path, std::map<Path, std::string>* names) {
  const std::string full_name = scope + "." + message.name();
  for (int i = 0; i < message.field_size(); ++i) {
    Path field = path;
    field.insert(field.end(), {DescriptorProto::kFieldFieldNumber, i});
    (*names)[field] = full_name + "." + message.field(i).name();
  }
  for (int i = 0; i < message.nested_type_size(); ++i) {
    Path nested = path;
    nested.insert(nested.end(), {DescriptorProto::kNestedTypeFieldNumber, i});
    AddPaths(message.nested_type(i), full_name, nested, names);
  }
}

// One line: blanks and line ends become single blanks.
std::string OneLine(std::string_view comment) {
  std::string line;
  for (const char c : comment) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

// The first sentence, and what follows from "Unit:", "Range:" or "Default:" on.
std::string Shorten(const std::string& line) {
  size_t facts = line.size();
  for (const std::string_view fact : {"Unit: ", "Range: ", "Default: "}) {
    facts = std::min(facts, line.find(fact));
  }
  std::string shorter = line.substr(0, facts);
  if (const size_t end = shorter.find(". "); end != std::string::npos) {
    shorter.resize(end + 1);
  }
  while (shorter.ends_with(' ')) shorter.pop_back();
  if (facts == line.size()) return shorter;
  return shorter + (shorter.empty() ? "" : " ") + line.substr(facts);
}

std::map<std::string, std::string> ReadComments() {
  std::map<std::string, std::string> comments;
  FileDescriptorSet files;
  if (!files.ParseFromArray(
          kDescriptorsBegin,
          static_cast<int>(kDescriptorsEnd - kDescriptorsBegin))) {
    return comments;
  }
  for (const FileDescriptorProto& file : files.file()) {
    std::map<Path, std::string> names;
    for (int i = 0; i < file.message_type_size(); ++i) {
      AddPaths(file.message_type(i), file.package(),
               {FileDescriptorProto::kMessageTypeFieldNumber, i}, &names);
    }
    for (const SourceCodeInfo::Location& location :
         file.source_code_info().location()) {
      const auto name =
          names.find(Path(location.path().begin(), location.path().end()));
      if (name == names.end()) continue;
      comments[name->second] = Shorten(OneLine(location.leading_comments()));
    }
  }
  return comments;
}

}  // namespace

std::string CommentOf(const google::protobuf::FieldDescriptor& field) {
  static const auto* const comments =
      new std::map<std::string, std::string>(ReadComments());
  const auto found = comments->find(std::string(field.full_name()));
  return found == comments->end() ? "" : found->second;
}

}  // namespace tributary
