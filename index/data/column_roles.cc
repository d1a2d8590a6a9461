#include "index/data/column_roles.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Words = std::vector<std::string>;
using Names = std::initializer_list<std::string_view>;

constexpr std::array<Role, kRoles> kAllRoles = {
    Role::kUser, Role::kItem, Role::kValue, Role::kTime, Role::kType};

// What a user or an item is called, the most usual name first.
const Names kUserNouns = {
    "user",    "customer", "client",   "visitor", "member",  "account",
    "profile", "person",   "reviewer", "buyer",   "shopper", "subscriber",
    "viewer",  "listener", "reader",   "player",  "patron",  "consumer",
    "device",  "cookie",   "uid",      "session"};
const Names kItemNouns = {
    "item",   "product", "article",  "sku",      "asin",    "isbn",
    "movie",  "track",   "song",     "video",    "book",    "game",
    "artist", "album",   "show",     "episode",  "content", "document",
    "doc",    "listing", "offer",    "post",     "news",    "course",
    "recipe", "anime",   "app",      "business", "venue",   "poi",
    "place",  "stock",   "material", "goods",    "film",    "package",
    "iid",    "aid",     "mid",      "location", "ad"};
// Words that may stand beside them, at the end or between.
const Names kKeyWords = {"id",     "ids",       "key",  "code",      "no",
                         "num",    "number",    "uuid", "guid",      "hash",
                         "pseudo", "unique",    "fk",   "external",  "internal",
                         "anon",   "anonymous", "name", "identifier"};
// Whole names, words joined, the most usual one first.
const Names kValueNames = {
    "value",   "rating",   "ratings",    "score",    "stars",     "overall",
    "weight",  "count",    "outcome",    "quantity", "qty",       "plays",
    "listens", "strength", "preference", "pref",     "watchratio"};
const Names kValueEndings = {"value",  "rating",   "score",   "stars",
                             "weight", "quantity", "count",   "plays",
                             "counts", "ratio",    "listens", "preference"};
const Names kTimeNames = {"timestamp", "time", "ts",  "datetime",
                          "date",      "when", "tdat"};
const Names kTimeEndings = {"timestamp", "ts",   "time",
                            "datetime",  "date", "at"};
const Names kTimeUnits = {"s",    "sec",    "seconds", "ms",    "millis",
                          "us",   "micros", "ns",      "nanos", "utc",
                          "unix", "epoch",  "gmt"};
const Names kTypeNames = {"type",          "eventtype",    "event",
                          "eventname",     "action",       "actiontype",
                          "behavior",      "behaviour",    "behaviortype",
                          "behaviourtype", "feedbacktype", "interactiontype",
                          "interaction",   "activity",     "activitytype"};

bool IsUpperLetter(char c) { return c >= 'A' && c <= 'Z'; }
bool IsNameLetter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The words of a name, in lower case: {"event", "time"} for eventTime.
Words WordsOf(std::string_view name) {
  Words words;
  bool open = false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!IsNameLetter(c)) {
      open = false;
      continue;
    }
    const bool after_lower =
        i > 0 && IsNameLetter(name[i - 1]) && !IsUpperLetter(name[i - 1]);
    const bool before_lower =
        i > 0 && i + 1 < name.size() && IsUpperLetter(name[i - 1]) &&
        !IsUpperLetter(name[i + 1]) && IsNameLetter(name[i + 1]);
    if (!open || (IsUpperLetter(c) && (after_lower || before_lower))) {
      words.emplace_back();
    }
    open = true;
    words.back() +=
        static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return words;
}

constexpr size_t kNoRank = std::numeric_limits<size_t>::max();

size_t RankIn(Names names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? kNoRank
                              : static_cast<size_t>(found - names.begin());
}
bool IsIn(Names names, std::string_view name) {
  return RankIn(names, name) != kNoRank;
}

// The rank of the noun of a key's name, such as customer_unique_id or userid.
// Twice the noun's rank, so that a name of the noun and `id` alone goes first.
size_t KeyRank(Names nouns, const Words& words) {
  size_t rank = kNoRank;
  size_t nouns_found = 0;
  bool plain = words.size() <= 2;
  for (const std::string& word : words) {
    size_t of_word = RankIn(nouns, word);
    for (const std::string_view ending : {"id", "key", "no", "code", "sku"}) {
      if (of_word == kNoRank && word.ends_with(ending)) {
        of_word = RankIn(nouns, std::string_view(word).substr(
                                    0, word.size() - ending.size()));
      }
    }
    if (of_word == kNoRank && !IsIn(kKeyWords, word)) return kNoRank;
    if (word == "name") plain = false;
    if (of_word == kNoRank) continue;
    rank = std::min(rank, of_word);
    if (++nouns_found > 1) plain = false;
  }
  return rank == kNoRank ? kNoRank : 2 * rank + (plain ? 0 : 1);
}

size_t TimeRank(const Words& words, std::string_view joined) {
  if (const size_t exact = RankIn(kTimeNames, joined); exact != kNoRank) {
    return exact;
  }
  Words rest = words;
  bool unit = false;
  std::erase_if(rest, [&](const std::string& word) {
    const bool is_unit = IsIn(kTimeUnits, word);
    unit = unit || is_unit;
    return is_unit;
  });
  if (rest.empty()) return unit ? kTimeNames.size() : kNoRank;
  size_t ending = RankIn(kTimeEndings, rest.back());
  if (ending == kNoRank && rest.back().size() > 4) {
    for (const std::string_view joined_ending : {"timestamp", "time", "date"}) {
      if (rest.back().ends_with(joined_ending)) {
        ending = RankIn(kTimeEndings, joined_ending);
        break;
      }
    }
  }
  if (ending == kNoRank || (rest.back() == "at" && rest.size() < 2)) {
    return kNoRank;
  }
  return kTimeNames.size() + 1 + 2 * ending + (unit ? 0 : 1);
}

