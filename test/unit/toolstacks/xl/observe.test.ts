import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Storage } from '../../../../src/kinds/repository/live.ts';
import { decode } from '../../../../src/toolstacks/xl/read/decode.ts';
import { parseFrames } from '../../../../src/toolstacks/xl/read/frames.ts';
import { observeText } from '../../../../src/toolstacks/xl/read/observe.ts';
import { outsideIn, savedIn } from '../../../../src/toolstacks/xl/read/second-look.ts';
import { toldIn } from '../../../../src/toolstacks/xl/read/told.ts';
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
  sched-credit2) echo "Domain-0 0 256 0"; echo "web 5 512 0" ;;
  esac`,
);
tool('df', `case $2 in *dead*) exec sleep 20 ;; esac\nPATH=/usr/bin:/bin exec df "$@"`);
tool('ovs-vsctl', '[ "$2" = list-br ] && echo ovs0');
tool('xenstore-ls', 'echo \'/local/domain/5/name = "web"\'; echo \'/libxl/5/type = "pvh"\'');
tool('ip', 'echo "[]"');
const text = observeText.replace('PATH=', `PATH=${dir}:`);
afterAll(() => rmSync(dir, { recursive: true }));

/** Each as `sh`, for the shells within the text, too. */
const shells = ['dash', 'bash', 'busybox'].filter((name) => spawnSync('which', [name]).status === 0);

describe.each(shells)('the observe text under %s', (shell) => {
  const bin = join(dir, `bin-${shell}`);
  mkdirSync(bin);
  symlinkSync(spawnSync('which', [shell], { encoding: 'utf8' }).stdout.trim(), join(bin, 'sh'));
  const own = text.replace('PATH=', `PATH=${bin}:`);
  const argvOf = (what: string, paths: readonly string[], program = own): readonly string[] => [
    '-c',
    program,
    'reeve-observe',
    nonce,
    what,
    ...paths,
  ];
  const run = (what: string, ...paths: readonly string[]): Uint8Array =>
    execFileSync(join(bin, 'sh'), argvOf(what, paths), { stdio: ['ignore', 'pipe', 'pipe'] });

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

  it('reads cfgs elsewhere to the byte, where they are cfgs, and looks into folders', () => {
    const at = mkdtempSync(join(dir, 'else where-'));
    const cfg = join(at, "it's a cfg");
    const bytes = Buffer.concat([Buffer.from(' name="x"\r\n# \xff\0', 'latin1'), Buffer.alloc(3000, 'y')]);
    writeFileSync(cfg, bytes);
    writeFileSync(join(at, 'large'), `name = "x"\n${'x'.repeat(262_140)}`);
    writeFileSync(join(at, 'no cfg'), 'a name = "x"\n');
    symlinkSync(cfg, join(at, 'link'));
    symlinkSync('/dev/zero', join(at, 'zero'));
    const names = ["it's a cfg", 'large', 'no cfg', 'link', 'zero', 'missing', '-x'].map((n) => join(at, n));
    const asked = [...names.map((n) => `cfg:${n}`), `dir:${at}`, '/no/such/path'];
    const answer = run('domains', ...asked);
    const sections = parseFrames(answer, nonce);
    const section = 'get' in sections ? sections.get('cfgs') : undefined;
    const told = toldIn('get' in sections ? (sections.get('paths')?.bytes ?? bytes) : bytes).get(0) ?? [];
    expect(
      [...outsideIn(asked, section, told)].map(([, is]) => (typeof is === 'string' ? is : Buffer.from(is))),
    ).toEqual([bytes, 'odd', 'odd', bytes, 'odd', 'missing', 'missing']);
    expect(savedIn('', told)).toEqual(["it's a cfg", 'large', 'no cfg'].map((n) => join(at, n)));
    expect(decode(answer, nonce, asked)).toMatchObject({ is: 'seen', paths: { '/no/such/path': 'missing' } });
    // A cfg that something leads to may be on a server that is gone.
    const cut = outsideIn(asked, section && { ...section, rc: 137 }, told);
    expect(cut.get(join(at, 'large'))).toBe('late');
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

  const fresh = (name: string): string => {
    const store = join(mkdtempSync(join(dir, 'srv-')), name);
    for (const folder of ['disks', 'images', 'leases', 'suspended'])
      mkdirSync(join(store, folder), { recursive: true });
    return store;
  };
  const storesOf = (seen: ReturnType<typeof decode>): Storage['stores'] =>
    'storage' in seen ? seen.storage.stores : {};

  it('takes no file name for another line, another file or another store', () => {
    const [mine, theirs] = [fresh('a'), fresh('b')];
    const lease = { format: 1, farm: 'f', vm: 'v', uuid, server: 's', boot: 'b', generation: 1, disks: {} };
    const marker = JSON.stringify({ format: 1, farm: 'f', repository: 'evil', uuid });
    const odd = [
      `disks/x\n1 marker ${marker.replaceAll('/', '')}`,
      `disks/x\r\n2 marker ${marker}`,
      'disks/\u001B[2J',
      `leases/x\n2 lease y.json\n1 lease ${uuid}.json`,
      'images/tab\there',
      'suspended/x\n1 saved y.save',
    ];
    const names = [
      '-rf',
      'a b',
      ' ',
      '*',
      '\\040',
      '\\n',
      '\\c',
      "it's $(here)",
      '%s%d',
      'é',
      '[x]',
      '~',
      'x.json {"format":1}',
    ];
    for (const name of odd) writeFileSync(join(mine, name), '');
    for (const name of names) writeFileSync(join(mine, 'disks', name), '');
    writeFileSync(join(mine, 'disks', 'a b.reeve.json'), '{"format":2}');
    writeFileSync(join(mine, 'leases', 'x y.json'), `${JSON.stringify(lease)}\n`);
    writeFileSync(join(mine, 'leases', `${uuid}.json {}.json`), '');
    writeFileSync(join(mine, 'suspended', 'x y.save'), '');
    const asked = [`${mine}/`, `${theirs}/`];
    const seen = decode(run('domains', ...asked), nonce, asked);
    const { [mine]: own, [theirs]: other } = storesOf(seen);
    if (own?.is !== 'there' || other?.is !== 'there') throw new Error('a store was not read');
    expect(own.marker).toBeNull();
    expect(Object.keys(own.disks).sort()).toEqual([...names].sort());
    expect(own.disks['a b']).toEqual({ there: true, marker: 'odd' });
    expect(own.images).toEqual({});
    expect(Object.keys(own.leases).sort()).toEqual([`${uuid}.json {}`, 'x y']);
    // Its name is not its VM's.
    expect(own.leases['x y']?.lease).toEqual('odd');
    expect(own.saved).toEqual(['x y']);
    expect(other).toMatchObject({ marker: null, empty: false, disks: {}, images: {}, leases: {}, saved: [] });
    expect('problems' in seen && seen.problems).toContain(
      `${mine}: 6 files were not looked at: control characters in the name`,
    );
  });

  it('tells how much of each marked disk is written, however many there are', () => {
    const store = fresh('sparse');
    const names = ['a b.raw', '-n', "it's $(here).raw", ...Array.from({ length: 450 }, (_, n) => `d${n}.raw`)];
    for (const [n, name] of names.entries()) {
      const path = join(store, 'disks', name);
      writeFileSync(path, n < 3 ? 'x'.repeat(64 * 1024 * (n + 1)) : '');
      truncateSync(path, 2 ** 20);
      const owner = { format: 1, farm: 'f', vm: 'v', uuid, vdev: 'xvda', size: 1024, as: 'raw' };
      writeFileSync(`${path}.reeve.json`, `${JSON.stringify(owner)}\n`);
    }
    writeFileSync(join(store, 'disks', 'bare.raw'), 'x');
    symlinkSync('a b.raw', join(store, 'disks', 'link.raw'));
    writeFileSync(join(store, 'disks', 'link.raw.reeve.json'), '{}');
    const asked = [`${store}/`];
    const at = storesOf(decode(run('domains', ...asked), nonce, asked))[store];
    const disks = at?.is === 'there' ? at.disks : {};
    expect(names.map((name) => disks[name]?.allocated)).toEqual(names.map((_, n) => (n < 3 ? 64 * (n + 1) : 0)));
    expect([disks['bare.raw']?.allocated, disks['link.raw']?.allocated]).toEqual([undefined, undefined]);
  });

  it('reads long lines whole, whatever other stores say meanwhile, and one that is too long not at all', () => {
    const stores = [1, 2, 3, 4].map((n) => fresh(String(n)));
    const paths = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [`xvd${n}`, `/srv/é/${'x'.repeat(100)}${n}`]),
    );
    const base = { format: 1, farm: 'f', vm: 'v', server: 's', boot: 'b', generation: 1, disks: paths };
    const leases = [0, 1, 2, 3].map((n) => ({ ...base, uuid: `${uuid.slice(0, -1)}${n}` }));
    for (const store of stores) {
      for (const lease of leases) writeFileSync(join(store, 'leases', `${lease.uuid}.json`), JSON.stringify(lease));
      writeFileSync(join(store, '.reeve.json'), 'x'.repeat(9000));
    }
    const asked = stores.map((s) => `${s}/`);
    const seen = storesOf(decode(run('domains', ...asked), nonce, asked));
    for (const store of stores) {
      const at = seen[store];
      if (at?.is !== 'there') throw new Error(`${store} was not read`);
      expect(Object.values(at.leases).map((l) => l.lease)).toEqual(leases);
      expect(at.marker).toBe('odd');
    }
  });

  it('sees what is mounted at a path with blanks, backslashes and line ends', () => {
    const mounts = join(dir, `mounts-${shell}`);
    const lines = [
      '/dev/sda1 / ext4 rw 0 0',
      'filer:/a\\040b /srv/vm\\040store nfs4 rw 0 0',
      'tmpfs /srv/t\\011b\\134n\\012filer:/evil\\040/srv/evil\\040nfs4 tmpfs rw 0 0',
    ];
    writeFileSync(mounts, `${lines.join('\n')}\n`);
    const answer = execFileSync(join(bin, 'sh'), argvOf('domains', ['/k'], own.replace('/proc/self/mounts', mounts)));
    const seen = decode(answer, nonce, ['/k']);
    expect('storage' in seen && seen.storage.mounts).toEqual([
      { source: '/dev/sda1', path: '/', type: 'ext4' },
      { source: 'filer:/a b', path: '/srv/vm store', type: 'nfs4' },
      { source: 'tmpfs', path: '/srv/t\tb\\n\nfiler:/evil /srv/evil nfs4', type: 'tmpfs' },
    ]);
  });

  it('does not wait for a store that does not answer, and reads the others', () => {
    const [dead, live] = [fresh('dead'), fresh('live')];
    tool('df', `case $2 in *dead/) exec sleep 20 ;; esac; PATH=/usr/bin:/bin exec df "$@"`);
    const asked = [`${dead}/`, `${live}/`];
    const argv = argvOf('domains', asked, own.replace('KILL 8', 'KILL 1'));
    const seen = decode(execFileSync(join(bin, 'sh'), argv, { stdio: ['ignore', 'pipe', 'pipe'] }), nonce, asked);
    rmSync(join(dir, 'df'));
    expect(storesOf(seen)).toMatchObject({ [dead]: { is: 'stuck' }, [live]: { is: 'there', marker: null } });
  });

  it('reads no link, no device and no FIFO in a store, and tells where they are', () => {
    const store = join(mkdtempSync(join(dir, 'srv-')), 'strange');
    for (const folder of ['disks', 'leases', 'suspended', 'autostart/dom01'])
      mkdirSync(join(store, folder), { recursive: true });
    for (const [to, at] of [
      ['/etc/shadow', 'disks/web.raw'],
      ['/etc/hostname', 'disks/web.raw.reeve.json'],
      ['/etc/hostname', 'leases/u.json'],
      ['/etc/hostname', 'suspended/u.save'],
      ['/etc/xen/web.cfg', 'autostart/dom01/web.cfg'],
      ['/etc/xen', 'autostart/dom02'],
      ['/etc', 'images'],
      ['/nowhere', 'disks/lost.raw'],
    ] as const)
      symlinkSync(to, join(store, at));
    execFileSync('sh', ['-c', 'mkfifo .reeve.json disks/fifo.raw.reeve.json'], { cwd: store });
    writeFileSync(join(store, 'disks/plain.raw'), '');
    const through = join(store, 'images/hostname');
    const asked = [`${store}/`, through, '/dev/null'];
    const seen = decode(run('domains', ...asked), nonce, asked);
    const special = { there: true, special: true };
    expect('storage' in seen && seen.storage.stores[store]).toMatchObject({
      marker: 'odd',
      astray: ['images', 'autostart/dom02'],
      starts: ['dom01/web.cfg'],
      disks: {
        'web.raw': { ...special, marker: 'odd' },
        'lost.raw': { ...special, marker: null },
        'fifo.raw': { there: false, marker: 'odd' },
        'plain.raw': { there: true, marker: null },
      },
      leases: { u: { lease: 'odd' } },
      saved: [],
    });
    expect('special' in seen && seen.special).toEqual([join(store, 'images'), '/dev/null']);
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
