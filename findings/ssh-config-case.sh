#!/bin/sh
# An ssh_config in lower case, read by ssh-config
#
# Versions:  ssh-config 5.2.0 (npm).
# Expected:  keywords are case-insensitive (ssh_config(5)): `port 2222` is the port.
# Happens:   compute() tells spellings apart: `Port` is what `Host *` says further down, or undefined, though ssh takes the first.
#            With { ignoreCase: true } the first counts, and every key is in lower case: `Port` is undefined again.
# Hurts:     many write the file in lower case, and ssh reads it. A tool then connects to the wrong port, where another machine
#            may answer.
set -eu
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cd "$there"
echo '{ "name": "x", "version": "1.0.0", "private": true, "type": "module", "dependencies": { "ssh-config": "5.2.0" } }' >package.json
npm install --no-audit --no-fund --loglevel=error >/dev/null
cat >config <<'END'
host dom01
  hostname 10.0.0.1
  port 2222
Host *
  Port 22
  User Ann
  IdentityFile ~/.ssh/ID
END
cat >read.js <<'END'
import { readFileSync } from 'node:fs';
import SSHConfig from 'ssh-config';
const config = SSHConfig.parse(readFileSync('config', 'utf8'));
for (const options of [undefined, { ignoreCase: true }]) {
  console.log(JSON.stringify(options ?? {}), JSON.stringify(config.compute('dom01', options)));
}
END
node read.js >seen
cat seen
cat >expected <<'END'
{} {"host":"dom01","hostname":"10.0.0.1","port":"2222","Host":"*","Port":"22","User":"Ann","IdentityFile":["~/.ssh/ID"]}
{"ignoreCase":true} {"host":"dom01","hostname":"10.0.0.1","port":"2222","user":"Ann","identityfile":["~/.ssh/ID"]}
END
diff expected seen
