#!/usr/bin/env python3
"""Makes docs/api.md, docs/configuration.md and docs/openapi.json from proto/.

  generate_docs.py             writes them
  generate_docs.py --check     prints a diff and exits with 1 if they are stale
  generate_docs.py --settings  prints the settings as tab-separated lines, for
                               the test that compares them with the programs

A message, field, value, service or RPC without a comment, an RPC without its
errors, and a setting without a default or a range are errors. proto/ says in
config.proto and in services how comments are read.
"""
import argparse
import dataclasses
import difflib
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "docs"))
import openapi  # noqa: E402
import proto_text  # noqa: E402

API_FILES = ["tributary/v1/retrieval.proto", "tributary/v1/explain.proto",
             "tributary/v1/bundles.proto", "tributary/v1/changes.proto",
             "tributary/v1/change_service.proto"]
# What a file without a service is called.
TITLES = {"tributary/v1/changes.proto": "Live changes"}
CONFIG_FILE = "tributary/v1/config.proto"
ALL_FILES = API_FILES + [CONFIG_FILE, "tributary/v1/fusion.proto",
                         "tributary/v1/gate.proto",
                         "tributary/v1/manifest.proto"]
# The programs that have a configuration, and their messages.
PROGRAMS = [("tributary-server", "ServerConfig"),
            ("tributary build", "BuildConfig"),
            ("tributary-loader", "LoaderConfig")]

SCALARS = {
    "string": "text", "bool": "true or false",
    "uint32": "integer", "uint64": "integer", "fixed64": "integer",
    "int32": "integer", "float": "number", "double": "number",
}
NUMBERS = {name for name, kind in SCALARS.items()
           if kind in ("integer", "number")}


# Comments.

def paragraphs(lines):
    """A comment's paragraphs, each one line of text."""
    text = "\n".join(lines)
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)
            if part.strip()]


def split_errors(lines):
    """An RPC's comment without its errors, and [(codes, when)] or None."""
    for i, line in enumerate(lines):
        if not re.match(r"Errors:", line):
            continue
        errors = []
        for rest in lines[i + 1:]:
            if match := re.match(r" {2}(\S.*)", rest):
                errors.append(match[1])
            elif match := re.match(r" {3,}(\S.*)", rest):
                errors[-1] += " " + match[1]
        pairs = []
        for error in errors:
            codes, _, when = error.partition(": ")
            # A field's name stays as it is.
            if re.match(r"[a-z]+[ ,:]", when):
                when = when[:1].upper() + when[1:]
            pairs.append((codes, when))
        if line.strip() == "Errors: none.":
            return lines[:i], []
        return lines[:i], pairs or None
    return lines, None


@dataclasses.dataclass
class Tags:
    """What a setting's comment says, without the tags, and the tags."""
    text: str
    unit: str = ""
    range: str = ""
    default: str = ""


def read_tags(text):
    parts = re.split(r"(?:^|(?<=\s))(Unit|Range|Default): ", text)
    tags = Tags(parts[0].strip())
    for name, value in zip(parts[1::2], parts[2::2]):
        setattr(tags, name.lower(), value.strip().removesuffix("."))
    return tags


def split_overrides(lines):
    """A comment's own lines, and {path: lines} of the indented "path: ..."."""
    own, overrides, path = [], {}, None
    for line in lines:
        if match := re.match(r"  ([a-z][a-z0-9_.]*): (.*)", line):
            path = match[1]
            overrides[path] = [match[2]]
        elif path is not None and line.startswith("   "):
            overrides[path].append(line.strip())
        else:
            own.append(line)
    return own, overrides


# Markdown.

_CODE = re.compile(r"""
    `[^`]+`                                    # code already
  | "[^"\s]+"                                  # a value in quotes
  | \b[A-Za-z]\w*(?:\.\w+)+\b                  # limits.max_k, a.npy
  | \b[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+\b         # max_k, NOT_FOUND
""", re.VERBOSE)
_NOT_CODE = {"e.g", "i.e"}


