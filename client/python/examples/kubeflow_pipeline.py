"""A nightly build with Kubeflow Pipelines: build, then verify and publish.

  python kubeflow_pipeline.py [OUT.yaml]     compiles the pipeline

Each step is the image of the project with one command line, so that no step
installs anything. The volume `tributary` holds the versions between the steps;
mount it by kfp-kubernetes, or give a store that both reach, such as s3://.
"""
import sys

from kfp import compiler, dsl

IMAGE = "tributary:latest"


@dsl.container_component
def build(data: str, bundles: str, version: int):
    """Builds BUNDLES/VERSION."""
    return dsl.ContainerSpec(
        image=IMAGE, command=["tributary"],
        args=["build", "--data", data, "--out", bundles, "--version", version])


@dsl.container_component
def verify(bundles: str, version: int):
    """Reads every byte of the version, and tries its searches."""
    return dsl.ContainerSpec(
        image=IMAGE, command=["sh", "-ec"],
        args=['tributary verify "$0/$1"', bundles, version])


@dsl.container_component
def publish(bundles: str, version: int, store: str):
    """Copies the version to the store; loaders take it from there."""
    return dsl.ContainerSpec(
        image=IMAGE, command=["sh", "-ec"],
        args=['tributary publish "$0/$1" "$2"', bundles, version, store])


@dsl.pipeline(name="tributary-nightly",
              description="Builds, verifies and publishes a version.")
def nightly(data: str = "csv:/data/shop", bundles: str = "/data/built",
            store: str = "/data/store", version: int = 1):
    built = build(data=data, bundles=bundles, version=version)
    verified = verify(bundles=bundles, version=version).after(built)
    publish(bundles=bundles, version=version, store=store).after(verified)


if __name__ == "__main__":
    out = sys.argv[1] if len(sys.argv) > 1 else "tributary_nightly.yaml"
    compiler.Compiler().compile(nightly, out)
    print(out)
