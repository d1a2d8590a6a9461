#!/usr/bin/env python3
"""Generates the messages and stubs of the protos into a package.

  generate_stubs.py PROTOS PACKAGE

PROTOS is the directory with tributary/v1/; PACKAGE is the directory `tributary`
of a copy of the package, which gets `v1/`. It needs grpcio-tools. Nothing is
generated anew while no proto is newer.
"""
import pathlib
import sys


def generate(protos: pathlib.Path, package: pathlib.Path) -> None:
    from importlib import resources

    from grpc_tools import protoc

    sources = sorted((protos / "tributary" / "v1").glob("*.proto"))
    if not sources:
        sys.exit(f"generate_stubs.py: {protos} has no tributary/v1/*.proto")
    target = package / "v1"
    target.mkdir(parents=True, exist_ok=True)
    opening = target / "__init__.py"
    newest = max(source.stat().st_mtime for source in sources)
    if opening.exists() and opening.stat().st_mtime >= newest:
        return
    # The package of the protos is the one that they land in.
    root = str(package.parent)
    wanted = ["protoc", f"-I{protos}",
              f"-I{resources.files('grpc_tools').joinpath('_proto')}",
              f"--python_out={root}", f"--pyi_out={root}",
              f"--grpc_python_out={root}", *map(str, sources)]
    if protoc.main(wanted) != 0:
        sys.exit("generate_stubs.py: protoc failed")
    opening.write_text('"""The messages and stubs of the protos, generated."""\n')


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    generate(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
