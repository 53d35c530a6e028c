/** What differs between a wanted VM and the live one, field by field, in three layers. It decides nothing. */
import { type Change, type Layers, type Seen, absent, value } from '../../core/change.ts';
import { sameValue } from '../../core/digest.ts';
import { covered } from '../../core/password.ts';
import { ref } from '../../core/ref.ts';
import { causeOf, lifeId, onlyAtStart, same, stillWaits } from './cause.ts';
import { fields, settingOf } from './fields.ts';
import { ignores, memoryOf, vcpusOf } from './follows.ts';
import { homeOf, viaOf } from './lease.ts';
import type { LiveVm } from './live.ts';
import type { Facts } from './facts.ts';
import type { Resolved } from './resolve.ts';
import { comparable, isSecret } from './settings.ts';
import { cdromRows, diskRows, nicRows, type Row } from './rows.ts';
import type { CfgSetting, CfgValue } from './spec.ts';
import { waysOf } from './ways.ts';
import { plainXl } from './xl-keys.ts';

const seen = (v: unknown): Seen<unknown> => (v === null || v === undefined ? absent : value(v));

/** Whether the cfg has to be written for this change. State and autostart are not in it. */
export const differsInCfg = (c: Change): boolean =>
  c.field !== 'state' && c.field !== 'autostart' && c.field !== 'autostart.link' && !same(c.want, c.have.configured);

/** The marker keeps a name only where it is not the key; before that, the cfg that Reeve wrote was called by it. */
const nameApplied = ({ marker, record }: LiveVm): unknown => {
  const file = /^\/etc\/xen\/([^/]+)\.cfg$/.exec(record?.path ?? '')?.[1];
  return marker && (marker.applied['name'] ?? file ?? marker.vm);
};

/** A maximum that the file leaves open is changed for the sake of what it must hold, and by whoever changed that. */
const heldBy: ReadonlyMap<string, string> = new Map([
  ['memory.max', 'memory.target'],
  ['vcpus.max', 'vcpus.count'],
]);

const scalars = (want: Resolved, live: LiveVm): readonly Row[] => {
  const w = want.config;
  const c = live.record?.config;
  const d = live.domain;
  const rows: Row[] = [];
  const row = (field: string, a: unknown, b: unknown, r: unknown, applied = live.marker?.applied[field]): void => {
    if (want.governed.has(field)) rows.push({ field, want: a, configured: b, running: r, applied });
  };
  row('name', w.name, c?.name, d?.name, nameApplied(live));
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

const coveredValue = (v: CfgValue): CfgValue => (typeof v === 'string' ? covered(v) : v.map(coveredValue));

/**
 * No reading tells what a domain was started with here: the marker remembers what waits, and else the cfg is believed. A
 * password within a value, or the reference that stands for it, counts as unchanged.
 */
const xlRows = (want: Resolved, live: LiveVm, facts: Facts): readonly Row[] => {
  const of = (list: readonly CfgSetting[] | undefined, key: string): unknown => {
    const found = list?.find((x) => x.key === key);
    return found && plainXl(key, coveredValue(found.value));
  };
  const rows = [...want.governed].filter((f) => f.startsWith('xl.')).sort();
  return rows.map((field) => {
    const key = field.slice('xl.'.length);
    const w = of(want.config.extra, key);
    const configured = of(live.record?.config?.extra, key);
    const wait = live.marker?.waits?.[field];
    const was = live.marker?.applied[field] as CfgValue | undefined;
    const applied = was && plainXl(key, coveredValue(was));
    const edited = live.marker !== null && sameValue(applied, w) && !sameValue(configured, w);
    const running = wait?.domain === lifeId(facts, live) ? wait.was : edited ? w : configured;
    return { field, want: w, configured, running, applied };
  });
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
    // It was told at run time and does not follow: that is not how it was applied, and no restart was asked for.
    const deaf = row.field === 'vcpus.count' && live.domain !== null && ignores(live.domain, want.config.vcpus.count);
    const cause = causeOf(live.marker, {
      want: wanted,
      applied: have.applied,
      configured: have.configured,
      running: up ? have.running : null,
      waits: stillWaits(row.field, row.running, live, facts),
      fixed: onlyAtStart(ways) && !deaf,
    });
    changes.push({ subject: ref('vm', want.key), field: row.field, want: wanted, have, cause, bearer: null, ways });
  };
  const rows = [
    ...scalars(want, live),
    ...settingRows(want, live, facts),
    ...xlRows(want, live, facts),
    ...diskRows(want, live),
    ...cdromRows(want, live),
    ...nicRows(want, live, facts),
  ];
  for (const row of rows) add(row);
  for (const [i, c] of changes.entries()) {
    const holds = heldBy.get(c.field);
    const held = holds !== undefined && !(c.field in want.applied) && changes.find((x) => x.field === holds);
    if (held) changes[i] = { ...c, cause: held.cause };
  }
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
