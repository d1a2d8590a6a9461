#!/bin/sh
# Installs a wheel into a fresh environment and runs the demo there, with the
# shared libraries that its programs need hidden in the system, as far as this
# machine allows mounts.
#   wheel_check.sh WHEEL PROGRAMS DIRECTORY
# PROGRAMS are the programs as they were built: the libraries that they need are
# those to hide.
set -eu
wheel=$1 programs=$2 directory=$3
venv=$directory/wheel-check
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install -q --no-compile --disable-pip-version-check "$wheel"
unset PYTHONPATH TRIBUTARY_PROGRAMS || true
cd "$directory"
bin=$("$venv/bin/python" -c \
  'import tributary, os; print(os.path.dirname(tributary.__file__) + "/bin")')

# What every Linux has: glibc, and the compiler's own libraries.
base='linux-vdso|/ld-linux|/lib(c|m|mvec|resolv|util|dl|rt|pthread|gcc_s|stdc\+\+|z)\.so'
for program in tributary tributary-server tributary-loader; do
  outside=$(ldd "$bin/$program" | grep '=> /' | grep -v "$venv" |
    grep -Ev "$base" || true)
  [ -z "$outside" ] || {
    echo "wheel_check.sh: $program takes libraries of the system:" >&2
    echo "$outside" >&2
    exit 1
  }
done
echo "every library of the programs is in the wheel"

# Python's own modules need these.
hidden=$(ldd "$programs"/tributary* 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' |
  sort -u | grep -Ev "$base|libssl|libcrypto|libffi|libsqlite|libbz2|liblzma|libexpat" |
  xargs -r readlink -f | sort -u)
cat >"$directory/hidden_demo.sh" <<END
set -eu
for library in \$HIDDEN; do mount --bind /dev/null "\$library"; done
if "$programs/tributary" --version >/dev/null 2>&1; then
  echo "wheel_check.sh: the libraries are not hidden" >&2
  exit 1
fi
"$venv/bin/tributary" demo
"$venv/bin/tributary-server" --version
END
if unshare -m true 2>/dev/null; then
  HIDDEN=$hidden unshare -m sh "$directory/hidden_demo.sh"
  echo "the demo ran without $(echo "$hidden" | wc -l) libraries of the system"
else
  echo "mounts are not allowed here: the libraries are not hidden"
  "$venv/bin/tributary" demo
fi
