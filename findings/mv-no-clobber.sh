#!/bin/sh
# mv -n onto a name that is taken
#
# Versions:  GNU coreutils 9.1 (Debian 12) and 9.7 (Debian 13), for amd64.
# Expected:  `mv -n A B || somebody was faster`: a move that was not made fails.
# Happens:   nothing is moved, and the exit code is 0, as if it were. (By its NEWS, 9.2 to 9.4 exit with 1, and 9.5 takes that
#            back.)
# Hurts:     wherever a name is a lock or a claim: a lease, a finished download, a cfg that must not overwrite another. Two
#            runs both believe that they won. `ln A B && rm A` fails in both.
set -eu
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cd "$there"
mkdir -p lists/partial cache/archives/partial
key=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in bookworm trixie; do echo "deb [signed-by=$key] http://deb.debian.org/debian $suite main"; done >sources
apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$there/sources" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$there/lists" \
    -o Dir::Cache="$there/cache" -o APT::Sandbox::User=root "$@" >/dev/null
}
apt update
apt download coreutils=9.1-1 coreutils=9.7-3
for deb in *.deb; do dpkg-deb -x "$deb" "${deb%_amd64.deb}"; done

try() {
  printf 'A\n' >A
  printf 'B\n' >B
  code=0
  "$@" 2>/dev/null || code=$?
  printf '%s exit code %s, A is %s, B holds %s\n' "$1" "$code" "$([ -e A ] && echo there || echo gone)" "$(cat B)"
}
for version in 9.1-1 9.7-3; do
  cp "coreutils_$version/bin/mv" "mv-$version" 2>/dev/null || cp "coreutils_$version/usr/bin/mv" "mv-$version"
  cp "coreutils_$version/bin/ln" "ln-$version" 2>/dev/null || cp "coreutils_$version/usr/bin/ln" "ln-$version"
  try "./mv-$version" -n A B
  try "./ln-$version" A B
done >seen
cat seen
cat >expected <<'END'
./mv-9.1-1 exit code 0, A is there, B holds B
./ln-9.1-1 exit code 1, A is there, B holds B
./mv-9.7-3 exit code 0, A is there, B holds B
./ln-9.7-3 exit code 1, A is there, B holds B
END
diff expected seen
