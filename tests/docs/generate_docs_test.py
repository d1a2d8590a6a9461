"""The generator of docs/api.md and docs/configuration.md."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GENERATOR = ROOT / "scripts" / "generate_docs.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
import generate_docs  # noqa: E402
import proto_text  # noqa: E402


def proto(name):
    return (ROOT / "proto/tributary/v1" / name).read_text(encoding="utf-8")


def doc(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


class Tree:
    """A copy of what the generator reads and writes."""

    def __init__(self):
        self._dir = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self._dir.name)
        for part in ("proto/tributary", "scripts/docs"):
            shutil.copytree(ROOT / part, self.root / part)
        (self.root / "docs").mkdir()
        shutil.copy(ROOT / "CMakeLists.txt", self.root)
        for name in ("api.md", "configuration.md", "openapi.json"):
            shutil.copy(ROOT / "docs" / name, self.root / "docs")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._dir.cleanup()

    def replace(self, path, old, new):
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text, (path, old)
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def run(self, *flags):
        return subprocess.run(
            [sys.executable, GENERATOR, "--root", self.root, *flags],
            capture_output=True, text=True, check=False)


# How many RPCs each has at least.
API_PROTOS = {"retrieval.proto": 3, "explain.proto": 1, "bundles.proto": 2}


class Completeness(unittest.TestCase):
    """Looked up by plain patterns, not by the generator's parser."""

    def test_every_rpc_has_a_heading_and_its_errors(self):
        api = doc("api.md")
        for name, least in API_PROTOS.items():
            rpcs = re.findall(r"^ *rpc (\w+)\(", proto(name), re.MULTILINE)
            self.assertGreaterEqual(len(rpcs), least)
            for rpc in rpcs:
                section = re.search(rf"^#### {rpc}\n.*?(?=^#)", api,
                                    re.MULTILINE | re.DOTALL)
                self.assertIsNotNone(section, rpc)
                self.assertRegex(section[0],
                                 r"\| Error \| When \||No errors of its own")

    def test_every_field_and_value_of_the_api_is_there(self):
        api = doc("api.md")
        for name in API_PROTOS:
            names = re.findall(r"(\w+) = \d+(?: \[[^]]*\])?;", proto(name))
            self.assertGreaterEqual(len(names), 30)
            for field in names:
                self.assertIn(f"\n| `{field}` |", api)

    def test_every_setting_has_a_row_with_default_and_meaning(self):
        configuration = doc("configuration.md")
        settings = re.findall(
            r"^  (?:(?:optional|repeated) )?(?:string|bool|double|u?int\d+|"
            r"map<[^>]*>) (\w+) = \d+", proto("config.proto"), re.MULTILINE)
        self.assertGreaterEqual(len(settings), 100)
        for setting in settings:
            rows = re.findall(rf"^\| `(?:[^`]*\.)?{setting}` \|.*$",
                              configuration, re.MULTILINE)
            self.assertTrue(rows, setting)
            for row in rows:
                cells = re.split(r"(?<!\\)\|", row)[1:-1]
                self.assertEqual(len(cells), 7, row)
                self.assertTrue(cells[4].strip(), f"no default: {row}")
                self.assertTrue(cells[6].strip(), f"no meaning: {row}")

    def test_links_within_the_documents_lead_somewhere(self):
        for name in ("api.md", "configuration.md", "bundle_format.md"):
            text = doc(name)
            anchors = {generate_docs.anchor(heading) for heading in
                       re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
            for target in re.findall(r"\]\(#([^)]*)\)", text):
                self.assertIn(target, anchors, name)


class Check(unittest.TestCase):
    def test_current(self):
        with Tree() as tree:
            self.assertEqual(tree.run("--check").returncode, 0)

    def test_stale_prints_a_diff(self):
        with Tree() as tree:
            tree.replace("proto/tributary/v1/config.proto",
                         "Default: 2000.", "Default: 2001.")
            checked = tree.run("--check")
            self.assertEqual(checked.returncode, 1)
            self.assertRegex(checked.stdout, r"(?m)^-\| `limits.max_k`")
            self.assertRegex(checked.stdout, r"(?m)^\+\| `limits.max_k`")
            self.assertEqual(tree.run().returncode, 0)
            self.assertEqual(tree.run("--check").returncode, 0)

    def test_missing_file_is_stale(self):
        with Tree() as tree:
            (tree.root / "docs/api.md").unlink()
            self.assertEqual(tree.run("--check").returncode, 1)

    def expect_problem(self, path, old, new, problem):
        with Tree() as tree:
            tree.replace(f"proto/tributary/v1/{path}", old, new)
            for flags in ([], ["--check"], ["--settings"]):
                result = tree.run(*flags)
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stderr, problem)

    def test_field_without_a_comment(self):
        self.expect_problem(
            "retrieval.proto", "  // Which policy to use.\n", "",
            r"retrieval\.proto:\d+: Fusion\.policy has no comment")

    def test_rpc_without_errors(self):
        self.expect_problem(
            "bundles.proto", "  // Errors: none.\n", "",
            r"bundles\.proto:\d+: Refuse does not say its errors")

    def test_setting_without_a_default(self):
        self.expect_problem(
            "config.proto", " Default: 2000.", "",
            r"config\.proto:\d+: limits\.max_k has no default")

    def test_number_without_a_range(self):
        self.expect_problem(
            "config.proto", " Range: 1 to 1000000. Default: 2000.",
            " Default: 2000.",
            r"limits\.max_k is a number without a range")

    def test_comment_beside_code(self):
        self.expect_problem(
            "config.proto", "optional uint32 max_k = 1;",
            "optional uint32 max_k = 1;  // Beside.",
            r"config\.proto:\d+: a comment beside code")


