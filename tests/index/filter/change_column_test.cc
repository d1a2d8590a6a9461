// A column after changes equals that of a bundle which was written with the
// values that the changes leave, in every byte that anybody reads.
#include "index/bundle/change_column.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "tests/index/filter/attributed_items.h"

namespace tributary {
namespace {

ColumnValue ValueOf(const AttributedItem& item, const std::string& attribute) {
  const auto value = [](const auto& member) {
    return member.has_value() ? ColumnValue(*member) : ColumnValue();
  };
  if (attribute == "in_stock") return value(item.in_stock);
  if (attribute == "brand") return value(item.brand);
  if (attribute == "year") return value(item.year);
  if (attribute == "price") return value(item.price);
  if (attribute == "created_at") return value(item.created_at);
  if (item.tags.empty()) return ColumnValue();
  // In any order, and a tag may be there twice.
  std::vector<std::string> tags(item.tags.rbegin(), item.tags.rend());
  tags.push_back(tags.front());
  return tags;
}

void ExpectEqual(const AttributeColumn& changed,
                 const AttributeColumn& written) {
  const std::string& name = written.name();
  ASSERT_EQ(changed.spec().DebugString(), written.spec().DebugString());
  ASSERT_EQ(changed.values(), written.values()) << name;
  const bool tags = written.type() == v1::TAGS;
  for (uint32_t code = 0; code < written.values(); ++code) {
    ASSERT_EQ(changed.ValueText(code), written.ValueText(code)) << name;
    ASSERT_TRUE(std::ranges::equal(changed.Bitmap(code), written.Bitmap(code)))
        << name << " " << code;
    if (!tags) continue;
    ASSERT_TRUE(
        std::ranges::equal(changed.ItemsWith(code), written.ItemsWith(code)))
        << name << " " << code;
  }
  if (tags) return;
  ASSERT_EQ(changed.code_bytes(), written.code_bytes()) << name;
  for (uint32_t b = 0; b < written.code_bytes(); ++b) {
    ASSERT_TRUE(std::ranges::equal(changed.CodeByte(b), written.CodeByte(b)))
        << name << " " << b;
  }
  for (Row row = 0; row < written.n_items(); ++row) {
    ASSERT_EQ(changed.CodeOf(row), written.CodeOf(row)) << name;
  }
}

// Draws items to take values from: such as the bundle has, and others.
AttributedItem DrawOther(std::mt19937* random) {
  AttributedItem item = DrawItems(1, (*random)()).front();
  if ((*random)() % 4 == 0) item.brand = fmt::format("new {}", (*random)() % 9);
  if ((*random)() % 4 == 0) item.tags.insert("new");
  if ((*random)() % 4 == 0) item.price = (*random)() % 100 / 8.0 - 3;
  if ((*random)() % 4 == 0) item.year = (*random)() % 3000;
  if ((*random)() % 4 == 0) {
    item.created_at = static_cast<int64_t>((*random)() % 1000) * 1000;
  }
  return item;
}

TEST(ChangeColumnProperty, EqualsAColumnThatIsWrittenAnew) {
  std::mt19937 random(3);
  // Few items, so that values come and go; as many as a code's first byte has
  // values, about; more.
  for (const size_t count : {1, 7, 64, 250, 1500}) {
    std::vector<AttributedItem> items =
        DrawItems(count, static_cast<uint32_t>(count));
    const auto bundle = OpenBundleOf(items);
    std::map<std::string, AttributeColumn> changed;
    for (int round = 0; round < 12; ++round) {
      const size_t batch = 1 + random() % (round % 3 == 0 ? count : 3);
      for (const AttributeColumn& mapped : bundle->attributes()) {
        std::map<Row, ColumnValue> values;
        for (size_t i = 0; i < batch; ++i) {
          const Row row = static_cast<Row>(random() % count);
          // In one round all get the same value, so that the others are gone.
          const AttributedItem other =
              round == 7 ? items.front() : DrawOther(&random);
          CopyAttribute(mapped.name(), other, &items[row]);
          values[row] = ValueOf(items[row], mapped.name());
        }
        std::vector<RowValue> batch_values;
        for (auto& [row, value] : values) {
          batch_values.push_back({row, std::move(value)});
        }
        std::shuffle(batch_values.begin(), batch_values.end(), random);
        const auto before = changed.find(mapped.name());
        AttributeColumn after = ChangeColumn(
            mapped, before == changed.end() ? mapped : before->second,
            std::move(batch_values));
        EXPECT_GT(after.serial(), before == changed.end()
                                      ? mapped.serial()
                                      : before->second.serial());
        changed.insert_or_assign(mapped.name(), std::move(after));
      }
      const auto written = OpenBundleOf(items);
      for (const auto& [name, column] : changed) {
        ExpectEqual(column, *written->FindAttribute(name));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// A column holds what it needs of the one before, and what that shared stays.
TEST(ChangeColumn, OutlivesTheColumnThatItWasMadeOf) {
  const std::vector<AttributedItem> items = DrawItems(300, 1);
  const auto bundle = OpenBundleOf(items);
  for (const AttributeColumn& mapped : bundle->attributes()) {
    const auto change = [&](const AttributeColumn& before, Row row) {
      std::vector<RowValue> values;
      values.push_back({row, ValueOf(items[row + 1], mapped.name())});
      return std::make_unique<AttributeColumn>(
          ChangeColumn(mapped, before, std::move(values)));
    };
    auto first = change(mapped, 5);
    const auto second = change(*first, 6);
    first.reset();
    std::vector<AttributedItem> expected = items;
    CopyAttribute(mapped.name(), items[6], &expected[5]);
    CopyAttribute(mapped.name(), items[7], &expected[6]);
    ExpectEqual(*second, *OpenBundleOf(expected)->FindAttribute(mapped.name()));
  }
}

}  // namespace
}  // namespace tributary
