/** What differs between a wanted VM and the live one, field by field, in three layers. It decides nothing. */
import { type Cause, type Change, type Layers, type Seen, absent, value } from '../../core/change.ts';
import { sameValue } from '../../core/digest.ts';
import { covered } from '../../core/password.ts';
import { ref } from '../../core/ref.ts';
import { fields, settingOf } from './fields.ts';
import { ignores, memoryOf, vcpusOf } from './follows.ts';
import { homeOf, viaOf } from './lease.ts';
import type { LiveVm } from './live.ts';
import type { Facts } from './facts.ts';
import type { Resolved } from './resolve.ts';
import { comparable, isSecret } from './settings.ts';
import type { CfgSetting, CfgValue, DiskSpec } from './spec.ts';
import { waysOf } from './ways.ts';
import { table } from '../../core/table.ts';

const seen = (v: unknown): Seen<unknown> => (v === null || v === undefined ? absent : value(v));
const plain = (s: Seen<unknown>): unknown => (s.is === 'value' ? s.value : undefined);
const same = (a: Seen<unknown>, b: Seen<unknown>): boolean => sameValue(plain(a), plain(b));

/** Whether the cfg has to be written for this change. State and autostart are not in it. */
export const differsInCfg = (c: Change): boolean =>
  c.field !== 'state' && c.field !== 'autostart' && c.field !== 'autostart.link' && !same(c.want, c.have.configured);

/** Disks and NICs as people think of them. */
interface DiskLike {
  readonly path: string;
  readonly access: string;
  readonly format: string;
  readonly backend?: string | null;
}
/** `backed`: the backend counts, since somebody said one. */
const disk = (d: DiskLike | undefined, backed: boolean): unknown => {
  if (!d) return undefined;
  const { path, access, format } = d;
  return backed && d.backend ? { path, access, format, backend: d.backend } : { path, access, format };
};

interface NicLike {
  readonly mac: string | null;
  readonly bridge: string | null;
  readonly vlan: number | null;
  readonly rate: string | null;
  readonly model: string | null;
  readonly script: string | null;
}
type NicOption = 'vlan' | 'rate' | 'model' | 'script';

/** What is not set is left out; `model` and `script`, which libxl fills in by itself, count only where somebody said them. */
const nic = (n: NicLike | undefined, options: readonly NicOption[]): unknown => {
  if (!n) return undefined;
  const out: Record<string, unknown> = table({ mac: n.mac, bridge: n.bridge });
  for (const o of options) if (n[o] !== null) out[o] = n[o];
  return out;
};

/**
 * A field in the layers, each as it is; null or undefined where it is absent. Most rows of a farm are the same all through and
 * go no further: what was applied is only made up for those that differ.
 */
interface Row {
  readonly field: string;
  readonly want: unknown;
  readonly configured: unknown;
  readonly running: unknown;
  readonly applied: unknown | (() => unknown);
}

const scalars = (want: Resolved, live: LiveVm): readonly Row[] => {
  const w = want.config;
  const c = live.record?.config;
  const d = live.domain;
  const rows: Row[] = [];
  const row = (field: string, a: unknown, b: unknown, r: unknown, applied = live.marker?.applied[field]): void => {
    if (want.governed.has(field)) rows.push({ field, want: a, configured: b, running: r, applied });
  };
  // The marker keeps no name: the cfg has it.
  row('name', w.name, c?.name, d?.name, live.marker && c?.name === w.name ? w.name : undefined);
  row('type', w.type, c?.type, d?.type);
  row('vcpus.count', w.vcpus.count, c?.vcpus.count, d && vcpusOf(d));
  row('vcpus.max', w.vcpus.max, c?.vcpus.max, d?.vcpus.max);
  row('memory.target', w.memory.target, c?.memory.target, d && memoryOf(d, w.memory.target));
  row('memory.max', w.memory.max, c?.memory.max, d?.memory.max);
  row('boot.kernel', w.boot.kernel, c?.boot.kernel, d?.boot.kernel);
  row('boot.ramdisk', w.boot.ramdisk, c?.boot.ramdisk, d?.boot.ramdisk);
  row('boot.cmdline', w.boot.cmdline, c?.boot.cmdline, d?.boot.cmdline);
  return rows;
};

