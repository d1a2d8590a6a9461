#include "server/loader/loader_policy.h"

#include <algorithm>
#include <vector>

namespace tributary {
namespace {

using Kind = LoaderAction::Kind;

void FollowCurrent(const LoaderView& view, std::vector<LoaderAction>* actions) {
  const bool wanted =
      !view.refused && !IsHeldBack(view) &&
      (!view.followed || (view.server && view.server->active == 0));
  if (!wanted) return;
  const auto& server = view.server;
  if (server && server->active == view.current) return;
  const bool on_host = view.on_host.contains(view.current);
  if (!server) {
    if (!on_host) actions->push_back({Kind::kFetch, view.current});
    return;
  }
  const bool resident = server->resident.contains(view.current);
  const bool going_back = resident && view.current < server->active;
  if (!on_host && !resident) {
    actions->push_back({Kind::kFetch, view.current});
  } else if (on_host && !view.gate_checked && !going_back) {
    actions->push_back({Kind::kGate, view.current});
  } else {
    actions->push_back(
        {resident ? Kind::kActivate : Kind::kStage, view.current});
  }
}

void DropRefused(const LoaderView& view, std::vector<LoaderAction>* actions) {
  if (!view.refused || !view.server) return;
  if (view.server->last_refused != view.current) {
    actions->push_back({Kind::kReport, view.current});
  }
  if (view.on_host.contains(view.current) &&
      !view.server->resident.contains(view.current)) {
    actions->push_back({Kind::kDelete, view.current});
  }
}

void DeleteOld(const LoaderView& view, std::vector<LoaderAction>* actions) {
  if (!view.server) return;
  const auto spared = [&](uint64_t version) {
    return version == view.server->previous || version == view.current ||
           view.server->wanted.contains(version);
  };
  uint32_t kept = 0;
  for (auto version = view.on_host.rbegin(); version != view.on_host.rend();
       ++version) {
    if (*version >= view.server->active) continue;
    if (kept++ < view.keep || spared(*version) ||
        view.server->resident.contains(*version)) {
      continue;
    }
    actions->push_back({Kind::kDelete, *version});
  }
}

}  // namespace

bool IsHeldBack(const LoaderView& view) {
  const uint64_t active = view.server ? view.server->active : 0;
  return !view.allow_older && !view.followed && view.current != active &&
         view.current < std::max(view.highest, active);
}

LoaderAction Decide(const LoaderView& view) {
  if (view.current == 0) return {};
  std::vector<LoaderAction> actions;
  FollowCurrent(view, &actions);
  DropRefused(view, &actions);
  DeleteOld(view, &actions);
  for (const LoaderAction& action : actions) {
    if (action != view.failed) return action;
  }
  return actions.empty() ? LoaderAction{} : actions.front();
}

std::string_view ActionName(Kind kind) {
  switch (kind) {
    case Kind::kNothing:
      return "nothing";
    case Kind::kFetch:
      return "fetch";
    case Kind::kGate:
      return "gate";
    case Kind::kStage:
      return "stage";
    case Kind::kActivate:
      return "activate";
    case Kind::kReport:
      return "report";
    case Kind::kDelete:
      return "delete";
  }
  return "unknown";
}

}  // namespace tributary
