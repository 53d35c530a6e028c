/** What makes and copies the files of disks on the simulated dom0, and its checksums; words and codes as coreutils 9.1 and qemu-img 7.2 have them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { makeExport, type Export } from '../../../src/sim/mounts.ts';
import { ask, connect, start } from './client.ts';
import { bench, type Bench } from './farm.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const qcow2 = (text: string): Uint8Array => Uint8Array.from([0x51, 0x46, 0x49, 0xfb, ...bytes(text)]);

let b: Bench;
beforeEach(() => {
  b = bench();
  b.world.files.write('/srv/a.raw', 'content');
  b.world.files.write('/srv/a.qcow2', qcow2('content'), undefined, 64);
});

/** A file's bytes and its size in KiB. */
const disk = (path: string): readonly [Uint8Array, number | undefined] | undefined => {
  const node = b.world.files.get(path);
  return node?.is === 'file' ? [node.bytes, node.size] : undefined;
};
const well = async (line: string): Promise<void> =>
  expect([line, await b.run(line)]).toEqual([line, { rc: 0, out: '', err: '' }]);
const ill = async (line: string, err: string, rc = 1): Promise<void> =>
  expect([line, await b.run(line)]).toEqual([line, { rc, out: '', err }]);

const shrink =
  'qemu-img: Use the --shrink option to perform a shrink operation.\n' +
  "qemu-img: warning: Shrinking an image will delete all data beyond the shrunken image's end. " +
  'Before performing such an operation, make sure there is no important data there.\n';
const noFile = (path: string): string =>
  `qemu-img: Could not open '${path}': Could not open '${path}': No such file or directory\n`;

describe('a disk’s size', () => {
  it('is set beside its bytes, and kept by what copies or moves it', async () => {
    await well('truncate -s 64K /srv/a.raw');
    expect(disk('/srv/a.raw')).toEqual([bytes('content'), 64]);
    await well('cp --reflink=auto --sparse=always /srv/a.raw /srv/copy');
    await well('mv -n /srv/copy /srv/moved');
    expect([disk('/srv/moved'), disk('/srv/copy')]).toEqual([[bytes('content'), 64], undefined]);
    await well('qemu-img resize -q -f raw /srv/moved 96K');
    expect(disk('/srv/moved')).toEqual([bytes('content'), 96]);
    expect((await b.run('qemu-img resize -f raw /srv/moved 96K')).out).toBe('Image resized.\n');
  });
  it('is what its bytes take where nobody said one', async () => {
    b.world.files.write('/srv/big', 'x'.repeat(1025));
    await well('cp /srv/big /srv/copy');
    expect(disk('/srv/copy')?.[1]).toBe(2);
    await ill('qemu-img resize -q -f raw /srv/big 1K', shrink);
    await well('qemu-img resize -q -f raw /srv/big 2K');
  });
  it('that is lowered by truncate takes the bytes behind it', async () => {
    b.world.files.write('/srv/big', 'x'.repeat(3000));
    await well('truncate -s 1K /srv/big');
    expect(disk('/srv/big')).toEqual([bytes('x'.repeat(1024)), 1]);
  });
  it('is not that of its bytes, which stat tells', async () => {
    await well('truncate -s 64K /srv/a.raw');
    expect((await b.run('stat -c %s /srv/a.raw')).out).toBe('7\n');
    expect((await b.run('stat -c %s /srv')).out).toBe('4096\n');
    await ill('stat -c %s /none', "stat: cannot statx '/none': No such file or directory\n");
  });
});