/** A password is shown as where it comes from; one that stands in the cfg only, or is another, as that. */
const secretText = (v: unknown, want: unknown): unknown => {
  if (!isSecret(v)) return v;
  if (!isSecret(want)) return 'a password';
  if (v.digest !== null && want.digest !== null) return v.digest === want.digest ? want.secret : 'another password';
  return v.secret === 'kept' ? want.secret : v.secret;
};

const settingRows = (want: Resolved, live: LiveVm, facts: Facts): readonly Row[] => {
  const c = live.record?.config;
  const d = live.domain;
  const lights = { secrets: facts.secrets, cpus: facts.seen.cpus };
  return fields
    .filter((f) => want.governed.has(f.name))
    .map(({ name }) => {
      const w = settingOf(want.config.settings, name);
      const shown = (v: unknown): unknown => secretText(comparable(name, v, lights), w);
      return {
        field: name,
        want: shown(w),
        configured: c ? shown(settingOf(c.settings, name)) : undefined,
        running: d ? shown(settingOf(d.settings, name)) : undefined,
        applied: shown(live.marker?.applied[name]),
      };
    });
};

/** The running domain as the marker names it: domids begin anew when a server boots. */
export const lifeId = (facts: Facts, live: LiveVm): string =>
  live.domain ? `${facts.seen.bootId}/${live.domain.domid}` : '';

const coveredValue = (v: CfgValue): CfgValue => (typeof v === 'string' ? covered(v) : v.map(coveredValue));

/**
 * No reading tells what a domain was started with here: the marker remembers what waits, and else the cfg is believed. A
 * password within a value, or the reference that stands for it, counts as unchanged.
 */
const xlRows = (want: Resolved, live: LiveVm, facts: Facts): readonly Row[] => {
  const of = (list: readonly CfgSetting[] | undefined, key: string): unknown => {
    const found = list?.find((x) => x.key === key);
    return found && coveredValue(found.value);
  };
  const rows = [...want.governed].filter((f) => f.startsWith('xl.')).sort();
  return rows.map((field) => {
    const key = field.slice('xl.'.length);
    const w = of(want.config.extra, key);
    const configured = of(live.record?.config?.extra, key);
    const wait = live.marker?.waits?.[field];
    const was = live.marker?.applied[field] as CfgValue | undefined;
    const applied = was && coveredValue(was);
    const edited = live.marker !== null && sameValue(applied, w) && !sameValue(configured, w);
    const running = wait?.domain === lifeId(facts, live) ? wait.was : edited ? w : configured;
    return { field, want: w, configured, running, applied };
  });
};

const cdromRows = (want: Resolved, live: LiveVm): readonly Row[] => {
  if (!want.governed.has('cdrom')) return [];
  const c = live.record?.config?.cdroms ?? table();
  const running = live.domain?.cdroms ?? table();
  const applied = live.marker?.applied['cdrom'] as Record<string, { path: string | null }> | undefined;
  const medium = (d: { path: string | null } | undefined): unknown => d && { path: d.path ?? '' };
  const vdevs = new Set([...Object.keys(want.config.cdroms), ...Object.keys(c), ...Object.keys(running)]);
  return [...vdevs].sort().map((vdev) => ({
    field: `cdrom.${vdev}`,
    want: medium(want.config.cdroms[vdev]),
    configured: medium(c[vdev]),
    running: medium(running[vdev]),
    applied: medium(applied?.[vdev]),
  }));
};

