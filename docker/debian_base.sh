#!/usr/bin/env bash
# Makes an image of a minimal Debian 12 from Debian's own packages, for
# machines that cannot reach a registry of images:
#   debian_base.sh [NAME]     default localhost/debian:bookworm-slim
#   make image BASE=localhost/debian:bookworm-slim
# It needs root, mmdebstrap, and podman, buildah or docker.
set -euo pipefail

fail() { echo "debian_base.sh: $*" >&2; exit 1; }
name=${1:-localhost/debian:bookworm-slim}
command -v mmdebstrap >/dev/null ||
  fail "there is no mmdebstrap: apt-get install mmdebstrap"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mmdebstrap --quiet --variant=minbase --include=ca-certificates \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  bookworm "$scratch/base.tar"
if command -v podman >/dev/null; then
  podman import --quiet "$scratch/base.tar" "$name"
elif command -v docker >/dev/null; then
  docker import "$scratch/base.tar" "$name"
elif command -v buildah >/dev/null; then
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$scratch/base.tar" /
  buildah commit --quiet --rm "$container" "$name"
else
  fail "there is no podman, buildah or docker: apt-get install podman"
fi
echo "$name is made."