describe('qemu-img', () => {
  it('makes images: a qcow2 is known by its first bytes', async () => {
    await well('qemu-img create -q -f raw /srv/r 64K');
    await well('qemu-img create -q -f qcow2 /srv/q 64K');
    expect([disk('/srv/r'), disk('/srv/q')]).toEqual([
      [new Uint8Array(), 64],
      [qcow2(''), 64],
    ]);
  });
  it.each([
    ['qcow2', 'raw', '/srv/a.qcow2', bytes('content'), 64],
    ['qcow2', 'qcow2', '/srv/a.qcow2', qcow2('content'), 64],
    ['raw', 'qcow2', '/srv/a.raw', qcow2('content'), 1],
    // Whoever takes a qcow2 for raw gets it as it is.
    ['raw', 'raw', '/srv/a.qcow2', qcow2('content'), 64],
  ])('converts %s to %s', async (from, to, path, is, size) => {
    await well(`qemu-img convert -q -f ${from} -O ${to} ${path} /srv/new`);
    expect(disk('/srv/new')).toEqual([is, size]);
    await well(`qemu-img compare -q -f ${from} -F ${to} ${path} /srv/new`);
  });
  it.each([
    ['resize -q -f qcow2 /srv/a.qcow2 32K', shrink],
    ['resize -q -f raw /none 32K', noFile('/none')],
    ['resize -q -f qcow2 /srv/a.raw 64K', "qemu-img: Could not open '/srv/a.raw': Image is not in qcow2 format\n"],
    ['resize -q -f raw /dev/vg0/data 64K', 'qemu-img: Cannot resize device files\n'],
    ['convert -q -f qcow2 -O raw /none /srv/new', noFile('/none')],
    [
      'convert -q -f qcow2 -O raw /srv/a.raw /srv/new',
      "qemu-img: Could not open '/srv/a.raw': Image is not in qcow2 format\n",
    ],
    [
      'convert -q -f raw -O raw /srv/a.raw /none/new',
      "qemu-img: /none/new: error while converting raw: Could not create '/none/new': No such file or directory\n",
    ],
    ['convert -q -n -f raw -O raw /srv/a.raw /srv/new', noFile('/srv/new')],
    [
      'create -q -f raw /none/new 64K',
      "qemu-img: /none/new: Could not create '/none/new': No such file or directory\n",
    ],
    ['bogus', "qemu-img: Command not found: bogus\nTry 'qemu-img --help' for more information\n"],
  ])('%s fails', async (line, err) => {
    await ill(`qemu-img ${line}`, err);
    expect(b.world.files.exists('/srv/new')).toBe(false);
  });
  it('compares contents; that it could not is another code than that they differ', async () => {
    expect(await b.run('qemu-img compare -f raw -F raw /srv/a.raw /srv/a.img')).toEqual({
      rc: 1,
      out: 'Content mismatch at offset 0!\n',
      err: '',
    });
    await ill('qemu-img compare -q -f raw -F raw /srv/a.raw /srv/a.img', '');
    await ill('qemu-img compare -q -f raw -F raw /srv/a.raw /none', noFile('/none'), 2);
    await ill(
      'qemu-img compare -q -f raw -F qcow2 /srv/a.raw /srv/a.raw',
      "qemu-img: Could not open '/srv/a.raw': Image is not in qcow2 format\n",
      2,
    );
  });
});

describe('truncate and cp', () => {
  it.each([
    ['truncate -s 4K /none/x', "truncate: cannot open '/none/x' for writing: No such file or directory\n"],
    ['truncate -s 4K /srv', "truncate: cannot open '/srv' for writing: Is a directory\n"],
    [
      'truncate -s 8192K /dev/vg0/data',
      "truncate: failed to truncate '/dev/vg0/data' at 8388608 bytes: Invalid argument\n",
    ],
    ['cp --reflink=auto /none /srv/new', "cp: cannot stat '/none': No such file or directory\n"],
    ['cp --reflink=auto /srv /srv/new', "cp: -r not specified; omitting directory '/srv'\n"],
    ['cp --reflink=auto /srv/a.raw /none/x', "cp: cannot create regular file '/none/x': No such file or directory\n"],
  ])('%s fails', async (line, err) => {
    expect(await b.run(line)).toEqual({ rc: 1, out: '', err });
  });
});

/** A dom0 whose disk is full, or an export that is, or cannot be written. */
const troubled = async (what: 'full' | 'ro', where: 'local' | 'export'): Promise<string> => {
  const exports: ReadonlyMap<string, Export> = new Map([['filer:/x', makeExport()]]);
  b = bench({}, exports);
  const folder = where === 'local' ? '/srv' : '/mnt';
  await b.run('mkdir -p /mnt');
  if (where === 'export') await b.run('mount -t nfs filer:/x /mnt');
  for (const name of ['a.raw', 'old']) b.world.files.write(`${folder}/${name}`, 'content');
  const { trouble } = (where === 'local' ? b.world : (exports.get('filer:/x') ?? b.world)).files;
  if (what === 'full') trouble.full = true;
  else b.world.files.trouble.readOnlyUnder = folder;
  return folder;
};

describe.each(['local', 'export'] as const)('what is full (%s)', (where) => {
  it.each([
    ['truncate -s 64K @/new', "truncate: cannot open '@/new' for writing: "],
    ['cp @/a.raw @/new', "cp: cannot create regular file '@/new': "],
    ['cp @/a.raw @/old', "cp: error writing '@/old': "],
    ['qemu-img create -q -f qcow2 @/new 64K', "qemu-img: @/new: Could not create '@/new': "],
    ['qemu-img create -q -f qcow2 @/old 64K', 'qemu-img: @/old: Could not write qcow2 header: '],
    [
      'qemu-img convert -q -f raw -O raw @/a.raw @/new',
      "qemu-img: @/new: error while converting raw: Could not create '@/new': ",
    ],
    ['qemu-img convert -q -f raw -O raw @/a.raw @/old', 'qemu-img: error while writing at byte 0: '],
  ])('%s finds no room', async (line, who) => {
    const folder = await troubled('full', where);
    await ill(line.replaceAll('@', folder), `${who.replaceAll('@', folder)}No space left on device\n`);
    expect([disk(`${folder}/old`)?.[0], disk(`${folder}/new`)]).toEqual([bytes('content'), undefined]);
  });
  it('still lets a hole grow, which takes no room', async () => {
    const folder = await troubled('full', where);
    await well(`truncate -s 64K ${folder}/old`);
    await well(`qemu-img resize -q -f raw ${folder}/old 96K`);
    expect(disk(`${folder}/old`)).toEqual([bytes('content'), 96]);
  });
});

