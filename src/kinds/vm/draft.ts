/** The cfg that a transition writes: the wanted values, the old ones of what is kept, and the marker that remembers what was applied. */
import type { Change, How, Way } from '../../core/change.ts';
import { cover } from '../../core/password.ts';
import type { DiskMarker } from '../repository/live.ts';
import { cfgPath, isBelowXen } from './cfg-path.ts';
import type { LeaseDraft, SpareLease } from './lease.ts';
import type { CfgRecord, LiveVm, Marker } from './live.ts';
import type { CfgDraft } from './ops.ts';
import { nicKeyOf, type Resolved } from './resolve.ts';
import { isSecret, withoutDigests } from './settings.ts';
import type { CfgSetting, CloudInit, MadeDisk, NicConfig, Settings, VmConfig } from './spec.ts';
import { table } from '../../core/table.ts';

export interface VmTransition {
  readonly want: Resolved;
  readonly live: LiveVm | null;
  readonly server: string;
  readonly farm: string;
  /** Reeve's version, for the marker. */
  readonly tool: string;
  readonly mode: 'in-place' | 'restart' | 'define' | 'delete';
  readonly state: How | null;
  readonly take: readonly { readonly change: Change; readonly way: Way }[];
  readonly defer: readonly Change[];
  /** The running domain was not given the cfg with the deferred changes yet. */
  readonly give: boolean;
  /** The running domain as `lifeId` names it; '' where none runs. */
  readonly life: string;
  /** The server's. */
  readonly scheduler: string;
  /** Fields that stay as they are for now: the cfg keeps its old value. */
  readonly keep: ReadonlySet<string>;
  /** Disks that are to be made before the cfg names them. */
  readonly make: readonly NewDisk[];
  readonly grow: readonly GrownDisk[];
  readonly adopt: readonly TakenDisk[];
  /** Disks that get another place, each made there from its old one. */
  readonly move: readonly NewDisk[];
  readonly seed: NewSeed | null;
  /** What a start of it takes, and what stands there now. */
  readonly lease: LeaseDraft | null;
  /** Over which its autostart leads; null: straight to the cfg. */
  readonly via: string | null;
  /** Whether a guest that will not shut down may be destroyed. */
  readonly force: boolean;
  /**
   * `wholly`: it runs without the lease that is its own, since somebody migrated it or started it by hand. `in-part`: that
   * lease names other disks than it will have. Null: its lease is right.
   */
  readonly unleased: 'wholly' | 'in-part' | null;
  /** Leases that it has no use of once this is done. */
  readonly spare: readonly (SpareLease & { readonly folder: string })[];
  /** Links to its cfg of an old name, which is gone: they go. */
  readonly strays: readonly string[];
  /** To another server; null: it stays on `server`. */
  readonly journey: Journey | null;
  /** Digest of a cfg of its own that lies under its new name already: a rename was cut before the old one was removed. */
  readonly ahead: string | null;
  /** Where its memory was saved: it is resumed instead of started; null: nowhere. */
  readonly saved: string | null;
  /** Where its memory of before lies, beside which it runs; null: nowhere. */
  readonly outlived: string | null;
}

/** How a VM comes to another server. */
export interface Journey {
  /** `live`: it runs on. `suspend`: it stands still on the way. `down`: it is shut down, or was not running. */
  readonly how: 'live' | 'suspend' | 'down';
  /** The servers that it comes to one after the other; it stays on the last. */
  readonly through: readonly string[];
  /** By server: where it takes migrations. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Path of the owner's key for migrations; null: Reeve's own. */
  readonly key: string | null;
  /** What stands at the path of its cfg there: a copy of its own that it left earlier. */
  readonly replaces: string | 'absent';
  /** Where its memory is kept meanwhile; null: it is not suspended. */
  readonly image: { readonly path: string; readonly folder: string; readonly repository: string } | null;
}

/** Where a VM is once its transition is made. */
export const homeAfter = (t: Pick<VmTransition, 'server' | 'journey'>): string => t.journey?.through.at(-1) ?? t.server;

/** A disk of this VM that is to be made. */
export interface NewDisk extends MadeDisk {
  readonly vdev: string;
  readonly path: string;
  readonly format: string;
}

/** The seed of a VM that is to be made. */
export interface NewSeed {
  readonly vdev: string;
  readonly path: string;
  readonly repository: string | null;
  readonly folder: string;
  readonly seed: CloudInit;
}

