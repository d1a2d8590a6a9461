# make demo | test | torture | deploy-test | bench | bench-peers | bench-recall | bench-build
#   | build | image | deb | image-test | wheel | test-python | format | lint | clean
# Everything is built in build/; programs are in build/bin/.
.DEFAULT_GOAL := build
.PHONY: deps deps-demo deps-test deps-train deps-dev configure build test torture
.PHONY: deploy-test demo bench bench-build bench-peers bench-recall format lint clean
.PHONY: deps-kafka deps-clients deps-image image deb image-test wheel test-python

JOBS ?= $(shell nproc)
SOURCES = $(shell git ls-files '*.cc' '*.h' '*.proto')

deps:
	@scripts/install_deps.sh build

deps-demo:
	@scripts/install_deps.sh demo

deps-test:
	@scripts/install_deps.sh test

# LibTorch, with which rich towers are trained (behavior.model: towers).
# A Kafka in build/kafka, which only the tests of its reader start.
deps-kafka: deps-test
	@scripts/install_deps.sh kafka
	@scripts/install_kafka.sh build/kafka

deps-train:
	@scripts/install_deps.sh train

# Go, Node and npm: with them, the tests of these clients, of the OpenAPI
# description and of the protos' compatibility do not skip themselves.
deps-clients: deps-test
	@scripts/install_deps.sh clients

deps-dev: deps-test
	@scripts/install_deps.sh dev

# What makes and tries out images and packages: podman, lintian and the like.
deps-image: deps-test
	@scripts/install_deps.sh image

configure: deps-test
	@cmake --preset release -Wno-dev -DTRIBUTARY_TESTS=ON >/dev/null

# The three programs. What only tests need is neither installed nor configured.
build: deps
	@cmake --preset release -Wno-dev -DTRIBUTARY_TESTS=OFF >/dev/null
	@cmake --build --preset release --parallel $(JOBS) --target programs

# FUZZ_SECONDS of each fuzz target; 10 by default.
test: configure
	@JOBS=$(JOBS) scripts/build_versitygw.sh build/versitygw
	@cmake --build --preset release --parallel $(JOBS)
	@ctest --preset release --parallel $(JOBS)
	@JOBS=$(JOBS) tests/fuzz/run.sh

# All of what `make test` does a part of: every kill, every failure, every byte.
torture: configure
	@scripts/install_envoy.sh build/envoy
	@cmake --build --preset release --parallel $(JOBS)
	@TRIBUTARY_TORTURE=1 TRIBUTARY_ENVOY=$(wildcard $(CURDIR)/build/envoy/bin/envoy) \
	  ctest --preset release -L torture --parallel $(JOBS)
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-300} JOBS=$(JOBS) tests/fuzz/run.sh
	@grep -h '^counted: ' build/Testing/Temporary/LastTest.log

# The image, compiled in a container of Debian 12. PROGRAMS=build/bin
# takes the programs of this machine instead; see docker/build_image.sh.
image:
	@docker/build_image.sh $(PROGRAMS)

# The Debian package, in build/.
deb: build
	@package/build_package.py build/bin build

# The wheel of client/python with the programs and their libraries, in build/wheel/.
wheel: build
	@scripts/install_deps.sh python
	@client/python/build_wheel.sh build/wheel

# The tests of client/python that need large packages from PyPI: PyTorch, a
# notebook, the wheel, Feast, VectorDBBench, Airflow, kfp.
test-python: build
	@scripts/install_deps.sh python
	@client/python/tests/heavy.sh build/python build/bin

# The tests of the image and of the package, which `make test` skips where their
# tools are missing.
image-test: configure deps-image
	@JOBS=$(JOBS) scripts/build_versitygw.sh build/versitygw
	@cmake --build --preset release --parallel $(JOBS) --target programs
	@ctest --preset release -L image

# deploy/ with Helm, kustomize and a real kube-apiserver. The first run builds all
# three from Go modules, which takes long; APISERVER=0 leaves the last one out.
deploy-test: configure
	@scripts/install_deps.sh deploy
	@JOBS=$(JOBS) scripts/build_deploy_tools.sh build/deploy-tools
	@cmake --build --preset release --parallel $(JOBS) --target programs
	@ctest --preset release -R '^deploy_' --output-on-failure
	@[ "$(APISERVER)" = 0 ] || JOBS=$(JOBS) tests/deploy/apiserver.sh build/deploy-tools

# KEEP=1 leaves server and loader running.
demo: deps-demo build
	@scripts/demo.sh

# PEERS=0 leaves out what comes from PyPI.
bench: deps-dev
	@cmake --preset release -Wno-dev -DTRIBUTARY_TESTS=ON \
	  -DTRIBUTARY_BENCHMARKS=ON >/dev/null
	@cmake --build --preset release --parallel $(JOBS) \
	  --target programs benchmarks
	@tests/bench/run.sh
	@[ "$(PEERS)" = 0 ] || $(MAKE) --no-print-directory bench-peers

# Vector search beside ScaNN's and hnswlib's, from PyPI; see the script.
bench-peers: deps-dev
	@cmake --preset release -Wno-dev -DTRIBUTARY_TESTS=ON \
	  -DTRIBUTARY_BENCHMARKS=ON >/dev/null
	@cmake --build --preset release --parallel $(JOBS) \
	  --target programs ann_bench
	@tests/bench/peers/run.sh

# DATA=recbole:DIR (as of `tributary build`), THREADS=2.
bench-recall: deps-dev
	@cmake --preset release -Wno-dev -DTRIBUTARY_TESTS=ON \
	  -DTRIBUTARY_BENCHMARKS=ON >/dev/null
	@cmake --build --preset release --parallel $(JOBS) \
	  --target programs als_bench
	@tests/bench/recall/run.sh

# SIZES=small,middle,movielens-20m,huge, THREADS=2; see the script.
bench-build: deps-dev
	@cmake --preset release -Wno-dev -DTRIBUTARY_TESTS=ON >/dev/null
	@cmake --build --preset release --parallel $(JOBS) --target programs
	@tests/bench/build/run.sh

format: deps-dev
	@clang-format-14 -i $(SOURCES)

# Clang does not take the headers of LibTorch 1.13 as C++20.
# One command a file: not the preset release, which compiles files together.
lint: deps-dev
	@cmake --preset lint -Wno-dev >/dev/null
	@cmake --build --preset lint --parallel $(JOBS) \
	  --target tributary_proto tributary_grpc
	@run-clang-tidy-14 -quiet -p build/lint -j $(JOBS) \
	  "$(CURDIR)/(cli|client|evaluation|index|proto/yaml|server)/(?!.*/torch_(model|trainer)).*\.cc$$"

clean:
	@rm -rf build demo
