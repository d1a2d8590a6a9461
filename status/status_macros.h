// Two macros for absl::Status, which Abseil 20220623 does not have. Every
// folder may depend on this one, and it depends only on Abseil.
#ifndef TRIBUTARY_STATUS_STATUS_MACROS_H_
#define TRIBUTARY_STATUS_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// If `expr`, an absl::Status, is an error, returns it from the calling
// function.
#define RETURN_IF_ERROR(expr)                      \
  do {                                             \
    if (absl::Status status_macro_status = (expr); \
        !status_macro_status.ok()) {               \
      return status_macro_status;                  \
    }                                              \
  } while (false)

// Assigns the value of `expr`, an absl::StatusOr<T>, to `lhs`, which may be a
// declaration; or, if it is an error, returns its status from the calling
// function.
#define ASSIGN_OR_RETURN(lhs, expr) \
  STATUS_MACROS_ASSIGN_(STATUS_MACROS_CONCAT_(status_or_, __LINE__), lhs, expr)

#define STATUS_MACROS_ASSIGN_(temporary, lhs, expr)          \
  auto temporary = (expr);                                   \
  if (!temporary.ok()) return std::move(temporary).status(); \
  lhs = *std::move(temporary)
#define STATUS_MACROS_CONCAT_INNER_(a, b) a##b
#define STATUS_MACROS_CONCAT_(a, b) STATUS_MACROS_CONCAT_INNER_(a, b)

#endif  // TRIBUTARY_STATUS_STATUS_MACROS_H_
