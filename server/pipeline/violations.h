#ifndef TRIBUTARY_SERVER_PIPELINE_VIOLATIONS_H_
#define TRIBUTARY_SERVER_PIPELINE_VIOLATIONS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "fmt/format.h"
#include "google/rpc/error_details.pb.h"

namespace tributary {

// The key under which a status carries its google.rpc.BadRequest.
inline constexpr char kBadRequestPayload[] =
    "type.googleapis.com/google.rpc.BadRequest";

// Collects everything that is wrong with a request, so that its author need not
// find one fault at a time. Costs nothing while nothing is wrong. Not
// thread-safe.
class Violations {
 public:
  // `path` names a field, such as "quotas[\"a\"].max".
  template <typename... Args>
  void Add(std::string_view path, fmt::format_string<Args...> what,
           Args&&... args) {
    ++count_;
    if (text_bytes_ > kMaxTextBytes) return;
    kept_.push_back(
        {std::string(path), fmt::format(what, std::forward<Args>(args)...)});
    text_bytes_ += kept_.back().path.size() + kept_.back().what.size();
  }

  // Adds an error whose message is "<path>: <what>".
  void AddError(const absl::Status& error) {
    const std::string message(error.message());
    const size_t colon = message.find(": ");
    if (colon == std::string::npos) {
      Add("request", "{}", message);
    } else {
      Add(message.substr(0, colon), "{}", message.substr(colon + 2));
    }
  }

  bool empty() const { return count_ == 0; }

  // OK when there are none; else INVALID_ARGUMENT with the message
  // "<path>: <what>; <path>: <what>" and all of them as a payload. Errors
  // travel in a header, whose size is limited: of very many violations the
  // first are kept, and the message says how many more there are.
  absl::Status ToStatus() const {
    if (empty()) return absl::OkStatus();
    google::rpc::BadRequest details;
    std::string message;
    for (const Violation& violation : kept_) {
      auto* const field = details.add_field_violations();
      field->set_field(violation.path);
      field->set_description(violation.what);
      message += fmt::format("{}{}: {}", message.empty() ? "" : "; ",
                             violation.path, violation.what);
    }
    if (count_ > kept_.size()) {
      message += fmt::format("; and {} more", count_ - kept_.size());
    }
    absl::Status status = absl::InvalidArgumentError(message);
    status.SetPayload(kBadRequestPayload,
                      absl::Cord(details.SerializeAsString()));
    return status;
  }

 private:
  static constexpr size_t kMaxTextBytes = 1500;

  struct Violation {
    std::string path;
    std::string what;
  };

  size_t count_ = 0;
  size_t text_bytes_ = 0;
  std::vector<Violation> kept_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_VIOLATIONS_H_