const diskRows = (want: Resolved, live: LiveVm): readonly Row[] => {
  if (!want.governed.has('disks')) return [];
  const c = live.record?.config?.disks ?? table();
  const running = live.domain?.disks ?? [];
  const applied = live.marker?.applied['disks'] as Readonly<Record<string, DiskSpec>> | undefined;
  const vdevs = new Set([...Object.keys(want.config.disks), ...Object.keys(c), ...running.map((d) => d.vdev)]);
  return [...vdevs].sort().map((vdev) => {
    const wanted = want.config.disks[vdev];
    const backed = (wanted?.backend ?? null) !== null;
    // What the file left open was what it is.
    const remembered = (): unknown => {
      const a = applied?.[vdev];
      const was = a && {
        path: a.path,
        access: a.access === 'ro' ? 'ro' : 'rw',
        format: a.format ?? c[vdev]?.format ?? wanted?.format ?? 'raw',
        backend: a.backend ?? c[vdev]?.backend ?? wanted?.backend ?? null,
      };
      return disk(was, backed);
    };
    return {
      field: `disks.${vdev}`,
      want: disk(wanted, backed),
      configured: disk(c[vdev], backed),
      running: disk(
        running.find((d) => d.vdev === vdev),
        backed,
      ),
      applied: remembered,
    };
  });
};

/** NICs have no name on the server: they are told apart by MAC, and those that the file does not know by that MAC. */
const nicRows = (want: Resolved, live: LiveVm): readonly Row[] => {
  if (!want.governed.has('nics')) return [];
  const c = live.record?.config?.nics ?? [];
  const running = live.domain?.nics ?? [];
  const keyOf = new Map<string, string>();
  for (const [key, mac] of Object.entries(live.marker?.macs ?? {})) keyOf.set(mac, key);
  const wanted = Object.entries(want.macs).filter(([, mac]) => want.config.nics.some((n) => n.mac === mac));
  for (const [key, mac] of wanted) keyOf.set(mac, key);
  const keys = new Set(wanted.map(([key]) => key));
  for (const n of [...c, ...running]) keys.add((n.mac === null ? undefined : keyOf.get(n.mac)) ?? `mac ${n.mac}`);
  const at = <N extends { mac: string | null }>(list: readonly N[], key: string): N | undefined => {
    const mine = list.filter((n) => ((n.mac === null ? undefined : keyOf.get(n.mac)) ?? `mac ${n.mac}`) === key);
    return mine.find((n) => n.mac === want.macs[key]) ?? mine[0];
  };
  const applied = live.marker?.applied['nics'] as Record<string, unknown> | undefined;
  return [...keys].sort().map((key) => {
    const mine = want.config.nics.find((n) => n.mac === want.macs[key]);
    const said = at(c, key);
    const options: readonly NicOption[] = [
      'vlan',
      'rate',
      ...(['model', 'script'] as const).filter((o) => (mine?.[o] ?? said?.[o] ?? null) !== null),
    ];
    const w = nic(mine, options);
    // What was applied is kept by network; it was this NIC's value if the file had the NIC at all.
    return {
      field: `nics.${key}`,
      want: w,
      configured: nic(said, options),
      running: nic(at(running, key), options),
      applied: () =>
        applied && key in applied ? nicApplied(live, key, applied[key], w, nic(said, options)) : undefined,
    };
  });
};

/** The marker keeps network, bridge and options of each NIC that the file had; what the file left open was what it is. */
const nicApplied = (live: LiveVm, key: string, entry: unknown, want: unknown, configured: unknown): unknown => {
  const { bridge } = entry as { bridge?: unknown };
  const mac = live.marker?.macs[key];
  if (typeof bridge !== 'string' || mac === undefined || want === undefined) return want;
  const w = want as { readonly bridge?: unknown };
  const said = table(
    (['rate', 'model', 'script'] as const).flatMap((o) => {
      const v = (entry as Record<string, unknown>)[o];
      return v === undefined ? [] : [[o, v]];
    }),
  );
  // On Open vSwitch the bridge of the network has its VLAN behind it.
  const on = typeof w.bridge === 'string' && w.bridge.replace(/\.\d+(?=:|$)/, '') === bridge ? w.bridge : bridge;
  return { ...((configured ?? want) as object), ...said, mac, bridge: on };
};

