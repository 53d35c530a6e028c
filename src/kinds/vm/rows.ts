/** A field in the layers, and the rows of the devices: disks by vdev, drives by vdev, NICs by what the file calls them. */
import { table } from '../../core/table.ts';
import { hasOvs } from '../server/holds-devices.ts';
import { scriptIn } from './devices.ts';
import type { Facts } from './facts.ts';
import type { LiveVm } from './live.ts';
import { taggedBridge } from './nics.ts';
import { nicKeyOf, type Resolved } from './resolve.ts';
import type { DiskConfig, DiskSpec, NicConfig } from './spec.ts';

/**
 * A field in the layers, each as it is; null or undefined where it is absent. Most rows of a farm are the same all through and
 * go no further: what was applied is only made up for those that differ.
 */
export interface Row {
  readonly field: string;
  readonly want: unknown;
  readonly configured: unknown;
  readonly running: unknown;
  readonly applied: unknown | (() => unknown);
}

/** Of all devices of a group, or of those that the file has named. */
const governs = ({ governed }: Resolved, group: string, member: string): boolean =>
  governed.has(group) || governed.has(`${group}.${member}`);

const governsSome = ({ governed }: Resolved, group: string): boolean =>
  governed.has(group) || [...governed].some((f) => f.startsWith(`${group}.`));

/** Disks as people think of them. */
interface DiskLike {
  readonly path: string;
  readonly access: string;
  readonly format: string;
  readonly backend?: string | null;
  readonly script?: string | null;
}

/** The backend and the script count where the file says one. */
const disk = (d: DiskLike | undefined, said: { readonly backed: boolean; readonly scripted: boolean }): unknown => {
  if (!d) return undefined;
  const { path, access, format } = d;
  const backend = said.backed && d.backend ? { backend: d.backend } : {};
  return { path, access, format, ...backend, ...(said.scripted ? { script: d.script ?? null } : {}) };
};

const inCfg = (d: DiskConfig | undefined): DiskLike | undefined => d && { ...d, script: scriptIn(d.extra) };

export const diskRows = (want: Resolved, live: LiveVm): readonly Row[] => {
  if (!governsSome(want, 'disks')) return [];
  const c = live.record?.config?.disks ?? table();
  const running = live.domain?.disks ?? [];
  const applied = live.marker?.applied['disks'] as Readonly<Record<string, DiskSpec>> | undefined;
  const applying = (want.applied['disks'] ?? table()) as Readonly<Record<string, DiskSpec>>;
  const vdevs = new Set([...Object.keys(want.config.disks), ...Object.keys(c), ...running.map((d) => d.vdev)]);
  const judged = [...vdevs].filter((vdev) => governs(want, 'disks', vdev)).sort();
  return judged.map((vdev) => {
    const wanted = want.config.disks[vdev];
    const said = { backed: (wanted?.backend ?? null) !== null, scripted: applying[vdev]?.script !== undefined };
    // What the file left open was what it is.
    const remembered = (): unknown => {
      const a = applied?.[vdev];
      const was = a && {
        path: a.path,
        access: a.access === 'ro' ? 'ro' : 'rw',
        format: a.format ?? c[vdev]?.format ?? wanted?.format ?? 'raw',
        backend: a.backend ?? c[vdev]?.backend ?? wanted?.backend ?? null,
        script: a.script ?? scriptIn(c[vdev]?.extra ?? []),
      };
      return disk(was, said);
    };
    return {
      field: `disks.${vdev}`,
      want: disk(inCfg(wanted), said),
      configured: disk(inCfg(c[vdev]), said),
      running: disk(
        running.find((d) => d.vdev === vdev),
        said,
      ),
      applied: remembered,
    };
  });
};