// How usual the name is for the role; kNoRank when it is not one of its names.
size_t RankOf(Role role, std::string_view name) {
  const Words words = WordsOf(name);
  if (words.empty()) return kNoRank;
  const std::string joined = fmt::format("{}", fmt::join(words, ""));
  switch (role) {
    case Role::kUser:
      return KeyRank(kUserNouns, words);
    case Role::kItem:
      return KeyRank(kItemNouns, words);
    case Role::kValue: {
      const size_t exact = RankIn(kValueNames, joined);
      if (exact != kNoRank) return exact;
      const size_t ending = RankIn(kValueEndings, words.back());
      return ending == kNoRank ? kNoRank : kValueNames.size() + ending;
    }
    case Role::kTime:
      return TimeRank(words, joined);
    case Role::kType:
      return RankIn(kTypeNames, joined);
  }
  return kNoRank;
}

std::string Quoted(std::span<const std::string> names) {
  return fmt::format("\"{}\"", fmt::join(names, "\", \""));
}

absl::StatusOr<Role> RoleOf(std::string_view name) {
  for (const Role role : kAllRoles) {
    if (RoleName(role) == name) return role;
  }
  return absl::InvalidArgumentError(
      fmt::format("columns: \"{}\" is no role, expected user, item, value, "
                  "time or type, as in user=customer_id",
                  name));
}

// The column that is named exactly so, or else so but for case.
std::optional<size_t> FindNamed(std::span<const std::string> header,
                                std::string_view name) {
  const auto exact = std::find(header.begin(), header.end(), name);
  if (exact != header.end()) return exact - header.begin();
  const Words words = WordsOf(name);
  for (size_t i = 0; i < header.size(); ++i) {
    if (!words.empty() && WordsOf(header[i]) == words) return i;
  }
  return std::nullopt;
}

}  // namespace

std::string_view RoleName(Role role) {
  constexpr std::array<std::string_view, kRoles> kNames = {
      "user", "item", "value", "time", "type"};
  return kNames[static_cast<size_t>(role)];
}

std::optional<Role> ColumnRoles::Of(size_t column) const {
  for (const Role role : kAllRoles) {
    if ((*this)[role] == column) return role;
  }
  return std::nullopt;
}

std::optional<Role> RoleOfName(std::string_view name) {
  for (const Role role : kAllRoles) {
    if (RankOf(role, name) != kNoRank) return role;
  }
  return std::nullopt;
}

absl::StatusOr<ColumnRoles> FindRoles(const std::string& file,
                                      std::span<const std::string> header,
                                      std::span<const Role> wanted,
                                      const v1::Input& stated) {
  ColumnRoles roles;
  std::array<bool, kRoles> settled{};
  std::vector<bool> taken(header.size());
  for (const auto& [name, column] : stated.columns()) {
    ASSIGN_OR_RETURN(const Role role, RoleOf(name));
    if (std::count(wanted.begin(), wanted.end(), role) == 0) continue;
    settled[static_cast<size_t>(role)] = true;
    if (column.empty()) continue;
    const std::optional<size_t> found = FindNamed(header, column);
    if (!found) {
      return absl::NotFoundError(
          fmt::format("{}: no column \"{}\", which is stated for the role {}; "
                      "there are {}",
                      file, column, name, Quoted(header)));
    }
    roles.Set(role, found);
    taken[*found] = true;
  }
  for (const Role role : wanted) {
    if (settled[static_cast<size_t>(role)]) continue;
    size_t best = kNoRank;
    for (size_t i = 0; i < header.size(); ++i) {
      const size_t rank = taken[i] ? kNoRank : RankOf(role, header[i]);
      if (rank >= best) continue;
      best = rank;
      roles.Set(role, i);
    }
    if (roles[role]) taken[*roles[role]] = true;
  }
  return roles;
}

absl::Status MissingRole(const std::string& file, Role role,
                         std::span<const std::string> header) {
  return absl::NotFoundError(
      fmt::format("{}: no column is known as the {}; there are {}. Name it: "
                  "--columns {}=COLUMN. The first line must have the columns' "
                  "names",
                  file, RoleName(role), Quoted(header), RoleName(role)));
}

absl::StatusOr<size_t> FindKeyColumn(const std::string& file, Role role,
                                     std::span<const std::string> header,
                                     const v1::Input& stated) {
  // A name that is stated for interactions need not be that of features.
  v1::Input tolerant = stated;
  const auto named = stated.columns().find(std::string(RoleName(role)));
  if (named != stated.columns().end() && !FindNamed(header, named->second)) {
    tolerant.clear_columns();
  }
  const Role wanted[] = {role};
  ASSIGN_OR_RETURN(const ColumnRoles roles,
                   FindRoles(file, header, wanted, tolerant));
  // In a table of its own, a bare `id` is the key; a name with a noun alone,
  // such as `artist` in a table of songs, may be a feature.
  for (const std::string_view name : {"id", "key", "code", "uuid"}) {
    const std::optional<size_t> bare = FindNamed(header, name);
    const bool certain = roles[role].has_value() &&
                         (WordsOf(header[*roles[role]]).size() > 1 ||
                          KeyRank(role == Role::kUser ? kUserNouns : kItemNouns,
                                  WordsOf(header[*roles[role]])) == 0);
    if (bare && !certain) return *bare;
  }
  if (roles[role]) return *roles[role];
  return MissingRole(file, role, header);
}

}  // namespace tributary