const causeOf = (
  { field, want, have: layers, ways }: Omit<Change, 'cause' | 'bearer' | 'subject'>,
  live: LiveVm,
  up: boolean,
): Cause => {
  if (live.marker === null) return 'adopt';
  const configuredOff = !same(want, layers.configured);
  const runningOff = up && !same(want, layers.running);
  if (!same(layers.applied, want)) {
    // The file changed. Did a hand, too?
    const hand = (layer: Seen<unknown>): boolean => !same(layer, layers.applied) && !same(layer, want);
    const known = layers.applied.is === 'value';
    return known && (hand(layers.configured) || (up && hand(layers.running))) ? 'conflict' : 'config';
  }
  if (configuredOff) return 'drift-configured';
  // It was told at run time and does not follow: that is not how it was applied, and no restart was asked for.
  const { domain } = live;
  if (field === 'vcpus.count' && domain && want.is === 'value' && ignores(domain, want.value as number))
    return 'drift-running';
  return runningOff && ways.find((w) => !w.illegal)?.how === 'restart' ? 'pending' : 'drift-running';
};

/** One change per field that differs in a layer that counts. The VM's `state` is `compareState`'s. */
export const compare = (want: Resolved, live: LiveVm, facts: Facts): readonly Change[] => {
  const up = live.domain !== null && (live.domain.state === 'running' || live.domain.state === 'paused');
  const changes: Change[] = [];
  const add = (row: Row): void => {
    const runningOff = up && !sameValue(row.want, row.running);
    if (!runningOff && sameValue(row.want, row.configured)) return;
    const applied = typeof row.applied === 'function' ? (row.applied as () => unknown)() : row.applied;
    const wanted = seen(row.want);
    const have: Layers = {
      applied: seen(applied),
      configured: seen(row.configured),
      running: up ? seen(row.running) : absent,
    };
    const ways = waysOf(row.field, live, want, facts, runningOff);
    changes.push({
      subject: ref('vm', want.key),
      field: row.field,
      want: wanted,
      have,
      cause: causeOf({ field: row.field, want: wanted, have, ways }, live, up),
      bearer: null,
      ways,
    });
  };
  const rows = [
    ...scalars(want, live),
    ...settingRows(want, live, facts),
    ...xlRows(want, live, facts),
    ...diskRows(want, live),
    ...cdromRows(want, live),
    ...nicRows(want, live),
  ];
  for (const row of rows) add(row);
  const links = live.record?.autostart ?? [];
  if (want.autostart !== null) {
    const on = links.length > 0;
    const applied = live.marker?.applied['autostart'];
    add({ field: 'autostart', want: want.autostart, configured: on, running: want.autostart, applied });
    const home = homeOf(want.config.disks, facts.shared);
    const via = (home && live.record && viaOf(home, live.server, live.record.path)) ?? undefined;
    const astray = on && want.autostart && live.record?.via !== via;
    // The marker keeps no link: it follows the file's names and its order.
    const link = (wanted: unknown, configured: unknown): void =>
      add({ field: 'autostart.link', want: wanted, configured, running: wanted, applied: undefined });
    if (astray) link(via ?? live.record?.path, live.record?.via ?? live.record?.path);
    else if (on && want.autostart && want.link !== null && !sameValue(links, [want.link]))
      link(want.link, links.join(', '));
  }
  if (live.marker && live.marker.protect !== want.protect) {
    const { protect } = live.marker;
    add({ field: 'protect', want: want.protect, configured: protect, running: want.protect, applied: protect });
  }
  return changes;
};
