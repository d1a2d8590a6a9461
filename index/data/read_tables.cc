#include "index/data/read_tables.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "index/data/input_table.h"
#include "index/data/parse_field.h"
#include "index/data/time_reading.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr Role kInteractionRoles[] = {Role::kUser, Role::kItem, Role::kTime,
                                      Role::kType, Role::kValue};

std::string FormatTime(int64_t time_s) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time_s),
                          absl::UTCTimeZone());
}

// The number as people of many countries write it: 4.5 or 4,5.
std::optional<double> ParseValue(std::string_view text, bool decimal_comma) {
  if (!decimal_comma || text.find(',') == std::string_view::npos) {
    return ParseNumber(text);
  }
  std::string with_point(text);
  with_point[with_point.find(',')] = '.';
  return ParseNumber(with_point);
}

// Reads one table of interactions, in two passes: the first one recognises how
// times are written, which a single value does not tell.
class InteractionReader {
 public:
  InteractionReader(InputTable* table, ColumnRoles roles, KnownKeys known,
                    const TableContext& context, DataSetBuilder* builder,
                    InteractionCounts* counts)
      : table_(*table),
        roles_(roles),
        known_(known),
        context_(context),
        builder_(*builder),
        counts_(counts),
        examples_(table->names().size()) {}

  absl::Status Read() {
    RETURN_IF_ERROR(Profile());
    if (table_.records() == 0) {
      return absl::InvalidArgumentError(fmt::format(
          "{}: no interaction: there is no record behind the header",
          table_.name()));
    }
    if (roles_[Role::kValue]) {
      builder_.value_name = table_.names()[*roles_[Role::kValue]];
    }
    RETURN_IF_ERROR(
        table_.ForEach([&](const DelimitedFile& file) { return Add(file); }));
    Report();
    return absl::OkStatus();
  }

 private:
  absl::Status Profile() {
    TimeProfile times(context_.now_s);
    const std::optional<size_t> time_column = roles_[Role::kTime];
    const std::string& stated = context_.input->time_format();
    const bool recognise = time_column && (stated.empty() || stated == "auto");
    RETURN_IF_ERROR(table_.ForEach([&](const DelimitedFile& file) {
      for (size_t i = 0; i < examples_.size(); ++i) {
        if (examples_[i].empty()) examples_[i] = file.field(i);
      }
      if (recognise) times.Add(file.field(time_column), file.line());
      if (file.separator() != "," && !decimal_comma_ &&
          LooksLikeDecimalComma(file.field(roles_[Role::kValue]))) {
        decimal_comma_ = true;
      }
      return std::string_view();
    }));
    if (recognise) {
      ASSIGN_OR_RETURN(
          reading_, times.Choose(table_.name(), table_.names()[*time_column]));
    } else if (time_column) {
      ASSIGN_OR_RETURN(reading_, TimeReading::FromText(stated));
    }
    return absl::OkStatus();
  }

  static bool LooksLikeDecimalComma(std::string_view text) {
    const size_t comma = text.find(',');
    return comma != std::string_view::npos && comma > 0 && !ParseNumber(text) &&
           ParseValue(text, true).has_value();
  }

  // The key as it is, byte for byte, unless blanks are to be removed.
  std::string_view Key(const DelimitedFile& file, Role role) {
    const size_t column = *roles_[role];
    const std::string_view trimmed = file.field(column);
    if (context_.input->trim_keys()) return Trim(trimmed);
    const std::string_view key = file.verbatim(column);
    if (Trim(key).size() != key.size() && padded_keys_++ == 0) {
      padded_example_ = key;
    }
    return key;
  }

  std::string_view Add(const DelimitedFile& file) {
    const std::string_view user = Key(file, Role::kUser);
    const std::string_view item = Key(file, Role::kItem);
    if (const auto problem = KeyProblem(user); !problem.empty()) return problem;
    if (const auto problem = KeyProblem(item); !problem.empty()) return problem;
    if (known_.items_only && !builder_.items.Find(item)) {
      return "an item without vector";
    }
    if (known_.users_only && !builder_.users.Find(user)) {
      return "a user without vector";
    }
    float value = std::numeric_limits<float>::quiet_NaN();
    const std::string_view text = file.field(roles_[Role::kValue]);
    if (!text.empty() && !IsMissingMarker(text)) {
      const std::optional<double> number = ParseValue(text, decimal_comma_);
      value = static_cast<float>(number.value_or(NAN));
      if (!std::isfinite(value)) return "the value is not a finite number";
    }
    int64_t time_s = 0;
    if (reading_) {
      const auto parsed = reading_->Parse(file.field(roles_[Role::kTime]));
      if (!parsed) return NoTime();
      time_s = *parsed;
    }
    const uint32_t user_number = builder_.users.Add(user);
    const uint32_t item_number = builder_.items.Add(item);
    const std::string_view problem =
        builder_.AddInteraction(user_number, item_number, value, time_s,
                                file.field(roles_[Role::kType]));
    if (!problem.empty()) return problem;
    ++added_;
    if (time_s != 0) {
      first_s_ = std::min(first_s_, time_s);
      last_s_ = std::max(last_s_, time_s);
    } else if (reading_) {
      ++without_time_;
    }
    Count(user_number, item_number);
    return "";
  }

