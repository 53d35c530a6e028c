/** The full wanted VM: the file's values, with every open one settled by what is live ("left alone") or by its default. */
import type { ServerSeen } from '../server/live.ts';
import type { NetworkSpec } from '../farm.ts';
import { deriveMac, deriveUuid } from './identity.ts';
import type { Domain, LiveVm } from './live.ts';
import type { DiskConfig, DiskSpec, NicConfig, NicSpec, VmConfig, VmSpec, VmState } from './spec.ts';

/** What comparing needs to know beyond the VM itself. */
export interface Facts {
  readonly farm: string;
  readonly networks: Readonly<Record<string, NetworkSpec>>;
  /** The server that it is on, or goes to. */
  readonly seen: ServerSeen;
}

export interface Resolved {
  /** The key in the file. */
  readonly key: string;
  readonly config: VmConfig;
  readonly uuid: string;
  readonly state: VmState;
  /** `null`: the file leaves autostart to whoever set it. */
  readonly autostart: boolean | null;
  readonly protect: boolean;
  /** MAC by NIC key, in the order of `config.nics`. */
  readonly macs: Readonly<Record<string, string>>;
  /** The fields that the file governs: set in it, or taken out of it and going back to the default. */
  readonly governed: ReadonlySet<string>;
  /** Taken out of the file on an adopted VM: left alone, and shown. */
  readonly released: readonly string[];
  /** What the marker shall remember: the values that the file set, by field. */
  readonly applied: Readonly<Record<string, unknown>>;
}

/** PVH without a kernel of its own: the disk's GRUB configuration, through pvhgrub (Debian's grub-xen-host). */
export const pvhgrub = '/usr/lib/grub-xen/grub-i386-xen_pvh.bin';

const nicNumber = (key: string): number => Number(key.replace(/^eth/, ''));

/** What a running domain without a usable cfg would have in one. */
export const configOfDomain = (d: Domain): VmConfig => ({
  name: d.name,
  uuid: d.uuid,
  type: d.type,
  vcpus: { count: d.vcpus.online, max: d.vcpus.max },
  memory: { target: Math.round(d.memory.target / 1024) * 1024, max: Math.ceil(d.memory.max / 1024) * 1024 },
  boot: d.boot,
  disks: Object.fromEntries(
    d.disks.map((k) => [k.vdev, { path: k.path, access: k.access, format: k.format, extra: [] }]),
  ),
  nics: d.nics.map((n) => ({ mac: n.mac, bridge: n.bridge, extra: [] })),
  extra: [],
});

/** Why the VM cannot be resolved, with what would help; or the full wanted VM. */
export const resolve = (
  spec: VmSpec,
  live: LiveVm | null,
  facts: Facts,
): Resolved | { readonly unresolved: string; readonly help: string } => {
  const base = live?.record?.config ?? (live?.domain ? configOfDomain(live.domain) : null);
  const marker = live?.marker ?? null;
  const governed = new Set<string>();
  const released: string[] = [];
  const applied: Record<string, unknown> = {};

  /** Set → the file's; taken out → the default (created) or left alone (adopted); never set → left alone. */
  const settle = <T>(field: string, set: T | undefined, kept: T | undefined, fallback: () => T): T => {
    if (set !== undefined) {
      governed.add(field);
      applied[field] = set;
      return set;
    }
    if (base === null) return fallback();
    if (marker !== null && field in marker.applied) {
      if (marker.origin === 'created') {
        governed.add(field);
        return fallback();
      }
      released.push(field);
    }
    return kept === undefined ? fallback() : kept;
  };

  const target = settle<number>(
    'memory.target',
    spec.memory.target,
    base?.memory.target,
    () => base?.memory.target ?? 0,
  );
  if (target === 0) {
    return {
      unresolved: `${spec.key} has no memory`,
      help: `set \`memory: 1GiB\` in vms.${spec.key}, in its profile or in defaults`,
    };
  }
  // A maximum that the file leaves open follows what it must hold, and never shrinks: that would cost a restart.
  const atLeast = (field: string, set: number | undefined, kept: number | undefined, least: number): number => {
    const max = settle(field, set, kept, () => least);
    if (max >= least) return max;
    governed.add(field);
    return least;
  };
  const maxMemory = atLeast('memory.max', spec.memory.max, base?.memory.max, target);
  const count = settle('vcpus.count', spec.vcpus.count, base?.vcpus.count, () => 1);
  const maxVcpus = atLeast('vcpus.max', spec.vcpus.max, base?.vcpus.max, count);

  const uuid = spec.uuid ?? live?.uuid ?? deriveUuid(facts.farm, spec.key);
  const boot = {
    kernel: settle<string | null>('boot.kernel', spec.boot?.kernel, base?.boot.kernel, () => pvhgrub),
    ramdisk: settle<string | null>('boot.ramdisk', spec.boot?.ramdisk, base?.boot.ramdisk, () => null),
    cmdline: settle<string | null>('boot.cmdline', spec.boot?.cmdline, base?.boot.cmdline, () => null),
  };
  const disks = resolveDisks(
    settle<Disks>('disks', spec.disks, base ? keep : undefined, () => ({})),
    base,
  );
  const nics = resolveNics(spec, live, base, facts, settle);
  if ('unresolved' in nics) return nics;

  const state: VmState = spec.state === 'absent' ? 'stopped' : spec.state;
  applied['state'] = spec.state;
  // Unless said, a VM that Reeve made starts with its server where it is to run; an adopted one's links are left alone.
  const ours = live === null || marker?.origin === 'created';
  const autostart = settle<boolean | null>(
    'autostart',
    spec.autostart ?? (ours ? state === 'running' : undefined),
    null,
    () => state === 'running',
  );
  if (spec.nics) applied['nics'] = nicsToRemember(spec.nics, facts);
  return {
    key: spec.key,
    config: {
      name: spec.name,
      uuid,
      type: settle('type', spec.type, base?.type, () => 'pvh' as const),
      vcpus: { count, max: maxVcpus },
      memory: { target, max: maxMemory },
      boot,
      disks,
      nics: nics.list,
      extra: base?.extra ?? [],
    },
    uuid,
    state,
    autostart,
    protect: spec.protect,
    macs: { ...marker?.macs, ...nics.macs },
    governed,
    released,
    applied,
  };
};