export const cdromRows = (want: Resolved, live: LiveVm): readonly Row[] => {
  if (!governsSome(want, 'cdrom')) return [];
  const c = live.record?.config?.cdroms ?? table();
  const running = live.domain?.cdroms ?? table();
  const applied = live.marker?.applied['cdrom'] as Record<string, { path: string | null }> | undefined;
  const medium = (d: { path: string | null } | undefined): unknown => d && { path: d.path ?? '' };
  const vdevs = new Set([...Object.keys(want.config.cdroms), ...Object.keys(c), ...Object.keys(running)]);
  const judged = [...vdevs].filter((vdev) => governs(want, 'cdrom', vdev)).sort();
  return judged.map((vdev) => ({
    field: `cdrom.${vdev}`,
    want: medium(want.config.cdroms[vdev]),
    configured: medium(c[vdev]),
    running: medium(running[vdev]),
    applied: medium(applied?.[vdev]),
  }));
};

type NicLike = Pick<NicConfig, 'mac' | 'bridge' | 'vlan' | 'rate' | 'model' | 'script'>;
type NicOption = 'vlan' | 'rate' | 'model' | 'script';

/** What is not set is left out; `model` and `script`, which libxl fills in by itself, count only where somebody said them. */
const nic = (n: NicLike | undefined, options: readonly NicOption[]): unknown => {
  if (!n) return undefined;
  const out: Record<string, unknown> = table({ mac: n.mac, bridge: n.bridge });
  for (const o of options) if (n[o] !== null) out[o] = n[o];
  return out;
};

/** The marker keeps network, bridge and options of each NIC that the file had; what the file left open was what it is. */
const nicApplied = (live: LiveVm, key: string, open: NicLike | undefined, { seen }: Facts): NicLike | undefined => {
  const nics = live.marker?.applied['nics'] as Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  const entry = nics && Object.hasOwn(nics, key) ? nics[key] : undefined;
  if (!entry) return undefined;
  const { bridge, vlan } = entry;
  const said = <T>(value: unknown, is: (x: unknown) => x is T, found: T | null | undefined): T | null =>
    is(value) ? value : (found ?? null);
  const isText = (x: unknown): x is string => typeof x === 'string';
  const tagged =
    isText(bridge) && typeof vlan === 'number' && hasOvs(bridge, seen) ? taggedBridge(bridge, vlan) : bridge;
  return {
    mac: live.marker?.macs[key] ?? open?.mac ?? null,
    bridge: said(tagged, isText, open?.bridge),
    vlan: open?.vlan ?? null,
    rate: said(entry['rate'], isText, open?.rate),
    model: said(entry['model'], isText, open?.model),
    script: said(entry['script'], isText, open?.script),
  };
};

/** NICs have no name on the server: they are told apart by MAC, and those that the file does not know by that MAC. */
export const nicRows = (want: Resolved, live: LiveVm, facts: Facts): readonly Row[] => {
  if (!governsSome(want, 'nics')) return [];
  const c = live.record?.config?.nics ?? [];
  const running = live.domain?.nics ?? [];
  const keyOf = nicKeyOf(want, live.marker);
  const wanted = new Map(
    Object.entries(want.macs).flatMap(([key, mac]) => {
      const n = want.config.nics.find((x) => x.mac === mac);
      return n ? [[key, n] as const] : [];
    }),
  );
  const keys = new Set([...wanted.keys(), ...[...c, ...running].map(keyOf)]);
  const at = <N extends NicLike>(list: readonly N[], key: string): N | undefined => {
    const mine = list.filter((n) => keyOf(n) === key);
    return mine.find((n) => n.mac === want.macs[key]) ?? mine[0];
  };
  const judged = [...keys].filter((key) => governs(want, 'nics', key)).sort();
  return judged.map((key) => {
    const mine = wanted.get(key);
    const [said, runs] = [at(c, key), at(running, key)];
    const options: readonly NicOption[] = [
      'vlan',
      'rate',
      ...(['model', 'script'] as const).filter((o) => (mine?.[o] ?? said?.[o] ?? null) !== null),
    ];
    return {
      field: `nics.${key}`,
      want: nic(mine, options),
      configured: nic(said, options),
      running: nic(runs, options),
      applied: () => nic(nicApplied(live, key, said ?? mine ?? runs, facts), options),
    };
  });
};
