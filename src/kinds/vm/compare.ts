/** What differs between a wanted VM and the live one, field by field, in three layers. It decides nothing. */
import type { Cause, Change, Layers, Seen, Way } from '../../core/change.ts';
import { absent, value } from '../../core/change.ts';
import { sameValue } from '../../core/digest.ts';
import { ref } from '../../core/ref.ts';
import type { LiveVm } from './live.ts';
import type { Facts, Resolved } from './resolve.ts';
import { waysOf } from './ways.ts';

const seen = <T>(v: T | null | undefined): Seen<T> => (v === null || v === undefined ? absent : value(v));
const plain = (s: Seen<unknown>): unknown => (s.is === 'value' ? s.value : undefined);
const same = (a: Seen<unknown>, b: Seen<unknown>): boolean => sameValue(plain(a), plain(b));

/** Whether the cfg has to be written for this change. State and autostart are not in it. */
export const differsInCfg = (c: Change): boolean =>
  c.field !== 'state' && c.field !== 'autostart' && !same(c.want, c.have.configured);

/** A disk or NIC as people think of it: `path` and `access`, `mac` and `bridge`. */
const disk = (d: { path: string; access: string } | undefined): Seen<unknown> =>
  d ? value({ path: d.path, access: d.access }) : absent;
const nic = (n: { mac: string | null; bridge: string | null } | undefined): Seen<unknown> =>
  n ? value({ mac: n.mac, bridge: n.bridge }) : absent;

interface Row {
  readonly field: string;
  readonly want: Seen<unknown>;
  readonly configured: Seen<unknown>;
  readonly running: Seen<unknown>;
  readonly applied?: Seen<unknown>;
}

const scalars = (want: Resolved, live: LiveVm): readonly Row[] => {
  const w = want.config;
  const c = live.record?.config;
  const d = live.domain;
  const row = (field: string, a: unknown, b: unknown, r: unknown): Row => ({
    field,
    want: seen(a),
    configured: seen(b),
    running: d ? seen(r) : absent,
  });
  return [
    row('type', w.type, c?.type, d?.type),
    row('vcpus.count', w.vcpus.count, c?.vcpus.count, d?.vcpus.online),
    row('vcpus.max', w.vcpus.max, c?.vcpus.max, d?.vcpus.max),
    row('memory.target', w.memory.target, c?.memory.target, d?.memory.target),
    row('memory.max', w.memory.max, c?.memory.max, d?.memory.max),
    row('boot.kernel', w.boot.kernel, c?.boot.kernel, d?.boot.kernel),
    row('boot.ramdisk', w.boot.ramdisk, c?.boot.ramdisk, d?.boot.ramdisk),
    row('boot.cmdline', w.boot.cmdline, c?.boot.cmdline, d?.boot.cmdline),
  ].filter((r) => want.governed.has(r.field));
};

const diskRows = (want: Resolved, live: LiveVm): readonly Row[] => {
  if (!want.governed.has('disks')) return [];
  const c = live.record?.config?.disks ?? {};
  const running = live.domain?.disks ?? [];
  const applied = live.marker?.applied['disks'] as Record<string, { path: string; access: string }> | undefined;
  const vdevs = new Set([...Object.keys(want.config.disks), ...Object.keys(c), ...running.map((d) => d.vdev)]);
  return [...vdevs].sort().map((vdev) => ({
    field: `disks.${vdev}`,
    want: disk(want.config.disks[vdev]),
    configured: disk(c[vdev]),
    running: disk(running.find((d) => d.vdev === vdev)),
    applied: disk(applied?.[vdev]),
  }));
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
    const w = nic(want.config.nics.find((n) => n.mac === want.macs[key]));
    // What was applied is kept by network; it was this NIC's value if the file had the NIC at all.
    return {
      field: `nics.${key}`,
      want: w,
      configured: nic(at(c, key)),
      running: nic(at(running, key)),
      applied: applied && key in applied ? nicApplied(live, key, applied[key], w) : absent,
    };
  });
};

/** The marker keeps network and bridge of each NIC that the file had. */
const nicApplied = (live: LiveVm, key: string, entry: unknown, want: Seen<unknown>): Seen<unknown> => {
  const bridge = (entry as { bridge?: unknown }).bridge;
  const mac = live.marker?.macs[key];
  return typeof bridge === 'string' && mac !== undefined ? value({ mac, bridge }) : want;
};

const causeOf = (row: Row, live: LiveVm, layers: Layers, up: boolean, ways: readonly Way[]): Cause => {
  if (live.marker === null) return 'adopt';
  const configuredOff = !same(row.want, layers.configured);
  const runningOff = up && !same(row.want, layers.running);
  if (!same(layers.applied, row.want)) {
    // The file changed. Did a hand, too?
    const hand = (layer: Seen<unknown>): boolean => !same(layer, layers.applied) && !same(layer, row.want);
    const known = layers.applied.is === 'value';
    return known && (hand(layers.configured) || (up && hand(layers.running))) ? 'conflict' : 'config';
  }
  if (configuredOff) return 'drift-configured';
  return runningOff && ways.find((w) => !w.illegal)?.how === 'restart' ? 'pending' : 'drift-running';
};

/** One change per field that differs in a layer that counts. The VM's `state` is `compareState`'s. */
export const compare = (want: Resolved, live: LiveVm, facts: Facts): readonly Change[] => {
  const up = live.domain !== null && (live.domain.state === 'running' || live.domain.state === 'paused');
  const changes: Change[] = [];
  const add = (row: Row): void => {
    const applied = row.applied ?? seen(live.marker?.applied[row.field]);
    const have: Layers = { applied, configured: row.configured, running: up ? row.running : absent };
    const runningOff = up && !same(row.want, row.running);
    if (same(row.want, row.configured) && !runningOff) return;
    const ways = waysOf(row.field, live, want, facts, runningOff);
    changes.push({
      subject: ref('vm', want.key),
      field: row.field,
      want: row.want,
      have,
      cause: causeOf(row, live, have, up, ways),
      bearer: null,
      ways,
    });
  };
  for (const row of [...scalars(want, live), ...diskRows(want, live), ...nicRows(want, live)]) add(row);
  if (want.autostart !== null) {
    const on = (live.record?.autostart.length ?? 0) > 0;
    add({ field: 'autostart', want: value(want.autostart), configured: value(on), running: value(want.autostart) });
  }
  if (live.marker && live.marker.protect !== want.protect) {
    add({
      field: 'protect',
      want: value(want.protect),
      configured: value(live.marker.protect),
      running: value(want.protect),
      applied: value(live.marker.protect),
    });
  }
  return changes;
};
