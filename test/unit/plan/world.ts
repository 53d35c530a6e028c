/** Farms as plain data for the planner's tests: builders, and a world that carries operations out by the book. */
import { faultsOf } from '../../../src/report/plan-check.ts';
import { isVmOp } from '../../../src/kinds/operations.ts';
import { noStorage, type DiskMarker, type Lease } from '../../../src/kinds/repository/live.ts';
import { digestText } from '../../../src/core/digest.ts';
import type { RepositorySpec } from '../../../src/kinds/repository/spec.ts';
import type { Farm } from '../../../src/kinds/farm.ts';
import type { Op, Plan, PlanOptions } from '../../../src/kinds/plan.ts';
import type { Observed, ServerSeen } from '../../../src/kinds/server/live.ts';
import type { Toolstack } from '../../../src/kinds/toolstack.ts';
import type { CfgRecord, Domain, Marker } from '../../../src/kinds/vm/live.ts';
import type { DiskSpec, NicConfig, NicSpec, Settings, VmConfig, VmSpec } from '../../../src/kinds/vm/spec.ts';
import { defaultOptions, makePlan, type Tools } from '../../../src/plan/index.ts';
import { readProgram } from '../../../src/core/port.ts';

export const MiB = 1024;
export const GiB = 1024 * MiB;

/** A toolstack whose VMs cost exactly what they are given; the planner asks it for nothing else. */
const flat: Toolstack = {
  name: 'flat',
  reading: () => readProgram({ text: '', args: [], deadlineMs: 0, decode: () => server() }),
  lower: () => ({ unsupported: 'flat runs nothing' }),
  rescue: () => [],
  verdict: () => null,
  rawReading: () =>
    readProgram({
      text: '',
      args: [],
      deadlineMs: 0,
      decode: () => ({ is: 'raw', bytes: new Uint8Array(), nonce: '' }),
    }),
  unknownKeys: (keys) => keys.filter((k) => k.startsWith('nosuch')),
  console: (name) => ['console', name],
  commands: (op) => [op.verb],
  memoryNeed: (c) => c.memory.target,
};

export const spec = (key: string, more: Partial<VmSpec> = {}): VmSpec => ({
  key,
  name: key,
  uuid: undefined,
  pool: 'p',
  servers: [],
  apart: [],
  state: 'running',
  type: 'pvh',
  vcpus: { count: 1, max: undefined },
  memory: { target: GiB, max: undefined },
  boot: { kernel: '/srv/vmlinuz', ramdisk: undefined, cmdline: undefined },
  settings: {},
  disks: {},
  cdroms: undefined,
  nics: {},
  xl: undefined,
  autostart: undefined,
  after: [],
  ready: undefined,
  shutdownMs: undefined,
  formerly: undefined,
  cloudInit: undefined,
  protect: false,
  rides: false,
  deleteDisks: false,
  budget: undefined,
  origin: { file: 'farm.yaml', pointer: `/vms/${key}` },
  ...more,
});

/** A disk and a NIC as the file says them. */
export const disk = (path: string, access: DiskSpec['access'] = 'rw', more: Partial<DiskSpec> = {}): DiskSpec => ({
  path,
  access,
  format: undefined,
  backend: undefined,
  ...more,
});
export const nic = (network: string, more: Partial<NicSpec> = {}): NicSpec => ({
  network,
  mac: undefined,
  rate: undefined,
  model: undefined,
  script: undefined,
  ...more,
});

/** A repository that all servers of a pool see. */
export const sharedNfs: RepositorySpec = {
  name: 'vmstore',
  type: 'nfs',
  source: 'filer:/vmstore',
  path: '/srv/vmstore',
  options: '',
  shared: true,
  state: 'present',
  origin: { file: 'farm.yaml', pointer: '/repositories/vmstore' },
};

export const farm = (vms: readonly VmSpec[], servers: readonly string[] = ['a'], more: Partial<Farm> = {}): Farm => ({
  name: 'test',
  pools: [
    {
      name: 'p',
      networks: {
        lan: { name: 'lan', bridge: 'xenbr0', vlan: undefined },
        dmz: { name: 'dmz', bridge: 'xenbr1', vlan: undefined },
      },
      repositories: {},
      images: [],
      servers: servers.map((name) => ({
        name,
        pool: 'p',
        address: name,
        ssh: {
          user: undefined,
          port: undefined,
          identityFile: undefined,
          knownHosts: undefined,
          jump: undefined,
          sudo: undefined,
          connectTimeout: undefined,
        },
        migration: undefined,
        state: 'active',
        roles: ['utility', 'vm'],
        fence: undefined,
        origin: { file: 'farm.yaml', pointer: `/servers/${name}` },
      })),
      migrationKey: undefined,
      spare: 0,
      overcommit: { vcpus: undefined },
    },
  ],
  vms,
  policy: { budget: 'migrate', deletes: { max: 5, percent: 10 }, restarts: { atOnce: undefined }, before: {} },
  ...more,
});

