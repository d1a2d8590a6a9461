#ifndef TRIBUTARY_INDEX_DATA_INPUT_REPORT_H_
#define TRIBUTARY_INDEX_DATA_INPUT_REPORT_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/quoted.h"

namespace tributary {

// What was understood of the input, for the person who builds: facts, and
// warnings of what is probably not meant so (see Input.strict). Not
// thread-safe.
struct InputReport {
  std::vector<std::string> facts;
  std::vector<std::string> warnings;

  void Say(std::string fact) { facts.push_back(std::move(fact)); }
  void Warn(std::string warning) { warnings.push_back(std::move(warning)); }
};

// A column of a table as the report shows it.
struct ColumnFact {
  std::string name;
  // Its role or kind, such as "user" or "category".
  std::string is;
  // A value of it; "" when there is none.
  std::string example;
  // More about it; may be empty.
  std::string note;
};

// A value or a key of a table, short enough for a line beside others.
inline std::string QuotedExample(std::string_view text) {
  return Quoted(text, 40);
}

// Adds one line for each column, aligned.
void SayColumns(const std::vector<ColumnFact>& columns, InputReport* report);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_INPUT_REPORT_H_
