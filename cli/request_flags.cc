#include "cli/request_flags.h"

#include "cli/quota_flag.h"
#include "status/status_macros.h"

namespace tributary {

void AddRequestFlags(CLI::App& command, RequestFlags* flags) {
  command.add_option("-k", flags->k,
                     "Number of candidates; 0 for the server's default");
  AddQuotaFlag(command, &flags->quotas);
  command
      .add_option("--recent", flags->recent,
                  "Keys of recent items, oldest first, comma-separated")
      ->delimiter(',');
  command
      .add_option("--exclude", flags->exclude,
                  "Keys of items to exclude, comma-separated")
      ->delimiter(',');
  command.add_option(
      "--where", flags->where,
      "What items must be, e.g. 'in_stock = true AND price < 50'");
  command
      .add_option("--relax", flags->relax,
                  "Attributes whose terms of --where may be dropped, in this "
                  "order, when fewer than k items pass; comma-separated")
      ->delimiter(',');
  AddListFlags(command, &flags->list);
  command.add_flag("--include-seen", flags->include_seen,
                   "Do not exclude items that the user has already had");
  command.add_option(
      "--bundle-version,--version", flags->bundle_version,
      "Ask this version. Default: the one that the server chooses");
  command.add_option("--label", flags->bundle_label,
                     "Ask the version with this label, such as canary");
}

absl::StatusOr<v1::RetrieveRequest> RequestOf(const RequestFlags& flags) {
  v1::RetrieveRequest request;
  if (!flags.user.empty()) request.set_user_key(flags.user);
  request.set_k(flags.k);
  RETURN_IF_ERROR(SetQuotas(flags.quotas, &request));
  for (const std::string& key : flags.recent) request.add_recent_item_keys(key);
  for (const std::string& key : flags.exclude) {
    request.mutable_filter()->add_exclude_item_keys(key);
  }
  if (!flags.where.empty()) {
    request.mutable_filter()->set_where(flags.where);
  }
  if (!flags.relax.empty()) {
    request.mutable_filter()->set_when_short(v1::RELAX);
    for (const std::string& attribute : flags.relax) {
      request.mutable_filter()->add_relax(attribute);
    }
  }
  RETURN_IF_ERROR(SetListFlags(flags.list, &request));
  request.set_include_seen(flags.include_seen);
  request.set_bundle_version(flags.bundle_version);
  request.set_bundle_label(flags.bundle_label);
  return request;
}

}  // namespace tributary
