#include "server/http/json_retrieval.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string_view>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr size_t kMaxDescription = 200;

// `what` is "a RetrieveRequest", say.
absl::Status NotARequest(std::string_view what, std::string_view why) {
  return absl::InvalidArgumentError(
      fmt::format("not {}: {}", what, Printable(why, kMaxDescription)));
}

// The position after the string that begins at the quote text[i].
size_t AfterString(std::string_view text, size_t i) {
  const char quote = text[i++];
  while (i < text.size() && text[i] != quote) i += text[i] == '\\' ? 2 : 1;
  return std::min(text.size(), i + 1);
}

// Whether the text can be read without much more memory than it has itself.
// What is no JSON passes: the parser says why.
absl::Status CheckSize(std::string_view what, std::string_view json) {
  int depth = 0;
  int strings = 0;
  for (size_t i = 0; i < json.size();) {
    const char c = json[i];
    if (c == '"' || c == '\'') {
      i = AfterString(json, i);
      ++strings;
    } else {
      depth += c == '{' || c == '[' ? 1 : 0;
      depth -= c == '}' || c == ']' ? 1 : 0;
      strings += c == '{' ? 1 : 0;
      ++i;
    }
    if (depth > kMaxJsonDepth) {
      return NotARequest(
          what, fmt::format("at byte {} it nests deeper than {} levels", i,
                            kMaxJsonDepth));
    }
    if (strings > kMaxJsonStrings) {
      return NotARequest(
          what,
          fmt::format("it has more than {} strings and objects; send longer "
                      "requests over gRPC",
                      kMaxJsonStrings));
    }
  }
  return absl::OkStatus();
}

// Removes `prefix` from the front of the text, if it is there.
bool Consume(std::string_view prefix, std::string_view* text) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// What of the text is before `mark`, which both are removed from its front;
// nothing and the text unchanged where it has none.
std::string_view ConsumeUntil(std::string_view mark, std::string_view* text) {
  const size_t end = text->find(mark);
  if (end == std::string_view::npos) return {};
  const std::string_view before = text->substr(0, end);
  text->remove_prefix(end + mark.size());
  return before;
}

// "TYPE_UINT32" is "uint32", and "type.googleapis.com/tributary.v1.Filter" is
// "Filter".
std::string TypeName(std::string_view type) {
  if (!Consume("TYPE_", &type)) {
    return std::string(type.substr(type.find_last_of("./") + 1));
  }
  std::string name(type);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  return name;
}

// A path without the position in its list at the end.
std::string_view WithoutPosition(std::string_view path) {
  return path.ends_with(']') ? path.substr(0, path.rfind('[')) : path;
}

absl::Status FieldProblem(std::string_view path, std::string_view problem) {
  return absl::InvalidArgumentError(
      fmt::format("{}: {}", Printable(path, kMaxDescription), problem));
}

// The error for "invalid value VALUE for type TYPE" at a path, which may be
// empty. protobuf says so, too, of an object where a value is expected (then
// TYPE is the field, and the path that of what came before it), of a list
// instead of a map, and of a second field of a oneof.
absl::Status InvalidValue(std::string_view what, std::string_view path,
                          std::string_view text) {
  const size_t end = text.rfind(" for type ");
  if (end == std::string_view::npos) return NotARequest(what, text);
  std::string_view value = text.substr(0, end);
  const std::string_view type = text.substr(end + sizeof(" for type ") - 1);
  if (value == "Starting an object on a scalar field") {
    return FieldProblem(path.empty() ? type : WithoutPosition(path),
                        "expected a value, found an object");
  }
  if (Consume("Cannot bind a list to map for field '", &value)) {
    return FieldProblem(ConsumeUntil("'", &value),
                        "expected an object, found a list");
  }
  if (Consume("oneof field '", &value)) {
    return FieldProblem(ConsumeUntil("'", &value),
                        "expected one of its fields, found two");
  }
  if (path.empty()) return NotARequest(what, text);
  return FieldProblem(path, fmt::format("expected {}, found {}", TypeName(type),
                                        Printable(value, kMaxDescription)));
}

// The error for protobuf's own words. They are "(PATH): PROBLEM",
// "(PATH) FIELD: PROBLEM", "FIELD: PROBLEM" or ": PROBLEM" where the text does
// not fit the message, and others, with a second line, where it is no JSON.
absl::Status FromProtobuf(std::string_view what, std::string_view text) {
  std::string path;
  const bool has_path = Consume("(", &text);
  if (has_path) path = ConsumeUntil(")", &text);
  const bool is_field = has_path && Consume(" ", &text);
  if (Consume(": invalid value ", &text)) return InvalidValue(what, path, text);
  for (const std::string_view problem :
       {"Cannot find field.",
        "Proto field is not repeating, cannot start list.",
        "Repeated map key: "}) {
    const size_t at = text.find(fmt::format(": {}", problem));
    if (at == std::string_view::npos || (has_path && !is_field)) continue;
    const std::string_view field = text.substr(0, at);
    if (problem.starts_with("Repeated")) {
      return FieldProblem(
          WithoutPosition(path),
          fmt::format("the key {} is there twice", Quoted(field)));
    }
    return FieldProblem(
        path.empty() ? std::string(field) : fmt::format("{}.{}", path, field),
        problem.starts_with("Cannot") ? "there is no such field"
                                      : "expected one value, found a list");
  }
  Consume(": ", &text);
  return NotARequest(what, text.substr(0, text.find('\n')));
}

absl::Status ParseRequest(std::string_view what, const std::string& json,
                          google::protobuf::Message* request) {
  RETURN_IF_ERROR(CheckSize(what, json));
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(json, request);
  if (parsed.ok()) return absl::OkStatus();
  return FromProtobuf(what, {parsed.message().data(), parsed.message().size()});
}

absl::StatusOr<std::string> PrintResponse(
    const google::protobuf::Message& response) {
  std::string json;
  const auto printed =
      google::protobuf::util::MessageToJsonString(response, &json);
  if (printed.ok()) return json;
  return absl::InternalError(
      fmt::format("cannot print the reply as JSON: {}", printed.ToString()));
}

}  // namespace

absl::Status ParseRetrieveRequest(const std::string& json,
                                  v1::RetrieveRequest* request) {
  return ParseRequest("a RetrieveRequest", json, request);
}

absl::Status ParseBatchRequest(const std::string& json,
                               v1::BatchRetrieveRequest* request) {
  return ParseRequest("a BatchRetrieveRequest", json, request);
}

absl::Status ParseExplainRequest(const std::string& json,
                                 v1::ExplainRequest* request) {
  return ParseRequest("an ExplainRequest", json, request);
}

absl::StatusOr<std::string> PrintRetrieveResponse(
    const v1::RetrieveResponse& response) {
  return PrintResponse(response);
}

absl::StatusOr<std::string> PrintBatchResponse(
    const v1::BatchRetrieveResponse& response) {
  return PrintResponse(response);
}

absl::StatusOr<std::string> PrintExplainResponse(
    const v1::ExplainResponse& response) {
  return PrintResponse(response);
}

}  // namespace tributary
