/** In no order in which a plan's graph may run are more VMs of a lane down than may be, nor two of one group, whatever takes them down. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ref } from '../../src/core/ref.ts';
import type { Operation } from '../../src/kinds/plan.ts';
import type { VmSpec } from '../../src/kinds/vm/spec.ts';
import type { Chain } from '../../src/plan/model/operation-graph.ts';
import { lanesOf } from '../../src/plan/order/lanes.ts';
import { topological } from '../../src/plan/order/sequence.ts';
import { names, pooled, settled, shared, tended } from '../unit/plan/shared.ts';
import { verified } from '../unit/plan/verifying.ts';
import { GiB, plan, spec } from '../unit/plan/world.ts';
import { brokenBy, downTogether, outagesOf } from './downtime.ts';

/** `LANES=100000` runs more. */
const few = 200;
const cases = Number(process.env['LANES'] ?? few);

const server = fc.constantFrom(...names);
const guest = fc.record({
  at: server,
  size: fc.integer({ min: 1, max: 3 }),
  grows: fc.integer({ min: 0, max: 2 }),
  wants: fc.oneof(
    { weight: 3, arbitrary: fc.constant<readonly string[]>([]) },
    { weight: 2, arbitrary: fc.uniqueArray(server, { minLength: 1, maxLength: 2 }) },
  ),
  group: fc.constantFrom('', '', 'g', 'h', 'soft'),
  restarts: fc.boolean(),
  ready: fc.boolean(),
  live: fc.boolean(),
  after: fc.boolean(),
  ends: fc.constantFrom('running', 'running', 'running', 'running', 'running', 'stopped', 'absent'),
});
const slack = fc.integer({ min: 0, max: 4 });
const arbFarm = fc.record({
  guests: fc.array(guest, { minLength: 2, maxLength: 9 }),
  slack: fc.tuple(slack, slack, slack),
  drained: fc.constantFrom<readonly string[]>([], ['a'], ['b']),
  atOnce: fc.constantFrom(1, 1, 2, 3, undefined),
  pending: fc.boolean(),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 2 }),
});

type Guest = Parameters<Parameters<typeof guest.map>[0]>[0];

const before = (g: Guest, i: number): VmSpec =>
  spec(`v${i}`, {
    servers: [g.at],
    memory: { target: g.size * GiB, max: 16 * GiB },
    disks: shared,
    ready: g.ready ? { host: 'h', port: 80, from: 'here', withinMs: 1000 } : undefined,
    // Without it they would have to be apart from the start.
    apart: [],
  });

const then = (g: Guest, i: number): VmSpec => ({
  ...before(g, i),
  servers: g.wants,
  memory: { target: (g.size + g.grows) * GiB, max: (g.restarts ? 17 : 16) * GiB },
  apart: g.group === '' ? [] : [{ group: g.group, soft: g.group === 'soft' }],
  boot: { kernel: '/srv/vmlinuz', ramdisk: undefined, cmdline: g.restarts ? 'v=2' : undefined },
  budget: g.live ? undefined : 'live',
  after: g.after && i > 0 ? [`v${i - 1}`] : [],
  state: g.ends,
});

it(`hold in every order of a plan (${cases} cases)`, () => {
  const seen = { plans: 0, outages: 0, cold: 0, suspends: 0, refused: 0, most: 0 };
  fc.assert(
    fc.property(arbFarm, ({ guests, slack: free, drained, atOnce, pending, seed }) => {
      const policy = { ...pooled([]).policy, restarts: { atOnce }, deletes: { max: 99, percent: 100 } };
      const observed = settled(
        pooled(guests.map(before), { policy }),
        Object.fromEntries(names.map((n, i) => [n, (free[i] ?? 0) * GiB])),
      );
      const wanted = tended(pooled(guests.map(then), { policy }), { drained });
      const p = plan(wanted, observed, { allow: [{ disruption: 'stop', pattern: '*' }], pending });
      expect(verified(wanted, observed, p.operations)).toEqual([]);
      const vms = wanted.vms.map(({ key, pool, apart }) => ({
        key,
        pool,
        groups: apart.flatMap((a) => (a.soft ? [] : [a.group])),
      }));
      const width = p.lanes[0]?.width ?? 1;
      let state = seed;
      const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
      for (let n = 0; n < 8; n++) {
        expect(brokenBy(p.operations, atOnce ?? 2, vms, random)).toEqual([]);
        const most = Math.max(0, ...downTogether(p.operations, random).map((down) => down.size));
        // The width that is printed is the true one.
        expect(most).toBeLessThanOrEqual(width);
        seen.most = Math.max(seen.most, most);
      }
      seen.plans++;
      const outages = outagesOf(p.operations);
      if (outages.length > 1) seen.outages++;
      if (p.operations.some((o) => o.op.verb === 'stop' && outages.some((x) => x.first === o.id))) seen.cold++;
      if (p.operations.some((o) => o.op.verb === 'suspend')) seen.suspends++;
      if (p.refused.some((r) => r.code === 'down-together')) seen.refused++;
    }),
    { numRuns: cases },
  );
  if (cases !== few) console.log(JSON.stringify(seen));
  // The cases are worth something only where VMs do go down together.
  expect(seen.outages).toBeGreaterThan(seen.plans / 5);
  expect(seen.cold).toBeGreaterThan(seen.plans / 20);
}, 3_600_000);