export const server = (more: Partial<ServerSeen> = {}): ServerSeen => ({
  is: 'seen',
  host: 'a',
  bootId: 'boot',
  xen: { major: 4, minor: 17, version: '4.17.7', virtCaps: ['pv', 'hvm', 'hap'] },
  cpus: 8,
  memory: { total: 64 * GiB, free: 32 * GiB, reclaimable: 0 },
  scheduler: 'credit2',
  bridges: ['xenbr0', 'xenbr1'],
  ovs: [],
  storage: noStorage,
  cpupools: ['Pool-0', 'other'],
  qemu: true,
  xendomains: null,
  domains: [],
  records: [],
  paths: {},
  monitors: [],
  problems: [],
  ...more,
});

export const record = (
  path: string,
  config: VmConfig,
  marker: Marker | null,
  autostart: readonly string[] = [],
): CfgRecord => {
  const text = JSON.stringify({ config, marker });
  return {
    path,
    text,
    digest: digestText(text),
    exact: digestText(text),
    config,
    problem: undefined,
    marker,
    autostart,
  };
};

const nicOf = (n: NicConfig) => ({
  bridge: n.bridge,
  vlan: n.vlan,
  rate: n.rate,
  model: n.model,
  script: n.script,
});

export const domain = (c: VmConfig, uuid: string, domid: number, state: Domain['state'] = 'running'): Domain => ({
  domid,
  uuid,
  name: c.name,
  type: c.type,
  state,
  vcpus: { online: c.vcpus.count, max: c.vcpus.max },
  memory: { target: c.memory.target, actual: c.memory.target, max: c.memory.max },
  boot: c.boot,
  settings: c.settings,
  cdroms: Object.fromEntries(
    Object.entries(c.cdroms).map(([vdev, { path }]) => [vdev, path === '' ? { path, fixed: true as const } : { path }]),
  ),
  disks: Object.entries(c.disks).map(([vdev, d]) => ({
    vdev,
    path: d.path,
    access: d.access,
    format: d.format,
    backend: d.backend ?? (d.format === 'raw' ? 'phy' : 'qdisk'),
    state: 4,
  })),
  nics: c.nics.map((n, devid) => ({ ...nicOf(n), devid, mac: n.mac ?? '', state: 4 })),
  monitored: true,
  qemu: c.type === 'hvm' || Object.values(c.disks).some((d) => d.format !== 'raw'),
  balloon: undefined,
  pvDrivers: true,
  pendingUpdate: null,
});

const edit = (s: ServerSeen, uuid: string, change: (d: Domain) => Domain): ServerSeen => ({
  ...s,
  domains: s.domains.map((d) => (d.uuid === uuid ? change(d) : d)),
});

const editSettings = (s: ServerSeen, uuid: string, more: Settings): ServerSeen =>
  edit(s, uuid, (d) => ({ ...d, settings: { ...d.settings, ...more } }));

const withRecord = (s: ServerSeen, r: CfgRecord): ServerSeen => ({
  ...s,
  records: [...s.records.filter((x) => x.path !== r.path), r].sort((a, b) => (a.path < b.path ? -1 : 1)),
});

const nextDomid = (s: ServerSeen): number => 1 + Math.max(0, ...s.domains.map((d) => d.domid));
const without = (s: ServerSeen, uuid: string): ServerSeen => ({
  ...s,
  domains: s.domains.filter((d) => d.uuid !== uuid),
});

/** With the lease that the operation takes. */
const leased = (
  s: ServerSeen,
  { lease, vm, uuid, server: name }: Extract<Op, { verb: 'start' | 'restart' | 'settle' }>,
): ServerSeen => {
  const store = lease ? s.storage.stores[lease.folder] : undefined;
  if (!lease || store?.is !== 'there') return s;
  const { farm: of, generation, disks } = lease;
  const taken: Lease = { format: 1, farm: of, vm: vm.name, uuid, server: name, boot: 'b', generation, disks };
  const leases = { ...store.leases, [uuid]: { lease: taken, digest: `lease ${generation}` } };
  return { ...s, storage: { ...s.storage, stores: { ...s.storage.stores, [lease.folder]: { ...store, leases } } } };
};

