// tributary completion: scripts that complete commands and flags in a shell.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace tributary {
namespace {

// A command, such as "control stage", and what may follow it.
struct Completed {
  std::string path;
  std::vector<const CLI::App*> commands;
  std::vector<const CLI::Option*> flags;
};

void AddFlagsOf(const CLI::App& app, std::vector<const CLI::Option*>* flags) {
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_lnames().empty()) flags->push_back(option);
  }
  for (const CLI::App* group : app.get_subcommands(
           [](const CLI::App* sub) { return sub->get_name().empty(); })) {
    AddFlagsOf(*group, flags);
  }
}

void AddCompleted(const CLI::App& app, const std::string& path,
                  std::vector<Completed>* all) {
  Completed one{.path = path, .commands = {}, .flags = {}};
  one.commands = app.get_subcommands(
      [](const CLI::App* sub) { return !sub->get_name().empty(); });
  AddFlagsOf(app, &one.flags);
  const std::vector<const CLI::App*> commands = one.commands;
  all->push_back(std::move(one));
  for (const CLI::App* command : commands) {
    AddCompleted(*command,
                 path + (path.empty() ? "" : " ") + command->get_name(), all);
  }
}

// In zsh, too, by its bashcompinit.
std::string BashScript(const std::vector<Completed>& all) {
  std::string paths;
  std::string cases;
  for (const Completed& one : all) {
    std::vector<std::string> words;
    for (const CLI::App* command : one.commands) {
      words.push_back(command->get_name());
    }
    for (const CLI::Option* flag : one.flags) {
      words.push_back("--" + flag->get_lnames().front());
    }
    if (!one.path.empty()) {
      paths += fmt::format("{}\"{}\"", paths.empty() ? "" : "|", one.path);
    }
    cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", one.path,
                         fmt::join(words, " "));
  }
  return fmt::format(R"(_tributary() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" path="" words="" i next
  for ((i = 1; i < COMP_CWORD; ++i)); do
    next="${{path:+$path }}${{COMP_WORDS[i]}}"
    case "$next" in
      {}) path="$next" ;;
    esac
  done
  case "$path" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _tributary tributary
)",
                     paths, cases);
}

std::string ZshScript(const std::vector<Completed>& all) {
  return "autoload -U +X compinit && compinit\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         BashScript(all);
}

// In single quotes.
std::string FishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text.substr(0, text.find(". "))) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string FishScript(const std::vector<Completed>& all) {
  std::string script = "complete -c tributary -e\n";
  for (const Completed& one : all) {
    std::string when = "__fish_use_subcommand";
    if (!one.path.empty()) {
      when = "";
      for (size_t begin = 0; begin <= one.path.size();) {
        const size_t end = std::min(one.path.find(' ', begin), one.path.size());
        when += fmt::format("{}__fish_seen_subcommand_from {}",
                            when.empty() ? "" : "; and ",
                            one.path.substr(begin, end - begin));
        begin = end + 1;
      }
    }
    for (const CLI::App* command : one.commands) {
      script += fmt::format("complete -c tributary -n {} -a {} -d {}\n",
                            FishQuoted(when), command->get_name(),
                            FishQuoted(command->get_description()));
    }
    for (const CLI::Option* flag : one.flags) {
      script += fmt::format("complete -c tributary -n {} -l {} -d {}\n",
                            FishQuoted(when), flag->get_lnames().front(),
                            FishQuoted(flag->get_description()));
    }
  }
  return script;
}

}  // namespace

void AddCompletionCommand(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "completion",
      "Print a script that completes commands and flags in a shell. bash: "
      "source <(tributary completion bash)");
  command->add_option("shell", *shell, "The shell: bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&app, shell] {
    std::vector<Completed> all;
    AddCompleted(app, "", &all);
    fmt::print("{}", *shell == "bash"  ? BashScript(all)
                     : *shell == "zsh" ? ZshScript(all)
                                       : FishScript(all));
  });
}

}  // namespace tributary
