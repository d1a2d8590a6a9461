#!/usr/bin/env python3
"""Builds the next version, has the gate compare it with the last one, and
publishes it: at once, or by way of the canary where there is one.

The directory of bundles keeps the versions that were built. The first run builds
with nothing to compare with; later ones take over the settings of the newest
version that was published (`--like`). A version that was not published stays for a
look at it, with the reason in DIR/<version>.refused; its number is not used again,
because a store may have it. Old versions are removed at the end.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import canary


def say(text):
    print(f"nightly: {text}", flush=True)


def versions(folder):
    """The version directories, the lowest first."""
    return sorted((path for path in folder.iterdir() if re.fullmatch(r"[1-9][0-9]*", path.name)),
                  key=lambda path: int(path.name))


def marker(bundle):
    """The file that says why a version was not published."""
    return bundle.with_name(f"{bundle.name}.refused")


def good(folder):
    return [bundle for bundle in versions(folder) if not marker(bundle).exists()]


def call(*command):
    command = [str(word) for word in command]
    say(" ".join(command))
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        raise canary.Stopped(f"`tributary {command[1]}` ended with {done.returncode}")


def build(arguments, last):
    """Returns the new version's directory."""
    like = ["--like", last] if last else []
    call(arguments.tributary, "build", "--data", arguments.data, "--out", arguments.bundles,
         *like, *arguments.build_flag)
    return versions(arguments.bundles)[-1]


def publish(arguments, new, last):
    if last:
        call(arguments.tributary, "gate", last, new, *arguments.gate_flag)
    if last and arguments.canary_store:
        arguments.bundle, arguments.back_to = new, last
        if canary.run(arguments) != 0:
            raise canary.Stopped("the canary did not do well")
        return
    # Nothing serves yet, or there is no canary.
    for store in filter(None, [arguments.canary_store, arguments.store]):
        call(arguments.tributary, "publish", new, store, *arguments.publish_flag)


def prune(arguments):
    kept = good(arguments.bundles)[-arguments.keep:]
    for old in versions(arguments.bundles)[:-arguments.keep]:
        if old not in kept:
            shutil.rmtree(old)
            marker(old).unlink(missing_ok=True)


def run(arguments):
    arguments.bundles.mkdir(parents=True, exist_ok=True)
    last = (good(arguments.bundles) or [None])[-1]
    new = build(arguments, last)
    try:
        publish(arguments, new, last)
    except BaseException as why:
        marker(new).write_text(f"{why}\n")
        raise
    finally:
        prune(arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="as of `tributary build`: csv:DIR, ...")
    parser.add_argument("--bundles", type=pathlib.Path, required=True, metavar="DIR",
                        help="of the versions that were built; it must last from night to night")
    parser.add_argument("--keep", type=int, default=3, metavar="N",
                        help="how many versions stay there (%(default)s)")
    parser.add_argument("--build-flag", action="append", default=[], metavar="FLAG",
                        help="passed on to `tributary build`")
    parser.add_argument("--gate-flag", action="append", default=[], metavar="FLAG",
                        help="passed on to `tributary gate`")
    canary.add_places(parser, needed=False)
    canary.add_thresholds(parser)
    arguments = parser.parse_args()
    if arguments.canary_store and not arguments.prometheus:
        parser.error("--canary-store needs --prometheus, which says how the canary does")
    if arguments.keep < 2:
        parser.error("--keep: expected 2 or more: the new version is compared with one before")
    try:
        run(arguments)
    except (canary.Stopped, OSError) as why:
        say(f"not published: {why}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
