#include "server/console/console_files.h"

#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string TextOf(std::string_view path) {
  const ConsoleFile* const file = FindConsoleFile(path);
  EXPECT_NE(file, nullptr) << path;
  return file == nullptr ? "" : std::string(file->text());
}

std::set<std::string> Matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator i(text.begin(), text.end(), regex), end; i != end;
       ++i) {
    found.insert((*i)[1]);
  }
  return found;
}

bool IsOurs(const ConsoleFile& file) {
  return file.name.find("uPlot") == std::string_view::npos &&
         file.name != "LICENSE";
}

TEST(ConsoleFilesTest, FindsFilesByTheirPathsAndNothingElse) {
  EXPECT_EQ(FindConsoleFile("/console")->name, "console.html");
  EXPECT_EQ(FindConsoleFile("/console/console.js")->name, "console.js");
  for (const char* path :
       {"", "/", "/consol", "/consoles", "/console/", "/console/console.html",
        "/console//console.js", "/console/../console.js", "/console/x.js",
        "/console/console.js/", "/CONSOLE", "console"}) {
    EXPECT_EQ(FindConsoleFile(path), nullptr) << path;
  }
}

TEST(ConsoleFilesTest, FilesAreThoseOfTheTree) {
  EXPECT_EQ(TextOf("/console").substr(0, 15), "<!doctype html>");
  for (const ConsoleFile& file : ConsoleFiles()) {
    EXPECT_GT(file.size, 0) << file.name;
    EXPECT_EQ(file.text().find('\0'), std::string_view::npos) << file.name;
  }
  // The licence goes where the library goes.
  EXPECT_THAT(TextOf("/console/LICENSE"), HasSubstr("MIT License"));
}

TEST(ConsoleFilesTest, SaysWhatFilesAre) {
  const auto type = [](const char* path) {
    return ContentTypeOf(*FindConsoleFile(path));
  };
  EXPECT_EQ(type("/console"), "text/html; charset=utf-8");
  EXPECT_EQ(type("/console/console.css"), "text/css; charset=utf-8");
  EXPECT_EQ(type("/console/dom.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(type("/console/icon.svg"), "image/svg+xml");
  EXPECT_EQ(type("/console/LICENSE"), "text/plain; charset=utf-8");
}

TEST(ConsoleFilesTest, WhatThePageNamesIsThere) {
  const std::string page = TextOf("/console");
  const auto named = Matches(page, "(?:href|src)=\"([^#\"]+)\"");
  EXPECT_EQ(named.size(), 5);
  for (const std::string& path : named) {
    EXPECT_NE(FindConsoleFile("/" + path), nullptr) << path;
  }
  for (const ConsoleFile& file : ConsoleFiles()) {
    if (!IsOurs(file)) continue;
    for (const std::string& path :
         Matches(std::string(file.text()), "from '\\./([^']+)'")) {
      EXPECT_NE(FindConsoleFile("/console/" + path), nullptr)
          << file.name << " imports " << path;
    }
  }
}

TEST(ConsoleFilesTest, OursHaveNeitherOtherHostsNorHtmlInScripts) {
  const std::string page = TextOf("/console");
  EXPECT_TRUE(Matches(page, "( style=| on[a-z]+=|<style)").empty());
  for (const ConsoleFile& file : ConsoleFiles()) {
    if (!IsOurs(file)) continue;
    const std::string text(file.text());
    if (file.name != "icon.svg") {
      EXPECT_THAT(text, Not(HasSubstr("//www."))) << file.name;
      EXPECT_THAT(text, Not(HasSubstr("https://"))) << file.name;
      EXPECT_THAT(text, Not(HasSubstr("http://"))) << file.name;
    }
    EXPECT_TRUE(Matches(text,
                        "(innerHTML|outerHTML|insertAdjacentHTML|"
                        "document\\.write|\\beval\\(|new Function)")
                    .empty())
        << file.name;
  }
}

}  // namespace
}  // namespace tributary
