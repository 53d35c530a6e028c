/** Random farms on three servers, what hands do to them, and what the file says next: for what must hold of every plan, however odd the farm. */
import * as fc from 'fast-check';
import type { Farm } from '../../src/kinds/farm.ts';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import { noStorage, type StoreSeen } from '../../src/kinds/repository/live.ts';
import type { RepositorySpec } from '../../src/kinds/repository/spec.ts';
import type { Observed, ServerSeen } from '../../src/kinds/server/live.ts';
import type { ServerState } from '../../src/kinds/server/spec.ts';
import type { CfgRecord, Domain } from '../../src/kinds/vm/live.ts';
import type { VmSpec } from '../../src/kinds/vm/spec.ts';
import { defaultOptions, makePlan } from '../../src/plan/index.ts';
import {
  carryOut,
  disk,
  domain,
  farm,
  GiB,
  nic,
  observed,
  server,
  sharedNfs,
  spec,
  tools,
} from '../unit/plan/world.ts';

const servers = ['a', 'b', 'c'] as const;
const keys = ['k1', 'k2', 'k3', 'k4', 'k5'] as const;
const kernel = '/srv/vmlinuz';
const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';
const shared = sharedNfs;
const local: RepositorySpec = {
  ...shared,
  name: 'local',
  type: 'dir',
  source: undefined,
  path: '/srv/local',
  shared: false,
};

const storeOf = (name: string): Extract<StoreSeen, { is: 'there' }> => ({
  is: 'there',
  marker: { format: 1, farm: 'test', repository: name, uuid },
  empty: false,
  space: { size: 200 * GiB, free: 100 * GiB },
  disks: {},
  images: {},
  leases: {},
  saved: [],
});

/** Three servers with both stores, and nothing on them. */
const bare = (gib: readonly number[]): Observed =>
  observed(
    Object.fromEntries(
      servers.map((name, i) => [
        name,
        server({
          host: name,
          memory: { total: 64 * GiB, free: (gib[i] ?? 8) * GiB, reclaimable: 0 },
          paths: { [kernel]: 'there' },
          storage: {
            ...noStorage,
            mounts: [{ source: 'filer:/vmstore', path: '/srv/vmstore', type: 'nfs4' }],
            fstab: { text: 'filer:/vmstore /srv/vmstore nfs nofail 0 0\n', digest: 'f' },
            book: {
              value: {
                format: 1,
                farm: 'test',
                repositories: {
                  vmstore: { path: '/srv/vmstore', uuid },
                  local: { path: '/srv/local', uuid },
                },
              },
              digest: 'b',
            },
            stores: { '/srv/vmstore': storeOf('vmstore'), '/srv/local': storeOf('local') },
          },
        }),
      ]),
    ),
  );

