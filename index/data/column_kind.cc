#include "index/data/column_kind.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "index/data/bracket_list.h"
#include "index/data/feature_table.h"
#include "index/data/parse_field.h"
#include "index/data/time_reading.h"

namespace tributary {
namespace {

// Values that occur this often on average are categories.
constexpr size_t kUsesOfCategory = 5;
// Tags are short; what is longer is a sentence with commas.
constexpr size_t kLongestTag = 40;
// Fewer words that all differ may be names.
constexpr size_t kFewestIds = 10;
// 1980 and 2100, between which times are, in seconds.
constexpr double kFirstTime_s = 315'532'800;
constexpr double kLastTime_s = 4'102'444'800;

struct KindName {
  ColumnKind kind;
  std::string_view name;
};
constexpr KindName kKindNames[] = {
    {ColumnKind::kNumber, "number"},     {ColumnKind::kTime, "time"},
    {ColumnKind::kCategory, "category"}, {ColumnKind::kTags, "tags"},
    {ColumnKind::kText, "text"},         {ColumnKind::kIgnored, "ignore"},
};

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

// The last word of a column's name in lower case: "at" of "created_at" and of
// "createdAt".
std::string LastWord(std::string_view name) {
  const size_t separator = name.find_last_of("_- .:/");
  if (separator != std::string_view::npos) name.remove_prefix(separator + 1);
  for (size_t i = name.size(); i-- > 1;) {
    if (IsUpper(name[i]) && IsLower(name[i - 1])) {
      name.remove_prefix(i);
      break;
    }
  }
  return LowerCase(name);
}

template <size_t N>
bool IsAnyOf(std::string_view word, const std::string_view (&words)[N]) {
  return std::ranges::find(words, word) != std::end(words);
}

// Names of keys and classes, whose numbers count nothing.
bool NamesAKey(std::string_view name) {
  static constexpr std::string_view kWords[] = {
      "id",       "code",   "brand",      "category", "genre",   "type",
      "class",    "group",  "cluster",    "label",    "zip",     "zipcode",
      "postcode", "store",  "shop",       "seller",   "vendor",  "supplier",
      "section",  "artist", "department", "author",   "country", "region",
      "city",     "gender", "publisher",  "color",    "colour",  "language"};
  return IsAnyOf(LastWord(name), kWords);
}

bool IsNameless(std::string_view name) {
  return name.empty() || LowerCase(name).starts_with("unnamed:");
}

// Whether these can be times in seconds, or in thousandths and so on.
bool CanBeTimes(double least, double greatest) {
  for (const double unit : {1.0, 1e3, 1e6, 1e9}) {
    if (least >= kFirstTime_s * unit && greatest < kLastTime_s * unit) {
      return true;
    }
  }
  return false;
}

bool IsAddress(std::string_view value) {
  return value.starts_with("http://") || value.starts_with("https://") ||
         value.starts_with("www.");
}

bool HasDigit(std::string_view value) {
  return std::ranges::any_of(value,
                             [](char c) { return c >= '0' && c <= '9'; });
}

// What the values of a column, but for missing ones, have in common.
class ColumnFacts {
 public:
  explicit ColumnFacts(std::span<const std::string> values) {
    for (const std::string& value : values) {
      if (!IsMissing(value, /*of_numbers=*/true)) AddNumber(value);
      if (!IsMissing(value, /*of_numbers=*/false)) Add(value);
    }
  }

  size_t present() const { return present_.size(); }
  size_t different() const { return different_.size(); }
  // Whether values occur often enough to be categories.
  bool repeats() const { return different() * kUsesOfCategory <= present(); }
  bool all_differ() const { return different() == present(); }
  bool numbers() const { return numbers_ > 0 && others_ == 0; }
  bool integers() const { return numbers() && integers_; }
  bool can_be_times() const {
    return numbers() && CanBeTimes(least_, greatest_);
  }
  bool iso_times() const { return others_ > 0 && numbers_ == 0 && iso_times_; }
  bool addresses() const { return present() > 0 && addresses_; }
  bool ids() const {
    return present() >= kFewestIds && all_differ() && single_words_ && digits_;
  }
  bool brackets() const { return present() > 0 && brackets_; }
  size_t count_numbers() const { return numbers_; }
  const std::string& first_other() const { return first_other_; }

  // Whether the values are tags that these characters separate.
  bool AreTags(std::string_view separators, bool name_is_plural) const;

 private:
  void AddNumber(const std::string& value) {
    const std::optional<double> number = ParseNumber(Trim(value));
    if (number && !std::isfinite(*number)) return;
    if (number) {
      least_ = numbers_ == 0 ? *number : std::min(least_, *number);
      greatest_ = numbers_ == 0 ? *number : std::max(greatest_, *number);
      integers_ = integers_ && *number == std::floor(*number);
      ++numbers_;
      return;
    }
    if (others_++ == 0) first_other_ = value;
    iso_times_ = iso_times_ && ParseIsoTime(Trim(value)).has_value();
  }

  void Add(const std::string& value) {
    present_.push_back(value);
    different_.insert(value);
    single_words_ =
        single_words_ && value.find_first_of(" \t\n,;|") == std::string::npos;
    addresses_ = addresses_ && IsAddress(value);
    digits_ = digits_ && HasDigit(value);
    brackets_ = brackets_ && ParseBracketList(value).has_value();
  }

