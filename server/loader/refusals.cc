#include "server/loader/refusals.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/key_table.h"
#include "server/gate/gate_report.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using google::protobuf::util::JsonPrintOptions;
using google::protobuf::util::JsonStringToMessage;
using google::protobuf::util::MessageToJsonString;
using google::protobuf::util::TimeUtil;

constexpr size_t kMaxReports = 20;

std::string ReadText(const v1::RefusalReport& report) {
  std::string text =
      fmt::format("version {} was refused at {}\n{}\n", report.version(),
                  TimeUtil::ToString(report.at()), report.reason());
  if (report.has_gate()) text += '\n' + GateTable(report.gate());
  return text;
}

}  // namespace

fs::path Refusals::JsonPath(uint64_t version) const {
  return dir_ / fmt::format("{}.json", version);
}

fs::path Refusals::TextPath(uint64_t version) const {
  return dir_ / fmt::format("{}.txt", version);
}

bool Refusals::Has(uint64_t version) const {
  std::error_code ignored;
  return fs::exists(JsonPath(version), ignored);
}

std::optional<v1::RefusalReport> Refusals::Load(uint64_t version) const {
  std::ifstream file(JsonPath(version), std::ios::binary);
  const std::string json(std::istreambuf_iterator<char>(file), {});
  v1::RefusalReport report;
  if (!JsonStringToMessage(json, &report).ok() || report.version() != version) {
    return std::nullopt;
  }
  return report;
}

absl::Status Refusals::Save(const v1::RefusalReport& report) const {
  std::error_code error;
  fs::create_directories(dir_, error);
  if (error) return absl::ErrnoToStatus(error.value(), dir_.string());
  JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  if (const auto printed = MessageToJsonString(report, &json, options);
      !printed.ok()) {
    return absl::InternalError(printed.ToString());
  }
  RETURN_IF_ERROR(
      WriteFileDurably(TextPath(report.version()), ReadText(report)));
  RETURN_IF_ERROR(WriteFileDurably(JsonPath(report.version()), json));
  DropOld();
  return absl::OkStatus();
}

void Refusals::Remove(uint64_t version) const {
  std::error_code ignored;
  fs::remove(JsonPath(version), ignored);
  fs::remove(TextPath(version), ignored);
}

void Refusals::DropOld() const {
  std::vector<uint64_t> versions;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir_, error)) {
    uint64_t version = 0;
    if (entry.path().extension() == ".json" &&
        ParseDecimalKey(entry.path().stem().string(), &version)) {
      versions.push_back(version);
    }
  }
  std::sort(versions.begin(), versions.end(), std::greater<>());
  for (size_t i = kMaxReports; i < versions.size(); ++i) Remove(versions[i]);
}

}  // namespace tributary
