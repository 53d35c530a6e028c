/** What the planner makes of the whole VM: names, order, media, settings, keys that it has no word for, and what a server lacks. */
import { describe, expect, it } from 'vitest';
import type { Farm } from '../../../src/kinds/farm.ts';
import type { Plan, PlanOptions } from '../../../src/kinds/plan.ts';
import type { Observed, ServerSeen } from '../../../src/kinds/server/live.ts';
import type { Domain } from '../../../src/kinds/vm/live.ts';
import { plainNic, type VmSpec } from '../../../src/kinds/vm/spec.ts';
import { renderPlan } from '../../../src/report/plan-text.ts';
import { releasePlan } from '../../../src/plan/index.ts';
import { after, carryOut, disk, farm, GiB, nic, observed, plan, server, spec, tools } from './world.ts';

const ids = (f: Farm, seen: Observed, options: Partial<PlanOptions> = {}): readonly string[] =>
  plan(f, seen, options).operations.map((o) => o.id);

/** The farm as Reeve made it from these VMs. */
const made = (vms: readonly VmSpec[], on: ServerSeen = server()): Observed => {
  const start = observed({ a: on });
  return after(start, plan(farm(vms), start).operations);
};

const changed = (seen: Observed, change: (s: ServerSeen) => ServerSeen): Observed =>
  new Map([...seen].map(([name, s]) => [name, s.is === 'seen' ? change(s) : s] as const));
const onDomains = (seen: Observed, change: (d: Domain) => Domain): Observed =>
  changed(seen, (s) => ({ ...s, domains: s.domains.map(change) }));

const serverOf = (seen: Observed): ServerSeen => {
  const s = seen.get('a');
  if (s?.is !== 'seen') throw new Error('a was not seen');
  return s;
};
const restart = (vm: string): Partial<PlanOptions> => ({ allow: [{ disruption: 'restart', pattern: vm }] });
const changesOf = (p: Plan): readonly string[] => p.vms.flatMap((v) => v.changes.map((c) => `${c.field} ${c.fate}`));

const web = spec('web', { disks: { xvda: disk('/srv/web.img') } });
const win = spec('win', {
  type: 'hvm',
  boot: undefined,
  disks: { xvda: disk('/srv/win.img') },
  cdroms: { hdc: { path: null } },
});

describe('a VM that is paused', () => {
  const on = (servers: readonly string[], state: 'running' | 'paused' = 'running') =>
    farm([{ ...spec('web'), servers, state }], ['a', 'b']);
  const seen = (() => {
    const empty = observed({ a: server(), b: server() });
    return onDomains(after(empty, plan(on(['a']), empty).operations), (d) => ({ ...d, state: 'paused' }));
  })();
  it('and is to run elsewhere goes on first, and then moves, in one run', () => {
    const p = plan(on(['b']), seen);
    expect(p.refused).toEqual([]);
    expect(p.operations.filter((o) => o.target.kind === 'vm').map((o) => o.id)).toEqual([
      'web/unpause',
      'web/define',
      'web/migrate/b',
      'web/settle',
    ]);
    expect(ids(on(['b']), carryOut(seen, p.operations))).toEqual([]);
  });
  it('and is to stay so is left where it is', () => {
    const p = plan(on(['b'], 'paused'), seen);
    expect(p.refused.map((r) => r.code)).toEqual(['vm-paused']);
  });
});

describe('a VM that a hand has stopped', () => {
  const down = changed(made([web]), (s) => ({ ...s, domains: [] }));
  it('loses the link that would start it at the next boot, where the file says that it is stopped', () => {
    const f = farm([{ ...web, state: 'stopped' }]);
    expect(ids(f, down)).toEqual(['web/define', 'web/autostart']);
    const then = after(down, plan(f, down).operations);
    expect(serverOf(then).records.map((r) => r.autostart)).toEqual([[]]);
    expect(ids(f, then)).toEqual([]);
  });
});