describe.each(['local', 'export'] as const)('what is read-only (%s)', (where) => {
  it.each([
    ['truncate -s 64K @/old', "truncate: cannot open '@/old' for writing: "],
    ['cp @/a.raw @/old', "cp: cannot create regular file '@/old': "],
    ['qemu-img create -q -f raw @/new 64K', "qemu-img: @/new: Could not create '@/new': "],
    ['qemu-img resize -q -f raw @/old 64K', "qemu-img: Could not open '@/old': Could not open '@/old': "],
    [
      'qemu-img convert -q -f raw -O raw @/a.raw @/old',
      "qemu-img: @/old: error while converting raw: Could not create '@/old': ",
    ],
  ])('%s is refused', async (line, who) => {
    const folder = await troubled('ro', where);
    await ill(line.replaceAll('@', folder), `${who.replaceAll('@', folder)}Read-only file system\n`);
    expect(disk(`${folder}/old`)).toEqual([bytes('content'), undefined]);
  });
});

describe('sha256sum', () => {
  const [one, two] = [
    '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',
    '3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3',
  ];
  beforeEach(() => {
    b.put('/srv/1', 'one');
    b.put('/srv/2', 'two');
  });
  it('tells sums, of those that it can read', async () => {
    expect(await b.run('sha256sum /srv/1 /none /srv/2 /srv')).toEqual({
      rc: 1,
      out: `${one}  /srv/1\n${two}  /srv/2\n`,
      err: 'sha256sum: /none: No such file or directory\nsha256sum: /srv: Is a directory\n',
    });
    expect(await b.run('sha256sum /srv/1')).toEqual({ rc: 0, out: `${one}  /srv/1\n`, err: '' });
  });
  it.each([
    ['right', `${one}  /srv/1\n${two.toUpperCase()}  /srv/2\n`, 0, '/srv/1: OK\n/srv/2: OK\n', ''],
    [
      'one wrong',
      `${one}  /srv/1\n${one}  /srv/2\n`,
      1,
      '/srv/1: OK\n/srv/2: FAILED\n',
      'sha256sum: WARNING: 1 computed checksum did NOT match\n',
    ],
    [
      'two wrong',
      `${two}  /srv/1\n${one}  /srv/2\n`,
      1,
      '/srv/1: FAILED\n/srv/2: FAILED\n',
      'sha256sum: WARNING: 2 computed checksums did NOT match\n',
    ],
    [
      'all sorts',
      `junk\n${one}  /srv/1\n${one}  /srv/2\n${one}  /none\n`,
      1,
      '/srv/1: OK\n/srv/2: FAILED\n/none: FAILED open or read\n',
      'sha256sum: /none: No such file or directory\nsha256sum: WARNING: 1 line is improperly formatted\n' +
        'sha256sum: WARNING: 1 listed file could not be read\nsha256sum: WARNING: 1 computed checksum did NOT match\n',
    ],
    ['no sums', 'junk\n', 1, '', 'sha256sum: /srv/sums: no properly formatted checksum lines found\n'],
  ])('checks a list: %s', async (_what, list, rc, out, err) => {
    b.put('/srv/sums', list);
    expect(await b.run('sha256sum -c /srv/sums')).toEqual({ rc, out, err });
  });
  it('needs the list', async () => {
    expect((await b.run('sha256sum -c /none')).err).toBe('sha256sum: /none: No such file or directory\n');
  });
});

describe('a reading', () => {
  it('tells of a store’s images after its disks, with the labels of those that have one', async () => {
    const farm = await start();
    const client = await connect(farm);
    await farm.hand('dom01', ['mkdir', '-p', '/srv/s/disks', '/srv/s/images']);
    const files = farm.files('dom01');
    for (const name of ['deb.qcow2', 'deb.qcow2.reeve.json', '.hidden', 'half.part'])
      files.write(`/srv/s/images/${name}`, ' {"format":1}\nmore\n');
    files.write('/srv/s/disks/d', '');
    files.link('/none', '/srv/s/images/lost');
    const { out } = await ask(client, 'observe', ['n', 'domains', '/srv/s/']);
    expect(out).toContain(
      '1 used\n1 disk d\n1 image deb.qcow2\n1 image deb.qcow2.reeve.json\n1 label deb.qcow2.reeve.json/ {"format":1}\n' +
        '1 image half.part\n1 special images/lost\n1 df ',
    );
    expect(out).not.toContain('@n vgs');
  });
});
