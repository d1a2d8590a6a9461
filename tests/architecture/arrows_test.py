"""The tree has the arrows that ARCHITECTURE.md declares, and no others."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import arrows

ROOT = pathlib.Path(__file__).resolve().parents[2]


class TheTree(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.rows = arrows.declared(ROOT / "ARCHITECTURE.md")

    def test_includes_what_the_table_allows(self):
        self.assertEqual([], arrows.include_faults(ROOT, self.rows))

    def test_links_what_it_includes(self):
        self.assertEqual([], arrows.link_faults(ROOT, self.rows))

    def test_has_no_circle(self):
        self.assertEqual([], arrows.circles(self.rows))

    def test_index_is_free_of_grpc_and_client_of_all_but_proto(self):
        for folder, row in self.rows.items():
            if folder.startswith("index"):
                self.assertNotIn(arrows.STUBS, row.may_include, folder)
                self.assertNotIn("gRPC", row.alone_with, folder)
                self.assertEqual("libcurl" in row.alone_with, folder == "index/publish", folder)
            if folder.startswith("client"):
                # The load generator is not part of the library that clients link.
                locks = {"sync"} if folder == "client/load" else set()
                self.assertLessEqual(row.may_include,
                                     {"client", "proto", arrows.STUBS} | locks, folder)


class AFault(unittest.TestCase):
    """Of a small tree with each fault, so that the test above can fail."""

    TABLE = """<!-- arrows: begin -->
| folder | what | may include | alone with |
|---|---|---|---|
| `proto/` | messages | | |
| `a/` | low | `proto` | |
| `b/` | high | `a` | FAISS |
<!-- arrows: end -->
"""
    FILES = {
        "ARCHITECTURE.md": TABLE,
        "a/a.h": '#include "tributary/v1/x.pb.h"\n',
        "a/CMakeLists.txt": "tributary_library(tributary_a\n  DEPS tributary_proto)\n",
        "b/b.h": "",
        "b/b.cc": '#include "a/a.h"\n#include "b/b.h"\n#include "faiss/Index.h"\n',
        "b/CMakeLists.txt": "tributary_library(tributary_b\n  SOURCES b.cc\n  DEPS tributary_a fmt::fmt)\n",
    }

    def faults(self, **changed):
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            files = self.FILES | {k.replace("__", "/").replace("_dot_", "."): v for k, v in changed.items()}
            for name, text in files.items():
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(text)
            rows = arrows.declared(root / "ARCHITECTURE.md")
            return (arrows.include_faults(root, rows) + arrows.link_faults(root, rows)
                    + arrows.circles(rows))

    def test_is_none_in_a_tree_that_keeps_to_the_table(self):
        self.assertEqual([], self.faults())

    def test_is_an_include_that_the_table_lacks(self):
        self.assertIn("a/a.cc: a includes b, and a may use proto",
                      self.faults(a__a_dot_cc='#include "b/b.h"\n'))

    def test_is_a_library_that_is_not_for_the_folder(self):
        self.assertIn("a/a.cc: a includes FAISS, which is for b",
                      self.faults(a__a_dot_cc='#include <faiss/Index.h>\n'))

    def test_is_an_arrow_that_nothing_uses(self):
        faults = self.faults(b__b_dot_cc='#include "faiss/Index.h"\n')
        self.assertIn("ARCHITECTURE.md: b may use a, but does not", faults)
        self.assertIn("b: tributary_b links tributary_a, but includes nothing of a", faults)

    def test_is_a_link_that_is_missing(self):
        self.assertIn("a: tributary_a includes proto, but does not link tributary_proto",
                      self.faults(a__CMakeLists_dot_txt="tributary_library(tributary_a\n  DEPS fmt::fmt)\n"))

    def test_is_a_folder_without_a_row(self):
        self.assertIn("c/ has no row in the table of ARCHITECTURE.md", self.faults(c__c_dot_h=""))

    def test_is_a_circle(self):
        self.assertIn("a reaches itself", self.faults(
            ARCHITECTURE_dot_md=self.TABLE.replace("| low | `proto` |", "| low | `b` |")))


if __name__ == "__main__":
    unittest.main()