describe('a new name', () => {
  it('of a running VM is a rename, a cfg of that name and a link that follows it', () => {
    const seen = made([web]);
    const f = farm([{ ...web, name: 'www' }]);
    const p = plan(f, seen);
    expect(p.operations.map((o) => o.id)).toEqual(['web/define', 'web/autostart', 'web/rename']);
    expect(p.bound).toBe(3);
    expect(p.operations.map((o) => o.disruption)).toEqual(['none', 'none', 'live']);
    const then = after(seen, p.operations);
    expect(serverOf(then).records.map((r) => [r.path, r.autostart])).toEqual([
      ['/etc/xen/www.cfg', ['/etc/xen/auto/www.cfg']],
    ]);
    expect(serverOf(then).domains.map((d) => d.name)).toEqual(['www']);
    expect(ids(f, then)).toEqual([]);
  });
  it('goes along with a restart', () => {
    const seen = made([web]);
    const f = farm([{ ...web, name: 'www', boot: { kernel: '/srv/vmlinuz', ramdisk: undefined, cmdline: 'quiet' } }]);
    const p = plan(f, seen, restart('web'));
    expect(p.operations.map((o) => o.id)).toEqual(['web/restart', 'web/autostart']);
    expect(ids(f, after(seen, p.operations))).toEqual([]);
  });
  it('that a hand gave is drift', () => {
    const seen = onDomains(made([web]), (d) => ({ ...d, name: 'byhand' }));
    const p = plan(farm([web]), seen);
    expect(p.operations.map((o) => o.op)).toMatchObject([{ verb: 'rename', name: 'byhand', to: 'web' }]);
    expect(p.vms[0]?.changes.map((c) => c.cause)).toEqual(['drift-running']);
  });
  it('that a hand gave goes along to another server where this run leaves it', () => {
    const on = (...servers: string[]) => farm([{ ...spec('web'), servers }], ['a', 'b']);
    const empty = observed({ a: server(), b: server() });
    const seen = onDomains(after(empty, plan(on('a'), empty).operations), (d) => ({ ...d, name: 'byhand' }));
    const p = plan(on('b'), seen, { cause: 'config' });
    expect(p.refused).toEqual([]);
    expect(p.operations.flatMap(({ op }) => (op.verb === 'migrate' ? [op.name, op.config.name] : []))).toEqual([
      'byhand',
      'byhand',
    ]);
    expect(plan(on('b'), seen).operations.map((o) => o.id)).toContain('web/rename');
    expect(ids(on('b'), carryOut(seen, p.operations), { cause: 'config' })).toEqual([]);
  });
  it('that another VM has is refused', () => {
    const seen = made([web, spec('old', { disks: { xvda: disk('/srv/old.img') } })]);
    const p = plan(farm([{ ...web, name: 'old' }]), seen);
    expect(p.refused[0]?.why).toMatch(/^a has a domain old already/);
    expect(p.operations).toEqual([]);
  });
  it('of the key is a rename by `formerly`, and keeps UUID and MACs', () => {
    const nics = { eth0: nic('lan') };
    const seen = made([{ ...web, nics }]);
    const shop = spec('shop', { disks: web.disks ?? {}, nics, formerly: 'web' });
    const p = plan(farm([shop]), seen);
    expect(p.refused).toEqual([]);
    expect(p.operations.map((o) => o.id)).toEqual(['shop/define', 'shop/autostart', 'shop/rename']);
    const then = serverOf(after(seen, p.operations));
    expect(then.domains.map((d) => [d.name, d.uuid, d.nics.map((n) => n.mac)])).toEqual(
      serverOf(seen).domains.map((d) => ['shop', d.uuid, d.nics.map((n) => n.mac)]),
    );
    expect(then.records.map((r) => r.marker?.vm)).toEqual(['shop']);
    expect(ids(farm([{ ...shop, formerly: undefined }]), observed({ a: then }))).toEqual([]);
  });
  it('of the key without `formerly` is said to need it', () => {
    const seen = made([web]);
    const p = plan(farm([spec('shop', { name: 'web', disks: web.disks ?? {} })]), seen);
    expect(p.refused[0]?.help).toBe('if shop is its new name, write formerly: web');
  });
});

