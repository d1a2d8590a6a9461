#include "index/data/apply_changes.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "fmt/format.h"
#include "index/bundle/key_table.h"
#include "index/data/feature_table.h"
#include "text/quoted.h"

namespace tributary {
namespace {

using google::protobuf::Value;

class Application {
 public:
  Application(DataSetBuilder* builder, std::vector<GivenSpace>* spaces,
              InputReport* report)
      : builder_(*builder),
        spaces_(*spaces),
        report_(*report),
        items_are_numbers_(AreNumbers(builder->items)),
        users_are_numbers_(AreNumbers(builder->users)) {}

  void Apply(const v1::Change& change, uint64_t events_through) {
    if (change.has_set()) {
      Set(change);
    } else if (change.has_upsert()) {
      Upsert(change);
    } else if (change.has_event() && change.number() > events_through) {
      AddEvent(change);
    }
  }

  void Finish() const {
    report_.Say(fmt::format(
        "live changes: {} set attributes, {} items added or completed, {} "
        "events",
        set_, upserts_, events_));
    for (const auto& [what, count] : passed_over_) {
      report_.Warn(fmt::format("live changes: {} ({} changes)", what, count));
    }
  }

 private:
  static bool AreNumbers(const KeyNumbers& keys) {
    return keys.size() > 0 && keys.CountKinds().others == 0;
  }

  // What is wrong with the key, or "". One text among numbers would make all
  // keys texts.
  static std::string_view Problem(const std::string& key, bool are_numbers) {
    uint64_t number = 0;
    const std::string_view problem = KeyProblem(key);
    if (!problem.empty() || !are_numbers || ParseDecimalKey(key, &number)) {
      return problem;
    }
    return "no decimal integer, as those of the data are";
  }

  void PassOver(std::string what) { ++passed_over_[std::move(what)]; }

  void SetValue(uint32_t item, size_t column, const Value& value) {
    FeatureTable& features = builder_.item_features;
    std::string text = ChangeValueText(value);
    // Elsewhere the reader of the column takes the list apart.
    if (value.has_list_value() && features.IsAsItIs(column)) {
      text = SplitTokens(text, "|");
    }
    features.Replace(column, item, text);
  }

  void Set(const v1::Change& change) {
    const auto item = builder_.items.Find(change.item());
    if (!item) return PassOver("the data have no such item for an attribute");
    for (const auto& [name, value] : change.set().attributes().fields()) {
      const auto column = builder_.item_features.Find(name);
      if (!column) {
        PassOver(fmt::format("the data have no column for the attribute {}",
                             Quoted(name)));
        continue;
      }
      SetValue(*item, *column, value);
    }
    ++set_;
  }

  void Upsert(const v1::Change& change) {
    if (const auto problem = Problem(change.item(), items_are_numbers_);
        !problem.empty()) {
      return PassOver(fmt::format("an item's key: {}", problem));
    }
    const uint32_t item = builder_.items.Add(change.item());
    // The order of columns must not depend on that of a map.
    const auto& fields = change.upsert().features().fields();
    const std::map<std::string, Value> features(fields.begin(), fields.end());
    for (const auto& [name, value] : features) {
      auto column = builder_.item_features.Find(name);
      if (!column) {
        column = builder_.item_features.AddColumn(name, std::nullopt);
      }
      SetValue(item, *column, value);
    }
    for (const auto& [name, vector] : change.upsert().vectors()) {
      SetVector(item, name, vector);
    }
    ++upserts_;
  }

  void SetVector(uint32_t item, const std::string& name,
                 const v1::ItemVector& vector) {
    const auto space = std::ranges::find(spaces_, name, &GivenSpace::name);
    if (space == spaces_.end() ||
        space->dim != static_cast<uint32_t>(vector.values_size())) {
      return PassOver(fmt::format(
          "the data have no vectors of {} dimensions for the space {}",
          vector.values_size(), Quoted(name)));
    }
    auto& places = places_[name];
    if (places.empty()) {
      for (size_t i = 0; i < space->items.rows.size(); ++i) {
        places.emplace(space->items.rows[i], i);
      }
    }
    const auto [place, is_new] = places.emplace(item, space->items.rows.size());
    std::vector<float>& values = space->items.values;
    if (is_new) {
      space->items.rows.push_back(item);
      values.resize(values.size() + space->dim);
    }
    std::ranges::copy(
        vector.values(),
        values.begin() + static_cast<ptrdiff_t>(place->second * space->dim));
  }

  void AddEvent(const v1::Change& change) {
    const v1::UserEvent& event = change.event();
    std::string_view wrong = Problem(change.item(), items_are_numbers_);
    if (wrong.empty()) wrong = Problem(event.user(), users_are_numbers_);
    if (!wrong.empty()) {
      return PassOver(fmt::format("a key of an event: {}", wrong));
    }
    const int64_t ms = event.time_ms() != 0 ? event.time_ms() : change.at_ms();
    const float value = event.has_value()
                            ? static_cast<float>(event.value())
                            : std::numeric_limits<float>::quiet_NaN();
    const std::string_view problem = builder_.AddInteraction(
        builder_.users.Add(event.user()), builder_.items.Add(change.item()),
        value, ms / 1000, event.type());
    if (!problem.empty()) return PassOver(fmt::format("an event: {}", problem));
    ++events_;
  }

  DataSetBuilder& builder_;
  std::vector<GivenSpace>& spaces_;
  InputReport& report_;
  const bool items_are_numbers_;
  const bool users_are_numbers_;
  // By space: the place of each item's vector.
  std::map<std::string, std::unordered_map<uint32_t, size_t>> places_;
  uint64_t set_ = 0;
  uint64_t upserts_ = 0;
  uint64_t events_ = 0;
  std::map<std::string, uint64_t> passed_over_;
};

}  // namespace

std::string ChangeValueText(const Value& value) {
  switch (value.kind_case()) {
    case Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case Value::kNumberValue:
      return fmt::format("{}", value.number_value());
    case Value::kStringValue:
      return value.string_value();
    case Value::kListValue: {
      std::string text;
      for (const Value& tag : value.list_value().values()) {
        if (!text.empty()) text += '|';
        text += tag.string_value();
      }
      return text;
    }
    case Value::kNullValue:
    case Value::kStructValue:
    case Value::KIND_NOT_SET:
      break;
  }
  return "";
}

void ApplyChanges(const DataChanges& changes, DataSetBuilder* builder,
                  std::vector<GivenSpace>* spaces, InputReport* report) {
  if (changes.changes.empty()) return;
  Application application(builder, spaces, report);
  for (const v1::Change& change : changes.changes) {
    application.Apply(change, changes.events_through);
  }
  application.Finish();
}

}  // namespace tributary
