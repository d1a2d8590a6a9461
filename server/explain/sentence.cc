#include "server/explain/sentence.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// Terms may be long; the message has all of them.
constexpr size_t kTermCharacters = 200;

std::string ListWords(const std::vector<std::string>& texts,
                      std::string_view last) {
  std::string all;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) {
      all += i + 1 == texts.size() ? fmt::format(" {} ", last) : ", ";
    }
    all += texts[i];
  }
  return all;
}

std::string Capitalised(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  return text;
}

std::string InTheList(const Finding& finding) {
  std::vector<std::string> sources;
  for (const SourceFinding& source : finding.sources) {
    if (source.proposed_rank == 0) continue;
    sources.push_back(
        fmt::format("{} (rank {})", source.name, source.proposed_rank));
  }
  return fmt::format("It is rank {} of the {} candidates, proposed by {}",
                     finding.rank, finding.run.candidates,
                     ListWords(sources, "and"));
}

std::string AtTime(int64_t ms) {
  return std::string(absl::FormatTime(
      "%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone()));
}

std::string TakenDown(const Removal& removal) {
  std::string text = fmt::format("change {} took it down at {}", removal.change,
                                 AtTime(removal.at_ms));
  if (!removal.reason.empty()) {
    text += fmt::format(" ({})", Printable(removal.reason, kTermCharacters));
  }
  return text;
}

// Why it may not be proposed.
std::string Barred(const Finding& finding) {
  std::vector<std::string> reasons;
  if (finding.removal) reasons.push_back(TakenDown(*finding.removal));
  if (finding.expiry) {
    reasons.push_back(fmt::format("it expired at {}, as change {} says",
                                  AtTime(finding.expiry->at_ms),
                                  finding.expiry->change));
  }
  if (finding.seen) {
    reasons.push_back(finding.seen_by_change == 0
                          ? "the user has already had it"
                          : fmt::format("the user has already had it (change "
                                        "{})",
                                        finding.seen_by_change));
  }
  if (finding.recent) {
    reasons.emplace_back("it is among the request's recent or liked items");
  }
  if (finding.excluded) reasons.emplace_back("the request excludes it");
  if (!finding.excluding_sets.empty()) {
    const bool one = finding.excluding_sets.size() == 1;
    reasons.push_back(fmt::format("the item {} {} {} it", one ? "set" : "sets",
                                  ListWords(finding.excluding_sets, "and"),
                                  one ? "has" : "have"));
  }
  if (finding.excluded_otherwise) {
    reasons.emplace_back("something else that the request names excludes it");
  }
  for (const v1::FailedTerm& term : finding.failed_terms) {
    reasons.push_back(fmt::format(
        "it fails {} (it has {})", Printable(term.term(), kTermCharacters),
        term.value().empty() ? "no value"
                             : Printable(term.value(), kTermCharacters)));
  }
  return ListWords(reasons, "and");
}

const SourceFinding* BestOf(const Finding& finding) {
  const SourceFinding* best = nullptr;
  for (const SourceFinding& source : finding.sources) {
    if (source.exact_rank == 0) continue;
    if (best == nullptr || source.exact_rank < best->exact_rank) best = &source;
  }
  return best;
}

std::string WithoutRank(const SourceFinding& source) {
  switch (source.state) {
    case SourceState::kNoQuery:
      return fmt::format("{} has nothing to search by", source.name);
    case SourceState::kAnswered:
      return fmt::format("{} {}", source.name,
                         source.knows_item ? "does not reach it by this request"
                                           : "does not have it");
    default:
      return fmt::format("{} failed", source.name);
  }
}

std::string NotProposed(const Finding& finding) {
  if (const SourceFinding* const best = BestOf(finding); best != nullptr) {
    if (best->missed_by_index()) {
      return fmt::format(
          "the index of {} missed it, which is rank {} by exact search, of {} "
          "that were asked for",
          best->name, best->exact_rank, best->planned.asked);
    }
    return fmt::format("it is rank {} of {}, and lists stop at {}",
                       best->exact_rank, best->name, best->planned.asked);
  }
  std::vector<std::string> reasons;
  for (const SourceFinding& source : finding.sources) {
    reasons.push_back(WithoutRank(source));
  }
  return "no source proposes it: " + ListWords(reasons, "and");
}

std::string KeptOutByCap(const Finding& finding) {
  std::vector<std::string> caps;
  for (const FullCap& cap : finding.full_caps) {
    caps.push_back(fmt::format(
        "{} {} with {}", cap.items.size(),
        cap.items.size() == 1 ? "candidate" : "candidates",
        cap.value.empty()
            ? fmt::format("no {}", cap.attribute)
            : fmt::format("{} {}", cap.attribute, Quoted(cap.value))));
  }
  return fmt::format("the list has {}, as many as the cap allows",
                     ListWords(caps, "and"));
}

std::string BelowK(const Finding& finding) {
  const std::string rank =
      fmt::format("it is rank {} of the {} that were proposed",
                  finding.fused_rank, finding.proposed);
  if (finding.run.candidates < finding.run.k) {
    return rank + ", and its sources have reached the max of their quotas";
  }
  if (finding.fused_rank > finding.run.k) {
    return fmt::format("{}, and k is {}", rank, finding.run.k);
  }
  if (finding.run.diverse) {
    return fmt::format(
        "{}, and diversity prefers items that are less like the candidates "
        "before them",
        rank);
  }
  return fmt::format(
      "{}, and what quotas reserve for others fills the list of {}", rank,
      finding.run.k);
}

// What keeps an item out that may be proposed.
std::string Missed(const Finding& finding) {
  switch (finding.verdict()) {
    case v1::NOT_PROPOSED:
      return NotProposed(finding);
    case v1::KEPT_OUT_BY_CAP:
      return KeptOutByCap(finding);
    default:
      return BelowK(finding);
  }
}

std::string WhyNoRemedy(const Remedies& remedies, const v1::Limits& limits) {
  if (remedies.gave_up) {
    return fmt::format("none of the {} changes that were tried brings it in",
                       kMaxTrials);
  }
  const Finding& opened = remedies.opened;
  if (opened.removal) return "only a change that restores it brings it back";
  if (opened.expiry) {
    return "only a change that says when it expires brings it back";
  }
  if (!opened.may_be_proposed()) {
    return "no change was found after which it may be proposed";
  }
  if (const SourceFinding* const best = BestOf(opened);
      best != nullptr && best->exact_rank > limits.max_k()) {
    return fmt::format("limits.max_k, {}, is too small to reach it",
                       limits.max_k());
  }
  return opened.fused_rank > 0 || BestOf(opened) != nullptr
             ? fmt::format(
                   "no quota, k or cap up to limits.max_k, {}, brings "
                   "it in",
                   limits.max_k())
             : "no quota or k would change that";
}

}  // namespace

std::string SentenceOf(const Finding& finding, const Remedies& remedies,
                       const v1::Limits& limits) {
  if (finding.rank > 0) return InTheList(finding) + ".";
  std::string text = Capitalised(finding.may_be_proposed() ? Missed(finding)
                                                           : Barred(finding));
  const Finding& opened = remedies.opened;
  if (!finding.may_be_proposed() && opened.may_be_proposed() &&
      opened.rank == 0) {
    text += "; without that, " + Missed(opened);
  }
  if (remedies.found.empty()) {
    return fmt::format("{}; {}.", text, WhyNoRemedy(remedies, limits));
  }
  std::vector<std::string> changes;
  for (const Remedy& remedy : remedies.found) {
    changes.push_back(Printable(remedy.text, kTermCharacters));
  }
  return fmt::format("{}: {} would bring it in.", text,
                     ListWords(changes, "or"));
}

std::string UnknownItemSentence(std::string_view key,
                                const std::vector<std::string>& nearest) {
  std::string text = fmt::format("The catalogue has no item {}", Quoted(key));
  if (nearest.empty()) return text + ", and none with a key like it.";
  std::vector<std::string> keys;
  for (const std::string& one : nearest) keys.push_back(Quoted(one));
  return fmt::format("{}; the nearest {} {}.", text,
                     keys.size() == 1 ? "key is" : "keys are",
                     ListWords(keys, "and"));
}

}  // namespace tributary
