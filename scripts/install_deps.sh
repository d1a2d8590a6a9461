#!/bin/sh
# Installs the Debian packages that are missing, of one of these sets:
#   install_deps.sh build     what building needs (default)
#   install_deps.sh demo      also what the demo calls
#   install_deps.sh test      also what only tests need
#   install_deps.sh train     also LibTorch, for rich towers
#   install_deps.sh image     what makes and tries out images and packages
#   install_deps.sh dev       also formatting, linting and benchmarks
#   install_deps.sh deploy    what only `make deploy-test` needs
#   install_deps.sh kafka     what scripts/install_kafka.sh needs, and runs
#   install_deps.sh clients   Go, Node and npm, whose clients are tested with them
#   install_deps.sh python    what the wheel and `make test-python` need
# Says what it installs; does nothing when all are there.
set -eu

build="g++ cmake ninja-build ccache pkg-config
  libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler
  libabsl-dev libspdlog-dev libfmt-dev prometheus-cpp-dev libyaml-cpp-dev
  libcli11-dev libmicrohttpd-dev libgnutls28-dev libssl-dev libcurl4-openssl-dev
  libfaiss-dev libopenblas-dev libhwy-dev libeigen3-dev libutf8proc-dev
  zlib1g-dev libzstd-dev"
# curl plays the ranking service that speaks HTTP.
demo="curl"
# A client of HTTP; libFuzzer and OpenMP for clang; a web server; a browser; what
# scrapes; brokers that changes come from, and their clients.
test="libgtest-dev libgmock-dev libcpp-httplib-dev python3 python3-numpy
  python3-yaml python3-websockets python3-jsonschema python3-venv openssl curl
  clang-14 libclang-rt-14-dev libomp-14-dev nginx-light prometheus chromium
  libhiredis-dev librdkafka-dev redis-server"
# Containers without systemd; a base image from packages; packages; YAML.
image="podman runc conmon mmdebstrap dpkg-dev binutils lintian groff-base
  docker-compose python3-yaml ca-certificates"
dev="clang-format-14 clang-tidy-14 libbenchmark-dev
  python3-venv"

# Where Kubernetes' API server keeps what is applied to it; Helm's neighbours.
deploy="etcd-server openssl python3-venv python3-yaml"
# Kafka comes from Maven Central.
kafka="default-jre-headless maven"
# PyTorch without what only graphics cards need; PyPI's has that, and is large.
python="python3-venv python3-torch python3-numpy binutils"

# Those that this machine has from elsewhere are not replaced.
clients="python3-jsonschema openssl"
command -v go >/dev/null || [ -x /usr/local/go/bin/go ] ||
  clients="$clients golang-go"
command -v node >/dev/null || clients="$clients nodejs"
command -v npm >/dev/null || clients="$clients npm"

case "${1:-build}" in
  build) wanted=$build ;;
  demo) wanted="$build $demo" ;;
  test) wanted="$build $test" ;;
  train) wanted="$build libtorch-dev" ;;
  image) wanted=$image ;;
  dev) wanted="$build $dev" ;;
  deploy) wanted=$deploy ;;
  clients) wanted=$clients ;;
  kafka) wanted=$kafka ;;
  python) wanted=$python ;;
  *)
    echo "usage: $0 [build|demo|test|train|image|dev|deploy|kafka|clients|python]" >&2
    exit 2
    ;;
esac

missing=
for package in $wanted; do
  status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "Missing packages:$missing" >&2
    echo "Install them as root, or install sudo." >&2
    exit 1
  }
  sudo=sudo
fi
echo "Installing:$missing"
$sudo apt-get update -qq
# A server that apt would start by itself is not wanted, only its program.
$sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
