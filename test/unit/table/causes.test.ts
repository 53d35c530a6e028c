/** Who made a difference, over every field of the table: the causes, the two narrowed plans and `drift` agree, whoever did it. */
import { describe, expect, it } from 'vitest';
import { isDrift, isOfFile, type Cause } from '../../../src/core/change.ts';
import type { Plan, PlanOptions } from '../../../src/kinds/plan.ts';
import type { Observed, ServerSeen } from '../../../src/kinds/server/live.ts';
import type { VmSpec, VmType } from '../../../src/kinds/vm/spec.ts';
import { renderPlan } from '../../../src/report/plan-text.ts';
import { after, disk, farm, GiB, nic, observed, plan, server } from '../plan/world.ts';
import { base, rows, type Row } from './rows.ts';

type More = Partial<VmSpec>;

const start = observed({ a: server() });
const farmOf = (vm: VmSpec, budget?: 'none') =>
  farm([vm], ['a'], {
    policy: {
      budget: budget ?? 'migrate',
      deletes: { max: 5, percent: 10 },
      restarts: { atOnce: undefined },
      before: {},
    },
  });
const known = new Map<string, Observed>();
const made = (vm: VmSpec): Observed => {
  const key = JSON.stringify(vm);
  const seen = known.get(key) ?? after(start, plan(farmOf(vm), start).operations);
  known.set(key, seen);
  return seen;
};
const everything = { allow: [{ disruption: 'data-loss' as const, pattern: '*' }] };

const hereOf = (seen: Observed): ServerSeen => {
  const s = seen.get('a');
  if (s?.is !== 'seen') throw new Error('a was not seen');
  return s;
};

/** What a hand leaves that writes into the cfg (and its links) what `like` has there. */
const editedAs = (seen: Observed, like: Observed): Observed => {
  const [a, b] = [hereOf(seen), hereOf(like)];
  const [mine, theirs] = [a.records[0], b.records[0]];
  if (!mine?.config || !theirs?.config) throw new Error('a cfg is missing');
  const config = { ...theirs.config, uuid: mine.config.uuid };
  return new Map([['a', { ...a, records: [{ ...mine, config, digest: 'edited', autostart: theirs.autostart }] }]]);
};

/** What a hand leaves that gives the running domain what `like` has. */
const ranAs = (seen: Observed, like: Observed): Observed => {
  const [a, b] = [hereOf(seen), hereOf(like)];
  const [mine, theirs] = [a.domains[0], b.domains[0]];
  return new Map([['a', { ...a, domains: mine && theirs ? [{ ...theirs, domid: mine.domid, uuid: mine.uuid }] : [] }]]);
};

const causes = (p: Plan): readonly Cause[] => [...new Set(p.vms.flatMap((v) => v.changes.map((c) => c.cause)))].sort();
const fieldsOf = (p: Plan): readonly string[] => p.vms.flatMap((v) => v.changes.map((c) => c.field)).sort();
const text = (p: Plan): string => renderPlan(p, { color: false, width: 100, commands: false });

/** The two narrowed plans have what the causes promise, and the words do not contradict them. */
const agrees = (vm: VmSpec, seen: Observed, budget?: 'none'): Plan => {
  const f = farmOf(vm, budget);
  const options: Partial<PlanOptions> = budget === 'none' ? {} : everything;
  const all = plan(f, seen, options);
  const changes = all.vms.flatMap((v) => v.changes);
  const only = (is: (c: Cause) => boolean): readonly string[] =>
    changes.flatMap((c) => (is(c.cause) ? [c.field] : [])).sort();
  const drift = plan(f, seen, { ...options, cause: 'drift' });
  expect(fieldsOf(drift)).toEqual(only(isDrift));
  expect(fieldsOf(plan(f, seen, { ...options, cause: 'config' }))).toEqual(only(isOfFile));
  const none = drift.operations.length === 0 && !changes.some((c) => isDrift(c.cause));
  expect(text(drift).startsWith('No drift')).toBe(none);
  if (!changes.some((c) => isDrift(c.cause))) expect(text(all)).not.toMatch(/by hand|by Reeve|conflict/);
  return all;
};

/** No hand of a person has made these: they stand in the marker, in no cfg, or in the file alone. */
const beside = new Set(['protect', 'state']);
/** Of these the running side has none. */
const still = new Set([...beside, 'autostart', 'xl', 'display.vnc.password', 'display.spice.password']);

const cases = rows.flatMap((row) =>
  row.types.map((type): [string, Row, VmType] => [
    `${row.field}${row.note ? `: ${row.note}` : ''}, ${type}`,
    row,
    type,
  ]),
);

describe.each(cases)('%s', (_, row, type) => {
  const before = base(type, row.before);
  const then: VmSpec = { ...before, ...row.after };

  it('the file’s is the file’s', () => {
    expect(causes(agrees(then, made(before)))).toEqual(['config']);
  });
  it('put off and taken back, it is the file’s, and waits in between', () => {
    const put = after(made(before), plan(farmOf(then, 'none'), made(before)).operations);
    for (const cause of causes(agrees(then, put, 'none'))) expect(['pending', 'config']).toContain(cause);
    // A MAC that the file no longer says is kept.
    const back = row.field === 'nics.mac' ? 'pending' : 'config';
    for (const cause of causes(agrees(before, put, 'none'))) expect(cause).toBe(back);
  });
  it.skipIf(beside.has(row.field))('a hand’s in the cfg is a hand’s', () => {
    expect(causes(agrees(then, editedAs(made(then), made(before))))).toEqual(['drift-configured']);
  });
  it.skipIf(still.has(row.field))(
    'a hand’s at run time is a hand’s, or waits for what nobody changes at run time',
    () => {
      const found = causes(agrees(then, ranAs(made(then), made(before))));
      expect(found.length).toBeGreaterThan(0);
      for (const cause of found) expect(['drift-running', 'pending']).toContain(cause);
    },
  );
});

