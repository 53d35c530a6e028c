import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { digestText } from '../../../../src/core/digest.ts';
import type { Unknown } from '../../../../src/core/port.ts';
import type { ServerSeen } from '../../../../src/kinds/server/live.ts';
import type { Domain, Marker } from '../../../../src/kinds/vm/live.ts';
import { decode } from '../../../../src/toolstacks/xl/read/decode.ts';
import { renderCfg } from '../../../../src/toolstacks/xl/cfg/render.ts';
import {
  answer,
  dom0,
  end,
  info,
  join,
  listHead,
  nonce,
  row,
  section,
  tar,
  type Member,
  type Parts,
} from './answers.ts';

const uuid = '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001';
const seen = (raw: Uint8Array, asked: readonly string[] = []): ServerSeen => {
  const s = decode(raw, nonce, asked);
  if (s.is !== 'seen') throw new Error(s.why);
  return s;
};
const why = (raw: Uint8Array): Unknown => {
  const s = decode(raw, nonce, []);
  if (s.is === 'seen') throw new Error('it was read');
  return s;
};

const json = (domid: number, type = 'pvh'): Member => ({
  name: `var/lib/xen/userdata-d.${domid}.${uuid}.libxl-json`,
  body: `${JSON.stringify({
    c_info: { type, name: 'web', uuid },
    b_info: { max_vcpus: 3, max_memkb: 163840, target_memkb: 131072, kernel: '/k', cmdline: 'quiet' },
    disks: [{ pdev_path: '/d', vdev: 'xvda', format: 'raw', readwrite: 1 }],
  })}\0`,
});
const cfg = (more = ''): Member => ({
  name: 'etc/xen/web.cfg',
  body: `name = "web"\nuuid = "${uuid}"\ntype = "pvh"\nmemory = 128\n${more}`,
});
const xs = (domid: number, more = ''): string => `/local/domain/0/memory/target = "786432"
/local/domain/${domid} = ""
/local/domain/${domid}/name = "web"
/local/domain/${domid}/cpu/0 = ""
/local/domain/${domid}/cpu/0/availability = "online"
/local/domain/${domid}/cpu/1 = ""
/local/domain/${domid}/cpu/1/availability = "online"
/local/domain/${domid}/cpu/2 = ""
/local/domain/${domid}/cpu/2/availability = "offline"
/local/domain/${domid}/memory/static-max = "163840"
/local/domain/${domid}/memory/target = "122880"
/local/domain/${domid}/memory/videoram = "8192"
/libxl/${domid}/type = "pvh"
/libxl/${domid}/device/vbd/51712 = ""
/libxl/${domid}/device/vbd/51712/dev = "xvda"
/libxl/${domid}/device/vbd/51712/params = "/d"
/libxl/${domid}/device/vbd/51712/mode = "w"
/libxl/${domid}/device/vbd/51712/type = "phy"
/libxl/${domid}/device/vbd/51712/backend = "/b/vbd"
/b/vbd/state = "4"
/libxl/${domid}/device/vif/0 = ""
/libxl/${domid}/device/vif/0/mac = "02:00:00:00:00:0A"
/libxl/${domid}/device/vif/0/bridge = "br0"
/libxl/${domid}/device/vif/0/backend = "/b/vif"
/b/vif/state = "4"
${more}`;
const link = (master: string): string =>
  JSON.stringify([
    { ifname: 'br0', linkinfo: { info_kind: 'bridge' } },
    { ifname: 'br1', linkinfo: { info_kind: 'bridge' } },
    { ifname: 'vif5.0', master },
  ]);
const running = (p: Partial<Parts> = {}, flags = '-b----'): Uint8Array =>
  answer({
    list: row('web', 5, flags, uuid),
    xs: xs(5),
    files: [cfg(), json(5)],
    link: link('br1'),
    ps: ' 638 /usr/lib/xen-4.17/bin/xl create -q /etc/xen/web.cfg\n',
    ...p,
  });
const domain = (raw: Uint8Array): Domain => {
  const [first] = seen(raw).domains;
  if (!first) throw new Error('no domain');
  return first;
};