/** The bridge belongs to what was applied: a network that changes its bridge changes the VM. */
const nicsToRemember = (nics: Readonly<Record<string, NicSpec>>, facts: Facts): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(nics).map(([key, n]) => [
      key,
      { network: n.network, bridge: facts.networks[n.network]?.bridge ?? null },
    ]),
  );

/** What the file never set of a map: all that is there stays. */
const keep = 'keep';
type Disks = Readonly<Record<string, DiskSpec>> | typeof keep;
type Nics = Readonly<Record<string, NicSpec>> | typeof keep;

const resolveDisks = (set: Disks, base: VmConfig | null): Record<string, DiskConfig> => {
  if (set === keep) return { ...base?.disks };
  const out: Record<string, DiskConfig> = {};
  for (const vdev of Object.keys(set).sort()) {
    const disk = set[vdev];
    if (!disk) continue;
    const found = base?.disks[vdev];
    const kept = found?.path === disk.path ? found : undefined;
    out[vdev] = { path: disk.path, access: disk.access, format: kept?.format ?? 'raw', extra: kept?.extra ?? [] };
  }
  return out;
};

type Settle = <T>(field: string, set: T | undefined, kept: T | undefined, fallback: () => T) => T;

const resolveNics = (
  spec: VmSpec,
  live: LiveVm | null,
  base: VmConfig | null,
  facts: Facts,
  settle: Settle,
): { list: readonly NicConfig[]; macs: Record<string, string> } | { unresolved: string; help: string } => {
  const set = settle<Nics>('nics', spec.nics, base ? keep : undefined, () => ({}));
  if (set === keep) return { list: base?.nics ?? [], macs: {} };
  const list: NicConfig[] = [];
  const macs: Record<string, string> = {};
  for (const key of Object.keys(set).sort((a, b) => nicNumber(a) - nicNumber(b))) {
    const nic = set[key];
    if (!nic) continue;
    const network = facts.networks[nic.network];
    if (!network) {
      return {
        unresolved: `${spec.key} wants network ${nic.network}, which its pool has not`,
        help: `add ${nic.network} to the pool's networks`,
      };
    }
    // An adopted VM's first vif is its eth0: its address is kept, not made anew.
    const n = nicNumber(key);
    const found = base?.nics[n]?.mac ?? live?.domain?.nics.find((x) => x.devid === n)?.mac;
    const mac =
      nic.mac ?? live?.marker?.macs[key] ?? (live?.marker ? undefined : found) ?? deriveMac(facts.farm, spec.key, key);
    macs[key] = mac;
    list.push({ mac, bridge: network.bridge, extra: base?.nics.find((x) => x.mac === mac)?.extra ?? [] });
  }
  return { list, macs };
};
