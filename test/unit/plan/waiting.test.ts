/** Changes that wait for a restart: they move nobody, and what no server can hold is refused before it stands in a cfg. */
import { describe, expect, it } from 'vitest';
import type { Farm } from '../../../src/kinds/farm.ts';
import type { Observed } from '../../../src/kinds/server/live.ts';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import { carryOut, farm, GiB, observed, plan, server, spec } from './world.ts';

const servers = ['a', 'b', 'c'];
const sized = (key: string, gib: number, more: Partial<VmSpec> = {}): VmSpec =>
  spec(key, { memory: { target: gib * GiB, max: undefined }, ...more });
const neighbours = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'].map((key) => sized(key, 4));
const wide = (f: Farm, more: Partial<Farm['pools'][number]>): Farm => ({
  ...f,
  pools: f.pools.map((p) => ({ ...p, ...more })),
});
const farmOf = (vms: readonly VmSpec[], more: Partial<Farm['pools'][number]> = {}): Farm => {
  const f = farm(vms, servers);
  return wide(f, {
    servers: f.pools.flatMap((p) => p.servers.map((s) => ({ ...s, migration: s.name }))),
    ...more,
  });
};
const empty = (): Observed =>
  observed(
    Object.fromEntries(
      servers.map((s) => [s, server({ host: s, memory: { total: 16 * GiB, free: 16 * GiB, reclaimable: 0 } })]),
    ),
  );
const ids = (p: ReturnType<typeof plan>): readonly string[] => p.operations.map((o) => o.id);
const made = (vms: readonly VmSpec[], more: Partial<Farm['pools'][number]> = {}): Observed =>
  carryOut(empty(), plan(farmOf(vms, more), empty()).operations);
const restarting = { allow: [{ disruption: 'restart' as const, pattern: 'web' }] };

describe('a change that waits', () => {
  it('moves nobody in the next plan, and makes room in the run that may restart the VM', () => {
    const seen = made([sized('web', 2), ...neighbours]);
    const grown = farmOf([sized('web', 13), ...neighbours]);
    const first = plan(grown, seen);
    expect(ids(first)).toEqual(['web/define']);
    const waiting = carryOut(seen, first.operations);
    const second = plan(grown, waiting);
    expect(ids(second)).toEqual([]);
    expect(second.warnings).toEqual([
      expect.stringMatching(
        /^web has 13GiB in its cfg for its next start, and a lacks \dGiB for that: if the guest reboots by itself, it stays down; --allow restart=web makes room and restarts it$/,
      ),
    ]);
    const allowed = plan(grown, waiting, restarting);
    expect(
      ids(allowed).filter((id) => id.endsWith('/migrate/b') || id.endsWith('/migrate/c') || id.endsWith('/migrate/a'))
        .length,
    ).toBeGreaterThan(0);
    expect(ids(allowed)).toContain('web/restart');
    const done = carryOut(waiting, allowed.operations);
    expect([ids(plan(grown, done)), plan(grown, done).refused]).toEqual([[], []]);
  });

  it('keeps no new VM out, and the verifier counts as the planner does', () => {
    const seen = made([sized('web', 2, { servers: ['a'] })]);
    const grown = sized('web', 13, { servers: ['a'] });
    const waiting = carryOut(seen, plan(farmOf([grown]), seen).operations);
    const p = plan(farmOf([grown, sized('new', 8, { servers: ['a'] })]), waiting);
    expect([ids(p), p.refused]).toEqual([['new/define', 'new/autostart', 'new/start'], []]);
  });

  it('of vCPUs moves nobody either', () => {
    const counted = (count: number): VmSpec => spec('web', { servers: ['a'], vcpus: { count, max: count } });
    const others = ['n1', 'n2', 'n3'].map((key) => spec(key, { vcpus: { count: 2, max: undefined } }));
    const few = { overcommit: { vcpus: 1 } };
    const seen = made([counted(1), ...others], few);
    const grown = farmOf([counted(7), ...others], few);
    const waiting = carryOut(seen, plan(grown, seen).operations);
    expect(ids(plan(grown, waiting))).toEqual([]);
  });
});

describe('what no server can hold', () => {
  const seen = made([sized('web', 2), ...neighbours]);

  it('is refused before the cfg has it, and the other changes are made', () => {
    const huge = farmOf([sized('web', 64, { settings: { 'sched.weight': 512 } }), ...neighbours]);
    const p = plan(huge, seen);
    expect(ids(p)).toEqual(['web/define', 'web/set-sched']);
    expect(p.refused.map((r) => [r.code, r.what, r.why, r.help])).toEqual([
      [
        'no-server-fits',
        'web would get 64GiB of memory',
        'no server that may hold it has so much for VMs: the largest, a, has 16GiB',
        'give it less, or add a server',
      ],
    ]);
    const after = carryOut(seen, p.operations);
    const again = plan(huge, after);
    expect([ids(again), again.refused]).toEqual([[], p.refused]);
    // A restart for another reason keeps what the VM has.
    const restarted = plan(farmOf([sized('web', 64, { xl: { localtime: '1' } }), ...neighbours]), after, restarting);
    expect(restarted.refused.map((r) => r.code)).toEqual(['no-server-fits']);
    const op = restarted.operations.find((o) => o.op.verb === 'restart')?.op;
    expect(op?.verb === 'restart' && op.record.config.memory.target).toBe(2 * GiB);
  });

  it('is not known where a server that may hold it was not read', () => {
    const huge = farmOf([sized('web', 64), ...neighbours]);
    const half = new Map([...seen].filter(([name]) => name !== 'c'));
    expect(ids(plan(huge, half))).toEqual(['web/define']);
  });

  it('is refused for a VM that is down, and for a new one that is not to run', () => {
    const down = (gib: number): VmSpec => sized('web', gib, { state: 'stopped' });
    const stopped = made([down(2)]);
    const p = plan(farmOf([down(64)]), stopped);
    expect([ids(p), p.refused.map((r) => r.code)]).toEqual([[], ['no-server-fits']]);
    const fresh = plan(farmOf([down(64)]), empty());
    expect([ids(fresh), fresh.refused.map((r) => r.code)]).toEqual([[], ['no-server-fits']]);
  });
});

describe('a growth that is refused', () => {
  it('moves nobody', () => {
    const pinned = (gib: number): VmSpec => sized('web', gib, { servers: ['a'] });
    const fixed = sized('old', 6, { servers: ['a'], budget: 'none' });
    const near = sized('near', 4);
    const seen = made([pinned(2), fixed, near]);
    const p = plan(farmOf([pinned(12), fixed, near]), seen, restarting);
    expect(ids(p).filter((id) => id.includes('/migrate'))).toEqual([]);
  });
});

describe('a VM that shrinks in two ways before it moves', () => {
  it('is waited for by the member of its group that starts where it was', () => {
    const group = [{ group: 'one', soft: false }];
    const mover = (gib: number, count: number, more: Partial<VmSpec>): VmSpec =>
      sized('mover', gib, { vcpus: { count, max: 2 }, memory: { target: gib * GiB, max: 12 * GiB }, ...more });
    const full = sized('full', 15, { servers: ['b'] });
    const seen = made([mover(12, 2, { servers: ['a'] }), full]);
    const vms = [mover(3, 1, { servers: ['c'], apart: group }), full, sized('late', 3, { apart: group })];
    const p = plan(farmOf(vms), seen);
    expect(p.refused).toEqual([]);
    expect(p.operations.find((o) => o.id === 'late/start')).toMatchObject({
      server: 'a',
      needs: expect.arrayContaining(['mover/migrate/c']),
    });
  });
});