describe('a dom0 that answers', () => {
  it('is read whole', () => {
    expect(seen(running({ paths: '0 there /k\n0 missing /no\n' }), ['/k', '/no', '/slow'])).toEqual({
      is: 'seen',
      host: 'dom9',
      membership: null,
      roll: null,
      migration: {
        hostKey: null,
        key: null,
        hosts: {},
        admits: [],
        lets: [],
        ours: [],
        files: { hosts: null, authorized: null },
      },
      bootId: 'boot-1',
      xen: { major: 4, minor: 17, version: '4.17.7', virtCaps: ['pv', 'hvm', 'hap'] },
      cpus: 4,
      memory: { total: 8191 * 1024, free: 4096 * 1024, reclaimable: 786432 - 131072 },
      scheduler: 'credit2',
      bridges: ['br0', 'br1'],
      ovs: [],
      cpupools: [],
      qemu: true,
      xendomains: null,
      storage: { mounts: [{ source: '/dev/sda1', path: '/', type: 'ext4' }], fstab: null, book: null, stores: {} },
      domains: [
        {
          domid: 5,
          uuid,
          name: 'web',
          type: 'pvh',
          state: 'running',
          vcpus: { online: 1, max: 3 },
          vcpusAsked: 2,
          memory: { target: 131072, actual: 131072, max: 163840 },
          boot: { kernel: '/k', ramdisk: null, cmdline: 'quiet' },
          settings: { 'on.poweroff': 'destroy', 'on.reboot': 'destroy', 'on.crash': 'destroy' },
          disks: [{ vdev: 'xvda', path: '/d', access: 'rw', format: 'raw', backend: 'phy', state: 4 }],
          cdroms: {},
          nics: [
            {
              devid: 0,
              mac: '02:00:00:00:00:0a',
              bridge: 'br1',
              recorded: 'br0',
              vlan: null,
              rate: null,
              model: 'pv',
              script: null,
              state: 4,
            },
          ],
          monitored: true,
          qemu: false,
          balloon: undefined,
          pvDrivers: undefined,
          pendingUpdate: null,
        },
      ],
      records: [expect.objectContaining({ path: '/etc/xen/web.cfg', marker: null, autostart: [], problem: undefined })],
      paths: { '/k': 'there', '/no': 'missing', '/slow': 'unknown' },
      monitors: ['/etc/xen/web.cfg'],
      problems: [],
    });
  });

  it.each<[string, string, string, number]>([
    ['off', info, 'autoballoon="off"\n', 0],
    ['auto with dom0_mem', info.replace('placeholder', 'dom0_mem=768M,max:768M'), '', 0],
    ['on with dom0_mem', info.replace('placeholder', 'dom0_mem=768M,max:768M'), 'autoballoon="on"\n', 655360],
  ])('says what dom0 would give up: autoballoon %s', (_, infoText, conf, kib) => {
    const raw = running({ info: infoText, files: [{ name: 'etc/xen/xl.conf', body: conf }, cfg(), json(5)] });
    expect(seen(raw).memory.reclaimable).toBe(kib);
  });

  it('knows bridges of Open vSwitch, and which one a vif hangs on from libxl', () => {
    const raw = running({ ovs: 'ovs0\n', link: link('ovs-system') });
    expect(seen(raw).bridges).toEqual(['br0', 'br1', 'ovs0']);
    expect(domain(raw).nics[0]?.bridge).toBe('br0');
  });

  it('takes a vif whose script failed for a ghost', () => {
    expect(domain(running({ xs: xs(5, '/b/vif/hotplug-status = "error"\n') })).nics[0]?.state).toBe(0);
  });

  it('goes on without links and processes, with a warning', () => {
    const s = seen(running({ link: 'ip: bad option', ps: '' }));
    expect(s.problems).toEqual([expect.stringMatching(/^the network links could not be read .* bad option/)]);
    expect(s.domains[0]).toMatchObject({ nics: [{ bridge: 'br0' }], monitored: false });
  });

  it('digests a pending config-update', () => {
    const update = { name: `var/lib/xen/userdata-d.5.${uuid}.xl`, body: 'name = "web"\n' };
    expect(domain(running({ files: [cfg(), json(5), update] })).pendingUpdate).toBe(digestText('name = "web"\n'));
  });
});

