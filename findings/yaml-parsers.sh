#!/bin/sh
# One YAML document, three parsers of one language
#
# Versions:  yaml 2.9.1, js-yaml 4.1.0 and 5.5.0, each with its defaults.
# Expected:  all are for YAML 1.2, so that a valid document means the same, also after an update.
# Happens:   `<<` merges in js-yaml 4 only, and is a key of that name in the others; a day is a text or a Date, `1_000` a text or
#            a number, and `0b11` too.
# Hurts:     a file whose VMs share their settings over `<<: *base` has VMs without memory in a second tool, or after an
#            update, and nothing complains; a check that is written with one says nothing of what the other will read.
set -eu
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cd "$there"
echo '{ "name": "x", "version": "1.0.0", "private": true, "dependencies": { "yaml": "2.9.1", "four": "npm:js-yaml@4.1.0", "five": "npm:js-yaml@5.5.0" } }' >package.json
npm install --no-audit --no-fund --loglevel=error >/dev/null
cat >farm.yaml <<'END'
base: &base { memory: 512 }
web: { <<: *base, vcpus: 2 }
since: 2026-01-02
weight: 1_000
mask: 0b11
END
cat >read.mjs <<'END'
import { readFileSync } from 'node:fs';
import { load as five } from 'five';
import four from 'four';
import { parse } from 'yaml';
const text = readFileSync('farm.yaml', 'utf8');
for (const [name, read] of Object.entries({ yaml: parse, 'js-yaml 4': four.load, 'js-yaml 5': five }))
  for (const [key, value] of Object.entries(read(text)))
    if (key !== 'base') console.log(name, key, value?.constructor.name, JSON.stringify(value));
END
node read.mjs >seen
cat seen
cat >expected <<'END'
yaml web Object {"<<":{"memory":512},"vcpus":2}
yaml since String "2026-01-02"
yaml weight String "1_000"
yaml mask String "0b11"
js-yaml 4 web Object {"memory":512,"vcpus":2}
js-yaml 4 since Date "2026-01-02T00:00:00.000Z"
js-yaml 4 weight Number 1000
js-yaml 4 mask Number 3
js-yaml 5 web Object {"<<":{"memory":512},"vcpus":2}
js-yaml 5 since String "2026-01-02"
js-yaml 5 weight String "1_000"
js-yaml 5 mask String "0b11"
END
diff expected seen
