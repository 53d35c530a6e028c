import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decode } from '../../../../src/toolstacks/xl/decode.ts';
import { observeText } from '../../../../src/toolstacks/xl/observe.ts';
import { info, dom0, listHead, nonce, row } from './answers.ts';

const uuid = '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001';

/** Tools of a small dom0 before all others on the PATH; the text is otherwise the very one. */
const dir = mkdtempSync(join(tmpdir(), 'reeve-observe-'));
const tool = (name: string, body: string): void =>
  writeFileSync(join(dir, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
writeFileSync(join(dir, 'info'), info);
writeFileSync(join(dir, 'list'), `${listHead}${dom0}${row('web', 5, '-b----', uuid)}`);
tool(
  'xl',
  `case $1 in info) cat ${dir}/info ;; list) [ -e ${dir}/flaky ] && rm ${dir}/flaky && echo oops && exit 1; cat ${dir}/list ;; esac`,
);
tool('xenstore-ls', 'echo \'/local/domain/5/name = "web"\'; echo \'/libxl/5/type = "pvh"\'');
tool('ip', 'echo "[]"');
const text = observeText.replace('PATH=', `PATH=${dir}:`);
afterAll(() => rmSync(dir, { recursive: true }));

const shells = [['sh'], ['dash'], ['busybox', 'sh']].filter(([name = '']) => spawnSync('which', [name]).status === 0);

describe.each(shells)('the observe text under %s %s', (...shell) => {
  const [command = '', ...first] = shell.filter((x): x is string => x !== undefined);
  const run = (what: string, ...paths: readonly string[]): Uint8Array =>
    execFileSync(command, [...first, '-c', text, 'reeve-observe', nonce, what, ...paths], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it('gives an answer that is whole', () => {
    const odd = join(dir, "it's $(here) now");
    writeFileSync(odd, '');
    const seen = decode(run('all', odd, '/no/such/path'), nonce, [odd, '/no/such/path']);
    expect(seen).toMatchObject({
      is: 'seen',
      bootId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      domains: [{ domid: 5, name: 'web' }],
      paths: { [odd]: 'there', '/no/such/path': 'missing' },
    });
  });

  it('tries xl list again, and writes nothing', () => {
    writeFileSync(join(dir, 'flaky'), '');
    const before = readdirSync(dir).filter((f) => f !== 'flaky');
    expect(decode(run('domains'), nonce, [])).toMatchObject({ is: 'seen', domains: [{ domid: 5 }] });
    expect(readdirSync(dir)).toEqual(before);
  });
});

it('says that there is no Xen where there is no xl', () => {
  const bare = observeText.replace(/PATH=\S+/, 'PATH=/nowhere');
  const answer = execFileSync('sh', ['-c', bare, 'reeve-observe', nonce, 'all']);
  expect(decode(answer, nonce, [])).toMatchObject({
    is: 'unknown',
    reason: 'no-xen',
    why: expect.stringMatching(/xl: not found/),
  });
});
