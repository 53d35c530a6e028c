/** What the simulated dom0 fetches: `wget` with a web of files, as GNU wget 1.21.3 goes on, ends and speaks. */
import { beforeEach, describe, expect, it } from 'vitest';
import { makeExport } from '../../../src/sim/mounts.ts';
import { makeProcess, withTimeout } from '../../../src/sim/process.ts';
import { runProgram } from '../../../src/sim/programs.ts';
import type { WebFile } from '../../../src/sim/server.ts';
import { start } from './client.ts';
import { bench, type Bench } from './farm.ts';

const url = 'https://images.example.com/debian.qcow2';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const body = 'the whole of it';
const mib = 1024 ** 2;
const stamp = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;

let web: Map<string, WebFile>;
let b: Bench;
beforeEach(() => {
  web = new Map([[url, { bytes: bytes(body) }]]);
  b = bench({}, new Map([['filer:/x', makeExport()]]), web);
});
const line = (path = '/srv/f', from = url): string => `wget -nv -c -T 60 -t 5 -O ${path} ${from}`;
const fetch = (path?: string, from?: string) => b.run(line(path, from));
const got = (path = '/srv/f'): string | undefined => b.world.files.text(path);
const length = (path: string): number | undefined => {
  const node = b.world.files.get(path);
  return node?.is === 'file' ? node.bytes.length : undefined;
};

describe('wget', () => {
  it('fetches, and says so on stderr', async () => {
    const { rc, out, err } = await fetch();
    expect([rc, out, got()]).toEqual([0, '', body]);
    expect(err).toMatch(new RegExp(`^${stamp} URL:${url} \\[15/15\\] -> "/srv/f" \\[1\\]\n$`));
  });
  it('only looks, where it is told to', async () => {
    const look = () => b.run(`wget -nv -S --spider -T 20 -t 1 ${url}`);
    const { rc, err } = await look();
    expect([rc, err]).toEqual([0, expect.stringMatching(/^  HTTP\/1\.1 200 OK\n  content-length: 15\n/)]);
    web.set(url, { bytes: bytes(body), unsized: true });
    expect((await look()).err).not.toMatch(/length/);
    web.set(url, { bytes: bytes(body), status: 404 });
    expect(await look()).toMatchObject({ rc: 8, err: expect.stringMatching(/broken link/) });
    expect(got()).toBeUndefined();
  });
  it('tells the dom0’s time', async () => {
    const first = (await fetch('/srv/1')).err.slice(0, 19);
    await b.run('sleep 3600');
    const second = (await fetch('/srv/2')).err.slice(0, 19);
    expect(Date.parse(`${second}Z`) - Date.parse(`${first}Z`)).toBeGreaterThanOrEqual(3_600_000);
  });
  it('goes on behind the bytes that are there, whatever they are', async () => {
    b.put('/srv/f', 'THE whole');
    const { rc, err } = await fetch();
    expect([rc, got()]).toEqual([0, 'THE whole of it']);
    expect(err).toContain('[15/15]');
  });
  it.each([
    ['whole', body],
    ['longer', `${body} and more`],
  ])('leaves a file alone that is %s', async (_what, text) => {
    b.put('/srv/f', text);
    expect(await fetch()).toEqual({ rc: 0, out: '', err: '' });
    expect(got()).toBe(text);
  });
  it('keeps what came until the connection broke, and goes on from there', async () => {
    web.set(url, { bytes: bytes(body), cutAfter: 6 });
    expect((await fetch()).rc).toBe(4);
    expect(got()).toBe('the wh');
    expect((await fetch()).rc).toBe(4);
    expect(got()).toBe('the whole of');
    expect((await fetch()).rc).toBe(0);
    expect(got()).toBe(body);
  });
  it.each([
    [403, 'Forbidden'],
    [404, 'Not Found'],
    [500, 'Internal Server Error'],
    [503, 'Service Unavailable'],
  ])('hears %s, and changes nothing', async (status, words) => {
    web.set(url, { bytes: bytes(body), status });
    const { rc, out, err } = await fetch();
    // An empty file is left behind.
    expect([rc, out, got()]).toEqual([8, '', '']);
    expect(err).toMatch(new RegExp(`^${url}:\n${stamp} ERROR ${status}: ${words}\\.\n$`));
    b.put('/srv/f', 'half');
    expect([(await fetch()).rc, got()]).toEqual([8, 'half']);
  });
  it.each(['https://none.example.com/x', 'https://none.example.com:8443/x', 'ftp://none.example.com/x'])(
    'knows no host: %s',
    async (from) => {
      expect(await fetch('/srv/f', from)).toEqual({
        rc: 4,
        out: '',
        err: "wget: unable to resolve host address 'none.example.com'\n",
      });
    },
  );
  it('waits for one that does not answer, as long and as often as it is told', async () => {
    web.set(url, { bytes: bytes(body), dead: true });
    const began = b.world.clock.now();
    expect(await b.run(`wget -nv -c -T 2 -t 2 -O /srv/f ${url}`)).toEqual({
      rc: 4,
      out: '',
      err: 'Read error (Connection timed out) in headers.\n'.repeat(2),
    });
    // Two seconds twice, and one between them.
    expect(b.world.clock.now() - began).toBeGreaterThanOrEqual(5000);
    expect(b.world.clock.now() - began).toBeLessThan(7000);
  });
  it.each([
    ['/none/f', 'No such file or directory'],
    ['/srv', 'Is a directory'],
  ])('cannot write %s', async (path, why) => {
    expect(await fetch(path)).toEqual({ rc: 1, out: '', err: `${path}: ${why}\n` });
  });
  it('takes its time, and leaves what it had when it is killed', async () => {
    web.set(url, { bytes: new Uint8Array(8 * mib).fill(7) });
    const { world } = b;
    const killed = await world.clock.during(
      withTimeout(world.clock, makeProcess(world.clock), 4, (p) => runProgram(world, p, line().split(' '))),
    );
    expect(killed.rc).toBe(124);
    expect(length('/srv/f')).toBe(3 * mib);
    expect((await fetch()).rc).toBe(0);
    expect(length('/srv/f')).toBe(8 * mib);
  });
});