describe('order', () => {
  const ready = { host: '10.0.0.1', port: 5432, from: 'dom0' as const, withinMs: 60_000 };
  const db = spec('db', { ready });
  const app = spec('app', { after: ['db'] });
  const front = spec('front', { after: ['app'] });
  const needsOf = (p: Plan): Readonly<Record<string, readonly string[]>> =>
    Object.fromEntries(p.operations.map((o) => [o.id, o.needs]));

  it('starts one after the other, and waits until each is ready', () => {
    const p = plan(farm([app, db, front]), observed({ a: server() }));
    expect(needsOf(p)['db/ready']).toEqual(['db/start']);
    expect(needsOf(p)['app/start']).toContain('db/ready');
    expect(needsOf(p)['front/start']).toContain('app/start');
    expect(p.bound).toBe(p.operations.length);
  });
  it('waits for what runs already, too, before it starts the next', () => {
    const f = farm([app, db, front]);
    const seen = changed(made([app, db, front]), (s) => ({ ...s, domains: s.domains.filter((d) => d.name === 'db') }));
    const p = plan(f, seen);
    expect(needsOf(p)).toEqual({
      'db/ready': [],
      'app/start': ['db/ready'],
      'front/start': ['app/start'],
    });
    expect(p.vms.map((v) => [v.name, v.action])).toEqual([
      ['app', 'start'],
      ['db', 'await'],
      ['front', 'start'],
    ]);
    expect(p.bound).toBe(3);
    expect(p.touched.map((t) => t.name)).toEqual(['app', 'db', 'front']);
  });
  it('links them in that order for the server’s own start', () => {
    const records = serverOf(made([app, db, front])).records;
    expect(records.flatMap((r) => r.autostart).sort()).toEqual([
      '/etc/xen/auto/01-db.cfg',
      '/etc/xen/auto/02-app.cfg',
      '/etc/xen/auto/03-front.cfg',
    ]);
  });
  it('that changes moves the links, and nothing else', () => {
    const seen = made([app, db, front]);
    expect(ids(farm([app, db, { ...front, after: ['db'] }]), seen)).toEqual(['front/autostart']);
  });
  it('stops in reverse', () => {
    const seen = made([app, db, front]);
    const p = plan(farm([app, db, front].map((v) => ({ ...v, state: 'stopped' as const }))), seen, {
      allow: [{ disruption: 'stop', pattern: '*' }],
    });
    expect(needsOf(p)['db/stop']).toContain('app/stop');
    expect(needsOf(p)['app/stop']).toContain('front/stop');
  });
});

describe('a CD', () => {
  it('is changed while the VM runs', () => {
    const seen = made([{ ...win, cdroms: { hdc: { path: '/srv/a.iso' } } }]);
    const f = farm([{ ...win, cdroms: { hdc: { path: '/srv/b.iso' } } }]);
    const p = plan(f, seen);
    expect(p.operations.map((o) => [o.id, o.disruption])).toEqual([
      ['win/define', 'none'],
      ['win/change-cd/hdc', 'live'],
    ]);
    expect(ids(f, after(seen, p.operations))).toEqual([]);
  });
  it('waits for a restart where its drive has been empty since the start: QEMU would die of it', () => {
    const p = plan(farm([{ ...win, cdroms: { hdc: { path: '/srv/a.iso' } } }]), made([win]));
    expect(changesOf(p)).toEqual(['cdrom.hdc defer']);
    expect(p.operations.map((o) => o.id)).toEqual(['win/define']);
    expect(JSON.stringify(p.vms[0])).toContain('QEMU would die');
  });
  it('that a hand took out is put back', () => {
    const full = { ...win, cdroms: { hdc: { path: '/srv/a.iso' } } };
    const seen = onDomains(made([full]), (d) => ({ ...d, cdroms: { hdc: { path: '' } } }));
    const p = plan(farm([full]), seen);
    expect(p.operations.map((o) => o.id)).toEqual(['win/change-cd/hdc']);
    expect(p.vms[0]?.changes.map((c) => c.cause)).toEqual(['drift-running']);
  });
  it('drive is there from the start only', () => {
    const f = farm([{ ...win, cdroms: { hdc: { path: null }, hdd: { path: null } } }]);
    const p = plan(f, made([win]));
    expect(changesOf(p)).toEqual(['cdrom.hdd defer']);
    expect(p.operations.map((o) => o.id)).toEqual(['win/define']);
  });
});