/** What the server is after the operation, as Xen's documentation has it. */
export const perform = (s: ServerSeen, op: Op): ServerSeen => {
  if (!isVmOp(op)) throw new Error(`${op.verb} is not a VM's`);
  switch (op.verb) {
    case 'define': {
      const { path, from } = op.record;
      const links = s.records.find((r) => r.path === path)?.autostart ?? [];
      const via = s.records.find((x) => x.path === path)?.via;
      const r = { ...record(path, op.record.config, op.record.marker, links), ...(via === undefined ? {} : { via }) };
      const next = withRecord({ ...s, records: s.records.filter((x) => x.path !== from?.path) }, r);
      return op.update ? edit(next, op.uuid, (d) => ({ ...d, pendingUpdate: r.digest })) : next;
    }
    case 'autostart': {
      const links = op.on ? [op.link] : [];
      return {
        ...s,
        records: s.records.map((r) => {
          if (r.path !== op.path) return r;
          const { via: _via, ...rest } = r;
          return { ...rest, autostart: links, ...(op.via === null ? {} : { via: op.via }) };
        }),
      };
    }
    case 'forget':
    case 'undefine':
      return { ...s, records: s.records.filter((r) => r.path !== op.path) };
    case 'start': {
      const rest = leased(without(s, op.uuid), op);
      return {
        ...rest,
        domains: [...rest.domains, domain(op.config, op.uuid, nextDomid(s), op.paused ? 'paused' : 'running')],
      };
    }
    case 'suspend':
    case 'discard':
    case 'stop':
      return without(s, op.uuid);
    case 'settle':
      return {
        ...leased(s, op),
        records: s.records.map((r) => (r.path === op.path && op.link !== null ? { ...r, autostart: [op.link] } : r)),
      };
    case 'migrate':
      return {
        ...without(s, op.uuid),
        records: s.records.filter((r) => r.path !== op.leaves?.path),
      };
    case 'resume':
      return { ...s, domains: [...s.domains, domain(op.config, op.uuid, nextDomid(s), 'running')] };
    case 'restart': {
      const links = s.records.find((r) => r.path === op.record.path)?.autostart ?? [];
      const kept = { ...s, records: s.records.filter((x) => x.path !== op.record.from?.path) };
      const written = op.write
        ? withRecord(kept, record(op.record.path, op.record.config, op.record.marker, links))
        : s;
      const rest = leased(without(written, op.uuid), op);
      return { ...rest, domains: [...rest.domains, domain(op.record.config, op.uuid, nextDomid(s))] };
    }
    case 'pause':
      return edit(s, op.uuid, (d) => ({ ...d, state: 'paused' }));
    case 'unpause':
      return edit(s, op.uuid, (d) => ({ ...d, state: 'running' }));
    case 'set-memory':
      return edit(s, op.uuid, (d) => ({ ...d, memory: { ...d.memory, target: op.kib, actual: op.kib } }));
    case 'set-vcpus':
      return edit(s, op.uuid, (d) => ({ ...d, vcpus: { ...d.vcpus, online: op.count } }));
    case 'set-sched':
      return editSettings(s, op.uuid, { 'sched.weight': op.weight, 'sched.cap': op.cap });
    case 'set-affinity':
      return editSettings(s, op.uuid, { 'affinity.hard': op.hard, 'affinity.soft': op.soft });
    case 'set-cpupool':
      return editSettings(s, op.uuid, { cpupool: op.pool, 'sched.weight': 256, 'sched.cap': 0 });
    case 'rename':
      return edit(s, op.uuid, (d) => ({ ...d, name: op.to }));
    case 'change-cd':
      return edit(s, op.uuid, (d) => ({ ...d, cdroms: { ...d.cdroms, [op.vdev]: { path: op.path ?? '' } } }));
    case 'ready':
    case 'make-seed':
    case 'activate':
    case 'deactivate':
    case 'drop-image':
      return s;
    case 'unlease': {
      const store = s.storage.stores[op.folder];
      if (store?.is !== 'there') return s;
      const { [op.uuid]: _gone, ...leases } = store.leases;
      return { ...s, storage: { ...s.storage, stores: { ...s.storage.stores, [op.folder]: { ...store, leases } } } };
    }
    case 'release':
      return { ...s, records: s.records.map((r) => (r.path === op.path ? { ...r, marker: null } : r)) };
    case 'adopt-disk':
    case 'grow-disk':
    case 'make-disk': {
      const store = s.storage.stores[op.folder];
      if (store?.is !== 'there') return s;
      const marker: DiskMarker = {
        format: 1,
        farm: op.farm,
        vm: op.vm.name,
        uuid: op.uuid,
        vdev: op.vdev,
        size: op.size,
        as: op.format,
      };
      const disks = { ...store.disks, [op.path.slice(op.folder.length + '/disks/'.length)]: { there: true, marker } };
      return { ...s, storage: { ...s.storage, stores: { ...s.storage.stores, [op.folder]: { ...store, disks } } } };
    }
    case 'attach-disk':
      return edit(s, op.uuid, (d) => ({
        ...d,
        disks: [
          ...d.disks,
          {
            vdev: op.vdev,
            path: op.disk.path,
            access: op.disk.access,
            format: op.disk.format,
            backend: op.disk.backend ?? 'phy',
            state: 4,
          },
        ],
      }));
    case 'detach-disk':
      return edit(s, op.uuid, (d) => ({ ...d, disks: d.disks.filter((k) => k.vdev !== op.vdev) }));
    case 'attach-nic':
      return edit(s, op.uuid, (d) => ({
        ...d,
        nics: [...d.nics, { ...nicOf(op.device), devid: d.nics.length, mac: op.mac, state: 4 }],
      }));
    case 'detach-nic':
      return edit(s, op.uuid, (d) => ({ ...d, nics: d.nics.filter((n) => n.mac !== op.mac) }));
    case 'move-nic':
      return edit(s, op.uuid, (d) => ({
        ...d,
        nics: d.nics.map((n) => (n.mac === op.mac ? { ...n, bridge: op.bridge } : n)),
      }));
  }
};

