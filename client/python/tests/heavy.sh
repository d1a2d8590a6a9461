#!/bin/sh
# Runs the tests of the package that need large packages, each in an environment
# of its own, made once from PyPI: `make test-python`.
#   heavy.sh DIRECTORY PROGRAMS [NAME...]
# NAME: notebook, torch, feast, vectordbbench, airflow, kubeflow, wheel; default:
# all. What does not install is skipped, and named at the end.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
directory=$(cd "$1" && pwd)
programs=$(cd "$2" && pwd)
shift 2
[ $# -gt 0 ] || set -- notebook torch feast vectordbbench airflow kubeflow wheel

python3 "$here/prepare.py" "$directory"
export TRIBUTARY_PROGRAMS="$programs" PYTHONPATH="$directory/lib"
export PYTHONDONTWRITEBYTECODE=1 MPLBACKEND=Agg
passed= failed= skipped=

# environment NAME PYTHON FLAGS PACKAGE...: makes DIRECTORY/NAME once.
environment() {
  name=$1 python=$2 flags=$3
  shift 3
  wanted="$python $flags $*"
  [ "$(cat "$directory/$name/wanted" 2>/dev/null)" = "$wanted" ] && return
  rm -rf "$directory/$name"
  # shellcheck disable=SC2086  # No flag is no argument.
  PYTHONPATH= "$python" -m venv $flags "$directory/$name" &&
    PYTHONPATH= "$directory/$name/bin/python" -m pip install -q --no-compile \
      --disable-pip-version-check grpcio grpcio-health-checking \
      googleapis-common-protos pytest==9.2.0 "$@" &&
    echo "$wanted" >"$directory/$name/wanted"
}

# tests NAME FILE...: runs them in DIRECTORY/NAME.
tests() {
  name=$1
  shift
  (cd "$directory" && for file in "$@"; do set -- "$@" "$here/$file"; shift; done
    "$directory/$name/bin/python" -m pytest -c "$here/../pyproject.toml" \
      --rootdir "$here/.." -p no:cacheprovider "$@")
}

wheel() {
  TRIBUTARY_BUILD_DIR=$(dirname "$programs") "$here/../build_wheel.sh" \
    "$directory/wheel" &&
    "$here/wheel_check.sh" "$directory"/wheel/tributary-*.whl "$programs" \
      "$directory"
}

for name in "$@"; do
  echo "== $name"
  case $name in
    notebook)
      environment notebook python3 "" -r "$here/requirements.txt" \
        -r "$here/notebook_requirements.txt" &&
        run="tests notebook notebook_test.py" || run= ;;
    torch)
      # Debian's PyTorch, and the NumPy that it was built with.
      environment torch /usr/bin/python3 --system-site-packages \
        pyarrow==17.0.0 &&
        run="tests torch torch_test.py docs_test.py::test_snippets_run[vectors]" ||
        run= ;;
    feast)
      environment feast python3 "" feast==0.67.0 &&
        run="tests feast feast_test.py" || run= ;;
    vectordbbench)
      environment vectordbbench python3 "" vectordb-bench==2.0.0 pyarrow &&
        run="tests vectordbbench vectordbbench_test.py" || run= ;;
    airflow)
      environment airflow python3 "" apache-airflow==3.3.2 &&
        run="tests airflow airflow_test.py" || run= ;;
    kubeflow)
      environment kubeflow python3 "" kfp==2.17.3 &&
        run="$directory/kubeflow/bin/python $here/../examples/kubeflow_pipeline.py
          $directory/kubeflow.yaml" || run= ;;
    wheel)
      run="wheel" ;;
    *) echo "heavy.sh: there is no test $name" >&2; exit 2 ;;
  esac
  if [ -z "$run" ]; then
    skipped="$skipped $name"
  elif $run; then
    passed="$passed $name"
  else
    failed="$failed $name"
  fi
done
echo "passed:$passed"
[ -z "$skipped" ] || echo "skipped, because packages do not install:$skipped"
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