const maybe = <T>(a: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(a, { nil: undefined, freq: 3 });
const someServers = fc.oneof(
  { weight: 3, arbitrary: fc.constant([] as readonly string[]) },
  { weight: 1, arbitrary: fc.subarray([...servers], { minLength: 1, maxLength: 2 }) },
);
const gib = fc.integer({ min: 1, max: 6 });

/** `rare`: what it may be asked for that the farm cannot give, too. */
const arbVm = (key: string, before: readonly string[]): fc.Arbitrary<VmSpec> =>
  fc
    .record({
      target: fc.oneof({ weight: 12, arbitrary: gib }, { weight: 1, arbitrary: fc.constant(40) }),
      headroom: maybe(gib),
      count: fc.integer({ min: 1, max: 4 }),
      disks: fc.constantFrom('none', 'shared', 'shared', 'local', 'made', 'made local', 'both'),
      nics: fc.subarray(['lan', 'dmz']),
      state: fc.constantFrom('running', 'running', 'running', 'stopped', 'paused', 'absent') as fc.Arbitrary<
        VmSpec['state']
      >,
      on: someServers,
      apart: fc.subarray(['hard', 'soft'], { maxLength: 1 }),
      after: fc.subarray([...before], { maxLength: Math.min(1, before.length) }),
      budget: maybe(
        fc.constantFrom('none', 'live', 'migrate', 'restart', 'data-loss') as fc.Arbitrary<
          NonNullable<VmSpec['budget']>
        >,
      ),
      autostart: maybe(fc.boolean()),
      protect: fc.boolean(),
      renamed: fc.boolean(),
      cmdline: maybe(fc.constantFrom('quiet', 'console=hvc0')),
      ready: fc.boolean(),
      deleteDisks: fc.boolean(),
      xl: maybe(fc.constantFrom('0', '1')),
      hvm: fc.boolean(),
    })
    .map((r) =>
      spec(key, {
        name: r.renamed ? `${key}-new` : key,
        type: r.hvm ? 'hvm' : 'pvh',
        memory: { target: r.target * GiB, max: r.headroom === undefined ? undefined : (r.target + r.headroom) * GiB },
        vcpus: { count: r.count, max: undefined },
        boot: { kernel, ramdisk: undefined, cmdline: r.cmdline },
        servers: [...r.on],
        apart: r.apart.map((group) => ({ group, soft: group === 'soft' })),
        after: r.after,
        state: r.state,
        budget: r.budget,
        autostart: r.autostart,
        protect: r.protect,
        deleteDisks: r.deleteDisks,
        ready: r.ready ? { host: '10.0.0.1', port: 22, from: 'dom0', withinMs: 60_000 } : undefined,
        disks: {
          ...(r.disks === 'shared' || r.disks === 'both' ? { xvda: disk(`/srv/vmstore/${key}.img`) } : {}),
          ...(r.disks === 'local' || r.disks === 'both' ? { xvdb: disk(`/srv/${key}.img`) } : {}),
          ...(r.disks.startsWith('made')
            ? {
                xvda: disk('', 'rw', {
                  made:
                    r.disks === 'made'
                      ? { repository: 'vmstore', folder: '/srv/vmstore', size: r.count * GiB, from: null }
                      : { repository: 'local', folder: '/srv/local', size: r.count * GiB, from: null },
                }),
              }
            : {}),
        },
        nics: Object.fromEntries(r.nics.map((n, i) => [`eth${i}`, nic(n)])),
        xl: r.xl === undefined ? undefined : { localtime: r.xl },
      }),
    );

/** What the file says. */
const arbFarm: fc.Arbitrary<Farm> = fc
  .record({
    vms: fc.tuple(...keys.map((key, i) => fc.option(arbVm(key, keys.slice(0, i)), { freq: 4 }))),
    states: fc.tuple(
      ...servers.map(
        () =>
          fc.oneof(
            { weight: 6, arbitrary: fc.constant('active') },
            { weight: 1, arbitrary: fc.constantFrom('maintenance', 'off', 'lost', 'absent') },
          ) as fc.Arbitrary<ServerState>,
      ),
    ),
    dmz: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    stores: fc.oneof(
      { weight: 6, arbitrary: fc.constant('both') },
      { weight: 1, arbitrary: fc.constantFrom('none', 'absent') },
    ),
    spare: fc.constantFrom(0, 0, 0, 1),
    vcpus: maybe(fc.constantFrom(1, 2)),
    atOnce: maybe(fc.constant(1)),
    migration: fc.boolean(),
  })
  .map(({ vms, states, dmz, stores, spare, vcpus, atOnce, migration }) => {
    const said = vms.filter((v) => v !== null);
    const known = new Set(said.map((v) => v.key));
    const base = farm(
      said.map((v) => ({ ...v, after: v.after.filter((k) => known.has(k)) })),
      servers,
    );
    return {
      ...base,
      policy: { ...base.policy, restarts: { atOnce } },
      pools: base.pools.map((p) => ({
        ...p,
        spare,
        overcommit: { vcpus },
        networks: dmz ? p.networks : { lan: p.networks['lan'] ?? { name: 'lan', bridge: 'xenbr0', vlan: undefined } },
        repositories:
          stores === 'none'
            ? {}
            : {
                vmstore: stores === 'absent' ? { ...shared, state: 'absent' as const } : shared,
                local,
              },
        servers: p.servers.map((s, i) => ({
          ...s,
          state: states[i] ?? 'active',
          migration: migration ? s.name : undefined,
        })),
      })),
    };
  });

const hands = [
  'migrate',
  'migrate with cfg',
  'destroy',
  'end',
  'crash',
  'pause',
  'mem-set',
  'vcpu-set',
  'rename',
  'edit memory',
  'edit disks',
  'edit uuid',
  'break cfg',
  'rename in cfg',
  'strip marker',
  'remove cfg',
  'copy cfg',
  'copy cfg beside',
  'link',
  'unlink',
  'detach disk',
  'attach disk',
  'detach nic',
  'twice',
  'reboot',
  'unread',
  'unmount',
  'store gone',
  'store stuck',
  'disk gone',
  'bridge gone',
  'kernel gone',
  'stranger',
  'lease gone',
  'half update',
  'other boot',
  'no shadow',
  'other cpu',
] as const;

interface Hand {
  readonly what: (typeof hands)[number];
  readonly vm: string;
  readonly at: string;
  readonly n: number;
}

const arbHand: fc.Arbitrary<Hand> = fc.record({
  what: fc.constantFrom(...hands),
  vm: fc.constantFrom(...keys),
  at: fc.constantFrom(...servers),
  n: fc.integer({ min: 1, max: 6 }),
});

type Servers = Map<string, ServerSeen>;

const isOf = (name: string, vm: string): boolean => name === vm || name === `${vm}-new` || name === `${vm}-hand`;

const edit = (
  all: Servers,
  vm: string,
  domainDo: (d: Domain) => Domain | null,
  recordDo: (r: CfgRecord) => CfgRecord | null,
): void => {
  for (const [name, s] of all) {
    const domains = s.domains.flatMap((d) => (isOf(d.name, vm) ? (domainDo(d) ?? []) : [d]));
    const records = s.records.flatMap((r) => (isOf(r.config?.name ?? '', vm) ? (recordDo(r) ?? []) : [r]));
    const actual = (list: readonly Domain[]): number => list.reduce((n, d) => n + d.memory.actual, 0);
    const free = s.memory.free + actual(s.domains) - actual(domains);
    all.set(name, { ...s, domains, records, memory: { ...s.memory, free } });
  }
};

const storing = (s: ServerSeen, path: string, store: StoreSeen): ServerSeen => ({
  ...s,
  storage: { ...s.storage, stores: { ...s.storage.stores, [path]: store } },
});

/** Changes `all`; a hand that finds nothing to do does nothing. */
const act = (all: Servers, { what, vm, at, n }: Hand): void => {
  const here = all.get(at);
  if (!here) return;
  const same = <T>(x: T): T => x;
  const onDomain = (change: (d: Domain) => Domain | null): void => edit(all, vm, change, same);
  const onRecord = (change: (r: CfgRecord) => CfgRecord | null): void =>
    edit(all, vm, same, (r) => {
      const next = change(r);
      return next && next !== r ? { ...next, digest: `${r.digest}${what}${n}`, exact: `${r.exact}${what}${n}` } : next;
    });
  const found = [...all].find(([, s]) => s.domains.some((d) => isOf(d.name, vm)));
  const dom = found?.[1].domains.find((d) => isOf(d.name, vm));
  const cfgAt = [...all].find(([, s]) => s.records.some((r) => isOf(r.config?.name ?? '', vm)));
  const cfg = cfgAt?.[1].records.find((r) => isOf(r.config?.name ?? '', vm));
  const put = (name: string, change: (s: ServerSeen) => ServerSeen): void => {
    const s = all.get(name);
    if (s) all.set(name, change(s));
  };
  const withCfg = (s: ServerSeen, r: CfgRecord): ServerSeen => ({
    ...s,
    records: [...s.records.filter((x) => x.path !== r.path), r].sort((x, y) => (x.path < y.path ? -1 : 1)),
  });
  switch (what) {
    case 'migrate':
    case 'migrate with cfg': {
      if (!dom || found?.[0] === at) return;
      onDomain(() => null);
      put(at, (s) => ({
        ...s,
        domains: [...s.domains, { ...dom, domid: 90 + s.domains.length }],
        memory: { ...s.memory, free: s.memory.free - dom.memory.actual },
      }));
      if (what === 'migrate with cfg' && cfg) put(at, (s) => withCfg(s, { ...cfg, autostart: [] }));
      return;
    }
    case 'destroy':
      return onDomain(() => null);
    case 'end':
      return onDomain((d) => ({ ...d, state: 'shutdown' }));
    case 'crash':
      return onDomain((d) => ({ ...d, state: n > 3 ? 'crashed' : 'dying' }));
    case 'pause':
      return onDomain((d) => ({ ...d, state: 'paused', ...(n > 4 ? { suspended: true as const } : {}) }));
    case 'mem-set':
      return onDomain((d) => ({ ...d, memory: { ...d.memory, target: Math.min(d.memory.max, n * 512 * 1024) } }));
    case 'vcpu-set':
      return onDomain((d) => ({ ...d, vcpus: { ...d.vcpus, online: Math.min(d.vcpus.max, n) } }));
    case 'rename':
      return onDomain((d) => ({ ...d, name: `${vm}-hand` }));
    case 'edit memory':
      return onRecord((r) => ({
        ...r,
        config: r.config && { ...r.config, memory: { target: n * 3 * GiB, max: n * 3 * GiB } },
      }));
    case 'edit disks':
      return onRecord((r) => ({
        ...r,
        config: r.config && {
          ...r.config,
          disks: n > 3 ? {} : Object.fromEntries(Object.entries(r.config.disks).slice(1)),
        },
      }));
    case 'edit uuid':
      return onRecord((r) => ({ ...r, marker: null, config: r.config && { ...r.config, uuid: n > 3 ? null : uuid } }));
    case 'break cfg':
      return onRecord((r) => ({ ...r, config: undefined, problem: 'line 1', marker: null }));
    case 'rename in cfg':
      return onRecord((r) => ({ ...r, config: r.config && { ...r.config, name: `${vm}-hand` } }));
    case 'strip marker':
      return onRecord((r) => ({ ...r, marker: null }));
    case 'remove cfg':
      return onRecord(() => null);
    case 'copy cfg':
      if (cfg && cfgAt?.[0] !== at) put(at, (s) => withCfg(s, { ...cfg, autostart: n > 3 ? cfg.autostart : [] }));
      return;
    case 'copy cfg beside':
      if (cfg) put(at, (s) => withCfg(s, { ...cfg, path: `${cfg.path.replace('.cfg', '')}.bak.cfg`, autostart: [] }));
      return;
    case 'link':
      return onRecord((r) => ({ ...r, autostart: [...r.autostart, `/etc/xen/auto/hand${n}`], digest: r.digest }));
    case 'unlink':
      return onRecord((r) => ({ ...r, autostart: [] }));
    case 'detach disk':
      return onDomain((d) => ({ ...d, disks: d.disks.slice(1) }));
    case 'attach disk':
      return onDomain((d) => ({
        ...d,
        disks: [
          ...d.disks,
          {
            vdev: 'xvdf',
            path: n > 3 ? `/srv/stray${n}` : `/srv/vmstore/k${n}.img`,
            access: 'rw',
            format: 'raw',
            backend: 'phy',
            state: 4,
          },
        ],
      }));
    case 'detach nic':
      return onDomain((d) => ({ ...d, nics: d.nics.slice(1) }));
    case 'twice':
      if (dom && found?.[0] !== at) put(at, (s) => ({ ...s, domains: [...s.domains, { ...dom, domid: 80 + n }] }));
      return;
    case 'reboot':
      return put(at, (s) => ({
        ...s,
        bootId: `${s.bootId}+`,
        domains: [],
        memory: { ...s.memory, free: s.memory.free + s.domains.reduce((x, d) => x + d.memory.actual, 0) },
      }));
    case 'unread':
      all.delete(at);
      return;
    case 'unmount':
      return put(at, (s) =>
        storing({ ...s, storage: { ...s.storage, mounts: [] } }, '/srv/vmstore', {
          ...storeOf('vmstore'),
          marker: null,
          empty: true,
        }),
      );
    case 'store gone':
      return put(at, (s) => storing(s, n > 3 ? '/srv/vmstore' : '/srv/local', { is: 'missing' }));
    case 'store stuck':
      return put(at, (s) => storing(s, n > 3 ? '/srv/vmstore' : '/srv/local', { is: 'stuck' }));
    case 'disk gone':
      for (const name of n > 3 ? servers : [at])
        put(name, (s) => {
          const store = s.storage.stores['/srv/vmstore'];
          const paths = {
            ...s.paths,
            [`/srv/vmstore/${vm}.img`]: 'missing' as const,
            [`/srv/${vm}.img`]: 'missing' as const,
          };
          const gone = { ...s, paths };
          return store?.is === 'there' ? storing(gone, '/srv/vmstore', { ...store, disks: {} }) : gone;
        });
      return;
    case 'bridge gone':
      return put(at, (s) => ({ ...s, bridges: n > 3 ? ['xenbr0'] : [] }));
    case 'kernel gone':
      return put(at, (s) => ({ ...s, paths: { ...s.paths, [kernel]: 'missing' } }));
    case 'stranger':
      return put(at, (s) => {
        if (!dom) return s;
        const c = { ...dom, name: `x${n}` };
        const alien: Domain = {
          ...domain(
            {
              name: c.name,
              uuid: null,
              type: 'pvh',
              vcpus: { count: n, max: n },
              memory: { target: n * GiB, max: n * GiB },
              boot: { kernel, ramdisk: null, cmdline: null },
              settings: {},
              disks: {},
              cdroms: {},
              nics: [],
              extra: [],
            },
            `0000000${n}-0000-4000-8000-000000000000`,
            70 + n,
          ),
        };
        return { ...s, domains: [...s.domains, alien], memory: { ...s.memory, free: s.memory.free - n * GiB } };
      });
    case 'lease gone':
      for (const name of servers)
        put(name, (s) => {
          const store = s.storage.stores['/srv/vmstore'];
          return store?.is === 'there' ? storing(s, '/srv/vmstore', { ...store, leases: {} }) : s;
        });
      return;
    case 'half update':
      return onDomain((d) => ({ ...d, pendingUpdate: n > 3 ? null : 'other', monitored: n % 2 === 0 }));
    case 'other boot':
      return put(at, (s) => ({ ...s, bootId: 'other' }));
    case 'no shadow':
      return put(at, (s) => ({ ...s, xen: { ...s.xen, virtCaps: n > 3 ? ['pv'] : ['hvm', 'hap'] } }));
    case 'other cpu':
      return put(at, (s) => ({ ...s, features: n > 3 ? ['sse'] : ['sse', 'avx2'] }));
  }
};

const handled = (seen: Observed, all: readonly Hand[]): Observed => {
  const out: Servers = new Map();
  for (const [name, s] of seen) if (s.is === 'seen') out.set(name, s);
  for (const h of all) act(out, h);
  return out;
};

const arbOptions: fc.Arbitrary<Partial<PlanOptions>> = fc.record({
  prune: fc.boolean(),
  pending: fc.boolean(),
  cause: fc.constantFrom('all' as const, 'all' as const, 'drift' as const, 'config' as const),
  allow: fc.constantFrom(
    [],
    [{ disruption: 'restart' as const, pattern: '*' }],
    [{ disruption: 'data-loss' as const, pattern: '*' }],
    [{ disruption: 'recreate' as const, pattern: 'k1' }],
  ),
  targets: fc.constantFrom([], [], [], ['k1', 'k2']),
  deleteDisks: fc.constantFrom([], ['k1']),
});

/** A farm that came about by plans, and then by hands. */
export interface Case {
  readonly gib: readonly number[];
  readonly first: Farm;
  readonly hands: readonly Hand[];
  readonly second: Farm;
  readonly options: Partial<PlanOptions>;
  /** Of the first plan's operations, so many are carried out. */
  readonly cut: number;
}

export const arbCase: fc.Arbitrary<Case> = fc.record({
  gib: fc.tuple(...servers.map(() => fc.integer({ min: 4, max: 14 }))),
  first: arbFarm,
  hands: fc.array(arbHand, { maxLength: 5 }),
  second: arbFarm,
  options: arbOptions,
  cut: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
});

const anything = { allow: [{ disruption: 'data-loss' as const, pattern: '*' }] };

/** What the first plan, or a part of it, has made. */
const made = ({ gib: sizes, first, cut }: Case): Observed => {
  const all = {
    ...first,
    pools: first.pools.map((p) => ({ ...p, servers: p.servers.map((s) => ({ ...s, state: 'active' as const })) })),
  };
  const { operations } = makePlan(all, bare(sizes), { ...defaultOptions, ...anything }, tools);
  return carryOut(bare(sizes), operations.slice(0, Math.round(operations.length * cut)));
};

/** What is seen before the second plan. */
export const reached = (c: Case): Observed => handled(made(c), c.hands);
