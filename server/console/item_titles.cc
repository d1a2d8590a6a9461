#include "server/console/item_titles.h"

#include <charconv>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/bundle.h"
#include "server/console/json_text.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr std::string_view kEllipsis = "…";
// What a request may have besides its keys: braces, the version.
constexpr size_t kMaxOtherMarks = 16;

absl::Status BadTitles(std::string_view what) {
  return absl::InvalidArgumentError(std::string(what));
}

// Bounds what is parsed: every value of JSON follows one of these marks.
absl::Status CheckMarks(std::string_view json) {
  size_t marks = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"' || json[i] == '\'') {
      const char quote = json[i++];
      while (i < json.size() && json[i] != quote) i += json[i] == '\\' ? 2 : 1;
    } else if (json[i] == ',' || json[i] == '[' || json[i] == '{') {
      ++marks;
    }
  }
  if (marks <= kMaxTitleKeys + kMaxOtherMarks) return absl::OkStatus();
  return BadTitles(fmt::format(
      "itemKeys: more than {} keys; ask for them in parts", kMaxTitleKeys));
}

absl::StatusOr<uint64_t> ParseVersion(const google::protobuf::Value& value) {
  // A double holds integers exactly up to here.
  constexpr double kMaxExact = 9007199254740992.0;
  if (value.has_number_value()) {
    const double number = value.number_value();
    if (number >= 0 && number <= kMaxExact && std::floor(number) == number) {
      return static_cast<uint64_t>(number);
    }
  } else if (value.has_string_value()) {
    const std::string& text = value.string_value();
    uint64_t version = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, version);
    if (error == std::errc() && stop == end) return version;
  }
  return BadTitles("version: expected the number of a version");
}

absl::Status AddKeys(const google::protobuf::Value& value,
                     TitlesRequest* request) {
  if (!value.has_list_value()) {
    return BadTitles("itemKeys: expected a list of strings");
  }
  for (const auto& key : value.list_value().values()) {
    if (!key.has_string_value()) {
      return BadTitles(fmt::format("itemKeys[{}]: expected a string",
                                   request->item_keys.size()));
    }
    request->item_keys.push_back(key.string_value());
  }
  if (request->item_keys.size() <= kMaxTitleKeys) return absl::OkStatus();
  return BadTitles(fmt::format("itemKeys: {} keys, expected at most {}",
                               request->item_keys.size(), kMaxTitleKeys));
}

std::string CutTitle(std::string_view title) {
  const std::string_view cut = CutUtf8(title, kMaxTitleBytes);
  std::string text(cut);
  if (cut.size() < title.size()) text += kEllipsis;
  return text;
}

}  // namespace

absl::StatusOr<TitlesRequest> ParseTitlesRequest(const std::string& json) {
  if (json.size() > kMaxTitlesBodyBytes) {
    return BadTitles(fmt::format("the body has {} bytes, expected at most {}",
                                 json.size(), kMaxTitlesBodyBytes));
  }
  RETURN_IF_ERROR(CheckMarks(json));
  google::protobuf::Struct fields;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(json, &fields);
  if (!parsed.ok()) {
    return BadTitles("expected {\"itemKeys\": [...], \"version\": \"...\"}");
  }
  TitlesRequest request;
  for (const auto& [name, value] : fields.fields()) {
    if (name == "itemKeys") {
      RETURN_IF_ERROR(AddKeys(value, &request));
    } else if (name == "version") {
      ASSIGN_OR_RETURN(request.version, ParseVersion(value));
    } else {
      return BadTitles(
          fmt::format("{}: there is no such field; there are "
                      "itemKeys and version",
                      Printable(name)));
    }
  }
  return request;
}

std::string TitlesJson(const TitlesRequest& request,
                       const ServingBundle& bundle) {
  const auto overlay = bundle.changes().overlay();
  const AttributeColumn* const titles =
      AttributesUnder(bundle.bundle(), overlay.get()).Find(kTitleAttribute);
  const bool has_titles = titles != nullptr && titles->type() == v1::CATEGORY;
  std::string json =
      fmt::format("{{\"version\":\"{}\",\"hasTitles\":{},\"titles\":{{",
                  bundle.bundle().version(), has_titles);
  std::set<std::string_view> done;
  for (const std::string& key : request.item_keys) {
    if (!has_titles || !done.insert(key).second) continue;
    const Row item = bundle.bundle().items().Find(key);
    if (item == kNoRow) continue;
    const uint32_t code = titles->CodeOf(item);
    if (code == titles->values()) continue;
    if (json.back() != '{') json += ',';
    json += JsonString(key) + ":" + JsonString(CutTitle(titles->Text(code)));
  }
  return json + "}}";
}

}  // namespace tributary
