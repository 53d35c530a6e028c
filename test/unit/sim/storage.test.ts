/** The storage of the simulated dom0: mounts and their failures, shared, full and dead exports, reboots, and what a reading says. */
import type { Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import type { SimFarm } from '../../../src/sim/index.ts';
import { makeExport, type Export } from '../../../src/sim/mounts.ts';
import { makeProcess, withTimeout, type Result } from '../../../src/sim/process.ts';
import { runProgram } from '../../../src/sim/programs.ts';
import { ask, connect, dir, hold, sha256, start } from './client.ts';
import { bench, cfg, hvm, type Bench } from './farm.ts';

const source = 'filer:/export/a';
const plainMounts =
  '/dev/xvda1 / ext4 rw,relatime,errors=remount-ro 0 0\n' +
  'proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n' +
  'tmpfs /run tmpfs rw,nosuid,nodev,noexec,relatime,size=65536k,mode=755,inode64 0 0\n';
const shown = (path: string, options = 'rw,relatime,vers=4.2'): string =>
  `filer:/export/a ${path} nfs4 ${options},rsize=1048576,wsize=1048576,namlen=255,hard,proto=tcp,timeo=600,retrans=2,sec=sys,` +
  'clientaddr=192.0.2.11,local_lock=none,addr=192.0.2.10 0 0\n';

const exports = (): ReadonlyMap<string, Export> =>
  new Map([
    [source, makeExport()],
    ['filer:/export/b', makeExport()],
  ]);

/** A dom0 with the folders /srv/x and /srv/y. */
const withFolders = async (all = exports()): Promise<Bench> => {
  const b = bench({}, all);
  await b.run('mkdir -p /srv/x /srv/y');
  return b;
};

const mounted = async (all = exports()): Promise<Bench> => {
  const b = await withFolders(all);
  expect(await b.run(`mount -t nfs -o _netdev,nofail ${source} /srv/x`)).toEqual({ rc: 0, out: '', err: '' });
  return b;
};

/** As an operation runs it: killed, with 124, when its time is over. */
const bounded = ({ world }: Bench, line: string): Promise<Result> =>
  world.clock.during(
    withTimeout(world.clock, makeProcess(world.clock), 60, (p) => runProgram(world, p, line.split(' '))),
  );

describe('mount', () => {
  it('shows a tree beneath the mount point, and umount what was there before', async () => {
    const b = await withFolders();
    b.put('/srv/x/local', '1');
    await b.run(`mount -t nfs ${source} /srv/x`);
    expect(b.world.files.list('/srv/x')).toEqual([]);
    b.put('/srv/x/far', '2');
    expect(await b.run('cat /srv/x/far')).toEqual({ rc: 0, out: '2', err: '' });
    expect(b.world.exports.get(source)?.files.text('/far')).toBe('2');
    expect(await b.run('umount /srv/x')).toEqual({ rc: 0, out: '', err: '' });
    expect(b.world.files.list('/srv/x')).toEqual(['local']);
  });
  it.each([
    ['-t nfs -o vers=4.2 filer:/export/a /srv/x', shown('/srv/x')],
    [
      'filer:/export/a /srv/x/ -o ro,noatime,vers=4.1 -t nfs4',
      shown('/srv/x', 'ro,vers=4.1').replace(',hard', ',hard,noatime'),
    ],
    ['filer:/export/a /srv/x', shown('/srv/x')],
  ])('%s', async (words, line) => {
    const b = await withFolders();
    expect(await b.run(`mount ${words}`)).toEqual({ rc: 0, out: '', err: '' });
    expect((await b.run('cat /proc/self/mounts')).out).toBe(plainMounts + line);
    expect((await b.run('cat /proc/mounts')).out).toBe(plainMounts + line);
    await b.run('umount /srv/x');
    expect((await b.run('cat /proc/self/mounts')).out).toBe(plainMounts);
  });
  it('writes blanks in octal, and NFS 3 as what it is', async () => {
    const b = await withFolders();
    await b.argv(['mkdir', '/srv/a b']);
    await b.argv(['mount', '-t', 'nfs', '-o', 'vers=3', source, '/srv/a b']);
    expect((await b.run('cat /proc/mounts')).out).toContain(
      String.raw`filer:/export/a /srv/a\040b nfs rw,relatime,vers=3,`,
    );
  });
  it.each([
    [
      '-t nfs filer:/x /srv/x',
      32,
      'mount.nfs: mounting filer:/x failed, reason given by server: No such file or directory\n',
    ],
    ['-t nfs nohost:/x /srv/x', 32, 'mount.nfs: Failed to resolve server nohost: Name or service not known\n'],
    ['-t nfs nohost:/x /srv/none', 32, 'mount.nfs: mount point /srv/none does not exist\n'],
    ['-t nfs4 filer:/export/a /srv/a.img', 32, 'mount.nfs4: mount point /srv/a.img is not a directory\n'],
    ['-t nfs nocolon /srv/x', 32, "mount.nfs: remote share not in 'host:dir' format\n"],
    ['/srv/x', 1, "mount: /srv/x: can't find in /etc/fstab.\n"],
    [
      '-t foofs x /srv/x',
      32,
      "mount: /srv/x: unknown filesystem type 'foofs'.\n       dmesg(1) may have more information after failed mount system call.\n",
    ],
  ])('%s fails', async (words, rc, err) => {
    const b = await withFolders();
    expect(await b.run(`mount ${words}`)).toEqual({ rc, out: '', err });
    expect(b.world.files.mounts).toEqual([]);
  });
  it('takes the rest from /etc/fstab', async () => {
    const b = await withFolders();
    b.put('/etc/fstab', `# filer:/export/b /srv/x nfs rw 0 0\n${source}\t/srv/x/ nfs noauto,vers=4.1 0 0\n`);
    expect((await b.run('mount /srv/x')).rc).toBe(0);
    expect((await b.run('cat /proc/mounts')).out).toBe(plainMounts + shown('/srv/x', 'rw,relatime,vers=4.1'));
  });
  it('puts one above the other', async () => {
    const b = await mounted();
    await b.run('mount -t nfs filer:/export/b /srv/x');
    b.put('/srv/x/f', 'b');
    await b.run('umount /srv/x');
    expect(b.world.files.list('/srv/x')).toEqual([]);
    expect(b.world.exports.get('filer:/export/b')?.files.list('/')).toEqual(['f']);
  });
  it('lets nobody write what is mounted read-only', async () => {
    const b = await withFolders();
    await b.run(`mount -t nfs -o ro ${source} /srv/x`);
    expect((await b.run('mkdir /srv/x/d')).err).toBe(
      "mkdir: cannot create directory '/srv/x/d': Read-only file system\n",
    );
    expect(b.world.files.write('/srv/x/f', '')).toBe('Read-only file system');
  });
  it('follows links from one tree into another', async () => {
    const b = await mounted();
    b.put('/srv/x/f', 'far');
    await b.run('ln -s /srv/x/f /srv/near');
    expect((await b.run('cat /srv/near')).out).toBe('far');
    b.put('/srv/near', 'new');
    expect(b.world.files.text('/srv/x/f')).toBe('new');
  });
});

describe('umount', () => {
  it.each([
    ['/srv/y', 'umount: /srv/y: not mounted.\n'],
    ['/srv/none', 'umount: /srv/none: no mount point specified.\n'],
    ['/', 'umount: /: target is busy.\n'],
  ])('%s fails', async (path, err) => {
    expect(await (await mounted()).run(`umount ${path}`)).toEqual({ rc: 32, out: '', err });
  });
  it.each([
    ['a disk', { disk: '["format=raw,vdev=xvda,access=rw,target=/srv/x/a.img"]' }],
    ['a medium', { ...hvm, disk: '["format=raw,vdev=hda,access=rw,target=/srv/a.img", "/srv/x/a.img,raw,hdc,cdrom"]' }],
  ])('is refused while a domain has %s there', async (_what, changes) => {
    const b = await mounted();
    b.put('/srv/x/a.img', '');
    b.put('/etc/xen/a.cfg', cfg('a', changes));
    expect((await b.run('xl create -q /etc/xen/a.cfg')).rc).toBe(0);
    expect(await b.run('umount /srv/x')).toEqual({ rc: 32, out: '', err: 'umount: /srv/x: target is busy.\n' });
    await b.run('xl destroy a');
    await b.settle();
    expect((await b.run('umount /srv/x')).rc).toBe(0);
  });
  it('is refused while another is mounted beneath', async () => {
    const b = await mounted();
    await b.run('mkdir /srv/x/in');
    await b.run('mount -t nfs filer:/export/b /srv/x/in');
    expect((await b.run('umount /srv/x')).err).toBe('umount: /srv/x: target is busy.\n');
  });
});

describe('folders', () => {
  it.each([
    ['mkdir /none/a', "mkdir: cannot create directory '/none/a': No such file or directory\n"],
    ['mkdir /srv', "mkdir: cannot create directory '/srv': File exists\n"],
    ['mkdir -p /srv/a.img', "mkdir: cannot create directory '/srv/a.img': File exists\n"],
    ['rmdir /srv', "rmdir: failed to remove '/srv': Directory not empty\n"],
    ['rmdir /srv/x', "rmdir: failed to remove '/srv/x': Device or resource busy\n"],
    ['rmdir /srv/a.img', "rmdir: failed to remove '/srv/a.img': Not a directory\n"],
    ['rmdir /srv/none', "rmdir: failed to remove '/srv/none': No such file or directory\n"],
    ['rm -f /srv/y', "rm: cannot remove '/srv/y': Is a directory\n"],
  ])('%s fails', async (line, err) => {
    expect(await (await mounted()).run(line)).toEqual({ rc: 1, out: '', err });
  });
  it('come and go', async () => {
    const b = await mounted();
    for (const line of ['mkdir -p /srv/x/d/e /srv/x/d', 'rmdir /srv/x/d/e', 'rm -f /srv/x/d/none', 'rmdir /srv/x/d'])
      expect(await b.run(line)).toEqual({ rc: 0, out: '', err: '' });
    expect(b.world.files.list('/srv/x')).toEqual([]);
  });
});

describe('an export', () => {
  it('is one tree for all servers that mount it', async () => {
    const all = exports();
    const [one, two] = [await mounted(all), await mounted(all)];
    one.put('/srv/x/f', 'shared');
    expect((await two.run('cat /srv/x/f')).out).toBe('shared');
    await two.run('rm /srv/x/f');
    expect(one.world.files.exists('/srv/x/f')).toBe(false);
    await two.run('umount /srv/x');
    two.put('/srv/x/f', 'local');
    expect(one.world.files.list('/srv/x')).toEqual([]);
  });
  it('is full by itself, and a full dom0 does not fill it', async () => {
    const all = exports();
    const b = await mounted(all);
    b.world.files.trouble.full = true;
    expect([b.world.files.write('/srv/x/f', 'x'), b.world.files.write('/srv/f', 'x')]).toEqual([
      null,
      'No space left on device',
    ]);
    b.world.files.trouble.full = false;
    for (const e of all.values()) e.files.trouble.full = true;
    expect([b.world.files.write('/srv/x/g', 'x'), b.world.files.write('/srv/f', 'x')]).toEqual([
      'No space left on device',
      null,
    ]);
    expect((await b.run('df -Pk /srv/x')).out).toBe(
      'Filesystem      1024-blocks      Used Available Capacity Mounted on\n' +
        'filer:/export/a   104857600 104857600         0     100% /srv/x\n',
    );
  });
  it('that is dead lets everybody wait who touches it, and nobody else', async () => {
    const all = exports();
    const b = await mounted(all);
    b.put('/etc/xen/a.cfg', cfg('a', { disk: '["format=raw,vdev=xvda,access=rw,target=/srv/x/a.img"]' }));
    for (const e of all.values()) e.dead = true;
    for (const line of [
      'cat /srv/x/f',
      'mkdir -p /srv/x',
      'umount /srv/x',
      `mount -t nfs ${source} /srv/y`,
      'xl create -q /etc/xen/a.cfg',
    ])
      expect([line, (await bounded(b, line)).rc]).toEqual([line, 124]);
    expect(await bounded(b, 'cat /proc/mounts')).toMatchObject({ rc: 0, out: plainMounts + shown('/srv/x') });
    expect((await bounded(b, 'umount -l /srv/x')).rc).toBe(0);
    expect((await bounded(b, 'mkdir -p /srv/x/d')).rc).toBe(0);
  });
});

describe('df', () => {
  it.each([
    [
      '/srv/y',
      'Filesystem     1024-blocks    Used Available Capacity Mounted on\n' +
        '/dev/xvda1         8125880 1826044   5865480      24% /\n',
    ],
    [
      '/srv/x/',
      'Filesystem      1024-blocks  Used Available Capacity Mounted on\n' +
        'filer:/export/a   104857600     2 104857598       1% /srv/x\n',
    ],
  ])('of %s', async (path, out) => {
    const b = await mounted();
    b.put('/srv/x/f', 'x'.repeat(1025));
    expect(await b.run(`df -Pk ${path}`)).toEqual({ rc: 0, out, err: '' });
    expect((await b.run('df -P -k /none')).err).toBe('df: /none: No such file or directory\n');
  });
});

const open = (): Promise<SimFarm> =>
  start(['dom01', 'dom02'], Infinity, [source, { source: 'filer:/b', sizeKiB: 2048 }]);

/** One section of a reading, as it stands between its frame's lines. */
const section = (out: string, name: string): string | undefined =>
  new RegExp(`\n@n ${name}\n([\\s\\S]*?)\n@n /${name} (\\d+)\n`).exec(out)?.slice(1).toReversed().join(' ');
const read = async (client: Client, ...paths: readonly string[]): Promise<string> =>
  (await ask(client, 'observe', ['n', 'domains', ...paths])).out;

describe('a reading', () => {
  it('tells of mounts, stores and paths, and has fstab', async () => {
    const farm = await open();
    const client = await connect(farm);
    for (const line of [
      'mkdir -p /srv/x /srv/y /srv/z',
      `mount -t nfs ${source} /srv/x`,
      'mount -t nfs filer:/b /srv/z',
    ])
      await farm.hand('dom01', line.split(' '));
    farm.export(source).files.write('/.reeve.json', ' {"format":1}\nmore\n');
    await farm.hand('dom01', ['mkdir', '/srv/x/disks']);
    farm.files('dom01').write('/srv/x/disks/d', '');
    farm.files('dom01').write('/srv/x/disks/d.reeve.json', '{"vm":1}\n');
    const out = await read(client, '/srv/a.img', '/srv/x/', '/srv/none/', '/srv/none', '/srv/y/', '/srv/z/');
    expect(section(out, 'mounts')).toBe(
      `0 ${plainMounts}${shown('/srv/x')}${shown('/srv/z').replace('filer:/export/a', 'filer:/b')}`,
    );
    expect(section(out, 'paths')).toBe(
      '0 1 store /srv/x/\n1 folder\n1 marker  {"format":1}\n1 used\n1 disk d\n1 disk d.reeve.json\n1 owner d.reeve.json/{"vm":1}\n1 blocks 0 d\n' +
        '1 df filer:/export/a   104857600     2 104857598       1% /srv/x\n1 end\n' +
        '2 store /srv/none/\n2 end\n' +
        '3 store /srv/y/\n3 folder\n3 df /dev/xvda1         8125880 1826044   5865480      24% /\n3 end\n' +
        '4 store /srv/z/\n4 folder\n4 df filer:/b              2048     0      2048       0% /srv/z\n4 end\n' +
        '0 there /srv/a.img\n0 missing /srv/none\n',
    );
    expect(out).toMatch(/\/qemu 0\n\n@n mounts\n/);
    const tar = section(out, 'files') ?? '';
    expect(tar.indexOf('etc/fstab\0')).toBeGreaterThan(tar.indexOf('etc/default/xendomains\0'));
    expect(tar.indexOf('etc/fstab\0')).toBeLessThan(tar.indexOf('var/lib/xen/userdata-d.0'));
    expect(tar).toContain('/dev/xvda1 /               ext4    errors=remount-ro 0       1\n');
    expect(section(await read(client), 'mounts')).toBeUndefined();
  });
  it.each<[string, (files: ReturnType<SimFarm['files']>) => void]>([
    ['a hidden file', (files) => files.write('/srv/y/.x', '')],
    ['a file of two dots', (files) => files.write('/srv/y/..x', '')],
    ['a link that leads nowhere', (files) => files.link('/none', '/srv/y/l')],
  ])('does not take a store with %s for empty', async (_, put) => {
    const farm = await open();
    const client = await connect(farm);
    await farm.hand('dom01', ['mkdir', '-p', '/srv/y']);
    expect(await read(client, '/srv/y/')).not.toContain('1 used\n');
    put(farm.files('dom01'));
    expect(await read(client, '/srv/y/')).toContain('1 used\n');
  });
  it('tells long lines in pieces, too long ones as empty, and names with control characters not at all', async () => {
    const farm = await open();
    const client = await connect(farm);
    await farm.hand('dom01', ['mkdir', '-p', '/srv/y/disks', '/srv/y/leases']);
    const files = farm.files('dom01');
    files.write('/srv/y/disks/a\n1 disk b', '');
    files.write('/srv/y/disks/c', '');
    files.write('/srv/y/leases/a.json', 'x'.repeat(500));
    files.write('/srv/y/leases/b.json', 'x'.repeat(8193));
    expect(section(await read(client, '/srv/y/'), 'paths')).toMatch(
      /folder\n1 used\n1 odd\n1 disk c\n1\+lease a.json\/x{387}\n1 x{113}\n1 lease b.json\/\n1 df /,
    );
  });
  it('gives up a dead store after eight seconds, and says the rest', async () => {
    const farm = await open();
    const client = await connect(farm);
    for (const line of ['mkdir -p /srv/x /srv/y', `mount -t nfs ${source} /srv/x`, 'ln -s /srv/a.img /srv/x/a.img'])
      await farm.hand('dom01', line.split(' '));
    farm.files('dom01').write('/etc/xen/a.cfg', cfg('a', { disk: '["/srv/x/b.img,raw,xvda,w"]' }));
    farm.export(source).files.write('/b.img', '');
    await farm.hand('dom01', ['xl', 'create', '-q', '/etc/xen/a.cfg']);
    await farm.settle();
    const well = await read(client, '/srv/y/');
    farm.export(source).dead(true);
    const ill = await read(client, '/srv/y/', '/srv/x/', '/srv/a.img', '/srv/x/b.img', '/srv/b.img');
    expect(section(ill, 'paths')).toBe(
      '137 1 store /srv/y/\n1 folder\n1 df /dev/xvda1         8125880 1826044   5865480      24% /\n1 end\n' +
        '2 store /srv/x/\n0 there /srv/a.img\n',
    );
    // A running domain whose disk is dead changes nothing else.
    expect(section(ill, 'xs')).toBe(section(well, 'xs'));
    const seconds = (out: string): number => Number(/^a +\d+ .* (\d+\.\d)/m.exec(section(out, 'xl-list') ?? '')?.[1]);
    const next = await read(client);
    // A guest computes for a fifth of the time: of the one second of a reading, and of the nine of this one.
    expect(seconds(ill) - seconds(well)).toBeCloseTo(0.2);
    expect(seconds(next) - seconds(ill)).toBeCloseTo(1.8);
  });
});

describe('a text that writes', () => {
  it('writes on what is mounted, and hears when it is full', async () => {
    const farm = await open();
    const client = await connect(farm);
    await farm.hand('dom01', ['mkdir', '-p', '/srv/x']);
    await farm.hand('dom02', ['mkdir', '-p', '/srv/x']);
    await farm.hand('dom01', ['mount', '-t', 'nfs', source, '/srv/x']);
    await farm.hand('dom02', ['mount', '-t', 'nfs', source, '/srv/x']);
    await hold(client, 'e1');
    const put = async (text: string): Promise<string> =>
      (await ask(client, 'write', [dir, 'e1', 'write', '/srv/x/f', '600'], `any ${sha256(text)}\n${text}`)).out;
    farm.faults('dom01').fullDisk(true);
    expect(await put('one')).toBe('DONE\n');
    expect(farm.files('dom02').read('/srv/x/f')).toBe('one');
    expect(farm.export(source).files.read('/f')).toBe('one');
    farm.export(source).full(true);
    expect(await put('two')).toBe('FAILED cannot write /srv/x/f: No space left on device\n');
    farm.export(source).full(false);
    farm.faults('dom01').readOnly('/srv');
    expect(await put('two')).toBe('FAILED cannot write /srv/x/f: Read-only file system\n');
    expect(() => farm.export('filer:/none')).toThrow('exports no filer:/none');
  });
});

describe('a reboot', () => {
  it('loses what ran, and mounts what fstab says and answers', async () => {
    const farm = await open();
    const client = await connect(farm);
    const files = farm.files('dom01');
    const closed = new Promise<void>((resolve) => client.on('close', () => resolve()));
    client.on('error', () => {});
    for (const line of ['mkdir -p /srv/x /srv/y', `mount -t nfs ${source} /srv/y`])
      await farm.hand('dom01', line.split(' '));
    files.write('/etc/xen/a.cfg', cfg('a'));
    await farm.hand('dom01', ['xl', 'create', '-q', '/etc/xen/a.cfg']);
    await hold(client, 'e1');
    await ask(client, 'op', [dir, 'e1', 'o', '60', 'sleep', '30']);
    // The boot of the guest is under way: nothing of it may reach the next boot.
    const before = section(await read(client), 'host');
    files.write(
      '/etc/fstab',
      `${files.read('/etc/fstab') ?? ''}${source} /srv/x nfs nofail,vers=4.2 0 0\nfiler:/b /srv/b nfs nofail 0 0\n` +
        `filer:/none /srv/y nfs nofail 0 0\n${source} /srv/y nfs4 noauto 0 0\n`,
    );
    farm.export('filer:/b').dead(true);
    farm.reboot('dom01');
    await closed;
    const again = await connect(farm);
    const out = await read(again, '/srv/x/');
    expect(section(out, 'host')).not.toBe(before);
    expect(section(out, 'host')?.split('\n')[1]).toBe(files.read('/proc/sys/kernel/random/boot_id')?.trim());
    expect(section(out, 'xl-list')).toMatch(/^0 Name.*\nDomain-0 .*\n$/);
    expect(section(out, 'ps')).not.toContain('xl create');
    expect(section(out, 'mounts')).toBe(`0 ${plainMounts}${shown('/srv/x')}`);
    expect(files.list('/run')).toEqual([]);
    expect((await ask(again, 'wait', [dir, 'o'])).out).toBe('NEVER\n');
    expect((await ask(again, 'op', [dir, 'e1', 'p', '60', 'true'])).out).toBe('FENCED\n');
    await farm.settle();
    expect(await farm.hand('dom01', ['xl', 'create', '-q', '/etc/xen/a.cfg'])).toMatchObject({ rc: 0 });
    expect((await farm.hand('dom01', ['xl', 'list', 'a'])).out).toMatch(/^a +1 /m);
  });
  it('ends what a hand was running', async () => {
    const farm = await open();
    const slept = farm.hand('dom01', ['sleep', '1000000']);
    farm.reboot('dom01');
    await expect(slept).rejects.toThrow('the dom0 was rebooted');
    expect((await farm.hand('dom02', ['true'])).rc).toBe(0);
  });
});
