#include "client/cli/recall_table.h"

#include <set>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace tributary {

std::string RecallTable(const v1::MeasuredRecall& measured) {
  std::set<uint32_t> ks;
  std::vector<std::string> sources;
  for (const auto& point : measured.points()) {
    ks.insert(point.k());
    if (sources.empty() || sources.back() != point.source()) {
      sources.push_back(point.source());
    }
  }
  std::string table = fmt::format("{:<16}", "recall");
  for (const uint32_t k : ks) {
    table += fmt::format("{:>8}", fmt::format("@{}", k));
  }
  for (const std::string& source : sources) {
    table += fmt::format("\n{:<16}", source);
    for (const auto& point : measured.points()) {
      if (point.source() == source) {
        table += fmt::format("{:>8.4f}", point.recall());
      }
    }
  }
  return table + fmt::format("\n({} users, {} held-out interactions)\n",
                             measured.users(),
                             measured.held_out_interactions());
}

std::string RecallJson(const v1::MeasuredRecall& measured) {
  google::protobuf::Struct object;
  auto& fields = *object.mutable_fields();
  fields["users"].set_number_value(static_cast<double>(measured.users()));
  fields["held_out_interactions"].set_number_value(
      static_cast<double>(measured.held_out_interactions()));
  auto& recall = *fields["recall"].mutable_struct_value()->mutable_fields();
  for (const auto& point : measured.points()) {
    auto& source = *recall[point.source()].mutable_struct_value();
    (*source.mutable_fields())[fmt::format("{}", point.k())].set_number_value(
        point.recall());
  }
  std::string json;
  // A Struct of numbers always has a JSON form.
  (void)google::protobuf::util::MessageToJsonString(object, &json);
  return json;
}

}  // namespace tributary
