#include "cli/control_tables.h"

#include <algorithm>

#include "fmt/format.h"
#include "google/protobuf/util/time_util.h"
#include "server/process/memory.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr size_t kErrorCharacters = 500;

std::string TimeText(google::protobuf::Timestamp time) {
  time.set_nanos(0);
  return google::protobuf::util::TimeUtil::ToString(time);
}

std::string VersionText(uint64_t version) {
  return version == 0 ? "none" : fmt::format("{}", version);
}

std::string RefusalText(const v1::Refusal& refusal) {
  return fmt::format("{} at {}: {}", refusal.version(), TimeText(refusal.at()),
                     refusal.reason());
}

std::string LoaderText(const v1::LoaderStatus& loader) {
  std::string text = fmt::format(
      "loader      store {}, CURRENT {}, last good {}, reported {}\n"
      "            fetched {}, shared {}, forced {}\n",
      loader.store(), VersionText(loader.current_version()),
      VersionText(loader.last_good_version()), TimeText(loader.at()),
      ByteText(loader.fetched_bytes()), ByteText(loader.shared_bytes()),
      loader.forced());
  if (loader.has_last_refusal()) {
    text += fmt::format("            refused {}\n",
                        RefusalText(loader.last_refusal()));
  }
  if (!loader.last_error().empty()) {
    text += fmt::format("            {} consecutive errors: {}\n",
                        loader.consecutive_errors(), loader.last_error());
  }
  return text;
}

std::string LabelTable(const v1::ServerStatus& status) {
  if (status.labels().empty()) return "";
  std::string table =
      fmt::format("\n{:<16} {:>8} {:>8}\n", "label", "version", "share");
  double rest = 1;
  for (const v1::Label& label : status.labels()) {
    table += fmt::format("{:<16} {:>8} {:>7.2f}%\n", label.name(),
                         label.version(), 100 * label.share());
    rest -= label.share();
  }
  return table + fmt::format("{:<16} {:>8} {:>7.2f}%\n", "stable",
                             VersionText(status.active_version()),
                             100 * std::max(rest, 0.));
}

std::string ItemSetTable(const v1::ServerStatus& status) {
  if (status.item_sets().empty()) return "";
  std::string table = fmt::format("\n{:<24} {:>12} {:>12}  {}\n", "item set",
                                  "items", "unknown", "put");
  for (const v1::ItemSetStatus& set : status.item_sets()) {
    table += fmt::format("{:<24} {:>12} {:>12}  {}\n", set.name(), set.items(),
                         set.unknown_items(), TimeText(set.put_at()));
  }
  return table;
}

std::string Items(uint64_t count) {
  return fmt::format("{} {}", count, count == 1 ? "item" : "items");
}

std::string ChangesText(const v1::ServerStatus& status) {
  if (!status.has_changes()) return "";
  const v1::ChangesStatus& changes = status.changes();
  std::string text = fmt::format(
      "\nlive changes: through {}, of {}; {} items are taken down, {} of the "
      "active version\n",
      changes.through(), TimeText(changes.last_change_at()),
      changes.removed_items(), changes.removed_from_active());
  if (changes.added_items() > 0) {
    text +=
        fmt::format("  {} added that the active version lacks\n",
                    changes.added_items() == 1
                        ? "1 item was"
                        : fmt::format("{} items were", changes.added_items()));
  }
  if (changes.changed_items() > 0) {
    text += fmt::format("  {} of the active version {} changed attributes\n",
                        Items(changes.changed_items()),
                        changes.changed_items() == 1 ? "has" : "have");
  }
  if (changes.expired_items() > 0) {
    text += fmt::format("  {} {} expired\n", Items(changes.expired_items()),
                        changes.expired_items() == 1 ? "has" : "have");
  }
  if (changes.changed_users() > 0) {
    text +=
        fmt::format("  {} users have events that the active version lacks\n",
                    changes.changed_users());
  }
  if (changes.pending() > 0) {
    text += fmt::format("  {} are not applied yet\n", changes.pending());
  }
  if (changes.has_checked_at()) {
    text += fmt::format("  the loader last found no others at {}\n",
                        TimeText(changes.checked_at()));
  }
  if (changes.refused() > 0) {
    text += fmt::format(
        "  {} were refused, in whole or in part; the last: {}\n",
        changes.refused(), Printable(changes.last_refused(), kErrorCharacters));
  }
  if (!changes.error().empty()) {
    text += fmt::format("  later ones are not applied: {}\n",
                        Printable(changes.error(), kErrorCharacters));
  }
  return text;
}

std::string RankText(uint32_t rank) {
  return rank == 0 ? "-" : fmt::format("{}", rank);
}

}  // namespace

std::string BundleTable(
    const google::protobuf::RepeatedPtrField<v1::BundleStatus>& bundles) {
  std::string table =
      fmt::format("{:>8}  {:<8} {:>12} {:>12} {:>11}  {:<20}  {}\n", "version",
                  "state", "items", "users", "size", "built", "labels");
  for (const v1::BundleStatus& bundle : bundles) {
    table += fmt::format(
        "{:>8}  {:<8} {:>12} {:>12} {:>11}  {:<20}  {}\n", bundle.version(),
        v1::BundleState_Name(bundle.state()), bundle.items(), bundle.users(),
        ByteText(bundle.size_bytes()),
        bundle.has_created_at() ? TimeText(bundle.created_at()) : "broken",
        fmt::join(bundle.labels(), " "));
  }
  return table;
}

std::string StatusText(const v1::ServerStatus& status) {
  std::string text =
      fmt::format("active      {}", VersionText(status.active_version()));
  if (status.has_activated_at()) {
    text += fmt::format(" since {}", TimeText(status.activated_at()));
  }
  text += fmt::format(
      "\nrollback to {}\nserver      up since {}, {} swaps, {} refusals\n",
      VersionText(status.previous_version()), TimeText(status.started_at()),
      status.swaps(), status.refusals());
  if (status.has_last_refusal()) {
    text += fmt::format("refused     {}\n", RefusalText(status.last_refusal()));
  }
  if (status.has_loader()) text += LoaderText(status.loader());
  return text + LabelTable(status) + ItemSetTable(status) +
         ChangesText(status) + "\n" + BundleTable(status.bundles());
}

std::string DiffText(const v1::DiffResponse& diff) {
  std::string text = fmt::format(
      "version {} to {}, {} user{}\n{:<14} {:>11} {:>11} {:>9} {:>9}\n",
      diff.from_version(), diff.to_version(), diff.users(),
      diff.users() == 1 ? "" : "s", "list", "old length", "new length",
      "overlap", "minimum");
  for (const v1::ListDiff& list : diff.lists()) {
    text += fmt::format("{:<14} {:>11.1f} {:>11.1f} {:>9.4f} {:>9.4f}\n",
                        list.name(), list.from_length(), list.to_length(),
                        list.overlap(), list.min_overlap());
  }
  if (diff.items().empty()) return text;
  text += fmt::format("\n{:>8} {:>8}  {}\n", "old rank", "new rank", "item");
  for (const v1::ItemDiff& item : diff.items()) {
    text += fmt::format("{:>8} {:>8}  {}\n", RankText(item.from_rank()),
                        RankText(item.to_rank()), Printable(item.key()));
  }
  return text;
}

}  // namespace tributary
