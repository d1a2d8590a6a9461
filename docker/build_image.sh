#!/usr/bin/env bash
# Builds the image with podman, buildah or docker, whichever is there.
#   build_image.sh              compiles in a container of Debian 12
#   build_image.sh PROGRAMS     takes the programs of that directory, which were
#                               built on this machine, a Debian 12
# The environment may set
#   BASE     where to compile; default docker.io/library/debian:bookworm-slim
#   IMAGE    the image's name; default localhost/tributary:VERSION
#   TOOL     podman, buildah or docker
#   SOURCE   where the source code is, for the label; default git's origin
#   JOBS     compilers at a time; default the number of cores
#   FLAGS    further flags of the tool's build command
#   OUT      gets sbom.spdx.json and, with PROGRAMS, the debug symbols; default
#            build/image
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "build_image.sh: $*" >&2; exit 1; }
programs=${1:-}
for tool in ${TOOL:-podman buildah docker}; do
  ! command -v "$tool" >/dev/null || break
done
command -v "$tool" >/dev/null ||
  fail "an image needs podman, buildah or docker: apt-get install podman"

version=$(sed -n 's/^project(tributary VERSION \([0-9.]*\).*/\1/p' \
  CMakeLists.txt)
revision=$(git describe --always --dirty --abbrev=12 2>/dev/null || true)
# Equal commits give equal layers, whenever they are built.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
origin=$(git remote get-url origin 2>/dev/null || true)
# A password that git keeps in the address stays out of the label.
source=${SOURCE-$(printf '%s' "$origin" | sed -E 's#//[^/@]*@#//#')}
image=${IMAGE:-localhost/tributary:$version}
out=${OUT:-build/image}
mkdir -p "$out"

context=.
files=compiled
if [ -n "$programs" ]; then
  TRIBUTARY_VERSION=$version TRIBUTARY_REVISION=$revision \
    SOURCE_DATE_EPOCH=$epoch docker/assemble_root.py "$programs" "$out"
  context=$out
  files=assembled
fi

flags=()
read -ra flags <<<"${FLAGS:-}"
arguments=(--tag "$image" --file docker/Dockerfile --build-arg "FILES=$files"
  --build-arg "VERSION=$version" --build-arg "REVISION=$revision"
  --build-arg "SOURCE=$source" --build-arg "SOURCE_DATE_EPOCH=$epoch"
  --build-arg "JOBS=${JOBS:-}")
[ -z "${BASE:-}" ] || arguments+=(--build-arg "BASE=$BASE")
case $tool in
  # Images of the OCI's format have no HEALTHCHECK.
  podman | buildah)
    "$tool" build --format docker --timestamp "$epoch" "${arguments[@]}" \
      "${flags[@]}" "$context"
    ;;
  docker)
    SOURCE_DATE_EPOCH=$epoch docker buildx build "${arguments[@]}" \
      --output "type=docker,rewrite-timestamp=true" "${flags[@]}" "$context"
    ;;
esac

sbom=/usr/share/doc/tributary/sbom.spdx.json
if [ "$files" = compiled ] && [ "$tool" = buildah ]; then
  container=$(buildah from "$image")
  cp "$(buildah mount "$container")$sbom" "$out/sbom.spdx.json"
  buildah rm "$container" >/dev/null
elif [ "$files" = compiled ]; then
  container=$("$tool" create "$image")
  "$tool" cp "$container:$sbom" "$out/sbom.spdx.json"
  "$tool" rm -v "$container" >/dev/null
fi
echo "$image is built; $out/sbom.spdx.json says what is in it."