class ProtoText(unittest.TestCase):
    def parse(self, text):
        return proto_text.parse(text, "test.proto")

    def test_message(self):
        file = self.parse("""
            // The file.
            syntax = "proto3";

            package a.b;

            // Not the message's.

            // A message
            // of two lines.
            message A {
              // Of one kind.
              enum Kind {
                // None.
                NONE = 0;
              }
              // Either.
              oneof which {
                // This.
                uint64 this_one = 1;
                // Or that.
                string that = 2;
              }
              // Many.
              map<string, Kind> kinds = 3;
              // Renamed.
              repeated float new_name = 4 [json_name = "oldName"];
              reserved 5;
              // Within.
              message Inner {}
            }
            """)
        self.assertEqual(file.comment, ["The file."])
        message, = file.messages
        self.assertEqual(message.comment, ["A message", "of two lines."])
        self.assertEqual(
            [(f.name, f.label, f.key_type, f.type, f.json_name, f.oneof,
              f.comment) for f in message.fields],
            [("this_one", "", "", "uint64", "thisOne", "which", ["This."]),
             ("that", "", "", "string", "that", "which", ["Or that."]),
             ("kinds", "map", "string", "Kind", "kinds", "", ["Many."]),
             ("new_name", "repeated", "", "float", "oldName", "",
              ["Renamed."])])
        self.assertEqual(message.oneofs, {"which": ["Either."]})
        self.assertEqual(message.enums[0].values[0].comment, ["None."])
        self.assertEqual(message.messages[0].full_name, "A.Inner")

    def test_service(self):
        file = self.parse("""
            // A service.
            service S {
              // Calls.
              //
              // Errors: none.
              rpc Call(Request) returns (stream Reply);
            }
            """)
        rpc, = file.services[0].rpcs
        self.assertEqual((rpc.name, rpc.request, rpc.response),
                         ("Call", "Request", "stream Reply"))
        self.assertEqual(rpc.comment, ["Calls.", "", "Errors: none."])

    def test_errors_name_the_line(self):
        for text in ("message A {\n  uint32 a = 1\n}", "message A {\n $ }",
                     "message A {", "import", "what {}"):
            with self.assertRaisesRegex(proto_text.ProtoError,
                                        r"test\.proto:\d+: "):
                self.parse(text)


class Text(unittest.TestCase):
    def test_tags(self):
        tags = generate_docs.read_tags(
            "How long. It waits. Unit: milliseconds. Range: 0.5 to 2. "
            'Default: "127.0.0.1:7700".')
        self.assertEqual(
            (tags.text, tags.unit, tags.range, tags.default),
            ("How long. It waits.", "milliseconds", "0.5 to 2",
             '"127.0.0.1:7700"'))

    def test_literal_defaults(self):
        for text, value in (("2000", "2000"), ("500, or less", "500"),
                            ("1e-06", "1e-06"), ('"a, b"', ""),
                            ('"info"', '"info"'), ("[a, b]", "[a, b]"),
                            ("{}", "{}"), ("true, or false", "true"),
                            ("chosen", ""), ("the number of cores", "")):
            self.assertEqual(generate_docs.literal(text), value, text)

    def test_errors_of_an_rpc(self):
        self.assertEqual(
            generate_docs.split_errors(
                ["Does it.", "", "Errors:", "  NOT_FOUND, INTERNAL: it is",
                 "    not there.", "  Other codes: as_it says."]),
            (["Does it.", ""],
             [("NOT_FOUND, INTERNAL", "It is not there."),
              ("Other codes", "as_it says.")]))

    def test_markdown(self):
        self.assertEqual(
            generate_docs.markdown('<b> limits.max_k, "x" (e.g. a*b | c).'),
            r'\<b> `limits.max_k`, `"x"` (e.g. a\*b \| c).')


if __name__ == "__main__":
    unittest.main()