describe('settings', () => {
  it('that the hypervisor takes at once cost one operation each, weight and cap together', () => {
    const f = farm([
      { ...web, settings: { 'sched.weight': 512, 'sched.cap': 50, 'affinity.hard': '0-1', cpupool: 'other' } },
    ]);
    const seen = made([web]);
    const p = plan(f, seen);
    expect(p.operations.map((o) => o.id)).toEqual([
      'web/define',
      'web/set-cpupool',
      'web/set-sched',
      'web/set-affinity',
    ]);
    expect(p.operations.map((o) => o.disruption)).toEqual(['none', 'live', 'live', 'live']);
    expect(p.bound).toBe(4);
    expect(ids(f, after(seen, p.operations))).toEqual([]);
  });
  it('of weight and cap are given again in another cpupool, whose scheduler begins with its own', () => {
    const heavy = { ...web, settings: { 'sched.weight': 512 } };
    const seen = made([heavy]);
    const f = farm([{ ...heavy, settings: { 'sched.weight': 512, cpupool: 'other' } }]);
    const p = plan(f, seen);
    expect(p.operations.map((o) => o.id)).toEqual(['web/define', 'web/set-cpupool', 'web/set-sched']);
    expect(p.bound).toBe(3);
    expect(plan(f, after(seen, p.operations)).vms).toEqual([]);
    expect(ids(farm([{ ...web, settings: { cpupool: 'other' } }]), made([web]))).toEqual([
      'web/define',
      'web/set-cpupool',
    ]);
  });
  it('taken out of the file go back to Xen’s own', () => {
    const seen = made([{ ...web, settings: { 'sched.weight': 512 } }]);
    expect(plan(farm([web]), seen).operations.map((o) => o.op)).toMatchObject([
      { verb: 'define' },
      { verb: 'set-sched', weight: 256 },
    ]);
  });
  it('every CPU of the server is all of them', () => {
    expect(ids(farm([{ ...web, settings: { 'affinity.hard': '0-7' } }]), made([web]))).toEqual([]);
  });
  it('read at the start wait for one', () => {
    const f = farm([{ ...win, settings: { 'display.vnc.port': 5907, 'boot.order': ['cdrom', 'disk'] } }]);
    expect(changesOf(plan(f, made([win])))).toEqual(['boot.order defer', 'display.vnc.port defer']);
    expect(ids(f, made([win]), restart('win'))).toEqual(['win/restart']);
  });
  it('of a scheduler that has no weights cannot be made live', () => {
    const seen = made([web], server({ scheduler: 'rtds' }));
    const p = plan(farm([{ ...web, settings: { 'sched.weight': 512 } }]), seen);
    expect(p.vms[0]?.changes[0]?.ways[0]?.illegal).toBe('the scheduler is rtds');
  });
});

describe('a password', () => {
  const locked = { ...win, settings: { 'display.vnc.password': { secret: '${env:VNC}', digest: null } } };
  it('is in no plan and in no marker, and is compared by what it is', () => {
    const first = plan(farm([locked]), observed({ a: server() }));
    expect(JSON.stringify(first)).not.toMatch(/[0-9a-f]{64}"?,?"?\}?\}?,"?digest":"[0-9a-f]{64}/);
    expect(JSON.stringify(first)).not.toContain('2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b');
    const seen = after(observed({ a: server() }), first.operations);
    const digest = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b';
    const holds = (d: string): Observed =>
      changed(seen, (s) => ({
        ...s,
        records: s.records.map((r) => ({
          ...r,
          config: r.config && {
            ...r.config,
            settings: { ...r.config.settings, 'display.vnc.password': { secret: 'kept', digest: d } },
          },
        })),
        domains: s.domains.map((x) => ({
          ...x,
          settings: { ...x.settings, 'display.vnc.password': { secret: 'kept', digest: d } },
        })),
      }));
    expect(ids(farm([locked]), holds(digest))).toEqual([]);
    const other = plan(farm([locked]), holds('0'.repeat(64)));
    expect(other.vms[0]?.changes.map((c) => [c.field, c.want, c.have.running])).toEqual([
      ['display.vnc.password', { is: 'value', value: '${env:VNC}' }, { is: 'value', value: 'another password' }],
    ]);
  });
});

describe('a key that Reeve has no word for', () => {
  const tuned = { ...web, xl: { timer_mode: '1' } };
  it('is written, waits for a restart, and is no longer pending after it', () => {
    const seen = made([web]);
    const f = farm([tuned]);
    const p = plan(f, seen);
    expect(p.operations.map((o) => o.id)).toEqual(['web/define']);
    const waiting = after(seen, p.operations);
    const again = plan(f, waiting);
    expect(again.operations).toEqual([]);
    expect(changesOf(again)).toEqual(['xl.timer_mode pending']);
    const done = after(waiting, plan(f, waiting, { pending: true }).operations);
    expect(plan(f, done).vms).toEqual([]);
  });
  it('that another Xen knows only is warned about', () => {
    const p = plan(farm([{ ...web, xl: { nosuch_key: '1' } }]), observed({ a: server() }));
    expect(p.warnings).toEqual(['web: Xen 4.17.7 on a does not know xl.nosuch_key, and ignores it']);
  });
  it('of the cfg alone is left alone', () => {
    const seen = changed(made([web]), (s) => ({
      ...s,
      records: s.records.map((r) => ({
        ...r,
        config: r.config && { ...r.config, extra: [{ key: 'localtime', value: '1' }] },
      })),
    }));
    expect(ids(farm([web]), seen)).toEqual([]);
    const p = plan(farm([tuned]), seen);
    expect(p.operations[0]?.op).toMatchObject({
      record: { config: { extra: [{ key: 'localtime' }, { key: 'timer_mode', value: '1' }] } },
    });
  });
});