def escape(text):
    return re.sub(r"([<*|\\\[\]])", r"\\\1", text)


def markdown(text):
    """Text with what looks like code as code, and the rest escaped."""
    parts, end = [], 0
    for match in _CODE.finditer(text):
        if match[0] in _NOT_CODE:
            continue
        parts.append(escape(text[end:match.start()]))
        parts.append("`" + match[0].strip("`").replace("|", "\\|") + "`")
        end = match.end()
    parts.append(escape(text[end:]))
    return "".join(parts)


def code(text):
    return "`" + text.replace("|", "\\|") + "`" if text else ""


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return lines + [""]


def anchor(heading):
    """GitHub's."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def link(text, heading=None):
    return f"[{text}](#{anchor(heading or text)})"


class Reference:
    """All of proto/, and what is wrong with its comments."""

    def __init__(self, root):
        self.files = {path: proto_text.read(root / "proto", path)
                      for path in ALL_FILES}
        self.messages = {}
        self.enums = {}
        for file in self.files.values():
            for message in proto_text.all_messages(file.messages):
                self.messages[message.full_name] = message
            self.enums.update(proto_text.all_enums(file))
        self.problems = []
        for file in self.files.values():
            self._check_comments(file)

    def _check(self, element, what):
        if not any(line.strip() for line in element.comment):
            self.problems.append(f"{element.place}: {what} has no comment")

    def _check_comments(self, file):
        for message in proto_text.all_messages(file.messages):
            self._check(message, message.full_name)
            for field in message.fields:
                self._check(field, f"{message.full_name}.{field.name}")
        for name, enum in proto_text.all_enums(file):
            self._check(enum, name)
            for value in enum.values:
                self._check(value, value.name)
        for service in file.services:
            self._check(service, service.name)
            for rpc in service.rpcs:
                self._check(rpc, rpc.name)
                if split_errors(rpc.comment)[1] is None:
                    self.problems.append(
                        f"{rpc.place}: {rpc.name} does not say its errors")

    def resolve(self, name, inside=""):
        """The full name of a message or enum that `inside` names."""
        scope = inside.split(".") if inside else []
        while True:
            full = ".".join(scope + [name])
            if full in self.messages or full in self.enums:
                return full
            if not scope:
                return name
            scope.pop()


# docs/api.md.

class ApiWriter:
    def __init__(self, reference):
        self.reference = reference
        self.documented = set()
        for path in API_FILES:
            file = reference.files[path]
            self.documented.update(
                m.full_name for m in proto_text.all_messages(file.messages))
            self.documented.update(n for n, _ in proto_text.all_enums(file))

    def type_name(self, kind, inside):
        if kind in SCALARS:
            return code(kind)
        full = self.reference.resolve(kind, inside)
        return link(code(full), full) if full in self.documented else code(kind)

    def field_type(self, field, inside):
        name = self.type_name(field.type, inside)
        if field.label == "map":
            return f"map of {code(field.key_type)} to {name}"
        return f"{field.label} {name}".strip()

    def fields(self, message):
        rows = []
        for field in message.fields:
            meaning = markdown(" ".join(paragraphs(field.comment)))
            if field.oneof:
                meaning = f"One of `{field.oneof}`. {meaning}"
            rows.append([code(field.name), code(field.json_name),
                         self.field_type(field, message.full_name), meaning])
        for name, comment in message.oneofs.items():
            text = markdown(" ".join(paragraphs(comment)))
            rows.insert(next(i for i, f in enumerate(message.fields)
                             if f.oneof == name),
                        [code(name), "", "one of the following", text])
        return table(["Field", "JSON", "Type", "Meaning"], rows) if rows else []

    def enum(self, name, enum):
        lines = [f"#### {name}", ""]
        lines += [line for p in paragraphs(enum.comment)
                  for line in (markdown(p), "")]
        return lines + table(
            ["Value", "Number", "Meaning"],
            [[code(v.name), str(v.number),
              markdown(" ".join(paragraphs(v.comment)))] for v in enum.values])

    def message(self, message):
        lines = [f"#### {message.full_name}", ""]
        lines += [line for p in paragraphs(message.comment)
                  for line in (markdown(p), "")]
        lines += self.fields(message) or ["No fields.", ""]
        for enum in message.enums:
            lines += self.enum(f"{message.full_name}.{enum.name}", enum)
        for inner in message.messages:
            lines += self.message(inner)
        return lines

    def rpc_title(self, service, rpc):
        """The RPC's name, with the service's where an earlier one has it."""
        first = next(s for path in API_FILES
                     for s in self.reference.files[path].services
                     if rpc.name in [r.name for r in s.rpcs])
        return (rpc.name if first.name == service.name
                else f"{service.name}.{rpc.name}")

    def rpc(self, service, rpc):
        comment, errors = split_errors(rpc.comment)
        lines = [f"#### {self.rpc_title(service, rpc)}", "",
                 f"{self.type_name(rpc.request, '')} → "
                 f"{self.type_name(rpc.response, '')}", ""]
        lines += [line for p in paragraphs(comment)
                  for line in (markdown(p), "")]
        if not errors:
            return lines + ["No errors of its own.", ""]
        return lines + table(
            ["Error", "When"],
            [[", ".join(code(c) if c.isupper() else c
                        for c in codes.split(", ")), markdown(when)]
             for codes, when in errors])

    def section(self, path):
        file = self.reference.files[path]
        lines = []
        for service in file.services:
            lines += [f"## {service.name}", ""]
            lines += [line for p in paragraphs(file.comment)
                      for line in (markdown(p), "")]
            lines += [line for p in paragraphs(service.comment)
                      for line in (markdown(p), "")]
            lines += [f"### RPCs of {service.name}", ""]
            for rpc in service.rpcs:
                lines += self.rpc(service, rpc)
        title = TITLES.get(path) or file.services[0].name
        if not file.services:
            lines += [f"## {title}", ""]
            lines += [line for p in paragraphs(file.comment)
                      for line in (markdown(p), "")]
        lines += [f"### Messages of {title}", ""]
        for message in file.messages:
            lines += self.message(message)
        for enum in file.enums:
            lines += self.enum(enum.name, enum)
        return lines

    def index(self):
        lines = ["## Index", ""]
        for path in API_FILES:
            file = self.reference.files[path]
            for service in file.services:
                rpcs = ", ".join(link(self.rpc_title(service, rpc))
                                 for rpc in service.rpcs)
                lines.append(f"- {link(service.name)}: {rpcs}")
            if not file.services:
                lines.append(f"- {link(TITLES[path])}")
            names = [m.full_name
                     for m in proto_text.all_messages(file.messages)]
            names += [name for name, _ in proto_text.all_enums(file)]
            lines.append("  - " + ", ".join(link(n) for n in sorted(names)))
        return lines + [""]

    def write(self, intro):
        lines = [intro.rstrip(), ""] + self.index()
        for path in API_FILES:
            lines += self.section(path)
        return "\n".join(lines).rstrip() + "\n"


# docs/configuration.md.

@dataclasses.dataclass
class Setting:
    path: str
    field: proto_text.Field
    # Of a file only: it has no flag.
    file_only: bool
    # Within a list: several, each of an entry.
    in_list: bool
    tags: Tags


@dataclasses.dataclass
class Section:
    """A message of settings: ServerConfig itself, or limits."""
    path: str
    text: list
    settings: list


class Settings:
    """A program's settings, section by section."""

    def __init__(self, reference, root_message):
        self.reference = reference
        self.sections = []
        message = reference.messages[root_message]
        self._read(message, "", paragraphs(message.comment), {}, "")

    def _is_pair(self, field):
        """A list that a flag takes: key=value,key=value."""
        if field.label == "map":
            return field.type in SCALARS
        fields = self.reference.messages[field.type].fields
        return (field.label == "repeated" and len(fields) == 2 and
                all(f.type in SCALARS and not f.label for f in fields))

    def _read(self, message, path, text, overrides, under):
        """Adds a section; `overrides` are comments by path below `under`."""
        section = Section(path, text, [])
        self.sections.append(section)
        below = []
        for field in message.fields:
            name = under + field.name
            own, inner = split_overrides(overrides.get(name, field.comment))
            kind = self.reference.resolve(field.type, message.full_name)
            if kind not in self.reference.messages or field.label:
                self._add(field, path + field.name, own, False, section)
                if (field.label == "repeated" and
                        kind in self.reference.messages and
                        not self._is_pair(field)):
                    self._add_entries(kind, path + field.name, section,
                                      overrides, name)
                continue
            below.append((kind, path + field.name + ".", paragraphs(own),
                          inner or overrides, "" if inner else name + "."))
        for kind, *rest in below:
            self._read(self.reference.messages[kind], *rest)

    def _add_entries(self, kind, path, section, overrides, under):
        self._add_inner(kind, path + "[].", section, overrides, under + ".")

    def _add_inner(self, kind, path, section, overrides, under):
        """The fields of an entry of a list, and those of messages in it."""
        message = self.reference.messages[kind]
        for field in message.fields:
            own, inner = split_overrides(
                overrides.get(under + field.name, field.comment))
            self._add(field, path + field.name, own, True, section)
            type_ = self.reference.resolve(field.type, message.full_name)
            if type_ not in self.reference.messages or (
                    not inner and self._is_pair(field)):
                continue
            many = "[]." if field.label == "repeated" else "."
            self._add_inner(type_, path + field.name + many, section,
                            inner or overrides,
                            "" if inner else under + field.name + ".")

    def _add(self, field, path, comment, in_list, section):
        tags = read_tags(" ".join(" ".join(comment).split()))
        is_message = field.type in self.reference.messages
        file_only = in_list or (is_message and not self._is_pair(field))
        section.settings.append(
            Setting(path, field, file_only, in_list, tags))
        if not tags.default:
            self._problem(field, path, "has no default")
        if field.type in NUMBERS and not tags.range:
            self._problem(field, path, "is a number without a range")
        if not tags.text:
            self._problem(field, path, "does not say what it is")

    def _problem(self, field, path, what):
        problem = f"{field.place}: {path} {what}"
        if problem not in self.reference.problems:
            self.reference.problems.append(problem)

    def all(self):
        for section in self.sections:
            yield from section.settings

    def type_text(self, setting):
        field = setting.field
        name = SCALARS.get(field.type)
        if field.label == "map":
            if name is None:
                return "map of text to settings"
            return f"map of text to {name}"
        if name is None and field.type in self.reference.messages:
            fields = self.reference.messages[field.type].fields
            names = "{" + ", ".join(f.name for f in fields) + "}"
            return "list of " + names if field.label == "repeated" else names
        name = name or "name"
        if field.label == "repeated":
            return "list of " + {"text": "texts", "integer": "integers"}[name]
        return name


