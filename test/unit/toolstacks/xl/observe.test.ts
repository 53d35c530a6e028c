import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decode } from '../../../../src/toolstacks/xl/read/decode.ts';
import { parseFrames } from '../../../../src/toolstacks/xl/read/frames.ts';
import { observeText } from '../../../../src/toolstacks/xl/read/observe.ts';
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
  `case $1 in
  info) exec cat ${dir}/info ;;
  list) [ -e ${dir}/flaky ] && rm ${dir}/flaky && echo oops && exit 1; exec cat ${dir}/list ;;
  vcpu-list) [ -e ${dir}/hang ] && trap "" TERM && exec sleep 20; echo "web 5 0 1 -b- 9.8  0-1 / all" ;;
  sched-credit2) echo "web 5 512 0" ;;
  esac`,
);
tool('ovs-vsctl', '[ "$2" = list-br ] && echo ovs0');
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
      domains: [{ domid: 5, name: 'web', settings: { 'sched.weight': 512, 'affinity.hard': '0-1' } }],
      ovs: ['ovs0'],
      paths: { [odd]: 'there', '/no/such/path': 'missing' },
    });
  });

  it('reads texts to their end, and tells those that are not there', () => {
    const known = join(dir, 'known hosts');
    writeFileSync(known, 'dom02 ssh-rsa AAAA\n\nthere /etc/passwd\n|1|a=|b= ssh-rsa \\n\n');
    const key = join(dir, 'id.pub');
    writeFileSync(key, 'ssh-rsa AAAA root@dom01');
    const asked = ['/no/such/path', `text:${key}`, `text:${known}`, 'text:/no/such/text'];
    const seen = decode(run('domains', ...asked), nonce, asked);
    expect(seen).toMatchObject({ paths: { '/no/such/path': 'missing' } });
    expect('texts' in seen && seen.texts).toEqual({
      [key]: ['ssh-rsa AAAA root@dom01'],
      [known]: ['dom02 ssh-rsa AAAA', '', 'there /etc/passwd', '|1|a=|b= ssh-rsa \\n'],
      '/no/such/text': [],
    });
  });

  it('looks into stores, and not for them among the paths', () => {
    const store = join(dir, 'a store');
    mkdirSync(store, { recursive: true });
    const marker = { format: 1, farm: 'f', repository: 'r', uuid };
    // Without a newline at its end, as a person's editor may leave it.
    writeFileSync(join(store, '.reeve.json'), JSON.stringify(marker));
    const empty = join(dir, 'empty');
    mkdirSync(empty, { recursive: true });
    const asked = [`${store}/`, '/no/such/path', `${empty}/`, '/no/such/store/'];
    const seen = decode(run('domains', ...asked), nonce, asked);
    const space = { size: expect.any(Number), free: expect.any(Number) };
    expect(seen).toMatchObject({ paths: { '/no/such/path': 'missing' } });
    expect('storage' in seen && seen.storage.stores).toEqual({
      [store]: { is: 'there', marker, empty: false, space, disks: {}, images: {}, leases: {}, saved: [] },
      [empty]: { is: 'there', marker: null, empty: true, space, disks: {}, images: {}, leases: {}, saved: [] },
      '/no/such/store': { is: 'missing' },
    });
    expect('storage' in seen && seen.storage.mounts.map((m) => m.path)).toContain('/');
  });

  it('does not wait for a store that does not answer, and reads the others', () => {
    const dead = join(dir, 'dead');
    const live = join(dir, 'live');
    for (const folder of [dead, live]) mkdirSync(folder, { recursive: true });
    // Whoever opens it sleeps until somebody writes.
    if (!existsSync(join(dead, '.reeve.json'))) execFileSync('sh', ['-c', 'mkfifo "$0"', join(dead, '.reeve.json')]);
    const asked = [`${dead}/`, `${live}/`];
    const hasty = text.replace('KILL 8', 'KILL 1');
    const argv = [...first, '-c', hasty, 'reeve-observe', nonce, 'domains', ...asked];
    const answer = execFileSync(command, argv, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
    const seen = decode(answer, nonce, asked);
    expect('storage' in seen && seen.storage.stores).toMatchObject({
      [dead]: { is: 'stuck' },
      [live]: { is: 'there', marker: null },
    });
    execFileSync('sh', ['-c', 'echo > "$0"', join(dead, '.reeve.json')]);
  });

  it('tries xl list again, and writes nothing', () => {
    writeFileSync(join(dir, 'flaky'), '');
    const before = readdirSync(dir).filter((f) => f !== 'flaky');
    expect(decode(run('domains'), nonce, [])).toMatchObject({ is: 'seen', domains: [{ domid: 5 }] });
    expect(readdirSync(dir)).toEqual(before);
  });
});

/** BusyBox's own timeout, tar, ps and cat before all others, as on Alpine; Debian's where there is none. */
const alpine = mkdtempSync(join(tmpdir(), 'reeve-alpine-'));
afterAll(() => rmSync(alpine, { recursive: true }));
const busybox = spawnSync('which', ['busybox'], { encoding: 'utf8' }).stdout.trim();
if (busybox !== '')
  for (const a of ['sh', 'timeout', 'tar', 'ps', 'cat', 'sleep']) symlinkSync(busybox, join(alpine, a));

describe.each<[string, string, string]>([
  ['Debian', 'sh', text],
  ['Alpine', join(alpine, 'sh'), text.replace(dir, `${dir}:${alpine}`)],
])('the observe text with the tools of %s', (_, sh, own) => {
  const there = existsSync(sh) || sh === 'sh';

  it.skipIf(!there || spawnSync('which', ['strace']).status !== 0)(
    'makes at most 25 processes (skipped where strace or BusyBox is missing)',
    () => {
      const trace = join(alpine, 'trace');
      const argv = ['-f', '-qq', '-e', 'trace=fork,vfork,clone,clone3', '-o', trace];
      const answer = execFileSync('strace', [...argv, sh, '-c', own, 'reeve-observe', nonce, 'all', '/k', '/tmp/']);
      expect(decode(answer, nonce, ['/k', '/tmp/'])).toMatchObject({
        is: 'seen',
        ovs: ['ovs0'],
        paths: { '/k': 'missing' },
      });
      const forks = readFileSync(trace, 'utf8').match(/ = \d+$/gm)?.length ?? 0;
      expect(forks + 1).toBeLessThanOrEqual(25);
      expect(forks).toBeGreaterThan(10);
    },
  );

  it.skipIf(!there)('kills what hangs, and says so (skipped where BusyBox is missing)', () => {
    writeFileSync(join(dir, 'hang'), '');
    const began = Date.now();
    const hasty = own.replace('timeout 150', 'timeout 1');
    const answer = execFileSync(sh, ['-c', hasty, 'reeve-observe', nonce, 'all'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    rmSync(join(dir, 'hang'));
    expect(Date.now() - began).toBeLessThan(10_000);
    const sections = parseFrames(answer, nonce);
    expect(sections instanceof Map && [...sections].map(([name, s]) => [name, s.rc])).toEqual([
      ['host', 0],
      ['xl-info', 0],
      ['xl-list', 0],
      ['xl-vcpus', 137],
    ]);
    expect(decode(answer, nonce, [])).toMatchObject({
      is: 'unknown',
      reason: 'timeout',
      why: 'xl-vcpus did not answer in time',
    });
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
