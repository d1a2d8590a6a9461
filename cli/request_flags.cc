#include "cli/request_flags.h"

#include "cli/quota_flag.h"
#include "cli/user_feature_flag.h"
#include "fmt/core.h"
#include "status/status_macros.h"

namespace tributary {

namespace {

absl::Status SetDiversity(const std::string& text,
                          v1::RetrieveRequest* request) {
  ASSIGN_OR_RETURN(const DiversityFlag flag, ParseDiversity(text));
  if (flag.lambdas.size() != 1) {
    return absl::InvalidArgumentError(
        fmt::format("--diversity: \"{}\", expected one lambda, as in "
                    "content=0.7",
                    text));
  }
  request->mutable_diversity()->set_space(flag.space);
  request->mutable_diversity()->set_lambda(flag.lambdas[0]);
  return absl::OkStatus();
}

}  // namespace

void AddRequestFlags(CLI::App& command, RequestFlags* flags) {
  command.add_option("-k", flags->k,
                     "Number of candidates; 0 for the server's default");
  AddQuotaFlag(command, &flags->quotas);
  AddQueryFlags(command, &flags->query);
  AddUserFeatureFlag(command, &flags->user_features);
  command
      .add_option("--exclude", flags->exclude,
                  "Keys of items to exclude, comma-separated")
      ->delimiter(',');
  command.add_option("--exclude-set", flags->exclude_sets,
                     "Name of a set of items to exclude (tributary control "
                     "put-set). May be given several times");
  command.add_option(
      "--where", flags->where,
      "What items must be, e.g. 'in_stock = true AND price < 50'");
  command
      .add_option("--relax", flags->relax,
                  "Attributes whose terms of --where may be dropped, in this "
                  "order, when fewer than k items pass; comma-separated")
      ->delimiter(',');
  AddListFlags(command, &flags->list);
  command.add_option(
      "--diversity", flags->diversity,
      "SPACE=LAMBDA makes candidates differ from each other by their vectors "
      "in this space; lambda is from 0, difference alone, to 1, relevance "
      "alone, e.g. content=0.7");
  command.add_flag("--include-seen", flags->include_seen,
                   "Do not exclude items that the user has already had");
  command.add_option(
      "--bundle-version,--version", flags->bundle_version,
      "Ask this version. Default: the one that the server chooses");
  command.add_option("--label", flags->bundle_label,
                     "Ask the version with this label, such as canary");
  command.add_option("--profile", flags->profile,
                     "The server's profile that fills in what these flags do "
                     "not say; none for no profile. Default: the one to whose "
                     "share the user belongs, if any");
}

absl::StatusOr<v1::RetrieveRequest> RequestOf(const RequestFlags& flags) {
  v1::RetrieveRequest request;
  if (!flags.user.empty()) request.set_user_key(flags.user);
  request.set_k(flags.k);
  RETURN_IF_ERROR(SetQuotas(flags.quotas, &request));
  SetQueryFlags(flags.query, &request);
  RETURN_IF_ERROR(SetUserFeatures(flags.user_features, &request));
  for (const std::string& key : flags.exclude) {
    request.mutable_filter()->add_exclude_item_keys(key);
  }
  for (const std::string& name : flags.exclude_sets) {
    request.mutable_filter()->add_exclude_sets(name);
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
  if (!flags.diversity.empty()) {
    RETURN_IF_ERROR(SetDiversity(flags.diversity, &request));
  }
  request.set_include_seen(flags.include_seen);
  request.set_bundle_version(flags.bundle_version);
  request.set_bundle_label(flags.bundle_label);
  request.set_profile(flags.profile);
  return request;
}

}  // namespace tributary
