/** Every key of a cfg that Reeve reads, in all spellings that mean one thing to xl: one value each, written in one way, and read back. */
import { describe, expect, it } from 'vitest';
import type { VmConfig, VmType } from '../../../../src/kinds/vm/spec.ts';
import { ownedXlKeys } from '../../../../src/kinds/vm/xl-keys.ts';
import { effective, parseCfg } from '../../../../src/toolstacks/xl/cfg/grammar.ts';
import { cfgOfVm, vmOfCfg } from '../../../../src/toolstacks/xl/cfg/vm.ts';

const read = (text: string): VmConfig => {
  const parsed = parseCfg(text);
  const vm = parsed.ok ? vmOfCfg(effective(parsed.entries)) : { ok: false as const, why: parsed.error.message };
  if (!vm.ok) throw new Error(`${vm.why}\n${text}`);
  return vm.config;
};
const head: Readonly<Record<VmType, string>> = {
  pv: 'type = "pv"\nkernel = "/k"\n',
  pvh: 'type = "pvh"\n',
  hvm: 'type = "hvm"\n',
};
const cfg = (type: VmType, lines: string): string => `name = "a"\nmemory = 512\n${head[type]}${lines}\n`;

interface Row {
  readonly keys: string;
  readonly type?: VmType;
  /** Spellings of one value each; the first of none is Xen's own, with nothing said. */
  readonly values: readonly (readonly string[])[];
}

const event = (key: string, own: string, other: string): Row => ({
  keys: key,
  values: [
    ['', `${key} = "${own}"`, `${key} = '${own}'`],
    [`${key} = "${other}"`, `${key} = '${other}'`],
  ],
});