describe('a domain between two lives', () => {
  it.each<[string, Partial<Parts>, string]>([
    ['listed, not in xenstore', { xs: '', files: [cfg()] }, '-b----'],
    ['being built', { files: [cfg()] }, '--p---'],
  ])('%s, is neither up nor gone', (_, parts, flags) => {
    const s = seen(running(parts, flags));
    expect(s.domains).toMatchObject([{ domid: 5, uuid, state: 'dying', type: 'pvh' }]);
    expect(s.problems).toEqual([expect.stringMatching(/^domain 5 \(web\) .* coming or going/)]);
  });

  it.each<[string, string, string, string]>([
    ['rebooting, with somebody who carries it out', '---sr-', ' 638 xl create /etc/xen/web.cfg\n', 'running'],
    ['rebooting, with nobody', '---sr-', '', 'shutdown'],
    ['suspended on its way', '---ss-', '', 'running'],
    ['shut down', '---s--', '', 'shutdown'],
    ['crashed', '---sc-', '', 'crashed'],
  ])('%s', (_, flags, ps, state) => {
    expect(domain(running({ ps }, flags)).state).toBe(state);
  });

  it('has no name any more', () => {
    expect(domain(running({ list: row('(null)', 5, '---s-d', uuid) }))).toMatchObject({ name: 'web', state: 'dying' });
  });
});

describe('HVM', () => {
  it('takes formats from libxl, vCPUs from the hypervisor and QEMU’s prefix off paths', () => {
    const hvm = xs(5)
      .replace('params = "/d"', 'params = "qcow2:/d:1"')
      .replace('51712/type = "phy"', '51712/type = "qdisk"')
      .replace('/libxl/5/type = "pvh"', '/libxl/5/type = "hvm"');
    const raw = running({ xs: hvm, files: [json(5, 'hvm')] });
    expect(domain(raw)).toMatchObject({
      type: 'hvm',
      vcpus: { online: 1, max: 3 },
      disks: [{ path: '/d:1', format: 'raw', backend: 'qdisk' }],
      monitored: undefined,
    });
  });
});

describe('what is too large', () => {
  it('is not looked into: a line of a tool ends the reading, and a file is told', () => {
    const xs = `/local/domain/0/name = "${'x'.repeat(9 * 1024 * 1024)}"\n`;
    expect(why(answer({ xs }))).toMatchObject({ why: 'a line in the section xs is longer than 8MiB' });
    const many = `/a = "${'x'.repeat(4000)}"\n`.repeat(3000);
    expect(seen(answer({ xs: many })).is).toBe('seen');
    const files: readonly Member[] = [
      { name: 'etc/xen/large.cfg', body: `name = "${'x'.repeat(1024 * 1024)}"` },
      { name: 'etc/xen/a.cfg', body: 'name = "y"' },
    ];
    const { records, problems } = seen(answer({ files }));
    expect(records.map((r) => [r.path, r.problem])).toEqual([
      ['/etc/xen/a.cfg', undefined],
      ['/etc/xen/large.cfg', '/etc/xen/large.cfg is larger than 1MiB, and was not read'],
    ]);
    expect(problems).toContain('/etc/xen/large.cfg is larger than 1MiB, and was not read');
  });
});

describe('names with control characters', () => {
  it('end the reading where xl list has one: whatever follows looks like another row', () => {
    const xs = '/local/domain/7 = ""\n/local/domain/7/name = "a\\nweb  8  128"\n';
    expect(why(running({ xs }))).toEqual({
      is: 'unknown',
      reason: 'unparsable',
      why: 'xl list cannot be read: the name of domain 7 has a control character',
      help: 'rename it: xl rename 7 NAME',
    });
  });

  it('keep a file of /etc/xen from being read, and are told', () => {
    const files: readonly Member[] = [
      { name: 'etc/xen/a\nb.cfg', body: 'name = "x"' },
      { name: 'etc/xen/a b.cfg', body: 'name = "y"' },
    ];
    const { records, problems } = seen(answer({ files }));
    expect(records.map((r) => r.path)).toEqual(['/etc/xen/a b.cfg']);
    expect(problems).toContain('"/etc/xen/a\\nb.cfg" was not read: its name has a control character');
  });
});

