/** What must hold of every plan, for random farms, random hands and random changes of the file. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameValue } from '../../src/core/digest.ts';
import type { Farm } from '../../src/kinds/farm.ts';
import type { Operation } from '../../src/kinds/plan.ts';
import type { Observed, ServerSeen } from '../../src/kinds/server/live.ts';
import type { Domain } from '../../src/kinds/vm/live.ts';
import type { VmSpec } from '../../src/kinds/vm/spec.ts';
import { verify } from '../../src/plan/verify/verify.ts';
import { after, disk, farm, GiB, MiB, observed, perform, plan, server, spec } from '../unit/plan/world.ts';
import { arbVm } from './vms.ts';

const keys = ['a1', 'b2', 'c3', 'd4'];
const arbVms = fc.tuple(...keys.map((key) => arbVm(key, { cpupools: true, passwords: true, states: true })));

/** What a person may do to a running domain behind Reeve's back. */
const arbHand = fc.record({
  vm: fc.constantFrom(...keys),
  what: fc.constantFrom(
    'mem',
    'vcpus',
    'disk',
    'nic',
    'bridge',
    'pause',
    'crash',
    'destroy',
    'cfg',
    'links',
    'weight',
    'pin',
    'pool',
    'name',
    'cd',
    'xl',
  ),
  n: fc.integer({ min: 1, max: 4 }),
});

const touch = (s: ServerSeen, hand: { vm: string; what: string; n: number }): ServerSeen => {
  const onDomain = (change: (d: Domain) => Domain): ServerSeen => ({
    ...s,
    domains: s.domains.map((d) => (d.name === hand.vm ? change(d) : d)),
  });
  const onRecords = (change: (r: ServerSeen['records'][number]) => ServerSeen['records'][number]): ServerSeen => ({
    ...s,
    records: s.records.map((r) => (r.config?.name === hand.vm ? change(r) : r)),
  });
  switch (hand.what) {
    case 'mem':
      return onDomain((d) => ({ ...d, memory: { ...d.memory, target: Math.min(d.memory.max, hand.n * 256 * MiB) } }));
    case 'vcpus':
      return onDomain((d) => ({ ...d, vcpus: { ...d.vcpus, online: Math.min(d.vcpus.max, hand.n) } }));
    case 'disk':
      return onDomain((d) => ({ ...d, disks: d.disks.slice(1) }));
    case 'nic':
      return onDomain((d) => ({ ...d, nics: d.nics.slice(1) }));
    case 'bridge':
      return onDomain((d) => ({ ...d, nics: d.nics.map((n) => ({ ...n, bridge: 'xenbr1' })) }));
    case 'pause':
      return onDomain((d) => ({ ...d, state: 'paused' }));
    case 'crash':
      return onDomain((d) => ({ ...d, state: 'crashed' }));
    case 'destroy':
      return { ...s, domains: s.domains.filter((d) => d.name !== hand.vm) };
    case 'weight':
      return onDomain((d) => ({ ...d, settings: { ...d.settings, 'sched.weight': hand.n * 100 } }));
    case 'pin':
      return onDomain((d) => ({ ...d, settings: { ...d.settings, 'affinity.hard': String(hand.n) } }));
    case 'pool':
      return onDomain((d) => ({ ...d, settings: { ...d.settings, cpupool: 'other' } }));
    case 'name':
      return onDomain((d) => ({ ...d, name: `${d.name}-hand` }));
    case 'cd':
      return onDomain((d) => ({
        ...d,
        cdroms: Object.fromEntries(Object.keys(d.cdroms).map((vdev) => [vdev, { path: '/srv/c.iso' }])),
      }));
    case 'xl':
      return onRecords((r) => ({
        ...r,
        digest: `${r.digest}x`,
        config: r.config && { ...r.config, extra: [{ key: 'localtime', value: String(hand.n) }] },
      }));
    case 'cfg':
      return onRecords((r) => ({
        ...r,
        digest: `${r.digest}x`,
        config: r.config && { ...r.config, vcpus: { count: hand.n, max: 6 }, disks: {} },
      }));
    default:
      return onRecords((r) => ({ ...r, autostart: r.autostart.length > 0 ? [] : ['/etc/xen/auto/x'] }));
  }
};