def literal(text):
    """The value that begins a default in words: 500 of "500, or ..."."""
    head = text.split(", ", 1)[0]
    if re.fullmatch(r'-?[0-9.]+(e-?[0-9]+)?|true|false|[A-Z]+|"[^"]*"|\{\}',
                    head):
        return head
    if re.fullmatch(r"\[[^\]]*\]", text):
        return text
    return ""


class ConfigurationWriter:
    def __init__(self, reference):
        self.programs = [(program, Settings(reference, message))
                         for program, message in PROGRAMS]

    def default(self, text):
        value = literal(text)
        if not value:
            return markdown(text)
        shown = value.strip('"') or '""'
        return code(shown) + markdown(text[len(value):])

    def range(self, text):
        if match := re.fullmatch(r"one of (.*)", text):
            return ", ".join(code(v) for v in match[1].split(", "))
        return markdown(text)

    def rows(self, settings, section):
        for setting in section.settings:
            tags = setting.tags
            flag = "file only" if setting.file_only else code(
                "--" + setting.path)
            yield [code(setting.path), flag, settings.type_text(setting),
                   markdown(tags.unit), self.default(tags.default),
                   self.range(tags.range), markdown(tags.text)]

    def write(self, intro):
        lines = [intro.rstrip(), "", "## Index", ""]
        for program, settings in self.programs:
            sections = [s.path.rstrip(".") for s in settings.sections if s.path]
            lines.append(f"- {link(program)}: " + ", ".join(
                link(s, f"{program}: {s}") for s in sections))
        lines.append("")
        for program, settings in self.programs:
            for section in settings.sections:
                path = section.path.rstrip(".")
                lines += [f"### {program}: {path}" if path else
                          f"## {program}", ""]
                for paragraph in section.text:
                    lines += [markdown(paragraph), ""]
                if not section.settings:
                    continue
                lines += table(
                    ["Setting", "Flag", "Type", "Unit", "Default", "Range",
                     "Meaning"], self.rows(settings, section))
        return "\n".join(lines).rstrip() + "\n"

    def tab_separated(self):
        """message, path, range and literal default of what a test can set."""
        messages = dict(PROGRAMS)
        for program, settings in self.programs:
            for setting in settings.all():
                if setting.in_list:
                    continue
                yield "\t".join([messages[program], setting.path,
                                 setting.tags.range,
                                 literal(setting.tags.default)])