describe('an answer that says nothing', () => {
  it.each<[string, Uint8Array, Partial<Record<keyof Unknown, unknown>>]>([
    ['cut', running().subarray(0, 900), { reason: 'cut-short' }],
    [
      'no hypervisor',
      join(section('host', 0, ''), section('xl-info', 1, "ERROR:  Can't find hypervisor information in sysfs!\n"), end),
      { reason: 'no-xen', why: expect.stringMatching(/Can't find hypervisor/) },
    ],
    ['no xl', join(section('host', 0, ''), section('xl-info', 127, 'xl: not found\n'), end), { reason: 'no-xen' }],
    [
      'no permission',
      join(
        section('host', 0, ''),
        section(
          'xl-info',
          1,
          'xencall: error: Could not obtain handle on privileged command interface: Permission denied\n',
        ),
        end,
      ),
      { reason: 'permission' },
    ],
    ['a hanging xl', join(section('host', 0, ''), section('xl-info', 137, ''), end), { reason: 'timeout' }],
    [
      'xl list that fails',
      join(
        section('host', 0, ''),
        section('xl-info', 0, info),
        section('xl-list', 1, 'libxl_list_domain failed.\n'),
        end,
      ),
      { reason: 'unparsable' },
    ],
    ['no Domain-0', join(section('xl-info', 0, info), section('xl-list', 0, listHead), end), { reason: 'unparsable' }],
    [
      'no xenstore',
      join(section('xl-info', 0, info), section('xl-list', 0, listHead + dom0), section('xs', 137, ''), end),
      { reason: 'timeout' },
    ],
    [
      'half an archive',
      join(
        section('xl-info', 0, info),
        section('xl-list', 0, listHead + dom0),
        section('xs', 0, ''),
        section('files', 2, tar([cfg()]).subarray(0, 600)),
        end,
      ),
      { reason: 'unparsable' },
    ],
  ])('%s', (_, raw, expected) => {
    expect(why(raw)).toMatchObject({ is: 'unknown', ...expected });
  });

  it('cut anywhere is never a smaller farm', () => {
    const raw = running();
    for (let n = 0; n < raw.length - 1; n += 97) expect(why(raw.subarray(0, n)).reason).toBe('cut-short');
  });
});

describe('records', () => {
  const marker: Marker = {
    farm: 'f',
    vm: 'web',
    uuid,
    home: 'dom9',
    generation: 2,
    origin: 'created',
    protect: false,
    macs: { eth0: '02:00:00:00:00:0a' },
    applied: {
      'memory.target': 131072,
      'boot.cmdline': 'a\nb “ü”',
      disks: {
        xvda: {
          path: '/srv/s/disks/web.raw',
          access: 'rw',
          made: { repository: 's', size: 1, from: { template: 't', path: '/srv/s/images/t.raw', format: 'raw' } },
        },
      },
    },
    by: '0.1.0',
  };
  const config = { ...seen(running()).records[0]?.config, extra: [] } as Parameters<typeof renderCfg>[1];
  const rendered = renderCfg(marker, config);
  const text = rendered.ok ? rendered.text : '';
  const files = (...members: readonly Member[]): ServerSeen => seen(running({ files: [...members, json(5)] }));

  it('carry the marker, unless it is another VM’s', () => {
    const own = { name: 'etc/xen/web.cfg', body: Buffer.from(text) };
    const copy = {
      name: 'etc/xen/copy.cfg',
      body: Buffer.from(text.replace(`uuid = "${uuid}"`, `uuid = "${uuid.replace('1', '2')}"`)),
    };
    expect(files(own, copy).records.map((r) => [r.path, r.marker])).toEqual([
      ['/etc/xen/copy.cfg', null],
      ['/etc/xen/web.cfg', marker],
    ]);
    expect(text.split('\n')[1]).toMatch(/^# Kept by Reeve/);
  });

  it('are started by links, relative ones too, and by plain copies', () => {
    const s = files(
      cfg(),
      { name: 'etc/xen/auto/10-web', link: '/etc/xen/web.cfg' },
      { name: 'etc/xen/auto/20-web', link: '../web.cfg' },
      { ...cfg(), name: 'etc/xen/auto/copy' },
    );
    expect(s.records.map((r) => [r.path, r.autostart])).toEqual([
      ['/etc/xen/web.cfg', ['/etc/xen/auto/10-web', '/etc/xen/auto/20-web', '/etc/xen/auto/copy']],
    ]);
  });

  it('may stand in /etc/xen/auto alone, or have another name than .cfg', () => {
    const s = files(
      { ...cfg(), name: 'etc/xen/auto/web' },
      { name: 'etc/xen/old', body: 'name = "old"\n' },
      { name: 'etc/xen/auto/old', link: '/etc/xen/old' },
      { name: 'etc/xen/README', body: 'not a cfg' },
    );
    expect(s.records.map((r) => [r.path, r.autostart])).toEqual([
      ['/etc/xen/auto/web', ['/etc/xen/auto/web']],
      ['/etc/xen/old', ['/etc/xen/auto/old']],
    ]);
  });

  it('lead a store’s link back to whichever file has its name', () => {
    const s = files(
      { ...cfg(), name: 'etc/xen/vm/web' },
      { name: 'etc/xen/auto/web.cfg', link: '/srv/s/autostart/dom01/web.cfg' },
    );
    expect(s.records.map((r) => [r.path, r.autostart, r.via])).toEqual([
      ['/etc/xen/vm/web', ['/etc/xen/auto/web.cfg'], '/srv/s/autostart/dom01/web.cfg'],
    ]);
  });

  it('that cannot be parsed say whose they seem to be', () => {
    const s = files(
      { name: 'etc/xen/x', body: `name = 'bad'\nuuid = "${uuid.toUpperCase()}"\nmemory = 1 1\n` },
      { name: 'etc/xen/y.cfg', body: '(' },
    );
    expect(s.records.map((r) => [r.path, r.claims])).toEqual([
      ['/etc/xen/x', { name: 'bad', uuid }],
      ['/etc/xen/y.cfg', { name: 'y', uuid: null }],
    ]);
  });

  it('outside of /etc/xen are what a second reading is for; what is missing is told of', () => {
    const s = files(
      { name: 'etc/xen/auto/far', link: '/srv/far.cfg' },
      { name: 'etc/xen/auto/odd', link: '/etc/shadow' },
      { name: 'etc/xen/auto/gone', link: '/etc/xen/gone.cfg' },
    );
    expect(s.problems).toEqual(['/etc/xen/auto/gone leads to /etc/xen/gone.cfg, which is not there']);
    expect(s.more).toEqual(['cfg:/srv/far.cfg']);
    expect(s.records.map((r) => r.problem)).toEqual([
      '/etc/shadow was not read: it is no file of at most 256KiB with a line that begins with `name =`',
    ]);
  });

  it('that xl would refuse say where and why', () => {
    const s = files(
      { name: 'etc/xen/bad.cfg', body: 'name = "bad"\nvif = (1)\n' },
      { name: 'etc/xen/odd.cfg', body: 'memory = 1\n' },
    );
    expect(s.records.map((r) => [r.config, r.problem])).toEqual([
      [undefined, '/etc/xen/bad.cfg:2:7: "(" may not stand here'],
      [undefined, expect.stringMatching(/odd\.cfg: .*`name` is missing/)],
    ]);
  });

  it('may hold Latin-1 in comments, not in values', () => {
    const s = files(
      { name: 'etc/xen/a.cfg', body: '# Gr\xf6\xdfe\nname = "a"\n' },
      { name: 'etc/xen/b.cfg', body: 'name = "b"\nx = "\xf6"\n' },
    );
    expect(s.records.map((r) => r.problem)).toEqual([undefined, '/etc/xen/b.cfg: the value of x is not UTF-8']);
  });
});

const sample = new URL('../../../../../shared/samples/xen-4.17-observed/observe.txt', import.meta.url).pathname;

describe('a real answer of Xen 4.17', () => {
  /** It was recorded in another frame format, with byte counts. */
  const convert = (raw: Buffer): Uint8Array => {
    const bodies = new Map<string, Buffer>();
    for (let at = raw.indexOf('\n@N0NCE '); at >= 0; at = raw.indexOf('\n@N0NCE ', at + 1)) {
      const lineEnd = raw.indexOf('\n', at + 1);
      const m = /^\n@N0NCE (\S+) rc=\d+ out=(\d+)/.exec(raw.toString('latin1', at, lineEnd));
      if (m?.[1]) bodies.set(m[1], raw.subarray(lineEnd + 1, lineEnd + 1 + Number(m[2])));
    }
    const text = (name: string): string => bodies.get(name)?.toString('latin1') ?? '';
    /** It was asked twice then, once with `-v` and once with `-c`. */
    const withPools = (v: string, c: string): string =>
      v
        .split('\n')
        .map((line, i) => line + (c.split('\n')[i]?.slice(-16) ?? ''))
        .join('\n');
    const members = [...bodies].flatMap(([name, body]): readonly Member[] => {
      const path = /^file:\/((?:etc\/(?:xen|default)\/[^/]+|var\/lib\/xen\/userdata.*))$/.exec(name)?.[1];
      return path === undefined ? [] : [{ name: path, body }];
    });
    return join(
      section('host', 0, `dom01\n${text('file:/proc/sys/kernel/random/boot_id')}`),
      section('xl-info', 0, text('xl-info')),
      section('xl-list', 0, withPools(text('xl-list-v'), text('xl-list-c'))),
      section('xl-vcpus', 0, text('xl-vcpu')),
      section('xl-sched', 0, text('xl-credit2')),
      section('xl-credit', 0, text('xl-credit')),
      section('xs', 0, text('xs-libxl') + text('xs-dom')),
      section('files', 0, tar([...members, { name: 'etc/xen/auto/10-web-1', link: '/etc/xen/web-1.cfg' }])),
      section('link', 0, text('link')),
      section('ps', 0, text('mon').replace(/^( *\d+) \w{3} \w{3} .{16} /gm, '$1 ')),
      section('qemu', 0, '/usr/bin/qemu-system-i386\n'),
      end,
    );
  };

  it.skipIf(!existsSync(sample))('is read (skipped where ../shared/samples is missing)', () => {
    const s = seen(convert(readFileSync(sample)));
    expect(s).toMatchObject({
      host: 'dom01',
      bootId: '5ba519d6-a92d-423c-9cb4-8d42bb149f41',
      xen: { major: 4, minor: 17, virtCaps: ['pv', 'hvm', 'hap', 'gnttab-v1', 'gnttab-v2'] },
      memory: { total: 3071 * 1024, free: 1824 * 1024, reclaimable: 0 },
      bridges: ['xenbr0'],
      problems: [],
      monitors: ['/etc/xen/db-1.cfg', '/etc/xen/web-1.cfg', '/etc/xen/win-1.cfg'],
    });
    expect(s.domains.map((d) => [d.domid, d.name, d.type, d.state, d.vcpus, d.memory.target, d.monitored])).toEqual([
      [1, 'web-1', 'pvh', 'running', { online: 1, max: 2 }, 122880, true],
      [2, 'db-1', 'pv', 'paused', expect.anything(), expect.anything(), true],
      [4, 'win-1', 'hvm', 'running', { online: 1, max: 2 }, 131072, true],
    ]);
    expect(s.domains[2]?.disks).toEqual([
      { vdev: 'hda', path: '/srv/images/win-1.qcow2', access: 'rw', format: 'qcow2', backend: 'qdisk', state: 2 },
    ]);
    expect(s.domains[2]?.cdroms).toEqual({ hdc: { path: '/srv/images/cd.iso' } });
    expect(s.domains[0]?.nics).toEqual([
      {
        devid: 0,
        mac: '00:16:3e:00:00:02',
        bridge: 'xenbr0',
        vlan: null,
        rate: null,
        model: 'pv',
        script: 'vif-bridge',
        state: 4,
      },
    ]);
    expect(s.domains.map((d) => [d.qemu, d.pvDrivers, d.balloon])).toEqual([
      [false, true, undefined],
      [false, true, undefined],
      [true, undefined, undefined],
    ]);
    expect([s.scheduler, s.cpupools, s.qemu, s.ovs]).toEqual(['credit2', [], undefined, []]);
    const shown = ['sched.weight', 'affinity.hard', 'affinity.soft', 'cpupool', 'on.reboot', 'on.crash'] as const;
    expect(s.domains.map((d) => shown.map((name) => d.settings[name]))).toEqual([
      [512, 'all', 'all', 'Pool-0', 'restart', 'preserve'],
      // A hand pinned one of its two vCPUs.
      [256, '1; all', 'all', 'Pool-0', 'restart', 'preserve'],
      [256, 'all', 'all', 'Pool-0', 'restart', 'destroy'],
    ]);
    expect(s.domains[2]?.settings).toMatchObject({
      'boot.order': ['cdrom', 'disk'],
      'display.vnc': true,
      'display.vnc.listen': '127.0.0.1',
      tablet: true,
    });
    expect(s.records.map((r) => [r.path, r.config?.name, r.autostart, r.problem])).toEqual([
      ['/etc/xen/db-1.cfg', 'db-1', [], undefined],
      ['/etc/xen/off-1.cfg', 'off-1', [], undefined],
      ['/etc/xen/web-1.cfg', 'web-1', ['/etc/xen/auto/10-web-1'], undefined],
      ['/etc/xen/win-1.cfg', 'win-1', [], undefined],
    ]);
    // A hand plugged web-1's second vCPU, which the guest does not run.
    expect([s.domains[0]?.vcpus.online, s.domains[0]?.vcpusAsked]).toEqual([1, 2]);
    // What hands changed on the running web-1 shows against its cfg; win-1's video RAM does not.
    const web = s.records[2]?.config;
    expect([web?.memory, s.domains[0]?.memory]).toEqual([
      { target: 131072, max: 163840 },
      { target: 122880, actual: 122880, max: 163840 },
    ]);
  });
});