  std::vector<std::string_view> present_;
  std::unordered_set<std::string_view> different_;
  size_t numbers_ = 0;
  // Values that are there and no numbers.
  size_t others_ = 0;
  std::string first_other_;
  double least_ = 0;
  double greatest_ = 0;
  bool integers_ = true;
  bool iso_times_ = true;
  bool single_words_ = true;
  bool addresses_ = true;
  bool digits_ = true;
  bool brackets_ = true;
};

bool ColumnFacts::AreTags(std::string_view separators,
                          bool name_is_plural) const {
  const bool separated = std::ranges::any_of(present_, [&](auto value) {
    return value.find_first_of(separators) != std::string_view::npos;
  });
  if (!separated) return false;
  const bool commas = separators == ",";
  if (name_is_plural && !commas) return true;
  size_t uses = 0;
  std::unordered_set<std::string_view> tags;
  for (std::string_view rest : present_) {
    while (!rest.empty()) {
      const size_t end = std::min(rest.find_first_of(separators), rest.size());
      const std::string_view tag = Trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (tag.empty()) continue;
      // A comma is also a sign of sentences and of numbers.
      if (commas && (tag.size() > kLongestTag || ParseNumber(tag))) {
        return false;
      }
      ++uses;
      tags.insert(tag);
    }
  }
  if (commas && tags.size() >= different()) return false;
  return tags.size() * (name_is_plural ? 2 : kUsesOfCategory) <= uses;
}

// Columns that are not features; "" for others.
std::string ReasonToIgnore(std::string_view name, const ColumnFacts& facts) {
  if (facts.present() == 0) return "no row has a value";
  if (facts.integers() && facts.all_differ() && facts.present() > 1) {
    if (IsNameless(name)) return "it counts the rows";
    if (NamesAKey(name)) return "a key of which each value occurs once";
  }
  if (facts.addresses() && !facts.repeats()) return "addresses of pages";
  if (!facts.numbers() && facts.ids()) {
    return "ids of which each occurs once";
  }
  return "";
}

std::string WhyText(const ColumnFacts& facts) {
  if (facts.count_numbers() == 0) return "";
  return fmt::format("{} values are numbers, but {} is not",
                     facts.count_numbers(), QuotedExample(facts.first_other()));
}

}  // namespace

bool NamesATime(std::string_view name) {
  static constexpr std::string_view kWords[] = {
      "at",      "date",     "time",     "timestamp", "datetime", "ts",
      "created", "released", "modified", "updated",   "published"};
  const std::string word = LastWord(name);
  return IsAnyOf(word, kWords) || word.ends_with("timestamp") ||
         word.ends_with("date");
}

std::string_view ColumnKindName(ColumnKind kind) {
  for (const KindName& entry : kKindNames) {
    if (entry.kind == kind) return entry.name;
  }
  return "";
}

absl::StatusOr<ColumnKind> ParseColumnKind(std::string_view name) {
  for (const KindName& entry : kKindNames) {
    if (entry.name == name) return entry.kind;
  }
  return absl::InvalidArgumentError(fmt::format(
      "\"{}\", expected number, time, category, tags, text or ignore", name));
}

bool IsMissing(std::string_view value, bool of_numbers) {
  static constexpr std::string_view kAnywhere[] = {
      "n/a", "#n/a", "nan", "-nan", "null", "\\n", "<na>", "(null)"};
  static constexpr std::string_view kForNumbers[] = {"na", "none", "-",  "--",
                                                     "?",  ".",    "nil"};
  value = Trim(value);
  if (value.empty()) return true;
  // The longest of them has six bytes.
  if (value.size() > 6) return false;
  const std::string lower = LowerCase(value);
  return IsAnyOf(lower, kAnywhere) ||
         (of_numbers && IsAnyOf(lower, kForNumbers));
}

ColumnReading RecogniseColumn(std::string_view name,
                              std::span<const std::string> values) {
  const ColumnFacts facts(values);
  if (std::string why = ReasonToIgnore(name, facts); !why.empty()) {
    return {ColumnKind::kIgnored, false, std::move(why)};
  }
  if (facts.integers() && NamesAKey(name)) {
    return {ColumnKind::kCategory, false, "numbers, but keys by the name"};
  }
  if ((facts.can_be_times() && NamesATime(name)) || facts.iso_times()) {
    return {ColumnKind::kTime, false, ""};
  }
  if (facts.numbers()) return {ColumnKind::kNumber, false, ""};
  if (facts.brackets()) {
    return {ColumnKind::kTags, false, "lists in brackets"};
  }
  const bool plural = LowerCase(name).ends_with('s');
  if (facts.AreTags(kListSeparators, plural)) {
    return {ColumnKind::kTags, false, ""};
  }
  if (facts.AreTags(",", plural)) {
    return {ColumnKind::kTags, true, "separated by commas"};
  }
  if (facts.repeats()) return {ColumnKind::kCategory, false, ""};
  return {ColumnKind::kText, false, WhyText(facts)};
}

std::optional<float> ReadNumber(std::string_view value) {
  constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
  if (IsMissing(value, /*of_numbers=*/true)) return kMissing;
  const std::string_view trimmed = Trim(value);
  if (const std::optional<double> number = ParseNumber(trimmed)) {
    const auto narrow = static_cast<float>(*number);
    return std::isfinite(narrow) ? narrow : kMissing;
  }
  if (const std::optional<int64_t> time_s = ParseIsoTime(trimmed)) {
    return static_cast<float>(*time_s);
  }
  return std::nullopt;
}

std::string ReadTags(std::string_view value, bool commas) {
  std::optional<std::vector<std::string>> elements = ParseBracketList(value);
  if (!elements) {
    const std::string separators(kListSeparators);
    return SplitTokens(value, commas ? separators + "," : separators);
  }
  std::string tags;
  for (const std::string& element : *elements) {
    if (!tags.empty()) tags += kTokenSeparator;
    tags += element;
  }
  return tags;
}

}  // namespace tributary
