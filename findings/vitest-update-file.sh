#!/bin/sh
# vitest run -u FILE
#
# Versions:  vitest 4.1.12.
# Expected:  `-u` is a switch: the snapshots of FILE are written anew, as with Jest.
# Happens:   FILE is taken for the value of `-u`, no filter is left, and the snapshots of all tests are written anew.
# Hurts:     a regression in another file becomes its expectation, and nothing is red. `vitest run FILE -u` does what is meant.
set -eu
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cd "$there"
echo '{ "name": "x", "version": "1.0.0", "private": true, "type": "module", "devDependencies": { "vitest": "4.1.12" } }' >package.json
npm install --no-audit --no-fund --loglevel=error >/dev/null
mkdir __snapshots__
old() {
  for t in a b; do
    echo "import { expect, test } from 'vitest'; test('$t', () => { expect('new').toMatchSnapshot(); });" >$t.test.js
    printf '// Vitest Snapshot v1, https://vitest.dev/guide/snapshot.html\n\nexports[`%s 1`] = `"old"`;\n' $t >__snapshots__/$t.test.js.snap
  done
}
try() {
  old
  CI='' npx vitest run "$@" >/dev/null 2>&1
  for t in a b; do printf 'vitest run %s: %s is %s\n' "$*" $t "$(grep -o '"[a-z]*"' __snapshots__/$t.test.js.snap)"; done
}
{
  try -u a.test.js
  try a.test.js -u
} >seen
cat seen
cat >expected <<'END'
vitest run -u a.test.js: a is "new"
vitest run -u a.test.js: b is "new"
vitest run a.test.js -u: a is "new"
vitest run a.test.js -u: b is "old"
END
diff expected seen
