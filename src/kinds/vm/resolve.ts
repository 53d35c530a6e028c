/** The full wanted VM: the file's values, with every open one settled by what is live ("left alone") or by its default. */
import { digestOf } from '../../core/digest.ts';
import { resolveCdroms, resolveDisks } from './devices.ts';
import type { Books, Facts, Settle, Unresolved } from './facts.ts';
import { fields } from './fields.ts';
import { vcpusOf } from './follows.ts';
import { deriveUuid } from './identity.ts';
import { onSharedGroup } from './lease.ts';
import type { Domain, LiveVm, Marker } from './live.ts';
import { resolveNics } from './nics.ts';
import { settleSettings, settleXl } from './settings.ts';
import { plainDisk, plainNic, type NicConfig, type VmConfig, type VmSpec, type VmState, type VmType } from './spec.ts';
import { isObject } from '../../core/json.ts';
import { table } from '../../core/table.ts';

/** How long a guest may take to shut down before that counts as refused, where the file does not say: in ms. */
const usualShutdownMs = 120_000;

export interface Resolved {
  /** The key in the file. */
  readonly key: string;
  readonly config: VmConfig;
  readonly uuid: string;
  readonly state: VmState;
  /** `null`: the file leaves autostart to whoever set it. */
  readonly autostart: boolean | null;
  /** The link that starts it with its server, where its name matters; null: any link will do. */
  readonly link: string | null;
  readonly ready: VmSpec['ready'];
  /** How long it may take to go down. */
  readonly shutdownMs: number;
  readonly protect: boolean;
  /** MAC by NIC key, in the order of `config.nics`. */
  readonly macs: Readonly<Record<string, string>>;
  /** Of those that are there, the NICs that the file's are, by what the file calls them. */
  readonly found: Readonly<Record<string, NicConfig>>;
  /** The fields that the file governs: set in it, or taken out of it and going back to the default. */
  readonly governed: ReadonlySet<string>;
  /** Taken out of the file on an adopted VM: left alone, and shown. */
  readonly released: readonly string[];
  /** What the marker shall remember: the values that the file set, by field. */
  readonly applied: Readonly<Record<string, unknown>>;
}

/** PVH without a kernel of its own: the disk's GRUB configuration, through pvhgrub (Debian's grub-xen-host). */
export const pvhgrub = '/usr/lib/grub-xen/grub-i386-xen_pvh.bin';

export const autoFolder = '/etc/xen/auto/';

/** Its type, vCPUs and memory (KiB, whole MiB), as a cfg would have them. */
export const sizeOfDomain = (d: Domain): Pick<VmConfig, 'type' | 'vcpus' | 'memory'> => ({
  type: d.type,
  vcpus: { count: vcpusOf(d), max: d.vcpus.max },
  memory: { target: Math.round(d.memory.target / 1024) * 1024, max: Math.ceil(d.memory.max / 1024) * 1024 },
});

/** What a running domain without a usable cfg would have in one. */
export const configOfDomain = (d: Domain): VmConfig => ({
  name: d.name,
  uuid: d.uuid,
  ...sizeOfDomain(d),
  boot: d.boot,
  settings: d.settings,
  disks: table(d.disks.map((k) => [k.vdev, { ...plainDisk, path: k.path, access: k.access, format: k.format }])),
  cdroms: table(Object.entries(d.cdroms).map(([vdev, { path }]) => [vdev, { path }])),
  nics: d.nics.map((n) => ({
    ...plainNic,
    mac: n.mac,
    bridge: n.bridge,
    vlan: n.vlan,
    rate: n.rate,
    model: n.model,
    script: n.script,
  })),
  extra: [],
});

