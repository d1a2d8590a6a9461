// The first byte says which kind of data the files are: even ones csv, odd ones
// RecBole's. The rest is the interactions, then, each after a byte 0x1E, the
// items and the users.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "index/bundle/attribute_column.h"
#include "index/data/attribute_data.h"
#include "index/data/data_set.h"
#include "tests/fuzz/fuzz_target.h"
#include "text/utf8.h"

namespace tributary {
namespace {

constexpr char kNextFile = '\x1E';

void WriteTables(std::string_view text, bool recbole) {
  constexpr std::string_view kNames[2][3] = {
      {"interactions.csv", "items.csv", "users.csv"},
      {"x.inter", "x.item", "x.user"}};
  for (size_t i = 0; i < 3; ++i) {
    for (const auto& of_kind : kNames) {
      std::filesystem::remove(FuzzDir() / of_kind[i]);
    }
    if (i > 0 && text.empty()) continue;
    const size_t end = std::min(text.find(kNextFile), text.size());
    WriteInput(FuzzDir() / kNames[recbole][i], text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void CheckFeatures(const std::vector<FeatureColumn>& columns, size_t rows) {
  for (const FeatureColumn& column : columns) {
    Require(IsUtf8(column.name));
    const bool number = column.kind == FeatureColumn::Kind::kNumber;
    Require((number ? column.numbers.size() : column.text.size()) == rows);
    for (const std::string& text : column.text) Require(IsUtf8(text));
  }
}

void CheckAttribute(const AttributeData& attribute, size_t items) {
  const v1::Attribute& spec = attribute.spec;
  Require(IsAttributeName(spec.name()) && IsUtf8(spec.column()));
  Require(spec.present() <= items);
  for (const std::string& text : attribute.texts) Require(IsUtf8(text));
  Require(std::ranges::is_sorted(attribute.texts) &&
          std::ranges::is_sorted(attribute.integers) &&
          std::ranges::is_sorted(attribute.numbers));
  if (spec.type() == v1::TAGS) {
    Require(attribute.offsets.size() == spec.values() + 1);
    Require(attribute.items.size() == spec.uses());
    for (const Row item : attribute.items) Require(item < items);
    return;
  }
  Require(attribute.codes.size() == items * CodeBytes(spec.values()));
  for (Row item = 0; item < items; ++item) {
    Require(CodeOf(attribute, items, item) <= spec.values());
  }
}

void Check(const DataSet& data) {
  for (size_t i = 0; i < data.interactions.size(); ++i) {
    const Interaction& one = data.interactions[i];
    Require(one.user < data.users.size() && one.item < data.items.size());
    Require(std::isfinite(one.weight));
    Require(i == 0 || data.interactions[i - 1].user <= one.user);
  }
  for (size_t i = 0; i < data.items.strings.size(); ++i) {
    Require(IsUtf8(data.items.strings[i]) && !data.items.strings[i].empty());
    Require(i == 0 || data.items.strings[i - 1] < data.items.strings[i]);
  }
  CheckFeatures(data.item_features, data.items.size());
  CheckFeatures(data.user_features, data.users.size());
  Require(data.attributes.size() <= kMaxAttributes);
  for (const auto& attribute : data.attributes) {
    CheckAttribute(*attribute, data.items.size());
  }
  for (const std::string& fact : data.report.facts) Require(IsUtf8(fact));
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const bool recbole = data[0] % 2 == 1;
  tributary::WriteTables(tributary::AsText(data, size).substr(1), recbole);
  const auto read = tributary::ReadDataSet(
      (recbole ? "recbole:" : "csv:") + tributary::FuzzDir().string(), 100);
  if (read.ok()) tributary::Check(*read);
  return 0;
}
