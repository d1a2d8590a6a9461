// Which column of a table has which role, by its name. docs/your_data.md lists
// the synonyms.
#ifndef TRIBUTARY_INDEX_DATA_COLUMN_ROLES_H_
#define TRIBUTARY_INDEX_DATA_COLUMN_ROLES_H_

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

enum class Role { kUser, kItem, kValue, kTime, kType };
inline constexpr size_t kRoles = 5;
// "user", "item", "value", "time" or "type".
std::string_view RoleName(Role role);

// The column of each role, by its index in the header.
class ColumnRoles {
 public:
  std::optional<size_t> operator[](Role role) const {
    return columns_[static_cast<size_t>(role)];
  }
  void Set(Role role, std::optional<size_t> column) {
    columns_[static_cast<size_t>(role)] = column;
  }
  // The role of a column, if it has one.
  std::optional<Role> Of(size_t column) const;

 private:
  std::array<std::optional<size_t>, kRoles> columns_;
};

// The role that a column of this name could have; nothing when the name says
// nothing. Names are compared without regard to case and to how words are
// joined: event_time, eventTime and "Event Time" are one name.
std::optional<Role> RoleOfName(std::string_view name);

// Finds the columns of the roles `wanted` in the header of `file`. A role that
// `stated` names (Input.columns) takes that column, or none if that is "";
// other roles take the column with their most usual name. Errors:
// INVALID_ARGUMENT for a role in `stated` that does not exist; NOT_FOUND for a
// column in `stated` that the header lacks, listing those that it has.
absl::StatusOr<ColumnRoles> FindRoles(const std::string& file,
                                      std::span<const std::string> header,
                                      std::span<const Role> wanted,
                                      const v1::Input& stated);

// The error when a table lacks a column that it needs: NOT_FOUND, with the
// columns there are and how to name the right one.
absl::Status MissingRole(const std::string& file, Role role,
                         std::span<const std::string> header);

// The column of a table of features that has the rows' keys: as FindRoles, or
// else a column named id, key, or code.
absl::StatusOr<size_t> FindKeyColumn(const std::string& file, Role role,
                                     std::span<const std::string> header,
                                     const v1::Input& stated);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_COLUMN_ROLES_H_
