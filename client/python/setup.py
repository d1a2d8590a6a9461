"""Builds the wheel: generates the protos' stubs, and takes the programs along.

The programs come from the directory that TRIBUTARY_BUILD_DIR names (the one with
bin/), else from ../../build; without them there, `make build` builds them. With
TRIBUTARY_NO_PROGRAMS=1 the wheel has none, and is for any platform.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py
from wheel.bdist_wheel import bdist_wheel

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PROGRAMS = ("tributary", "tributary-server", "tributary-loader")
WITHOUT = os.environ.get("TRIBUTARY_NO_PROGRAMS") == "1"
sys.path.insert(0, str(HERE))


def fail(message):
    sys.exit(f"setup.py: {message}")


def version():
    text = (REPOSITORY / "CMakeLists.txt").read_text("utf-8")
    return re.search(r"^project\(tributary VERSION ([0-9.]+)", text, re.M)[1]


def programs():
    """Returns the directory of the programs."""
    named = os.environ.get("TRIBUTARY_BUILD_DIR")
    folder = pathlib.Path(named or REPOSITORY / "build") / "bin"
    missing = [name for name in PROGRAMS if not (folder / name).is_file()]
    if missing and named:
        fail(f"TRIBUTARY_BUILD_DIR: {folder} has no {missing[0]}")
    if missing:
        subprocess.run(["make", "-C", str(REPOSITORY), "build"], check=True)
    return folder


class Build(build_py):
    """Adds what is no file of the tree."""

    def run(self):
        super().run()
        # Imported late: the package that it needs comes with the build.
        from generate_stubs import generate
        package = pathlib.Path(self.build_lib) / "tributary"
        generate(REPOSITORY / "proto", package)
        if WITHOUT:
            return
        folder = programs()
        (package / "bin").mkdir(exist_ok=True)
        for name in PROGRAMS:
            target = package / "bin" / name
            shutil.copyfile(folder / name, target)
            target.chmod(0o755)
            # Debug symbols are most of a program's size.
            if shutil.which("strip"):
                subprocess.run(["strip", "--strip-unneeded", str(target)],
                               check=True)


class Wheel(bdist_wheel):
    """The programs are for one platform, and for any Python."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = WITHOUT

    def get_tag(self):
        platform = super().get_tag()[2]
        return "py3", "none", "any" if WITHOUT else platform


class WithPrograms(Distribution):
    def has_ext_modules(self):
        return not WITHOUT


setup(version=version(), packages=["tributary", "tributary.integrations"],
      package_data={"tributary": ["py.typed"]},
      cmdclass={"build_py": Build, "bdist_wheel": Wheel},
      distclass=WithPrograms)
