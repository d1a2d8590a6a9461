// Which call a thread works for, so that every line that it logs meanwhile says
// so: `request_id=...` at its end.
#ifndef TRIBUTARY_SERVER_PROCESS_CALL_ID_H_
#define TRIBUTARY_SERVER_PROCESS_CALL_ID_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tributary {

// The longest name that a caller may give to a call.
inline constexpr size_t kMaxRequestIdBytes = 128;

// Whether the text may name a call: 1 to kMaxRequestIdBytes bytes of visible
// ASCII.
bool IsRequestId(std::string_view text);

// The name of a call: what its caller gave, or else a number, whose text is
// made only where somebody wants to read it.
struct CallId {
  // Empty for none. A view: valid as long as the call.
  std::string_view given = {};
  std::array<uint8_t, 16> number = {};

  std::string Text() const;
};

// While it lives, what the calling thread logs has the id. Scopes nest; null
// takes the id of the scope around it away.
class CallScope {
 public:
  // *id outlives this.
  explicit CallScope(const CallId* id);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  const CallId* const before_;
};

// The call of the calling thread's scope; null for none. Valid as long as the
// scope.
const CallId* CurrentCall();

// A copy of the calling thread's call, for another thread that works for it.
// The call need not live as long.
class CopiedCallId {
 public:
  CopiedCallId();
  CopiedCallId(const CopiedCallId&) = delete;
  CopiedCallId& operator=(const CopiedCallId&) = delete;

  // Null where the copied thread worked for none.
  const CallId* id() const { return has_id_ ? &id_ : nullptr; }

 private:
  bool has_id_ = false;
  std::string given_;
  CallId id_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_CALL_ID_H_