const ways = {
  restart: ['restart'],
  'restart and wait': ['restart', 'ready'],
  move: ['define', 'stop', 'start', 'forget'],
  'move and wait': ['define', 'stop', 'start', 'ready'],
  swap: ['define', 'suspend', 'resume'],
  live: ['define', 'migrate'],
  end: ['stop'],
} as const;

const arbGraph = fc.record({
  vms: fc.array(
    fc.record({
      way: fc.constantFrom(...(Object.keys(ways) as (keyof typeof ways)[])),
      group: fc.constantFrom('', '', 'g', 'h', 'soft'),
    }),
    { minLength: 2, maxLength: 9 },
  ),
  atOnce: fc.constantFrom(1, 2, 3),
  /** How often an operation waits for another one before it, of 100. */
  density: fc.constantFrom(0, 3, 10, 25),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 2 }),
});

it(`hold in every order of a graph, however its operations wait for each other (${cases * 10} cases)`, () => {
  const seen = { graphs: 0, outages: 0, refused: 0, most: 0 };
  fc.assert(
    fc.property(arbGraph, ({ vms, atOnce, density, seed }) => {
      let state = seed;
      const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
      const chains = new Map(
        vms.map(({ way }, i): [string, Chain] => [
          `v${i}`,
          ways[way].map((verb) => ({
            id: `v${i}/${verb}`,
            // Only whose it is and what it does matters here.
            op: { vm: ref('vm', `v${i}`), verb, ended: false } as unknown as Chain[number]['op'],
          })),
        ]),
      );
      // A run that is possible, and some of its earlier operations that each waits for.
      const left = [...chains.values()].map((c) => [...c]);
      const run: string[] = [];
      const needs = new Map<string, string[]>();
      while (left.some((c) => c.length > 0)) {
        const some = left.filter((c) => c.length > 0);
        const next = some[Math.floor(random() * some.length)]?.shift();
        if (!next) continue;
        const mine = chains.get(next.id.split('/')[0] ?? '') ?? [];
        const before = mine[mine.indexOf(next) - 1];
        needs.set(next.id, [
          ...(before ? [before.id] : []),
          ...run.filter((id) => id !== before?.id && random() * 100 < density),
        ]);
        run.push(next.id);
      }
      const farm = pooled(
        vms.map(({ group }, i) => spec(`v${i}`, { apart: group === '' ? [] : [{ group, soft: group === 'soft' }] })),
        { policy: { ...pooled([]).policy, restarts: { atOnce } } },
      );
      let refused = 0;
      for (;;) {
        const ids = [...chains.values()].flatMap((c) => c.map((n) => n.id));
        const kept = new Map(ids.map((id) => [id, (needs.get(id) ?? []).filter((n) => ids.includes(n))] as const));
        const lanes = lanesOf(farm, chains, kept, topological(ids, kept).order);
        if ('reason' in lanes) {
          refused++;
          chains.delete(lanes.id.split('/')[0] ?? '');
          continue;
        }
        for (const [id, before] of lanes.edges) kept.get(id)?.push(before);
        const operations = [...chains.values()].flatMap((c) =>
          c.map((n): Operation => ({ ...n, needs: kept.get(n.id) ?? [] }) as unknown as Operation),
        );
        const hard = farm.vms.map(({ key, pool, apart }) => ({
          key,
          pool,
          groups: apart.flatMap((a) => (a.soft ? [] : [a.group])),
        }));
        const width = lanes.lanes[0]?.width ?? 1;
        for (let n = 0; n < 3; n++) {
          expect(brokenBy(operations, Math.min(width, atOnce), hard, random)).toEqual([]);
          seen.most = Math.max(seen.most, ...downTogether(operations, random).map((down) => down.size));
        }
        if (lanes.lanes.length > 0) seen.outages++;
        // Whoever is held by a lane is in it from the first to the last.
        for (const o of outagesOf(operations))
          expect([lanes.of.get(o.first), lanes.of.get(o.last)]).toEqual(
            lanes.lanes.length > 0 ? ['restarts of p', 'restarts of p'] : [undefined, undefined],
          );
        break;
      }
      seen.graphs++;
      // One alone can always go down by itself, and is left out only beside another.
      expect(refused).toBeLessThan(Math.max(1, vms.filter(({ way }) => way !== 'live' && way !== 'end').length));
      if (refused > 0) seen.refused++;
    }),
    { numRuns: cases * 10 },
  );
  if (cases !== few) console.log(JSON.stringify(seen));
  expect(seen.most).toBe(3);
  expect(seen.refused).toBeGreaterThan(0);
  expect(seen.refused).toBeLessThan(seen.graphs / 4);
}, 3_600_000);
