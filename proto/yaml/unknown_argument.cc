#include "proto/yaml/unknown_argument.h"

#include <algorithm>

#include "fmt/format.h"
#include "status/nearest_name.h"

namespace tributary {
namespace {

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command :
       app.get_subcommands([](const CLI::App*) { return true; })) {
    // Groups of options are subcommands without a name.
    if (!command->get_name().empty()) names.push_back(command->get_name());
  }
  return names;
}

// "--data", "-k".
void AddFlagNames(const CLI::App& app, std::vector<std::string>* names) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names->push_back("--" + name);
    }
    for (const std::string& name : option->get_snames()) {
      names->push_back("-" + name);
    }
  }
  for (const CLI::App* group : app.get_subcommands(
           [](const CLI::App* sub) { return sub->get_name().empty(); })) {
    AddFlagNames(*group, names);
  }
}

std::string UnknownFlag(const CLI::App& command, const std::string& path,
                        const std::string& argument) {
  const std::string flag = argument.substr(0, argument.find('='));
  std::vector<std::string> names;
  AddFlagNames(command, &names);
  if (std::find(names.begin(), names.end(), flag) != names.end()) return "";
  return fmt::format("{}: unknown flag {}{}", path, flag,
                     DidYouMean(flag, names));
}

}  // namespace

std::string UnknownArgument(const CLI::App& app,
                            const std::vector<std::string>& arguments) {
  const CLI::App* command = &app;
  std::string path = app.get_name();
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument.starts_with("--")) {
      std::string unknown = UnknownFlag(*command, path, argument);
      if (!unknown.empty()) return unknown;
      continue;
    }
    const std::vector<std::string> names = CommandNames(*command);
    if (names.empty() || argument.starts_with('-')) continue;
    if (std::find(names.begin(), names.end(), argument) == names.end()) {
      return fmt::format("{}: unknown command \"{}\"{}", path, argument,
                         DidYouMean(argument, names));
    }
    command = command->get_subcommand(argument);
    path += " " + argument;
  }
  return "";
}

}  // namespace tributary