const everything = { allow: [{ disruption: 'data-loss' as const, pattern: '*' }] };
const start = (): Observed => observed({ a: server(), b: server() });
const apply = (seen: Observed, operations: readonly Operation[]): Observed => after(seen, operations);
const clean = (seen: Observed, vms: readonly VmSpec[]): void => {
  const again = plan(farm(vms, ['a', 'b']), seen, everything);
  expect(again.operations.map((o) => o.id)).toEqual([]);
  expect(again.refused).toEqual([]);
};

describe('every plan', () => {
  it('reaches the goal from nothing, through hands and through changes of the file, with the fewest operations', () => {
    fc.assert(
      fc.property(arbVms, arbVms, fc.array(arbHand, { maxLength: 6 }), (first, second, hands) => {
        let seen = start();
        for (const vms of [first, first, second]) {
          const p = plan(farm(vms, ['a', 'b']), seen, everything);
          expect(p.refused).toEqual([]);
          expect(p.operations).toHaveLength(p.bound);
          seen = apply(seen, p.operations);
          clean(seen, vms);
          seen = new Map([...seen].map(([n, s]) => [n, s.is === 'seen' ? hands.reduce(touch, s) : s] as const));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('reaches the goal from every point at which it may have been interrupted', () => {
    fc.assert(
      fc.property(arbVms, arbVms, fc.nat(), (first, second, cut) => {
        const seen = apply(start(), plan(farm(first, ['a', 'b']), start(), everything).operations);
        const p = plan(farm(second, ['a', 'b']), seen, everything);
        const broken = apply(seen, p.operations.slice(0, cut % (p.operations.length + 1)));
        const rest = plan(farm(second, ['a', 'b']), broken, everything);
        expect(rest.operations.length).toBeLessThanOrEqual(p.operations.length + 1);
        clean(apply(broken, rest.operations), second);
      }),
      { numRuns: 200 },
    );
  });

  it('does no more to a running VM than its budget, and says what waits', () => {
    fc.assert(
      fc.property(arbVms, arbVms, (first, second) => {
        const running = second.map((v) => ({ ...v, state: 'running' as const }));
        const seen = apply(
          start(),
          plan(
            farm(
              first.map((v) => ({ ...v, state: 'running' as const })),
              ['a', 'b'],
            ),
            start(),
          ).operations,
        );
        const p = plan(farm(running, ['a', 'b']), seen);
        for (const o of p.operations) expect(['none', 'live']).toContain(o.disruption);
        const waiting = apply(seen, p.operations);
        const again = plan(farm(running, ['a', 'b']), waiting);
        expect(again.operations).toEqual([]);
        expect(again.vms.flatMap((v) => v.changes).every((c) => c.fate === 'pending')).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('has the same bytes whatever order its input comes in', () => {
    fc.assert(
      fc.property(arbVms, (vms) => {
        const forward = plan(farm(vms, ['a', 'b']), start());
        const backward = plan(farm([...vms].toReversed(), ['a', 'b']), new Map([...start()].toReversed()));
        expect({ ...backward, desired: '' }).toEqual({ ...forward, desired: '' });
      }),
      { numRuns: 50 },
    );
  });
});

describe('a pool', () => {
  /** The other pool, with a server and VMs of its own. */
  const beside = (base: Farm, vms: readonly VmSpec[]): Farm => {
    const other = farm([], ['c']).pools.map((p) => ({
      ...p,
      name: 'q',
      servers: p.servers.map((s) => ({ ...s, pool: 'q' })),
    }));
    const named = vms.map((v) => ({ ...v, key: `q-${v.key}`, name: `q-${v.name}`, pool: 'q', after: [] }));
    return { ...base, pools: [...base.pools, ...other], vms: [...base.vms, ...named] };
  };

  it('is planned as if no other were there', () => {
    fc.assert(
      fc.property(arbVms, arbVms, arbVms, (first, second, others) => {
        const mine = (p: ReturnType<typeof plan>) => p.operations.filter((o) => o.server !== 'c').map((o) => o.id);
        let seen: Observed = new Map([...start(), ['c', server()]]);
        for (const vms of [first, second]) {
          const alone = plan(farm(vms, ['a', 'b']), seen, everything);
          const both = plan(beside(farm(vms, ['a', 'b']), others), seen, everything);
          expect(mine(both)).toEqual(mine(alone));
          seen = apply(seen, both.operations);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('the verifier', () => {
  /** A full server on which some VMs shrink and others grow by the same: every edge between them is needed. */
  const tight = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }).map((steps) => {
    const vms = steps.flatMap((n, i) => [
      spec(`down${i}`, { memory: { target: (4 + n) * GiB, max: 16 * GiB } }),
      spec(`up${i}`, { memory: { target: 2 * GiB, max: 16 * GiB } }),
    ]);
    const wanted = steps.flatMap((n, i) => [
      spec(`down${i}`, { memory: { target: 4 * GiB, max: 16 * GiB } }),
      spec(`up${i}`, { memory: { target: (2 + n) * GiB, max: 16 * GiB } }),
    ]);
    const roomy = server({ memory: { total: 512 * GiB, free: 400 * GiB, reclaimable: 0 } });
    const full = plan(farm(vms), observed({ a: roomy })).operations.reduce((s, o) => perform(s, o.op), roomy);
    return { wanted, seen: { ...full, memory: { total: 512 * GiB, free: 0, reclaimable: 0 } } };
  });

  const world = (s: ServerSeen): Parameters<typeof verify>[2] => ({
    farm: farm([]),
    observed: observed({ a: s }),
    matched: { of: new Map(), left: [] },
    roofs: new Map(),
    live: new Map(
      s.domains.map((d) => {
        const record = s.records.find((r) => r.config?.uuid === d.uuid) ?? null;
        return [d.name, { server: 'a', uuid: d.uuid, domain: d, record, marker: record?.marker ?? null }] as const;
      }),
    ),
    overhead: () => 0,
  });

  it('accepts what the sequencer makes, and catches any edge for room that is dropped', () => {
    fc.assert(
      fc.property(tight, fc.nat(), ({ wanted, seen }, pick) => {
        const p = plan(farm(wanted), observed({ a: seen }));
        expect(p.refused).toEqual([]);
        expect(verify(p.operations, [], world(seen))).toEqual([]);
        const edges = p.operations.flatMap((o) =>
          o.needs.filter((n) => n.endsWith('/set-memory')).map((n) => ({ from: n, to: o.id })),
        );
        expect(edges.length).toBeGreaterThan(0);
        const drop = edges[pick % edges.length];
        const mutant = p.operations.map((o) =>
          o.id === drop?.to ? { ...o, needs: o.needs.filter((n) => n !== drop.from) } : o,
        );
        expect(verify(mutant, [], world(seen))).not.toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('catches a start of what runs, a second writer, and a goal that is missed', () => {
    const f = farm([spec('web', { disks: { xvda: disk('/srv/x') } })]);
    const p = plan(f, observed({ a: server() }));
    const bare = p.operations.map((o) => ({ ...o, needs: [] }));
    const s = p.operations.reduce((seen, o) => perform(seen, o.op), server());
    expect(
      verify(
        bare.filter((o) => o.op.verb === 'start'),
        [],
        world(s),
      )[0],
    ).toContain('runs already');
    const stranger = { ...s, domains: s.domains.map((d) => ({ ...d, uuid: 'other', name: 'other' })) };
    const alone = { ...world(stranger), live: new Map([['web', null]]) };
    expect(verify(p.operations, [], alone)[0]).toContain('a second writer');
    const goal = { vm: 'web', layer: 'running' as const, field: 'memory.target', value: 2 * GiB };
    const empty = { ...world(server()), live: new Map([['web', null]]) };
    expect(verify(p.operations, [goal], empty)).toEqual(['web does not reach running memory.target']);
    expect(sameValue(verify(p.operations, [{ ...goal, value: GiB }], empty), [])).toBe(true);
  });
});
