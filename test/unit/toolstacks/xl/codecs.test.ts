import { describe, expect, it } from 'vitest';
import { digestText } from '../../../../src/core/digest.ts';
import { parseFrames } from '../../../../src/toolstacks/xl/read/frames.ts';
import { parseLinks } from '../../../../src/toolstacks/xl/read/ip-link.ts';
import { parseStored } from '../../../../src/toolstacks/xl/read/libxl-json.ts';
import { parseMonitors } from '../../../../src/toolstacks/xl/read/monitors.ts';
import { readTar } from '../../../../src/toolstacks/xl/read/tar.ts';
import { parseInfo, parseList } from '../../../../src/toolstacks/xl/read/xl-info.ts';
import { parseXenstore } from '../../../../src/toolstacks/xl/read/xenstore.ts';
import { end, info, join, listHead, nonce, row, section, tar } from './answers.ts';

const uuid = '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001';

describe('frames', () => {
  const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
  const whole = join('Welcome!\n', section('a', 0, ''), section('b', 2, join(binary, `\n@other /b 0\n`)), end);

  it('are taken byte by byte, banners skipped', () => {
    const sections = parseFrames(whole, nonce);
    expect(sections).toEqual(
      new Map([
        ['a', { rc: 0, bytes: Buffer.alloc(0) }],
        ['b', { rc: 2, bytes: Buffer.from(join(binary, '\n@other /b 0\n')) }],
      ]),
    );
  });

  it('of a second try count', () => {
    const sections = parseFrames(join(section('a', 1, 'x'), section('a', 0, 'y'), end), nonce);
    expect(sections).toEqual(new Map([['a', { rc: 0, bytes: Buffer.from('y') }]]));
  });

  it('that were cut anywhere are an error, never less', () => {
    for (let n = 0; n < whole.length - 1; n++) {
      expect(parseFrames(whole.subarray(0, n), nonce)).toMatchObject({ is: 'unknown', reason: 'cut-short' });
    }
  });
});

describe('tar', () => {
  const long = `etc/xen/${'x'.repeat(120)}.cfg`;
  const archive = tar([
    { name: 'etc/xen/a.cfg', body: Uint8Array.from([0, 255, 10, 64]) },
    { name: long, body: 'long' },
    { name: 'etc/xen/auto/a', link: '/etc/xen/a.cfg' },
    { name: 'etc/xen/auto/b', link: `/${long}` },
  ]);

  it('gives files, links and long names', () => {
    expect(readTar(archive)).toEqual([
      { is: 'file', name: 'etc/xen/a.cfg', bytes: Buffer.from([0, 255, 10, 64]) },
      { is: 'file', name: long, bytes: Buffer.from('long') },
      { is: 'link', name: 'etc/xen/auto/a', target: '/etc/xen/a.cfg' },
      { is: 'link', name: 'etc/xen/auto/b', target: `/${long}` },
    ]);
  });

  it('that ends early or is damaged is an error', () => {
    expect(readTar(archive.subarray(0, 514))).toEqual({ why: 'the archive ends inside a file' });
    expect(readTar(archive.subarray(0, 1024))).toEqual({ why: 'the archive has no end' });
    expect(readTar(new Uint8Array())).toEqual({ why: 'the archive has no end' });
    const damaged = Buffer.from(archive);
    damaged[3] = 1;
    expect(readTar(damaged)).toEqual({ why: 'the archive is damaged at byte 0' });
  });
});