/** Each is a machine of its own. */
export const observed = (servers: Readonly<Record<string, ServerSeen>>): Observed =>
  new Map(Object.entries(servers).map(([name, s]) => [name, { ...s, bootId: `${s.bootId} of ${name}` }]));

/** The farm after all operations of the plan, in their order. */
export const after = (
  seen: Observed,
  operations: readonly { readonly op: Op; readonly server: string }[],
): Observed => {
  const next = new Map(seen);
  for (const { op, server: name } of operations) {
    const s = next.get(name);
    if (s?.is === 'seen') next.set(name, perform(s, op));
  }
  return next;
};

const isThere = (s: Observed extends ReadonlyMap<string, infer S> ? S | undefined : never): s is ServerSeen =>
  s?.is === 'seen';

/** As `after`, with what goes to another server, and with the memory that is free by then. */
export const carryOut = (
  seen: Observed,
  operations: readonly { readonly op: Op; readonly server: string }[],
): Observed => {
  const next = new Map(seen);
  const taken = ({ domains }: ServerSeen): number => domains.reduce((n, d) => n + d.memory.actual, 0);
  const put = (name: string, change: (s: ServerSeen) => ServerSeen): void => {
    const s = next.get(name);
    if (!isThere(s)) return;
    const then = change(s);
    const free = s.memory.free + taken(s) - taken(then);
    next.set(name, { ...then, memory: { ...then.memory, free } });
  };
  for (const { op, server: name } of operations) {
    if (!isVmOp(op)) continue;
    const from = next.get(name);
    const leaving = isThere(from) ? from.domains.find((d) => d.uuid === op.uuid) : undefined;
    put(name, (s) => perform(s, op));
    if (op.verb === 'migrate' && leaving)
      put(op.peer, (s) => ({
        ...s,
        domains: [...s.domains, { ...leaving, domid: nextDomid(s), pendingUpdate: null }],
      }));
  }
  return next;
};

export const tools: Tools = { toolstack: flat, version: '0.0.0', secrets: new Map([['${env:VNC}', 'secret']]) };

/** Every plan that is made may be saved, shows what it does, and has left nobody out since it failed the verifier. */
const loadable = (made: Plan): Plan => {
  const failed = made.refused.find((r) => r.code === 'unverified');
  if (failed) throw new Error(failed.why);
  const faults = faultsOf(made, { version: made.tool, commands: (op) => tools.toolstack.commands(op) });
  if (faults.length > 0) throw new Error(faults.map((x) => x.message).join('\n'));
  return made;
};

export const plan = (f: Farm, seen: Observed, options: Partial<PlanOptions> = {}): Plan =>
  loadable(makePlan(f, seen, { ...defaultOptions, ...options }, tools));