/** One that is there and is to be its own. */
export interface TakenDisk extends Omit<NewDisk, 'from'> {
  readonly was: DiskMarker | null;
}

/** One of its disks that Reeve made and that is to be larger. */
export interface GrownDisk extends Omit<NewDisk, 'from'> {
  /** KiB, before. */
  readonly from: number;
}

type Members = Readonly<Record<string, unknown>>;

/** The wanted members, but the old one (or none) of each that is to be kept. */
export const mixed = <T>(
  keep: ReadonlySet<string>,
  group: string,
  want: Readonly<Record<string, T>>,
  old: Readonly<Record<string, T>>,
): Record<string, T> => {
  const out: Record<string, T> = table();
  // What is there stays in its place: a bootloader takes the first disk.
  for (const key of new Set([...Object.keys(old), ...Object.keys(want)])) {
    const v = (keep.has(`${group}${key}`) ? old : want)[key];
    if (v !== undefined) out[key] = v;
  }
  return out;
};

/** The wanted NICs, but the old one (or none) of each that is to be kept. */
const mixedNics = (t: VmTransition, old: readonly NicConfig[]): readonly NicConfig[] => {
  const want = t.want.config.nics;
  if (![...t.keep].some((f) => f.startsWith('nics.'))) return want;
  const keyOf = nicKeyOf(t.want, t.live?.marker ?? null);
  const kept = (n: NicConfig): boolean => t.keep.has(`nics.${keyOf(n)}`);
  const mine = new Map(want.map((n) => [keyOf(n), n] as const));
  const there = new Set(old.map(keyOf));
  return [
    ...old.flatMap((n) => (kept(n) ? [n] : (mine.get(keyOf(n)) ?? []))),
    ...want.filter((n) => !there.has(keyOf(n)) && !kept(n)),
  ];
};

/** The wanted cfg, but with the old value of every field that is to be kept. */
const draftConfig = (t: VmTransition): VmConfig => {
  const want = t.want.config;
  const old = t.live?.record?.config;
  if (!old || t.keep.size === 0) return { ...want, settings: withoutDigests(want.settings) };
  const pick = <T>(field: string, mine: T, theirs: T): T => (t.keep.has(field) ? theirs : mine);
  const byKey = (c: VmConfig): Readonly<Record<string, CfgSetting>> => table(c.extra.map((x) => [x.key, x]));
  return {
    ...want,
    name: pick('name', want.name, old.name),
    type: pick('type', want.type, old.type),
    vcpus: {
      count: pick('vcpus.count', want.vcpus.count, old.vcpus.count),
      max: pick('vcpus.max', want.vcpus.max, old.vcpus.max),
    },
    memory: {
      target: pick('memory.target', want.memory.target, old.memory.target),
      max: pick('memory.max', want.memory.max, old.memory.max),
    },
    boot: {
      kernel: pick('boot.kernel', want.boot.kernel, old.boot.kernel),
      ramdisk: pick('boot.ramdisk', want.boot.ramdisk, old.boot.ramdisk),
      cmdline: pick('boot.cmdline', want.boot.cmdline, old.boot.cmdline),
    },
    settings: withoutDigests(mixed(t.keep, '', want.settings as Members, old.settings as Members) as Settings),
    disks: mixed(t.keep, 'disks.', want.disks, old.disks),
    cdroms: mixed(t.keep, 'cdrom.', want.cdroms, old.cdroms),
    nics: mixedNics(t, old.nics),
    extra: Object.values(mixed(t.keep, 'xl.', byKey(want), byKey(old))),
  };
};

/** A member of what the marker remembers as one value: all disks, drives and NICs of a VM. */
const memberOf = (field: string): readonly [string, string] | null => {
  const [, group = '', member = ''] = /^(disks|cdrom|nics)\.(.*)$/.exec(field) ?? [];
  return group === '' ? null : [group, member];
};

/** What the file said, but what it said before of all that is to be kept. */
const appliedOf = (t: VmTransition): Record<string, unknown> => {
  const applied: Record<string, unknown> = table(t.want.applied);
  const before = t.live?.marker?.applied ?? {};
  const keep = (all: Record<string, unknown>, old: Members, field: string): void => {
    if (Object.hasOwn(old, field)) all[field] = old[field];
    else delete all[field];
  };
  for (const field of t.keep) {
    const part = memberOf(field);
    if (part === null) {
      keep(applied, before, field);
      continue;
    }
    const [group, member] = part;
    const [mine, old] = [applied[group], before[group]] as readonly (Members | undefined)[];
    const members: Record<string, unknown> = table(mine);
    keep(members, old ?? {}, member);
    if (mine || old) applied[group] = members;
  }
  return applied;
};

