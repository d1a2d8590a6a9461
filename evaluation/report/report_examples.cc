#include <algorithm>
#include <span>
#include <vector>

#include "evaluation/report/markup.h"
#include "evaluation/report/sections.h"
#include "fmt/format.h"

namespace tributary {
namespace {

// Items of a history and test items that are shown.
constexpr size_t kShownItems = 5;

std::string ItemMarkup(const ReportInput& input, Row row) {
  return fmt::format("<span>{}</span>",
                     Escape(input.titles.Of(input.bundle, row)));
}

// "Had: A, B, and 3 more."
std::string ItemsLine(const ReportInput& input, std::string_view what,
                      const std::vector<Row>& rows) {
  std::string line = fmt::format("<p><span class=soft>{}</span> ", what);
  if (rows.empty()) return line + "nothing that the bundle knows</p>";
  const size_t shown = std::min(kShownItems, rows.size());
  for (size_t i = 0; i < shown; ++i) {
    line += (i == 0 ? "" : ", ") + ItemMarkup(input, rows[i]);
  }
  if (rows.size() > shown) {
    line += fmt::format(", and {} more", rows.size() - shown);
  }
  return line + "</p>";
}

std::string UserMarkup(const ReportInput& input, const ExampleUser& user) {
  const std::vector<Row> newest_first(user.history.rbegin(),
                                      user.history.rend());
  std::string markup =
      fmt::format("<div class=user><h3>{}</h3>{}{}<ol>", Escape(user.key),
                  ItemsLine(input, "Had, newest first:", newest_first),
                  ItemsLine(input, "Then had:", user.test_items));
  for (const Row row : user.list) {
    const bool hit =
        std::binary_search(user.test_items.begin(), user.test_items.end(), row);
    markup += fmt::format("<li{}>{}{}</li>", hit ? " class=hit" : "",
                          ItemMarkup(input, row), hit ? " ✓" : "");
  }
  return markup + "</ol></div>\n";
}

}  // namespace

std::string ExampleUsers(const ReportInput& input) {
  const std::vector<ExampleUser>& users = input.evaluation.examples;
  if (users.empty()) return "";
  std::string markup = fmt::format(
      "<h2>Example users</h2><p class=note>{} users, evenly spread. Below what "
      "they had: the head of their fused list of {}; ✓ marks what they had "
      "next.{}</p><div class=users>",
      users.size(), input.evaluation.ks.back(),
      input.titles.column.empty()
          ? " Items are shown by their keys; a column title or name of --data "
            "gives them titles."
          : "");
  for (const ExampleUser& user : users) markup += UserMarkup(input, user);
  return markup + "</div>\n";
}

}  // namespace tributary