/** A third value of what waits for a restart or for leave. */
const thirds: readonly (readonly [string, More, More, More])[] = [
  ['a command line', boot('ro'), boot('quiet'), boot('debug')],
  ['a maximum', {}, { vcpus: { count: 1, max: 4 } }, { vcpus: { count: 1, max: 8 } }],
  ['memory', {}, { memory: { target: GiB, max: 4 * GiB } }, { memory: { target: GiB, max: 8 * GiB } }],
  [
    'an action',
    { settings: { 'on.crash': 'destroy' } },
    { settings: { 'on.crash': 'restart' } },
    { settings: { 'on.crash': 'preserve' } },
  ],
  ['a key of xl', { xl: { localtime: '0' } }, { xl: { localtime: '1' } }, { xl: { localtime: '2' } }],
  ['a disk', data('data'), data('other'), data('third')],
  ['a disk that goes, and another', data('data'), { disks: { xvda: disk('/dev/vg0/web') } }, data('third')],
  [
    'a NIC’s rate',
    nics({ rate: '5000000B/s@50000us' }),
    nics({ rate: '1250000B/s@50000us' }),
    nics({ rate: '2500000B/s@50000us' }),
  ],
  ['a NIC’s MAC', nics({}), nics({ mac: '02:00:00:00:00:09' }), nics({ mac: '02:00:00:00:00:0b' })],
];
function boot(cmdline: string): More {
  return { boot: { kernel: '/boot/vmlinuz', ramdisk: undefined, cmdline } };
}
function data(name: string): More {
  return { disks: { xvda: disk('/dev/vg0/web'), xvdb: disk(`/dev/vg0/${name}`) } };
}
function nics(more: Parameters<typeof nic>[1]): More {
  return { nics: { eth0: nic('lan'), eth1: nic('lan', more) } };
}

describe.each(thirds)('%s', (_, one, two, three) => {
  const [a, b, c] = [base('pvh', one), base('pvh', two), base('pvh', three)];
  it('that the file changes twice before the restart is the file’s both times', () => {
    const put = after(made(a), plan(farmOf(b), made(a)).operations);
    const p = agrees(c, put, 'none');
    expect(causes(p)).toEqual(['config']);
  });
  it('that a hand changes to a third value is a conflict', () => {
    expect(causes(agrees(c, editedAs(made(a), made(b))))).toContain('conflict');
  });
});

describe('what stands in no cfg', () => {
  const up = base('pvh', {});
  const down = base('pvh', { state: 'stopped', autostart: false });
  const stopped = after(made(up), plan(farmOf(down), made(up), everything).operations);
  it('is remembered: a VM that a hand starts, and a link that it makes, are no change of the file', () => {
    const seen = editedAs(stopped, made(up));
    const started = new Map([['a', { ...hereOf(seen), domains: hereOf(made(up)).domains }]]);
    const p = agrees(down, started);
    expect(p.vms[0]?.changes.map((c) => [c.field, c.cause])).toEqual([
      ['state', 'drift-running'],
      ['autostart', 'drift-configured'],
    ]);
  });
});

describe('a NIC', () => {
  const two = base('pvh', { nics: { eth0: nic('lan'), eth1: nic('dmz') } });
  it('that is taken out of the file, with a new one beside it, is no hand’s', () => {
    const p = agrees({ ...two, nics: { eth1: nic('dmz'), eth2: nic('dmz') } }, made(two));
    expect(causes(p)).toEqual(['config']);
    expect(fieldsOf(p)).toEqual(['nics.eth0', 'nics.eth2']);
  });
  it('that a hand took away comes back, while the file’s new one waits, each by its own run', () => {
    const less = editedAs(made(two), made(base('pvh', {})));
    const more = { ...two, nics: { ...two.nics, eth2: nic('dmz') } };
    const p = agrees(more, less);
    expect(p.vms[0]?.changes.map((c) => [c.field, c.cause])).toEqual([
      ['nics.eth1', 'drift-configured'],
      ['nics.eth2', 'config'],
    ]);
    const then = after(less, plan(farmOf(more), less, { ...everything, cause: 'config' }).operations);
    expect(fieldsOf(agrees(more, then))).toEqual(['nics.eth1']);
  });
});

describe('a maximum that the file leaves open', () => {
  const one = base('pvh', { memory: { target: GiB, max: undefined }, vcpus: { count: 2, max: undefined } });
  it('is changed by whoever changed what it must hold', () => {
    const less = base('pvh', { memory: { target: GiB / 2, max: undefined }, vcpus: { count: 1, max: undefined } });
    const p = agrees(one, editedAs(made(one), made(less)));
    expect(causes(p)).toEqual(['drift-configured']);
    expect(causes(agrees(one, made(less)))).toEqual(['config']);
  });
});
