/** Where VMs go: soft groups as far apart as can be, and room for the loss of a server that one VM alone may be refused for. */
import { describe, expect, it } from 'vitest';
import { byText } from '../../../src/core/order.ts';
import type { Farm } from '../../../src/kinds/farm.ts';
import type { Observed } from '../../../src/kinds/server/live.ts';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import { names, pooled, settled, shared, tended } from './shared.ts';
import { GiB, plan, spec } from './world.ts';

const soft = [{ group: 'g', soft: true }];
const vm = (key: string, more: Partial<VmSpec> = {}, gib = 1): VmSpec =>
  spec(key, { disks: shared, memory: { target: gib * GiB, max: gib * GiB }, ...more });
const many = (n: number, more: Partial<VmSpec> = {}): readonly VmSpec[] =>
  Array.from({ length: n }, (_, i) => vm(`v${String(i + 1).padStart(2, '0')}`, more));

/** Nothing runs yet; so many GiB are free on each server. */
const empty = (gib: number, servers = names): Observed =>
  settled(pooled([]), Object.fromEntries(servers.map((s) => [s, gib * GiB])));

const only = (f: Farm, servers: readonly string[]): Farm => ({
  ...f,
  pools: f.pools.map((p) => ({ ...p, servers: p.servers.filter((s) => servers.includes(s.name)) })),
});

/** By server, how many VMs are started or come there. */
const spread = (p: ReturnType<typeof plan>): readonly number[] => {
  const count = new Map<string, number>();
  for (const { op } of p.operations) if (op.verb === 'start') count.set(op.server, (count.get(op.server) ?? 0) + 1);
  return [...count.values()].sort((a, b) => b - a);
};

describe('a soft group', () => {
  it.each([
    [3, ['a', 'b'], [2, 1]],
    [5, ['a', 'b'], [3, 2]],
    [7, ['a', 'b', 'c'], [3, 2, 2]],
    [3, ['a', 'b', 'c'], [1, 1, 1]],
  ] as const)('of %i VMs on %j is spread as far as can be', (n, servers, expected) => {
    // One server has much more room, and would take them all.
    const seen = settled(pooled([]), { a: 64 * GiB, b: 12 * GiB, c: 12 * GiB });
    const p = plan(only(pooled(many(n, { apart: soft })), servers), seen);
    expect(p.refused).toEqual([]);
    expect(spread(p)).toEqual(expected);
  });

  it('that is together moves apart no further than it must, and then stays', () => {
    const together = only(pooled(many(3, { servers: ['a'] })), ['a', 'b']);
    const seen = settled(together, { a: 8 * GiB, b: 8 * GiB });
    const apart = only(pooled(many(3, { apart: soft })), ['a', 'b']);
    const moves = plan(apart, seen).operations.filter((o) => o.op.verb === 'migrate');
    expect(moves).toHaveLength(1);
    const twoAndOne = many(3).map((v, i) => ({ ...v, servers: [i < 2 ? 'a' : 'b'] }));
    const there = settled(only(pooled(twoAndOne), ['a', 'b']), { a: 8 * GiB, b: 8 * GiB });
    expect(plan(apart, there).operations).toEqual([]);
  });

  it('has a VM beside another where no other server has the room', () => {
    const seen = settled(pooled([]), { a: 8 * GiB, b: GiB / 2, c: GiB / 2 });
    const p = plan(pooled(many(3, { apart: soft })), seen);
    expect([p.refused, spread(p)]).toEqual([[], [3]]);
  });

  it.each([
    ['a', 'a', 'c'],
    ['a', 'c', 'a'],
    ['c', 'a', 'a'],
    ['a', 'c', 'c'],
    ['c', 'a', 'c'],
    ['c', 'c', 'a'],
  ])('on %s, %s and %s, with no room for it on b, is left where it is', (...on) => {
    const there = many(3).map((v, i) => ({ ...v, servers: [on[i] ?? 'a'] }));
    const seen = settled(pooled(there), { a: 8 * GiB, b: GiB / 2, c: 8 * GiB });
    const p = plan(pooled(many(3, { apart: soft })), seen);
    expect([p.refused, p.operations]).toEqual([[], []]);
  });

  it('moves one apart from the others, though another finds no memory anywhere', () => {
    const there = many(2).map((v) => ({ ...v, servers: ['a'] }));
    const seen = settled(pooled(there), { a: 8 * GiB, b: GiB / 2, c: 8 * GiB });
    const p = plan(pooled([...many(2, { apart: soft }), vm('big', { apart: soft }, 20)]), seen);
    expect(p.refused.map((r) => r.subject.name)).toEqual(['big']);
    expect(p.operations.filter((o) => o.op.verb === 'migrate')).toHaveLength(1);
  });

  it('is not told as the reason of one that finds no memory', () => {
    const p = plan(pooled([...many(3, { apart: soft }), vm('big', { apart: soft }, 20)]), empty(12));
    expect(p.refused.map((r) => [r.subject.name, r.code, r.help])).toEqual([
      ['big', 'no-server-fits', 'free some memory, take a smaller VM, or give it another server'],
    ]);
    expect(p.refused[0]?.why).not.toContain('group');
  });

  it('keeps from a hard member, and gives way to it', () => {
    const hard = [{ group: 'g', soft: false }];
    const f = only(pooled([vm('x', { apart: hard }), vm('y', { apart: hard }), vm('z', { apart: soft })]), ['a', 'b']);
    const p = plan(f, empty(8));
    expect([p.refused, spread(p)]).toEqual([[], [2, 1]]);
  });
});