  std::string_view NoTime() {
    if (time_problem_.empty()) {
      time_problem_ =
          fmt::format("the time is not written as {}", reading_->Name());
    }
    return time_problem_;
  }

  void Count(uint32_t user, uint32_t item) {
    if (counts_ == nullptr) return;
    for (const auto& [number, counts] : {std::pair(user, &counts_->of_users),
                                         std::pair(item, &counts_->of_items)}) {
      if (number >= counts->size()) counts->resize(number + 1);
      ++(*counts)[number];
    }
  }

  void Report() {
    InputReport& report = *context_.report;
    table_.Describe(&report);
    std::vector<ColumnFact> facts;
    for (size_t i = 0; i < table_.names().size(); ++i) {
      facts.push_back(FactOf(i));
    }
    SayColumns(facts, &report);
    if (last_s_ > first_s_) {
      report.Say(fmt::format("  times from {} to {}", FormatTime(first_s_),
                             FormatTime(last_s_)));
    }
    if (without_time_ > 0) {
      report.Warn(fmt::format("{}: {} of {} interactions have no time",
                              table_.name(), without_time_, added_));
    }
    if (padded_keys_ > 0) {
      report.Warn(fmt::format(
          "{}: {} keys have blanks around them, such as {}, and are kept as "
          "they are; --input.trim_keys true removes the blanks",
          table_.name(), padded_keys_, QuotedExample(padded_example_)));
    }
  }

  ColumnFact FactOf(size_t column) {
    ColumnFact fact{.name = table_.names()[column],
                    .is = "ignored",
                    .example = QuotedExample(examples_[column]),
                    .note = ""};
    if (const std::optional<Role> role = roles_.Of(column)) {
      fact.is = RoleName(*role);
      if (role == Role::kTime) {
        fact.note = reading_ ? reading_->Name() : "no value";
      }
      if (role == Role::kValue && decimal_comma_) {
        fact.note = "with decimal commas";
      }
      return fact;
    }
    const std::optional<Role> might_be = RoleOfName(fact.name);
    if (might_be && roles_[*might_be]) {
      fact.note =
          fmt::format("it might be the {}, which {} is", RoleName(*might_be),
                      table_.names()[*roles_[*might_be]]);
    }
    return fact;
  }

  InputTable& table_;
  const ColumnRoles roles_;
  const KnownKeys known_;
  const TableContext& context_;
  DataSetBuilder& builder_;
  InteractionCounts* const counts_;

  std::optional<TimeReading> reading_;
  bool decimal_comma_ = false;
  std::vector<std::string> examples_;
  std::string time_problem_;
  uint64_t added_ = 0;
  uint64_t without_time_ = 0;
  uint64_t padded_keys_ = 0;
  std::string padded_example_;
  int64_t first_s_ = std::numeric_limits<int64_t>::max();
  int64_t last_s_ = std::numeric_limits<int64_t>::min();
};

}  // namespace

absl::Status ReadInteractions(std::span<const std::filesystem::path> files,
                              TableForm form, KnownKeys known,
                              const TableContext& context,
                              DataSetBuilder* builder,
                              InteractionCounts* counts) {
  ASSIGN_OR_RETURN(InputTable table, InputTable::Open(files, form, context));
  ASSIGN_OR_RETURN(const ColumnRoles roles,
                   FindRoles(table.name(), table.names(), kInteractionRoles,
                             *context.input));
  for (const Role role : {Role::kUser, Role::kItem}) {
    if (!roles[role]) return MissingRole(table.name(), role, table.names());
  }
  return InteractionReader(&table, roles, known, context, builder, counts)
      .Read();
}

}  // namespace tributary