/** Why the VM cannot be resolved, with what would help; or the full wanted VM. */
export const resolve = (spec: VmSpec, live: LiveVm | null, facts: Facts): Resolved | Unresolved => {
  const base =
    live?.record?.config ?? live?.stray?.record.config ?? (live?.domain ? configOfDomain(live.domain) : null);
  const marker = live?.marker ?? null;
  const governed = new Set<string>();
  const released: string[] = [];
  const applied: Record<string, unknown> = table();

  /** Set → the file's; taken out → the default (created) or left alone (adopted); never set → left alone. */
  const settle: Settle = (field, set, kept, fallback) => {
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
      code: 'memory-missing',
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
  const type = settle<VmType>('type', spec.type, base?.type, () => 'pvh');
  const misfit = fields.find((f) => spec.settings[f.name] !== undefined && !f.types.includes(type));
  const drive = type === 'hvm' ? undefined : Object.keys(spec.cdroms ?? {})[0];
  if (misfit || drive !== undefined) {
    const what = misfit ? misfit.label : `CD drive ${drive}`;
    return {
      code: 'field-not-for-type',
      unresolved: `${spec.key} is a ${type} guest, and those have no ${what}`,
      help: `take it out of vms.${spec.key}, or say which type it is to be: type: ${misfit?.types.join(' or ') ?? 'hvm'}`,
    };
  }
  // What the old type was started from says nothing about the new one.
  const sameType = base?.type === type ? base : null;
  const lights = { secrets: facts.secrets, cpus: facts.seen.cpus };
  const settings = settleSettings(spec, type, sameType, marker, lights, settle);
  const boot = settleBoot(spec, type, settings['boot.bootloader'] ?? null, sameType, settle, { governed });
  if (type === 'pv' && boot.kernel === null && settings['boot.bootloader'] === undefined) {
    return {
      code: 'boot-missing',
      unresolved: `${spec.key} is a pv guest and has nothing to boot`,
      help: `set \`boot: { bootloader: pygrub }\` or \`boot: { kernel: … }\` in vms.${spec.key}`,
    };
  }
  const books = { governed, released, applied };
  const disks = resolveDisks(spec, base, marker, books);
  const cdroms = resolveCdroms(spec, base, marker, books);
  const nics = resolveNics({ spec, live, base, facts }, books);
  if ('unresolved' in nics) return nics;
  const extra = settleXl(spec, base, marker, books);

  const state: VmState = spec.state === 'absent' ? 'stopped' : spec.state;
  if (!spec.stateOpen) applied['state'] = spec.state;
  // It counts when the VM is made, and is remembered as it was then.
  const seeded = live ? marker?.applied['cloudInit'] : spec.cloudInit && digestOf(spec.cloudInit);
  if (seeded !== undefined) applied['cloudInit'] = seeded;
  // Unless said, a VM that Reeve made starts with its server where it is to run; an adopted one's links are left alone.
  const ours = live === null || marker?.origin === 'created';
  const said = settle<boolean | null>(
    'autostart',
    spec.autostart ?? (ours ? state === 'running' : undefined),
    null,
    () => state === 'running',
  );
  // A link of its own server would start it beside one that runs elsewhere; and its volumes are not open at boot.
  const autostart = onSharedGroup(disks, facts.shared) ? false : said;
  governed.add('name');
  // Where the cfg's own name does not tell it.
  if (spec.name !== spec.key) applied['name'] = spec.name;
  return {
    key: spec.key,
    config: {
      name: spec.name,
      uuid,
      type,
      vcpus: { count, max: maxVcpus },
      memory: { target, max: maxMemory },
      boot,
      settings,
      disks,
      cdroms,
      nics: nics.list,
      extra,
    },
    uuid,
    state,
    autostart,
    link: linkOf(spec, facts),
    ready: spec.ready,
    shutdownMs: spec.shutdownMs ?? usualShutdownMs,
    protect: spec.protect,
    macs: nics.macs,
    found: nics.found,
    governed,
    released,
    applied,
  };
};

/** What a NIC that is there is called: as in the file or the marker, else by its MAC. */
export const nicKeyOf = (
  { macs, found, config }: Resolved,
  marker: Marker | null,
): ((nic: { readonly mac: string | null }) => string) => {
  const own = new Map<unknown, string>(Object.entries(found).map(([key, n]) => [n, key]));
  const byMac = new Map<string, string>();
  // One whose new MAC waits for a restart still runs with its old one.
  for (const [field, { was }] of Object.entries(marker?.waits ?? {}))
    if (field.startsWith('nics.eth') && isObject(was) && typeof was['mac'] === 'string')
      byMac.set(was['mac'], field.slice('nics.'.length));
  for (const [key, mac] of Object.entries(marker?.macs ?? {})) byMac.set(mac, key);
  for (const [key, { mac }] of Object.entries(found)) if (mac !== null) byMac.set(mac, key);
  for (const [key, mac] of Object.entries(macs)) if (config.nics.some((n) => n.mac === mac)) byMac.set(mac, key);
  return (nic) => own.get(nic) ?? (nic.mac === null ? undefined : byMac.get(nic.mac)) ?? `mac ${nic.mac}`;
};

/** The MAC by which a NIC of a plan is there now. */
export const macNow = ({ macs, found }: Resolved, marker: Marker | null, key: string): string =>
  key.startsWith('mac ') ? key.slice('mac '.length) : (found[key]?.mac ?? marker?.macs[key] ?? macs[key] ?? '');

/** Links are started in alphabetical order, and digits come before letters. */
const linkOf = (spec: VmSpec, facts: Facts): string | null => {
  const place = facts.order.get(spec.key);
  return place === undefined ? null : `${autoFolder}${String(place).padStart(2, '0')}-${spec.name}.cfg`;
};

/** A bootloader takes the kernel from the disk, and a kernel needs no bootloader: the file's word for one unsets the other. */
const settleBoot = (
  { boot, settings }: VmSpec,
  type: VmType,
  bootloader: string | null,
  base: VmConfig | null,
  settle: Settle,
  { governed }: Pick<Books, 'governed'>,
): VmConfig['boot'] => {
  const loads = settings['boot.bootloader'] !== undefined && bootloader !== null && boot?.kernel === undefined;
  const own = <T>(kept: T): T | null => (loads ? null : kept);
  const kernel = settle<string | null>('boot.kernel', boot?.kernel, own(base?.boot.kernel), () =>
    type === 'pvh' && bootloader === null ? pvhgrub : null,
  );
  const ramdisk = settle<string | null>('boot.ramdisk', boot?.ramdisk, own(base?.boot.ramdisk), () => null);
  // An empty one is none.
  const said = boot?.cmdline === '' ? null : boot?.cmdline;
  const cmdline = settle<string | null>('boot.cmdline', said, base?.boot.cmdline, () => null);
  if (loads) for (const field of ['boot.kernel', 'boot.ramdisk']) governed.add(field);
  return { kernel, ramdisk, cmdline };
};