/** MACs are remembered for ever; of a NIC that is to be kept it is the old one. */
const macsOf = (t: VmTransition): Record<string, string> => {
  const macs: Record<string, string> = table(t.want.macs);
  for (const [key, mac] of Object.entries(t.live?.marker?.macs ?? {})) if (t.keep.has(`nics.${key}`)) macs[key] = mac;
  return macs;
};

/** What waits for a restart, and what the domain has until then: what a hand does to it afterwards can be told from that. */
const waitsOf = (t: VmTransition): NonNullable<Marker['waits']> => {
  const before = t.live?.marker?.waits ?? {};
  return table([
    ...Object.entries(before).filter(([field, { domain }]) => t.keep.has(field) && domain === t.life),
    ...(t.mode === 'in-place' ? t.defer : []).map(
      ({ field, have: { running } }) =>
        [field, { domain: t.life, was: running.is === 'value' ? running.value : null }] as const,
    ),
  ]);
};

/** So many, and no more: what could not go in all that time does not go by itself. */
const mostLeft = 16;

/** What is to go once this cfg stands, and what an earlier one left; what it names itself it has again. */
const leftOf = (t: VmTransition, { disks }: VmConfig, path: string, from: CfgDraft['from']): readonly string[] => {
  const moved = t.move.flatMap(({ from: old, vdev }) =>
    old?.folder === undefined || t.keep.has(`disks.${vdev}`) ? [] : [old.path],
  );
  const named = new Set([...Object.values(disks).map((d) => d.path), path]);
  const all = [...(t.live?.marker?.left ?? []), ...moved, ...(from === null ? [] : [from.path])];
  return [...new Set(all)].filter((p) => !named.has(p)).slice(-mostLeft);
};

const draftMarker = (t: VmTransition, left: readonly string[]): Marker => {
  const old = t.live?.marker;
  const applied = appliedOf(t);
  const waits = waitsOf(t);
  // What an adopted VM's owner took out of the file is forgotten here: from now on it was never set.
  return {
    farm: t.farm,
    vm: t.want.key,
    uuid: t.want.uuid,
    home: homeAfter(t),
    generation: t.lease?.generation ?? (old?.generation ?? 0) + 1,
    origin: old?.origin ?? (t.live ? 'adopted' : 'created'),
    protect: t.want.protect,
    macs: macsOf(t),
    applied,
    ...(Object.keys(waits).length === 0 ? {} : { waits }),
    ...(left.length === 0 ? {} : { left }),
    by: t.tool,
  };
};

/** Whether no plan can hold all that its cfg says. */
const keepsPasswords = (config: VmConfig): boolean =>
  Object.values(config.settings).some((v) => isSecret(v) && v.secret === 'kept') ||
  JSON.stringify([config.boot, config.disks, config.nics, config.extra]).includes(cover);

/** Whether its cfg lies where the next reading may not look: it comes into /etc/xen. */
export const liesAstray = (record: CfgRecord | null | undefined): boolean =>
  record?.config !== undefined && !isBelowXen(record.path);

/** A VM that gets another name gets a cfg of that name, unless its cfg never had its name. */
export const draft = (t: VmTransition): CfgDraft => {
  const config = draftConfig(t);
  const record = t.live?.record;
  const renamed = record?.config && record.config.name !== config.name && record.path === cfgPath(record.config.name);
  const made = (path: string, replaces: string, from: CfgDraft['from']): CfgDraft => ({
    marker: draftMarker(t, leftOf(t, config, path, from)),
    config,
    path,
    replaces,
    from,
  });
  const stray = record ? undefined : t.live?.stray;
  const taken = (draft: CfgDraft): CfgDraft => {
    const keeper = record ? t.server : stray?.server;
    return keeper !== undefined && keepsPasswords(config) ? { ...draft, keptOn: keeper } : draft;
  };
  if (t.journey) return taken(made(cfgPath(config.name), t.journey.replaces, null));
  if (stray) return taken(made(cfgPath(config.name), 'absent', null));
  if (record && (renamed || liesAstray(record)))
    return made(cfgPath(config.name), t.ahead ?? 'absent', { path: record.path, digest: record.digest });
  return made(record?.path ?? cfgPath(config.name), record?.digest ?? 'absent', null);
};