def generate(root):
    """{path: text} of the references, their writer of settings, problems."""
    reference = Reference(root)
    configuration = ConfigurationWriter(reference)
    intros = root / "scripts" / "docs"

    def intro(name):
        return (intros / name).read_text(encoding="utf-8")

    rpcs = {}
    for path in API_FILES:
        for service in reference.files[path].services:
            for rpc in service.rpcs:
                comment, errors = split_errors(rpc.comment)
                # JSON has only the first of a name.
                rpcs.setdefault(rpc.name, (
                    rpc, "\n\n".join(paragraphs(comment)), errors))
    version = re.search(r"VERSION (\d+\.\d+\.\d+)",
                        (root / "CMakeLists.txt").read_text(encoding="utf-8"))

    texts = {
        "docs/openapi.json": openapi.write(reference, rpcs, version[1]),
        "docs/api.md": ApiWriter(reference).write(intro("api_intro.md")),
        "docs/configuration.md": configuration.write(
            intro("configuration_intro.md")),
    }
    return texts, configuration, reference.problems


def print_diffs(root, texts):
    """How many files are not what they should be."""
    stale = 0
    for path, text in texts.items():
        file = root / path
        found = file.read_text(encoding="utf-8") if file.exists() else ""
        if found == text:
            continue
        stale += 1
        sys.stdout.writelines(difflib.unified_diff(
            found.splitlines(keepends=True), text.splitlines(keepends=True),
            path, path + " (generated)"))
    if stale:
        print("stale; make them anew: python3 scripts/generate_docs.py")
    return stale


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true",
                        help="print a diff, and fail, if a file is stale")
    parser.add_argument("--settings", action="store_true",
                        help="print the settings for a test")
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[1],
                        help="the root of the source tree")
    flags = parser.parse_args()
    try:
        texts, configuration, problems = generate(flags.root)
    except proto_text.ProtoError as error:
        sys.exit(str(error))
    if problems:
        sys.exit("\n".join(problems))
    if flags.settings:
        print("\n".join(configuration.tab_separated()))
    elif flags.check:
        sys.exit(1 if print_diffs(flags.root, texts) else 0)
    else:
        for path, text in texts.items():
            (flags.root / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