describe('spare', () => {
  it('lets VMs of a soft group be together where a server is lost', () => {
    const f = tended(pooled(many(3, { apart: soft })), { spare: 1 });
    const p = plan(f, empty(8));
    expect([p.refused, spread(p)]).toEqual([[], [1, 1, 1]]);
    const hard = tended(pooled(many(3, { apart: [{ group: 'g', soft: false }] })), { spare: 1 });
    expect(plan(hard, empty(8)).refused.map((r) => r.code)).toEqual(['spare-exceeded']);
  });

  it('refuses the one VM whose loss cannot be borne, and none behind it', () => {
    const forty = many(40).map((v, i) => (i === 20 ? vm(v.key, {}, 19) : v));
    const refused = (spare: number) =>
      plan(tended(pooled(forty), { spare }), empty(20)).refused.map((r) => [r.subject.name, r.code]);
    expect(refused(0)).toEqual([]);
    expect(refused(1)).toEqual([['v21', 'spare-exceeded']]);
  });

  it('refuses each beyond what the pool can lose, and takes as many as it can', () => {
    const p = plan(tended(pooled(many(40)), { spare: 1 }), empty(12));
    const codes = p.refused.map((r) => r.code);
    expect([codes.length, new Set(codes)]).toEqual([16, new Set(['spare-exceeded'])]);
    expect(p.refused.map((r) => r.subject.name)).toEqual(p.refused.map((r) => r.subject.name).toSorted(byText));
    expect(spread(p)).toEqual([8, 8, 8]);
  });
});

describe('one that is restarted, and whose room others pass through meanwhile', () => {
  it('comes back to its server, and keeps its cfg there', () => {
    const guests = [
      ['a', 1, [], false],
      ['a', 1, ['c'], true],
      ['b', 1, [], false],
      ['c', 2, [], true],
    ] as const;
    const first = guests.map(([at, gib], i) => vm(`v${i}`, { servers: [at] }, gib));
    const seen = settled(pooled(first), { a: 0, b: 0, c: GiB });
    const then = guests.map(([, , servers, grouped], i) => ({
      ...vm(`v${i}`, { servers, budget: 'live' }, guests[i]?.[1]),
      apart: grouped ? [{ group: 'g', soft: false }] : [],
      boot: { kernel: '/srv/vmlinuz', ramdisk: undefined, cmdline: i === 2 ? 'v=2' : undefined },
    }));
    const p = plan(pooled(then), seen, { allow: [{ disruption: 'stop', pattern: '*' }] });
    const mine = p.operations.filter((o) => o.op.verb !== 'define' && o.id.startsWith('v2/'));
    expect([p.refused, mine.map((o) => [o.op.verb, o.server])]).toEqual([
      [],
      [
        ['stop', 'b'],
        ['start', 'b'],
      ],
    ]);
    expect(p.vms.find((v) => v.name === 'v2')).toMatchObject({ action: 'restart', server: 'b', to: null });
  });
});

describe('two that change places on full servers', () => {
  it('go one at a time: one of them is suspended, and waited for until it is ready', () => {
    const ready = { host: 'h', port: 80, from: 'here', withinMs: 1000 } as const;
    const on = (x: string, y: string) => [
      vm('x', { servers: [x], ready }, 4),
      vm('y', { servers: [y], ready }, 4),
      vm('z', { servers: ['c'], ready }),
    ];
    const f = (vms: readonly VmSpec[]) => pooled(vms, { policy: { ...pooled([]).policy, restarts: { atOnce: 1 } } });
    const seen = settled(f(on('a', 'b')), { a: GiB, b: GiB, c: 0 });
    const z = vm('z', { servers: ['c'], ready, boot: { kernel: '/srv/k', ramdisk: undefined, cmdline: undefined } });
    const p = plan(f([...on('b', 'a').slice(0, 2), z]), seen, { allow: [{ disruption: 'restart', pattern: '*' }] });
    const [suspended = ''] = p.operations.flatMap((o) => (o.op.verb === 'suspend' ? [o.target.name] : []));
    expect(p.refused).toEqual([]);
    expect(p.lanes.map((l) => [l.width, l.vms.toSorted()])).toEqual([[1, [suspended, 'z'].toSorted()]]);
    const needs = (id: string): readonly string[] => p.operations.find((o) => o.id === id)?.needs ?? [];
    expect([...needs(`${suspended}/suspend`), ...needs('z/restart')].filter((id) => id.endsWith('/ready'))).toEqual([
      suspended === p.lanes[0]?.vms[0] ? `${suspended}/ready` : 'z/ready',
    ]);
  });
});