describe('xl info', () => {
  it('tells the host', () => {
    expect(parseInfo(info)).toEqual({
      host: 'dom9',
      major: 4,
      minor: 17,
      version: '4.17.7',
      virtCaps: ['pv', 'hvm', 'hap'],
      features: undefined,
      cpus: 4,
      total: 8191 * 1024,
      free: 4096 * 1024,
      commandLine: 'placeholder',
      scheduler: 'credit2',
    });
  });

  it('names what guests may see of the CPU, and leaves out what is the server’s own', () => {
    const of = (hw: string, minor = 17): readonly string[] | undefined =>
      parseInfo(`${info.replace(/(xen_minor +: )17/, `$1${minor}`)}hw_caps                : ${hw}\n`)?.features;
    // An AMD of the lab's emulation: HTT, the hypervisor's bit, CMP_LEGACY and SVM are no guest's.
    expect(of('178bf3fd:80002001:20100800:00000007:00000000:00000000:00000000:00000000')?.join(' ')).toBe(
      'fpu de pse tsc msr pae mce cmpxchg8 mtrr pge mca cmov pat pse36 clfsh mmx fxsr sse sse2 sse3 cmpxchg16 syscall nx lm lahfsahf',
    );
    expect(of('00000000:12000000:00000000:00000020:0000000b:80010020:00400004:00000100')).toEqual([
      'aes',
      'avx',
      'abm',
      'xsaveopt',
      'xsavec',
      'xsaves',
      'avx2',
      'avx512f',
      'avx512vl',
      'umip',
      'rdpid',
    ]);
    expect([of('178bf3fd:8000', 17), of('178bf3fd:0:0:0:0:0:0:0'), of(`${'00000000:'.repeat(7)}00000000`, 6)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('without memory is none', () => {
    expect(parseInfo(info.replace(/free_memory.*\n/, ''))).toBeNull();
  });
});

describe('xl list', () => {
  const one = (name: string, flags: string): unknown => parseList(listHead + row(name, 7, flags, uuid)).rows[0];

  it('is read from the right, whatever the name', () => {
    expect(one('two words 1 2 3 r-----', '-b----')).toEqual({
      name: 'two words 1 2 3 r-----',
      domid: 7,
      memory: 131072,
      vcpus: 1,
      uuid,
      state: 'running',
      pool: null,
    });
    expect(one('x'.repeat(80), '-b----')).toMatchObject({ name: 'x'.repeat(80), domid: 7 });
    expect(one('(null)', '--psrd')).toMatchObject({ name: null, state: 'dying' });
  });

  it.each([
    ['r-----', 'running'],
    ['------', 'running'],
    ['--p---', 'paused'],
    ['---s--', 'shutdown'],
    ['--ps--', 'shutdown'],
    ['--psc-', 'crashed'],
    ['---sw-', 'crashed'],
    ['---ss-', 'running'],
    ['--pss-', 'paused'],
    ['---sr-', 'rebooting'],
    ['--psr-', 'rebooting'],
    ['-----d', 'dying'],
    ['---s-d', 'dying'],
  ])('%s is %s', (flags, state) => {
    expect(one('a', flags)).toMatchObject({ state });
  });

  it('tells of one that stands still while its memory is sent', () => {
    expect(['---ss-', '---s--', '------'].map((f) => 'suspended' in (one('a', f) as object))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each([
    ['-          Pool-0', 'Pool-0'],
    ['-a-pool-of-more-letters-than-its-column', 'a-pool-of-more-letters-than-its-column'],
    ['system_u:system_r:domU_t          my pool', 'my pool'],
    ['-', null],
    ['system_u:system_r:domU_t', null],
  ])('tells the cpupool of %j', (rest, pool) => {
    const line = row('a', 7, '-b----', uuid).replace(/-\n$/, `${rest}\n`);
    expect(parseList(listHead + line)).toMatchObject({ rows: [{ name: 'a', uuid, pool }], odd: [] });
  });

  it('keeps lines that are no rows', () => {
    expect(parseList(`libxl: error: something\n${row('a', 7, 'r-----', uuid)}`)).toMatchObject({
      rows: [{ name: 'a' }],
      odd: ['libxl: error: something'],
    });
  });
});

describe('xenstore', () => {
  it('unescapes values and lists children', () => {
    const xs = parseXenstore(
      '/a = ""\n/a/1 = "say "hi" \\\\ \\t\\x0a\\101"\n/a/2 = "x = "y""\n/b = "1"   \nno line\n/b = "2"\n',
    );
    expect(xs.get('/a/1')).toBe('say "hi" \\ \t\nA');
    expect(xs.get('/a/2')).toBe('x = "y"');
    expect(xs.list('/a')).toEqual(['1', '2']);
    expect(xs.list('')).toEqual(['a', 'b']);
    expect(xs.get('/c')).toBeUndefined();
  });
});

describe('libxl’s JSON', () => {
  it('ends in a NUL and leaves defaults out', () => {
    expect(parseStored(Buffer.from('{"c_info":{"type":"pvh","name":"a"},"b_info":{"max_vcpus":2}}\n\0'))).toEqual({
      lost: [],
      target: null,
      name: 'a',
      type: 'pvh',
      maxVcpus: 2,
      maxMemory: null,
      boot: { kernel: null, ramdisk: null, cmdline: null },
      settings: { 'on.poweroff': 'destroy', 'on.reboot': 'destroy', 'on.crash': 'destroy' },
      formats: {},
      cards: {},
      vlans: {},
    });
  });

  it('tells the settings as a cfg would', () => {
    const json = {
      c_info: { type: 'hvm', pool_name: 'fast' },
      b_info: {
        sched_params: { weight: 512, cap: 50 },
        vcpu_hard_affinity: [
          [0, 1, 3],
          [0, 1, 3],
        ],
        vcpu_soft_affinity: [[0], [1]],
        'type.hvm': {
          bios: 'ovmf',
          boot: 'nc',
          vnc: { enable: 'True', listen: '0.0.0.0', display: 7, findunused: 'False', passwd: 'x' },
          spice: { enable: 'True', port: 6000, disable_ticketing: 'True' },
          serial: 'pty',
          usbdevice_list: ['tablet'],
        },
      },
      nics: [{ mac: '00:16:3E:00:00:01', model: 'e1000', vlan: '20' }],
      on_reboot: 'restart',
      on_crash: 'restart_rename',
      on_poweroff: 'soft_reset',
    };
    expect(parseStored(Buffer.from(JSON.stringify(json)))).toMatchObject({
      settings: {
        'boot.firmware': 'uefi',
        'boot.order': ['network', 'disk'],
        'display.vnc': true,
        'display.vnc.listen': '0.0.0.0',
        'display.vnc.port': 5907,
        'display.vnc.password': { secret: 'kept', digest: digestText('x') },
        'display.spice': true,
        'display.spice.port': 6000,
        serial: 'pty',
        tablet: true,
        'sched.weight': 512,
        'sched.cap': 50,
        'affinity.hard': '0-1,3',
        cpupool: 'fast',
        'on.reboot': 'restart',
        'on.crash': 'rename-restart',
      },
      cards: { '00:16:3e:00:00:01': 'e1000' },
      vlans: { '00:16:3e:00:00:01': 20 },
    });
  });

  it('whose words are newer than ours still tells the rest', () => {
    expect(parseStored(Buffer.from('{"c_info":{"type":"pvh"},"on_crash":"explode"}'))).toMatchObject({
      type: 'pvh',
      settings: {},
    });
  });

  it('that is none gives nothing', () => {
    expect(parseStored(Buffer.from('{"c_info"'))).toBeNull();
  });
});

describe('ip link', () => {
  it('tells bridges and what hangs on them', () => {
    const links = parseLinks(
      JSON.stringify([
        {},
        { ifname: 'br0', linkinfo: { info_kind: 'bridge' } },
        { ifname: 'ovs-system', linkinfo: { info_kind: 'openvswitch' } },
        { ifname: 'ovs0', linkinfo: { info_kind: 'openvswitch' } },
        { ifname: 'vif3.0', master: 'br0' },
        { ifname: 'vif3.1' },
      ]),
    );
    expect(links).toEqual({
      bridges: ['br0'],
      ovs: ['ovs0'],
      master: new Map([
        ['br0', null],
        ['ovs-system', null],
        ['ovs0', null],
        ['vif3.0', 'br0'],
        ['vif3.1', null],
      ]),
    });
    expect(parseLinks('ip: unrecognized option: j')).toBeNull();
  });
});

describe('monitors', () => {
  const known = [
    '/etc/xen/a.cfg',
    '/etc/xen/my vm.cfg',
    '/etc/xen/old/a.cfg',
    '/etc/xen/vm/b',
    '/etc/xen/vm/c',
    '/etc/xen/d/c',
  ];
  const paths = (line: string): unknown => parseMonitors(line, known);

  it.each<[string, readonly string[], number]>([
    ['  638 /usr/lib/xen-4.17/bin/xl create -q /etc/xen/a.cfg', ['/etc/xen/a.cfg'], 0],
    ['  638 xl create -q -p /etc/xen/my vm.cfg', ['/etc/xen/my vm.cfg'], 0],
    ['  638 xl -v create a.cfg memory=1', ['/etc/xen/a.cfg'], 0],
    ['  638 /usr/sbin/xl create /srv/other.cfg', ['/srv/other.cfg'], 0],
    ['  638 xl create other.cfg', [], 1],
    ['  638 xl create ./b', ['/etc/xen/vm/b'], 0],
    ['  638 xl create c', [], 1],
    ['  638 xl create memory=1 -q /srv/b.cfg', ['/srv/b.cfg'], 0],
    ['  638 xl create --defconfig=/srv/b=1 name="x"', ['/srv/b=1'], 0],
    ['  638 xl restore /var/lib/xen/save/a', [], 1],
    ['  638 xl migrate-receive', [], 1],
    ['  638 xl list', [], 0],
    ['  638 sh -c xl create /etc/xen/a.cfg', [], 0],
    ['  638 timeout -k 5 300 xl create -q /etc/xen/a.cfg', [], 0],
    ['  638 vi /etc/xen/a.cfg', [], 0],
  ])('%s', (line, expected, strays) => {
    expect(paths(line)).toEqual({ paths: expected, strays });
  });

  it('of one cfg are no two: a rename gave its path to another VM', () => {
    const twice = '  638 xl create /etc/xen/a.cfg\n  700 xl create -q /etc/xen/a.cfg\n';
    expect(paths(twice)).toEqual({ paths: ['/etc/xen/a.cfg'], strays: 1 });
  });
});