describe('a server that lacks what the VM needs', () => {
  const cases: readonly [string, Partial<ServerSeen>, VmSpec, RegExp][] = [
    ['virtualisation', { xen: { ...server().xen, virtCaps: ['pv'] } }, win, /runs no hvm guests/],
    ['pv', { xen: { ...server().xen, virtCaps: ['hvm', 'hap'] } }, { ...web, type: 'pv' }, /runs no pv guests/],
    ['a QEMU for HVM', { qemu: false }, win, /no QEMU for Xen, and every hvm guest needs one/],
    [
      'a QEMU for qcow2',
      { qemu: false },
      { ...web, disks: { xvda: disk('/srv/web.qcow2', 'rw', { format: 'qcow2' }) } },
      /no QEMU for Xen, and disk xvda needs one/,
    ],
    ['the cpupool', {}, { ...web, settings: { cpupool: 'nosuch' } }, /no cpupool nosuch/],
    [
      'the medium',
      { paths: { '/srv/a.iso': 'missing' } },
      { ...win, cdroms: { hdc: { path: '/srv/a.iso' } } },
      /a.iso/,
    ],
  ];
  it.each(cases)('%s is not tried', (_, more, vm, why) => {
    const p = plan(farm([vm]), observed({ a: server(more) }));
    expect(p.operations).toEqual([]);
    expect(p.refused[0]?.why).toMatch(why);
  });
  it('a VLAN on its Linux bridge says what to do', () => {
    const tagged = (vms: readonly VmSpec[]): Farm => {
      const f = farm(vms);
      return {
        ...f,
        pools: f.pools.map((pool) => ({
          ...pool,
          networks: { ...pool.networks, dmz: { name: 'dmz', bridge: 'xenbr1', vlan: 20 } },
        })),
      };
    };
    const vm = { ...web, nics: { eth0: nic('dmz') } };
    const p = plan(tagged([vm]), observed({ a: server() }));
    expect(p.refused[0]?.why).toMatch(/VLAN 20 on xenbr1, a Linux bridge/);
    expect(p.refused[0]?.help).toMatch(/Open vSwitch/);
    for (const minor of [19, 20, 22]) {
      const newer = { ...server().xen, minor, version: `4.${minor}.0` };
      const q = plan(tagged([vm]), observed({ a: server({ xen: newer }) }));
      expect([q.operations, q.refused]).toEqual([[], p.refused]);
    }
    const ovs = plan(tagged([vm]), observed({ a: server({ ovs: ['xenbr1'] }) }));
    expect(ovs.operations[0]?.op).toMatchObject({
      record: { config: { nics: [{ bridge: 'xenbr1.20', script: 'vif-openvswitch' }] } },
    });
  });
  it.each([
    ['ovs0:20:30', undefined, 'ovs0:20:30'],
    ['ovs0.5', undefined, 'ovs0.5'],
    ['ovs0:20:30', 5, 'ovs0.5:20:30'],
  ])('Open vSwitch takes %s (VLAN %s) for one of its bridges', (bridge, vlan, name) => {
    const f = farm([{ ...web, nics: { eth0: nic('lan') } }]);
    const pools = f.pools.map((pool) => ({ ...pool, networks: { lan: { name: 'lan', bridge, vlan } } }));
    const trunks = { ...f, pools };
    const on = observed({ a: server({ ovs: ['ovs0'] }) });
    const p = plan(trunks, on);
    expect(p.refused).toEqual([]);
    expect(p.operations[0]?.op).toMatchObject({
      record: { config: { nics: [{ bridge: name, script: 'vif-openvswitch' }] } },
    });
    expect(plan(trunks, after(on, p.operations)).operations).toEqual([]);
    const plain = plan(trunks, observed({ a: server({ bridges: ['xenbr0', 'ovs1'] }) }));
    expect(plain.operations).toEqual([]);
  });
});

