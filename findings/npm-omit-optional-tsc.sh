#!/bin/sh
# npm ci --omit=optional, and TypeScript 7
#
# Versions:  typescript 7.0.2, npm 10 and 11.
# Expected:  what is optional may be left out: the compiler works without it, or npm refuses.
# Happens:   npm ends with 0, and `tsc` is there and does not run: the compiler itself, a native program for each platform, is
#            an optional dependency of the package.
# Hurts:     `npm ci --ignore-scripts --omit=optional` is what careful pipelines run, so that no native add-on is built or
#            fetched. The step that installs is green, and the one that builds breaks after an update from 6 to 7.
set -eu
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cd "$there"
echo '{ "name": "x", "version": "1.0.0", "private": true, "devDependencies": { "typescript": "7.0.2" } }' >package.json
quiet='--ignore-scripts --no-audit --no-fund --loglevel=error'
try() {
  code=0
  "$@" >out 2>&1 || code=$?
  printf '%s: exit code %s, %s\n' "$*" "$code" "$(grep -oE 'Version 7[.0-9]*|Unable to resolve @typescript/typescript' out | head -n 1)"
}
npm install $quiet >/dev/null
{
  try node_modules/.bin/tsc --version
  npm ci $quiet --omit=optional >/dev/null && echo 'npm ci --omit=optional: exit code 0'
  try node_modules/.bin/tsc --version
} >seen
cat seen
cat >expected <<'END'
node_modules/.bin/tsc --version: exit code 0, Version 7.0.2
npm ci --omit=optional: exit code 0
node_modules/.bin/tsc --version: exit code 1, Unable to resolve @typescript/typescript
END
diff expected seen