const rows: readonly Row[] = [
  {
    keys: 'name',
    values: [
      ['', `name = 'a'`],
      ['name = "b c"', `name = 'b c'`],
    ],
  },
  {
    keys: 'uuid',
    values: [
      [
        'uuid = "584e0c71-b188-4055-a772-58c235d6761c"',
        `uuid = '584E0C71-B188-4055-A772-58C235D6761C'`,
        'uuid = "584e0c71b1884055a77258c235d6761c"',
      ],
    ],
  },
  {
    keys: 'type builder',
    type: 'hvm',
    values: [['', `builder = 'hvm'`, 'builder = "hvm"\ntype = "hvm"', 'kernel = "/usr/lib/xen/boot/hvmloader"']],
  },
  { keys: 'type builder', type: 'pv', values: [['', 'builder = "generic"', `builder = 'linux'\nbuilder = "generic"`]] },
  {
    keys: 'memory maxmem',
    values: [
      ['', 'memory = "512"', 'memory = 0x200', 'memory = 01000', 'maxmem = 512', 'maxmem = "512"'],
      ['maxmem = 1024', `maxmem = '1024'`, 'maxmem = 0x400'],
    ],
  },
  {
    keys: 'vcpus maxvcpus',
    values: [
      ['', 'vcpus = 1', 'vcpus = "1"', 'maxvcpus = 1', 'vcpus = 1\nmaxvcpus = "1"'],
      ['vcpus = 2', 'vcpus = "2"', 'vcpus = 0x2', 'vcpus = 2\nmaxvcpus = 2'],
      ['vcpus = 1\nmaxvcpus = 4', 'maxvcpus = "4"'],
    ],
  },
  { keys: 'kernel', values: [['kernel = "/b"', `kernel = '/b'`, 'kernel = "/a"\nkernel = "/b"']] },
  {
    keys: 'ramdisk',
    values: [
      ['', 'ramdisk = ""'],
      ['ramdisk = "/r"', `ramdisk = '/r'`],
    ],
  },
  {
    keys: 'cmdline root extra',
    values: [
      ['', 'extra = ""', `cmdline = ''`],
      [
        'cmdline = "root=/dev/xvda ro"',
        'extra = "root=/dev/xvda ro"',
        'root = "/dev/xvda ro"',
        'root = "/dev/xvda"\nextra = "ro"',
        'cmdline = "root=/dev/xvda ro"\nextra = "x"',
        'extra = "root=/dev/xvda"\nextra += " ro"',
      ],
      [`extra = 'a="b c"'`, 'extra = "a=\\"b c\\""', `cmdline = 'a="b c"'`],
    ],
  },
  {
    keys: 'bootloader',
    type: 'pv',
    values: [
      [
        'bootloader = "pygrub"',
        'bootloader = "/usr/bin/pygrub"',
        `bootloader = '/usr/lib/xen-4.17/bin/pygrub'`,
        'bootloader = "/usr/lib/xen-4.4/bin/pygrub"',
      ],
      ['bootloader = "/usr/bin/pvgrub"'],
    ],
  },
  {
    keys: 'bios',
    type: 'hvm',
    values: [
      ['', 'bios = "seabios"', `bios = 'rombios'`],
      ['bios = "ovmf"', `bios = 'ovmf'`],
    ],
  },
  { keys: 'boot', type: 'hvm', values: [['', 'boot = "cd"'], ['boot = "dc"', `boot = 'dc'`], ['boot = "n"']] },
  {
    keys: 'disk cdrom',
    type: 'hvm',
    values: [
      ['', 'disk = [ ]'],
      [
        'disk = [ "/dev/a,raw,xvda,rw" ]',
        `disk = [ 'phy:/dev/a,xvda,w' ]`,
        'disk = [ "format=raw, vdev=xvda, access=rw, target=/dev/a" ]',
        'disk = [ "/dev/a,,xvda", ]',
        'disk = [ ]\ndisk += [ "vdev=xvda,access=w,target=/dev/a" ]',
      ],
      [
        'disk = [ "file:/i.iso,hdc:cdrom,r" ]',
        'disk = [ "/i.iso,raw,hdc,ro,cdrom" ]',
        'disk = [ "devtype=cdrom,vdev=hdc,target=/i.iso" ]',
      ],
      ['disk = [ "/dev/a,raw,sda1,r" ]', 'disk = [ "phy:/dev/a,sda1,r" ]'],
      ['disk = [ "drbd:r0,xvda,w" ]', 'disk = [ "script=block-drbd,vdev=xvda,target=r0" ]'],
    ],
  },
  {
    keys: 'vif',
    values: [
      ['', 'vif = [ ]'],
      ['vif = [ "" ]', `vif = ['']`, `vif = ['',]`],
      [
        'vif = [ "mac=00:16:3e:00:00:0a,bridge=b" ]',
        `vif = [ 'bridge=b, mac=0:16:3E:0:0:A' ]`,
        'vif = [ "mac=00-16-3e-00-00-0a,bridge=b" ]',
      ],
      ['vif = [ "rate=10Mb/s" ]', 'vif = [ "rate=1250KB/s" ]', 'vif = [ "rate=10Mb/s@50ms" ]'],
      ['vif = [ "script=vif-own" ]', 'vif = [ "script=/etc/xen/scripts/vif-own" ]'],
    ],
  },
  {
    keys: 'vnc vnclisten vncdisplay vncunused vncpasswd',
    type: 'hvm',
    values: [
      [
        '',
        ...['1', '"1"', '2'].map((v) => `vnc = ${v}`),
        'vnclisten = "127.0.0.1"',
        'vncunused = 1',
        'vncdisplay = 0',
        'vncpasswd = ""',
        `vncunused = "1"\nvncdisplay = '0'`,
      ],
      ['vnc = 0', 'vnc = "0"', 'vnc = 0x0'],
      ['vncdisplay = 2\nvncunused = 0', `vncdisplay = "2"\nvncunused = '0'`],
    ],
  },
  {
    keys: 'spice spicehost spiceport spicepasswd spicedisable_ticketing',
    type: 'hvm',
    values: [
      ['', 'spice = 0', 'spice = "0"', 'spicehost = "0.0.0.0"'],
      [
        'spice = 1\nspiceport = 6000\nspicedisable_ticketing = 1',
        `spice = "1"\nspiceport = '6000'\nspicedisable_ticketing = 2`,
        'spice = 1\nspiceport = 0x1770\nspicehost = "0.0.0.0"\nspicedisable_ticketing = 1',
      ],
    ],
  },
  { keys: 'serial', type: 'hvm', values: [['serial = "pty"', `serial = 'pty'`, 'serial = [ "pty" ]']] },
  { keys: 'usbdevice', type: 'hvm', values: [['usbdevice = "tablet"', `usbdevice = [ 'tablet' ]`]] },
  {
    keys: 'cpu_weight',
    values: [
      ['', 'cpu_weight = 256', 'cpu_weight = "256"'],
      ['cpu_weight = 512', `cpu_weight = '0x200'`],
    ],
  },
  {
    keys: 'cap',
    values: [
      ['', 'cap = 0', 'cap = "0"'],
      ['cap = 50', `cap = '50'`],
    ],
  },
  ...(['cpus', 'cpus_soft'] as const).map((key) => ({
    keys: key,
    values: [
      ['', `${key} = "all"`, `vcpus = 1\n${key} = [ "all" ]`],
      [
        `vcpus = 2\n${key} = "0-3"`,
        `vcpus = 2\n${key} = '0,1,2-3'`,
        `vcpus = 2\n${key} = "3, 0-2"`,
        `vcpus = 2\n${key} = [ "0-3", '0-3' ]`,
      ],
      [`vcpus = 2\n${key} = [ "0", "1-2" ]`, `vcpus = "2"\n${key} = [ 0, '1,2' ]`],
      [`vcpus = 2\n${key} = [ "0" ]`, `vcpus = 2\n${key} = [ "0", "all" ]`],
    ],
  })),
  {
    keys: 'pool',
    values: [
      ['', 'pool = "Pool-0"'],
      ['pool = "other"', `pool = 'other'`],
    ],
  },
  event('on_poweroff', 'destroy', 'preserve'),
  event('on_reboot', 'restart', 'destroy'),
  event('on_crash', 'destroy', 'coredump-restart'),
];

/** Of the cfg that Reeve writes: its text is what is compared in the end. */
const written = (config: VmConfig): string => {
  const text = cfgOfVm(config, () => '');
  if (!text.ok) throw new Error(text.why);
  return text.text;
};

describe.each(rows.map((r) => [r.keys, r.type ?? 'pvh', r] as const))('%s of %s', (_, type, { values }) => {
  it('is one value in each of its spellings, and another in those of another', () => {
    const texts = values.map((spellings) => {
      const all = spellings.map((s) => written(read(cfg(type, s))));
      for (const [i, text] of all.entries()) expect(text, `${spellings[i]}`).toBe(all[0]);
      return all[0];
    });
    expect(new Set(texts).size).toBe(texts.length);
  });
  it('is read back from what Reeve writes', () => {
    for (const spelling of values.flat()) {
      const config = read(cfg(type, spelling));
      expect(written(read(written(config)))).toBe(written(config));
    }
  });
});

it('no key that Reeve has a word for is left out', () => {
  const told = new Set(rows.flatMap((r) => r.keys.split(' ')));
  expect(Object.keys(ownedXlKeys).filter((key) => !told.has(key))).toEqual([]);
});
