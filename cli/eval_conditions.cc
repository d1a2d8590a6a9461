#include "cli/eval_conditions.h"

#include <cstdint>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/item_set_upload.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/bundle/row_set.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// The name by which requests know the excluded items.
constexpr char kExcludedSet[] = "exclude-items";

// A file as `tributary control put-set` takes it.
absl::Status ReadExcluded(const std::string& path, ItemKeys* keys) {
  std::ifstream lines(path);
  if (!lines) {
    return absl::NotFoundError(
        fmt::format("--exclude-items: {} cannot be read, expected a file with "
                    "the key of an item on each line",
                    path));
  }
  RETURN_IF_ERROR(SendItemSet(
      lines, path, kExcludedSet, [keys](const v1::PutItemSetRequest& part) {
        for (const std::string& key : part.item_keys()) {
          keys->Add(key);
        }
        return true;
      }));
  keys->Finish();
  if (keys->size() > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("--exclude-items: {} is empty, expected the key of an item "
                  "on each line",
                  path));
}

}  // namespace

absl::StatusOr<EvalConditions> ConditionsOf(const EvalFlags& flags) {
  EvalConditions conditions;
  v1::RetrieveRequest& asked = conditions.asked;
  if (!flags.where.empty()) asked.mutable_filter()->set_where(flags.where);
  RETURN_IF_ERROR(SetListFlags(flags.list, &asked));
  // Nobody reads factors here.
  asked.clear_view();
  if (asked.has_decay() && asked.decay().at().empty()) {
    asked.mutable_decay()->set_at(absl::FormatTime(
        "%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()));
  }
  if (!flags.exclude_items.empty()) {
    conditions.exclude_items = flags.exclude_items;
    RETURN_IF_ERROR(ReadExcluded(flags.exclude_items, &conditions.excluded));
    asked.mutable_filter()->add_exclude_sets(kExcludedSet);
  }
  return conditions;
}

absl::StatusOr<uint64_t> ExcludeItems(const EvalConditions& conditions,
                                      bool may_lack_all,
                                      const ServingBundle& bundle) {
  if (conditions.exclude_items.empty()) return 0;
  RowSet rows(bundle.bundle().items().size());
  const uint64_t known =
      conditions.excluded.AddRows(bundle.bundle().items(), &rows);
  if (known == 0 && !may_lack_all) {
    return absl::InvalidArgumentError(fmt::format(
        "--exclude-items: {} has no key of an item of {}, expected one on each "
        "line",
        conditions.exclude_items, bundle.bundle().dir().string()));
  }
  rows.Complement();
  bundle.item_sets().Put(kExcludedSet, std::make_shared<const ExcludedItems>(
                                           std::move(rows), known));
  return known;
}

std::string FilterText(const EvalConditions& conditions) {
  std::string text = conditions.asked.filter().where();
  if (conditions.exclude_items.empty()) return text;
  if (text.empty()) text = "all items";
  return text + ", without those of " + conditions.exclude_items;
}

std::string ShapeText(const EvalConditions& conditions) {
  const v1::RetrieveRequest& asked = conditions.asked;
  std::vector<std::string> flags;
  for (const v1::Cap& cap : asked.caps()) {
    flags.push_back(fmt::format("--cap {}={}", cap.attribute(), cap.max()));
  }
  for (const v1::Boost& boost : asked.boosts()) {
    flags.push_back(
        fmt::format("--boost '{}:{}'", boost.factor(), boost.where()));
  }
  if (asked.has_decay()) {
    flags.push_back(fmt::format("--decay {}={} --decay-floor {} --decay-at {}",
                                asked.decay().attribute(),
                                asked.decay().half_life_days(),
                                asked.decay().floor(), asked.decay().at()));
  }
  return fmt::format("{}", fmt::join(flags, " "));
}

}  // namespace tributary