describe.each([
  ['a dom0', '/srv', (): void => void (b.world.files.trouble.full = true)],
  [
    'an export',
    '/mnt',
    (): void => {
      for (const e of b.world.exports.values()) e.files.trouble.full = true;
    },
  ],
] as const)('a download to %s', (_what, folder, fill) => {
  beforeEach(async () => {
    await b.run('mkdir -p /mnt');
    await b.run('mount -t nfs filer:/x /mnt');
  });
  it('that is full begins no file, and adds nothing to one', async () => {
    const path = `${folder}/f`;
    fill();
    expect(await fetch(path)).toEqual({ rc: 1, out: '', err: `${path}: No space left on device\n` });
    expect(b.world.files.exists(path)).toBe(false);
    for (const e of [b.world, ...b.world.exports.values()]) e.files.trouble.full = false;
    b.put(path, 'the');
    fill();
    expect(await fetch(path)).toEqual({
      rc: 3,
      out: '',
      err: `Cannot write to '${path}' (No space left on device).\n`,
    });
    expect(got(path)).toBe('the');
  });
  it('that is read-only is not begun', async () => {
    const path = `${folder}/f`;
    b.put(path, 'the');
    b.world.files.trouble.readOnlyUnder = folder;
    expect(await fetch(path)).toEqual({ rc: 1, out: '', err: `${path}: Read-only file system\n` });
    expect(got(path)).toBe('the');
  });
});

describe('a farm’s web', () => {
  it('is one for all dom0s, and may change', async () => {
    const farm = await start(['dom01', 'dom02']);
    expect((await farm.hand('dom01', line().split(' '))).rc).toBe(4);
    farm.web.set(url, { bytes: bytes(body) });
    for (const name of ['dom01', 'dom02']) {
      expect((await farm.hand(name, line().split(' '))).rc).toBe(0);
      expect(farm.files(name).read('/srv/f')).toBe(body);
    }
    farm.web.delete(url);
    expect((await farm.hand('dom01', line('/srv/g').split(' '))).rc).toBe(4);
  });
});