describe('a NIC that the file does not have', () => {
  it('is taken away by the option that the plan prints, as a shell reads it', () => {
    const f = farm([{ ...web, nics: { eth0: nic('lan') } }]);
    const mac = '00:16:3e:00:00:09';
    const extra = { ...plainNic, mac, bridge: 'xenbr1' };
    const seen = changed(made(f.vms), (s) => ({
      ...s,
      domains: s.domains.map((d) => ({ ...d, nics: [...d.nics, { ...extra, devid: 1, state: 4 }] })),
    }));
    const text = renderPlan(plan(f, seen), { color: false, width: 80, commands: false });
    const hint = /--allow '(device)=(web\/[^']*)'/.exec(text);
    expect(hint?.[2]).toBe(`web/mac ${mac}`);
    const p = plan(f, seen, { allow: [{ disruption: 'device', pattern: hint?.[2] ?? '' }] });
    expect(p.operations.map((o) => o.op)).toMatchObject([{ verb: 'detach-nic', mac }]);
  });
});

describe('a running guest that lacks what the change needs', () => {
  const two = (format: string): VmSpec => ({
    ...web,
    disks: { ...web.disks, xvdb: disk('/srv/b.img', 'rw', { format }) },
  });
  it('without a QEMU gets no qcow2 disk before it starts again', () => {
    const p = plan(farm([two('qcow2')]), made([web]));
    expect(changesOf(p)).toEqual(['disks.xvdb defer']);
    expect(p.vms[0]?.changes[0]?.ways[0]?.illegal).toMatch(/needs a QEMU/);
    expect(ids(farm([two('raw')]), made([web]))).toEqual(['web/define', 'web/attach-disk/xvdb']);
  });
  it('without PV drivers gets no disk', () => {
    const deaf = onDomains(made([win]), (d) => ({ ...d, pvDrivers: false }));
    const f = farm([{ ...win, disks: { ...win.disks, xvdb: disk('/srv/b.img') } }]);
    expect(changesOf(plan(f, deaf))).toEqual(['disks.xvdb defer']);
  });
  it('without a balloon keeps its memory', () => {
    const roomy = { ...web, memory: { target: GiB, max: 2 * GiB } };
    const stiff = onDomains(made([roomy]), (d) => ({ ...d, balloon: false }));
    const f = farm([{ ...roomy, memory: { target: 2 * GiB, max: 2 * GiB } }]);
    expect(changesOf(plan(f, stiff))).toEqual(['memory.target defer']);
  });
});

describe('disks that are shared', () => {
  it('may be written by two VMs', () => {
    const vm = (key: string): VmSpec => spec(key, { disks: { xvda: disk('/srv/cluster.img', 'shared') } });
    const p = plan(farm([vm('n1'), vm('n2')]), observed({ a: server() }));
    expect(p.refused).toEqual([]);
    expect(p.operations).toHaveLength(6);
  });
});

describe('xendomains', () => {
  it('that saves and restores is warned about', () => {
    const p = plan(farm([web]), observed({ a: server({ xendomains: { saves: true, restores: true } }) }));
    expect(p.warnings[0]).toMatch(/^a: xendomains saves every VM.*XENDOMAINS_SAVE=""/);
    expect(
      plan(farm([web]), observed({ a: server({ xendomains: { saves: false, restores: false } }) })).warnings,
    ).toEqual([]);
  });
});

describe('a release', () => {
  it('is one operation that only takes the marker away', () => {
    const seen = made([web]);
    const p = releasePlan(farm([]), seen, 'web', tools);
    if (!('operations' in p)) throw new Error(p.why);
    expect(p.operations.map((o) => [o.id, o.disruption])).toEqual([['web/release', 'none']]);
    expect(p.warnings).toEqual([]);
    const then = after(seen, p.operations);
    expect(serverOf(then).records.map((r) => r.marker)).toEqual([null]);
    expect(releasePlan(farm([]), then, 'web', tools)).toMatchObject({ why: expect.stringContaining('no cfg') });
  });
  it('says that the file still names it', () => {
    const p = releasePlan(farm([web]), made([web]), 'web', tools);
    expect('warnings' in p && p.warnings).toEqual(['the file still names web: the next apply adopts it again']);
  });
});
