/** The volume groups of the simulated dom0: words, codes and JSON as LVM 2.03.16 prints them; open volumes, old bytes, and what a reading says. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ask, connect, start } from './client.ts';
import { openAtBoot } from '../../../src/sim/lvm.ts';
import { bench, cfg, type Bench } from './farm.ts';

const on = { volumeGroups: { vg0: 4_190_208 }, paths: ['/srv/vmlinuz', '/srv/initrd.gz', '/srv/a.img'] };
const vgs = 'vgs --reportformat json --units k --nosuffix -o vg_name,vg_uuid,vg_size,vg_free,vg_lock_type,vg_tags';
const lvs = 'lvs --reportformat json --units k --nosuffix -o vg_name,lv_name,lv_size,lv_tags';

let b: Bench;
beforeEach(() => {
  b = bench(on);
});

const make = (name: string, size = '65536k', more = ''): string =>
  `lvcreate -q -y -W n -n ${name} -L ${size}${more} vg0`;
/** Each must succeed; what they said. */
const well = async (...lines: readonly string[]): Promise<string> => {
  let out = '';
  for (const line of lines) {
    const result = await b.run(line);
    expect([line, result.rc, result.err]).toEqual([line, 0, '']);
    out += result.out;
  }
  return out;
};
const uuidOf = (group: string): string | undefined => b.world.groups.get(group)?.uuid;
const bytesOf = (name: string): string | undefined => b.world.files.text(`/dev/vg0/${name}`);
const sizeOf = (name: string): number | undefined => {
  const node = b.world.files.get(`/dev/vg0/${name}`);
  return node?.is === 'file' ? node.size : undefined;
};

const emptyReport = (kind: string): string => `  {
      "report": [
          {
              "${kind}": [
              ]
          }
      ]
  }
`;

describe('reports', () => {
  it('are empty where there is nothing', async () => {
    expect(await well(lvs)).toBe(emptyReport('lv'));
    b = bench();
    expect([await well(vgs), await well(lvs)]).toEqual([emptyReport('vg'), emptyReport('lv')]);
  });
  it('have the shape of LVM’s, sorted', async () => {
    await well(
      make('b', '65000k', ' --addtag z --addtag b --addtag b'),
      make('a', '4096k'),
      'vgchange -q --addtag f vg0',
    );
    expect(await well(vgs)).toBe(`  {
      "report": [
          {
              "vg": [
                  {"vg_name":"vg0", "vg_uuid":"${uuidOf('vg0')}", "vg_size":"4190208.00", "vg_free":"4120576.00", "vg_lock_type":"", "vg_tags":"f"}
              ]
          }
      ]
  }
`);
    expect(await well(lvs)).toBe(`  {
      "report": [
          {
              "lv": [
                  {"vg_name":"vg0", "lv_name":"a", "lv_size":"4096.00", "lv_tags":""},
                  {"vg_name":"vg0", "lv_name":"b", "lv_size":"65536.00", "lv_tags":"b,z"}
              ]
          }
      ]
  }
`);
  });
  it('are of whole extents', async () => {
    b = bench({ volumeGroups: { vg0: 10_000, vg1: 4096 } });
    const rows = JSON.parse(await well(vgs)) as unknown;
    expect(rows).toEqual({
      report: [
        {
          vg: [
            {
              vg_name: 'vg0',
              vg_uuid: uuidOf('vg0'),
              vg_size: '8192.00',
              vg_free: '8192.00',
              vg_lock_type: '',
              vg_tags: '',
            },
            {
              vg_name: 'vg1',
              vg_uuid: uuidOf('vg1'),
              vg_size: '4096.00',
              vg_free: '4096.00',
              vg_lock_type: '',
              vg_tags: '',
            },
          ],
        },
      ],
    });
  });
});

