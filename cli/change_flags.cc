#include "cli/change_flags.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "cli/change_value.h"
#include "cli/changes_file.h"
#include "fmt/format.h"
#include "index/changes/check_change.h"
#include "status/field_error.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

absl::Status NeedsItem(const char* flag) {
  return absl::InvalidArgumentError(
      fmt::format("{} needs --item KEY, the item that it is about", flag));
}

absl::StatusOr<double> ParseValue(const std::string& text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return FieldError("--value", "{} is not a number", Quoted(text));
}

}  // namespace

void ChangeFlags::AddTo(CLI::App& command) {
  command.add_option("--remove", remove,
                     "Keys of items that no answer may have any more");
  command.add_option("--reason", reason,
                     "Why the items of --remove are taken down, for people");
  command.add_option("--restore", restore,
                     "Keys of items that answers may have again");
  command.add_option("--item", items,
                     "Keys of the items that --set, --expire, --add and --user "
                     "are about");
  command
      .add_option("--set", set,
                  "NAME=VALUE, which may be repeated: an attribute of the "
                  "items gets this value: true or false, a number, a text, "
                  "tags with | between them, or null for no value")
      ->allow_extra_args(false);
  command.add_option("--expire", expire,
                     "From when on no answer may have the items: "
                     "2026-12-31T18:00:00Z, a date, or never");
  command
      .add_option("--add", add,
                  "NAME=VALUE, which may be repeated: the items are new and "
                  "have this feature, as in items.csv")
      ->allow_extra_args(false);
  command.add_option("--user", user,
                     "Key of a user who met the items: they become the newest "
                     "of the user's history");
  command.add_option("--type", type, "What the user did, such as purchase");
  command.add_option("--value", value, "How much, such as a rating");
  command.add_option(
      "--from", from,
      "Files of changes: CSV with the columns change (remove, restore, set, "
      "upsert, event or expire), item, and those that the change has; or lines "
      "of JSON, such as {\"item\": \"42\", \"remove\": {\"reason\": "
      "\"recalled\"}}. -: JSON from standard input. Or "
      "kafka://HOST:PORT/TOPIC or redis://HOST:PORT/STREAM, and ?group=GROUP: "
      "each message is such a JSON text, until SIGTERM");
}

absl::Status ChangeFlags::AddItemChanges(
    std::vector<v1::Change>* changes) const {
  const bool says =
      !set.empty() || !add.empty() || !expire.empty() || !user.empty();
  if (!says && !items.empty()) {
    return absl::InvalidArgumentError(
        "--item needs what happens to the item: --set NAME=VALUE, --expire "
        "TIME, --add NAME=VALUE or --user KEY; --remove and --restore take "
        "keys themselves");
  }
  if (items.empty()) {
    if (!set.empty()) return NeedsItem("--set");
    if (!add.empty()) return NeedsItem("--add");
    if (!expire.empty()) return NeedsItem("--expire");
    if (!user.empty()) return NeedsItem("--user");
  }
  if (user.empty() && (!type.empty() || !value.empty())) {
    return absl::InvalidArgumentError(
        fmt::format("{} needs --user KEY, whose event it is about",
                    type.empty() ? "--value" : "--type"));
  }
  // Of no item yet. A new item comes before what is said of it.
  std::vector<v1::Change> said;
  if (!add.empty()) {
    auto& features = *said.emplace_back().mutable_upsert()->mutable_features();
    for (const std::string& text : add) {
      RETURN_IF_ERROR(AddChangeValue("--add", text, &features));
    }
  }
  if (!set.empty()) {
    auto& values = *said.emplace_back().mutable_set()->mutable_attributes();
    for (const std::string& text : set) {
      RETURN_IF_ERROR(AddChangeValue("--set", text, &values));
    }
  }
  if (!expire.empty()) {
    ASSIGN_OR_RETURN(const int64_t at, ParseChangeTime("--expire", expire));
    said.emplace_back().mutable_expire()->set_at_ms(at);
  }
  if (!user.empty()) {
    v1::UserEvent& event = *said.emplace_back().mutable_event();
    event.set_user(user);
    event.set_type(type);
    if (!value.empty()) {
      ASSIGN_OR_RETURN(const double number, ParseValue(value));
      event.set_value(number);
    }
  }
  for (const std::string& item : items) {
    for (v1::Change change : said) {
      change.set_item(item);
      RETURN_IF_ERROR(CheckChange(change, "--item"));
      changes->push_back(std::move(change));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Change>> ChangeFlags::Changes() const {
  std::vector<v1::Change> changes;
  if (!reason.empty() && remove.empty()) {
    return absl::InvalidArgumentError(
        "--reason needs --remove KEY, the item that is taken down");
  }
  for (const std::string& item : remove) {
    v1::Change& change = changes.emplace_back();
    change.set_item(item);
    change.mutable_remove()->set_reason(reason);
  }
  for (const std::string& item : restore) {
    v1::Change& change = changes.emplace_back();
    change.set_item(item);
    change.mutable_restore();
  }
  RETURN_IF_ERROR(AddItemChanges(&changes));
  for (const std::string& file : from) {
    ASSIGN_OR_RETURN(std::vector<v1::Change> more, ReadChangesFile(file));
    for (v1::Change& change : more) changes.push_back(std::move(change));
  }
  return changes;
}

std::string CountKinds(const std::vector<v1::Change>& changes) {
  constexpr std::pair<v1::Change::WhatCase, const char*> kKinds[] = {
      {v1::Change::kRemove, "removed"}, {v1::Change::kRestore, "restored"},
      {v1::Change::kSet, "set"},        {v1::Change::kUpsert, "added"},
      {v1::Change::kEvent, "met"},      {v1::Change::kExpire, "expiring"}};
  std::string text;
  for (const auto& [kind, name] : kKinds) {
    size_t count = 0;
    for (const v1::Change& change : changes) {
      if (change.what_case() == kind) ++count;
    }
    if (count == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
  }
  return text;
}

}  // namespace tributary