describe('a volume', () => {
  it('is made, tagged, renamed, grown and removed', async () => {
    expect(await well(make('a'))).toBe('  Logical volume "a" created.\n');
    expect([sizeOf('a'), b.world.files.list('/dev/vg0')]).toEqual([65_536, ['a']]);
    // Whoever writes to a device changes nothing of its size.
    b.world.files.write('/dev/vg0/a', 'bytes');
    expect(sizeOf('a')).toBe(65_536);
    expect(await well('lvchange -q --addtag x --addtag reeve:a=b/c vg0/a', 'lvchange -q --deltag x vg0/a')).toBe(
      '  Logical volume vg0/a changed.\n'.repeat(2),
    );
    expect(await well('lvrename -q vg0 a bb')).toBe('  Renamed "a" to "bb" in volume group "vg0"\n');
    expect([bytesOf('bb'), sizeOf('bb'), bytesOf('a')]).toEqual(['bytes', 65_536, undefined]);
    expect(await well('lvextend -q -L 98304k vg0/bb')).toBe(
      '  Size of logical volume vg0/bb changed from 64.00 MiB (16 extents) to 96.00 MiB (24 extents).\n' +
        '  Logical volume vg0/bb successfully resized.\n',
    );
    expect([bytesOf('bb'), sizeOf('bb')]).toEqual(['bytes', 98_304]);
    expect(await well(lvs)).toContain('"lv_name":"bb", "lv_size":"98304.00", "lv_tags":"reeve:a=b/c"');
    expect(await well('lvremove -q -f vg0/bb')).toBe('  Logical volume "bb" successfully removed.\n');
    // The folder goes with its last volume.
    expect([bytesOf('bb'), b.world.files.exists('/dev/vg0')]).toEqual([undefined, false]);
    expect(await well(vgs)).toContain('"vg_free":"4190208.00"');
  });
  it('has whole extents', async () => {
    expect(await well(make('a', '65000k'))).toBe(
      '  Rounding up size to full physical extent 64.00 MiB\n  Logical volume "a" created.\n',
    );
    expect(await well('lvextend -q -L 98300k vg0/a')).toMatch(
      /^ {2}Rounding size to boundary between physical extents: 96\.00 MiB\.\n {2}Size of/,
    );
    expect(sizeOf('a')).toBe(98_304);
  });
  it('keeps its tags whatever is done twice or to none', async () => {
    await well(make('a', '4096k', ' --addtag t'), 'lvchange -q --addtag t vg0/a', 'lvchange -q --deltag none vg0/a');
    await well('vgchange -q --addtag f vg0', 'vgchange -q --addtag f vg0', 'vgchange -q --deltag none vg0');
    expect([await well(vgs), await well(lvs)].map((text) => /tags":"[^"]*"/.exec(text)?.[0])).toEqual([
      'tags":"f"',
      'tags":"t"',
    ]);
  });
  it('is made once, though two ask at the same time', async () => {
    const all = await Promise.all([b.run(make('a')), b.run(make('a'))]);
    expect(all.map((r) => r.rc).sort((x, y) => x - y)).toEqual([0, 5]);
  });
});

const help = (tool: string): string => `  Run \`${tool} --help' for more information.\n`;
const noGroup = (name: string): string => `  Volume group "${name}" not found\n  Cannot process volume group ${name}\n`;

describe('what LVM refuses', () => {
  beforeEach(() => well(make('a', '98304k'), make('c', '4096k')));
  it.each([
    [make('a'), 5, '  Logical Volume "a" already exists in volume group "vg0"\n', ''],
    [
      make('big', '900000001k'),
      5,
      '  Volume group "vg0" has insufficient free space (998 extents): 219727 required.\n',
      '  Rounding up size to full physical extent <858.31 GiB\n',
    ],
    ['lvcreate -q -y -W n -n x -L 4096k none', 5, noGroup('none'), ''],
    [make('x/y', '4096k'), 3, `  Logical volume name "x/y" is invalid.\n${help('lvcreate')}`, ''],
    [
      make('snapshot1', '4096k'),
      3,
      `  Names starting "snapshot" are reserved. Please choose a different LV name.\n${help('lvcreate')}`,
      '',
    ],
    [
      make('x', '4096k', ' --addtag a@b'),
      3,
      '  Invalid argument for --addtag: a@b\n  Error during parsing of command line.\n',
      '',
    ],
    ['lvextend -q -L 98304k vg0/a', 5, '  New size (24 extents) matches existing size (24 extents).\n', ''],
    [
      'lvextend -q -L 65536k vg0/a',
      5,
      '  New size given (16 extents) not larger than existing size (24 extents)\n',
      '',
    ],
    [
      'lvextend -q -L 900000000k vg0/a',
      5,
      '  Insufficient free space: 219703 extents needed, but only 998 available\n',
      '  Rounding size to boundary between physical extents: <858.31 GiB.\n',
    ],
    ['lvextend -q -L 98304k vg0/no', 5, '  Logical volume no not found in volume group vg0.\n', ''],
    ['lvextend -q -L 98304k none/no', 5, noGroup('none'), ''],
    ['lvrename -q vg0 no d', 5, '  Existing logical volume "no" not found in volume group "vg0"\n', ''],
    ['lvrename -q none no d', 5, noGroup('none'), ''],
    ['lvrename -q vg0 a c', 5, '  Logical Volume "c" already exists in volume group "vg0"\n', ''],
    ['lvrename -q vg0 a a', 3, `  Old and new logical volume names must differ\n${help('lvrename')}`, ''],
    ['lvchange -q --addtag t vg0/no', 5, '  Failed to find logical volume "vg0/no"\n', ''],
    ['lvchange -q --addtag t none/no', 5, noGroup('none'), ''],
    ['vgchange -q --addtag t none', 5, noGroup('none'), ''],
    ['lvremove -q -f vg0/no', 5, '  Failed to find logical volume "vg0/no"\n', ''],
    ['lvremove -q -f none/no', 5, noGroup('none'), ''],
    ['blkdiscard -z /dev/vg0/no', 1, 'blkdiscard: cannot open /dev/vg0/no: No such file or directory\n', ''],
    ['blkdiscard -z /srv/a.img', 1, 'blkdiscard: /srv/a.img: not a block device\n', ''],
  ])('%s', async (line, rc, err, out) => {
    const before = [await well(vgs), await well(lvs)];
    expect(await b.run(line)).toEqual({ rc, out, err });
    expect([await well(vgs), await well(lvs)]).toEqual(before);
  });
});

describe('a volume that no boot opens', () => {
  beforeEach(() => well(make('a', '4096k', ' --setautoactivation n --addtag x --addtag y=1/2'), make('b', '4096k')));
  it('is closed and opened, with its bytes, and has a node only where it is open', async () => {
    b.world.files.write('/dev/vg0/a', 'bytes');
    await well('lvchange -q -an vg0/a', 'lvextend -q -L 8192k vg0/a', 'lvrename -q vg0 a c');
    expect([b.world.files.list('/dev/vg0'), bytesOf('c')]).toEqual([['b'], undefined]);
    await well('lvchange -q -ay vg0/c vg0/b');
    expect([bytesOf('c'), sizeOf('c')]).toEqual(['bytes', 8192]);
    openAtBoot(b.world);
    expect(b.world.files.list('/dev/vg0')).toEqual(['b']);
  });
  it('is not closed while it is in use', async () => {
    b.put('/etc/xen/a.cfg', cfg('a', { disk: '["format=raw,vdev=xvda,access=rw,target=/dev/vg0/a"]' }));
    await well('xl create -q /etc/xen/a.cfg');
    expect(await b.run('lvchange -q -an vg0/a')).toEqual({ rc: 5, out: '', err: '  Logical volume vg0/a in use.\n' });
  });
  // As LVM 2.03.16 selected them.
  it.each([
    ['(lv_name="a" && lv_tags=["x" && "y=1/2"])', true],
    ['(lv_name="a" && lv_tags=["x"])', false],
    ['(lv_name="a" && lv_tags="")', false],
    ['(lv_name="b" && lv_tags=["x" && "y=1/2"])', false],
    ['(lv_name="b" && lv_tags="") || (lv_name="a" && lv_tags=["x" && "y=1/2"])', true],
    ['lv_tags={"x"}', true],
    ['lv_tags={"z"}', false],
    ['(lv_name="a")', true],
  ])('is selected by %s: %s', async (select, yes) => {
    const done = await b.argv(['lvchange', '-q', '--addtag', 'new', '-S', select, 'vg0/a']);
    expect(done).toEqual({ rc: 0, out: yes ? '  Logical volume vg0/a changed.\n' : '', err: '' });
    expect(b.world.groups.get('vg0')?.volumes.get('a')?.tags.includes('new')).toBe(yes);
  });
});

describe('an open volume', () => {
  beforeEach(async () => {
    await well(make('a'));
    b.put('/etc/xen/a.cfg', cfg('a', { disk: '["format=raw,vdev=xvda,access=rw,target=/dev/vg0/a"]' }));
    await well('xl create -q /etc/xen/a.cfg');
  });
  it('is not removed', async () => {
    expect(await b.run('lvremove -q -f vg0/a')).toEqual({ rc: 5, out: '', err: '  Logical volume vg0/a in use.\n' });
    await well('xl destroy a');
    await b.settle();
    await well('lvremove -q -f vg0/a');
  });
  it('grows, and may be tagged', async () => {
    await well('lvextend -q -L 98304k vg0/a', 'lvchange -q --addtag t vg0/a');
    expect(sizeOf('a')).toBe(98_304);
  });
});

describe('the bytes of a removed volume', () => {
  beforeEach(async () => {
    await well(make('a'));
    b.world.files.write('/dev/vg0/a', 'secret', undefined, 65_536);
    await well('lvremove -q -f vg0/a', make('b'));
  });
  it('are those that the next one begins with', async () => {
    expect(bytesOf('b')).toBe('secret');
    await well(make('c'));
    expect(bytesOf('c')).toBe('');
  });
  it('are those that a volume grows by, unless a zeroed one gives it its extents', async () => {
    const take =
      'set -f; r=$(lvs --noheadings -o seg_pe_ranges "$0") && lvremove -q -f "$0" && exec lvextend -q -L "$2" "$1" $r';
    const grow = (part: string): Promise<{ rc: number; err: string }> =>
      b.argv(['sh', '-c', take, `vg0/${part}`, 'vg0/g', '8192k']);
    await well('lvremove -q -f vg0/b', 'lvcreate -q -y -n x -L 4096k vg0', make('g', '4096k'), 'lvremove -q -f vg0/x');
    b.world.groups.get('vg0')!.left = new TextEncoder().encode('secret');
    await well('lvextend -q -L 8192k vg0/g');
    expect(bytesOf('g')?.slice(4096 * 1024)).toBe('secret');
    await well('lvremove -q -f vg0/g', make('g', '4096k'), 'blkdiscard -z /dev/vg0/g');
    b.world.groups.get('vg0')!.left = new TextEncoder().encode('secret');
    await well(make('p', '4096k'), 'blkdiscard -z /dev/vg0/p');
    expect(await grow('p')).toMatchObject({ rc: 0, err: '' });
    expect([bytesOf('g'), sizeOf('g'), sizeOf('p')]).toEqual(['', 8192, undefined]);
    expect(await grow('p')).toMatchObject({ rc: 5, err: '  Failed to find logical volume "vg0/p"\n' });
  });
  it('are gone after blkdiscard, and the size stays', async () => {
    await well('blkdiscard -z /dev/vg0/b');
    expect([bytesOf('b'), sizeOf('b')]).toEqual(['', 65_536]);
  });
  it('do not shine through what is written over them', async () => {
    b.put('/srv/t.raw', 'new');
    await well('qemu-img convert -q -n -f raw -O raw /srv/t.raw /dev/vg0/b');
    expect([bytesOf('b'), sizeOf('b')]).toEqual(['new', 65_536]);
  });
});

describe('qemu-img convert -n', () => {
  beforeEach(() => well(make('a', '4096k')));
  it('fills a volume that the dom0’s full disk is nothing to', async () => {
    b.put('/srv/t.raw', 'new');
    b.world.files.trouble.full = true;
    await well('qemu-img convert -q -n -f raw -O raw /srv/t.raw /dev/vg0/a');
    expect(bytesOf('a')).toBe('new');
  });
  it('takes the guest’s bytes out of a qcow2', async () => {
    b.world.files.write('/srv/t', Uint8Array.of(0x51, 0x46, 0x49, 0xfb, 0x61, 0x62), undefined, 4096);
    await well('qemu-img convert -q -n -f qcow2 -O raw /srv/t /dev/vg0/a');
    expect(bytesOf('a')).toBe('ab');
  });
  it.each([
    ['/srv/big', '/dev/vg0/a', 'qemu-img: output file is smaller than input file\n'],
    [
      '/srv/a.img',
      '/dev/vg0/no',
      "qemu-img: Could not open '/dev/vg0/no': Could not open '/dev/vg0/no': No such file or directory\n",
    ],
  ])('of %s to %s fails', async (from, to, err) => {
    await well('truncate -s 8192K /srv/big');
    expect(await b.run(`qemu-img convert -q -n -f raw -O raw ${from} ${to}`)).toEqual({ rc: 1, out: '', err });
    expect(bytesOf('a')).toBe('');
  });
});

describe('a farm', () => {
  const section = (out: string, name: string): string | undefined =>
    new RegExp(`\n@n ${name}\n([\\s\\S]*?)\n@n /${name} 0\n`).exec(out)?.[1];
  it('has groups for each dom0 by itself, which a reading tells of where it is asked to', async () => {
    const farm = await start(['dom01', 'dom02'], Infinity, [], on);
    const client = await connect(farm);
    await farm.hand('dom01', make('a', '4096k', ' --addtag t').split(' '));
    await farm.hand('dom01', ['mkdir', '-p', '/srv/s']);
    const hand = async (line: string): Promise<string> => (await farm.hand('dom01', line.split(' '))).out;
    const read = async (what: string, ...paths: readonly string[]): Promise<string> =>
      (await ask(client, 'observe', ['n', what, ...paths])).out;
    const out = await read('all', '/dev/vg0/', '/srv/s/', '/dev/vg0/a', '/dev/vg0/none');
    expect([section(out, 'vgs'), section(out, 'lvs')]).toEqual([await hand(vgs), await hand(lvs)]);
    expect(out).toMatch(/\/ovs \d+\n\n@n vgs\n[^@]*\n@n \/vgs 0\n\n@n lvs\n[^@]*\n@n \/lvs 0\n\n@n qemu\n/);
    expect(await read('domains', '/dev/vg0/')).toMatch(/\/ps 0\n\n@n vgs\n/);
    // A group is no folder: the first store is the folder.
    expect(section(out, 'paths')).toMatch(
      /^1 store \/srv\/s\/\n1 folder\n1 df .*\n1 end\n0 there \/dev\/vg0\/a\n0 special \/dev\/vg0\/a\n0 missing \/dev\/vg0\/none\n$/,
    );
    expect(section(await read('all', '/srv/s/', '/dev/vg0/a'), 'vgs')).toBeUndefined();
    expect((await farm.hand('dom02', lvs.split(' '))).out).toBe(emptyReport('lv'));
  });
  it('keeps volumes over a reboot', async () => {
    const farm = await start(['dom01'], Infinity, [], on);
    await farm.hand('dom01', make('a').split(' '));
    farm.files('dom01').write('/dev/vg0/a', 'bytes');
    farm.reboot('dom01');
    expect(farm.files('dom01').read('/dev/vg0/a')).toBe('bytes');
    expect((await farm.hand('dom01', lvs.split(' '))).out).toContain('"lv_name":"a"');
  });
});
