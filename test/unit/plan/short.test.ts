/** VMs that find no room: each refused once, whichever else is, and nobody with it who fits once they are left out. */
import { describe, expect, it } from 'vitest';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import type { Chain } from '../../../src/plan/model/operation-graph.ts';
import { leftOut } from '../../../src/plan/order/drop-unplaceable.ts';
import { after, farm, GiB, observed, plan, server, spec } from './world.ts';

const servers = ['a', 'b', 'c'];
const sized = (key: string, on: string, gib: number): VmSpec =>
  spec(key, { servers: [on], memory: { target: gib * GiB, max: 32 * GiB } });

/** As Reeve made it, and then with so much free on each server. */
const madeWith = (vms: readonly VmSpec[], gib: number): ReturnType<typeof observed> => {
  const empty = observed(Object.fromEntries(servers.map((s) => [s, server({ host: s })])));
  const seen = after(empty, plan(farm(vms, servers), empty).operations);
  const memory = { total: 64 * GiB, free: gib * GiB, reclaimable: 0 };
  return new Map([...seen].map(([name, s]) => [name, { ...(s as ServerSeen), memory }]));
};

describe('VMs that are short', () => {
  it('on several servers are refused once each, and all others are planned', () => {
    const small = servers.flatMap((s) => ['1', '2', '3', '4'].map((n) => sized(`${s}${n}`, s, 1)));
    // 4 GiB are free on each: enough for what the first and the last want more, and for nothing beside them.
    const wants: Readonly<Record<string, number>> = { 1: 3, 2: 7, 3: 6, 4: 3 };
    const grown = servers.flatMap((s) => ['1', '2', '3', '4'].map((n) => sized(`${s}${n}`, s, wants[n] ?? 1)));
    const p = plan(farm(grown, servers), madeWith(small, 4));
    expect(p.refused.map((r) => [r.subject.name, r.why])).toEqual(
      servers.flatMap((s) => [
        [`${s}2`, `${s} lacks 6GiB of memory for it`],
        [`${s}3`, `${s} lacks 5GiB of memory for it`],
      ]),
    );
    expect(p.operations.filter((o) => o.op.verb === 'set-memory').map((o) => o.id)).toEqual(
      servers.flatMap((s) => [`${s}1/set-memory`, `${s}4/set-memory`]),
    );
  });
});

const chain = (key: string, from: string, to?: string): readonly [string, Chain] => {
  // Only where it is and goes matters here.
  const op = (
    to === undefined ? { verb: 'set-memory', server: from } : { verb: 'migrate', server: from, peer: to }
  ) as Chain[number]['op'];
  return [key, [{ id: `${key}/${op.verb}`, op }]];
};

const out = (
  chains: readonly (readonly [string, Chain])[],
  relied: readonly string[] = [],
): readonly (string | undefined)[] => {
  const ids = chains.flatMap(([key, c]) => c.map((n) => [n.id, key] as const));
  const short = ids.map(([id]) => ({ id, server: '', code: 'no-room' as const, why: '', help: null }));
  return leftOut({ short, relied: new Set(relied) }, new Map(chains), new Map(ids)).map((s) => s.id.split('/')[0]);
};

describe('left out in one round', () => {
  it('is the first on each server', () => {
    expect(out([chain('x', 'a'), chain('y', 'a'), chain('z', 'b')])).toEqual(['x', 'z']);
  });
  it('is nobody who may fit once one is gone that goes elsewhere', () => {
    expect(out([chain('x', 'a', 'b'), chain('y', 'b'), chain('z', 'c')])).toEqual(['x', 'z']);
  });
  it('is nobody who may fit once one is gone that is not left out yet', () => {
    expect(out([chain('x', 'a'), chain('y', 'a', 'b'), chain('z', 'b')])).toEqual(['x']);
  });
  it('is nobody behind one whose room others count on', () => {
    const three = [chain('x', 'a'), chain('y', 'b'), chain('z', 'c')];
    expect(out(three, ['y/set-memory'])).toEqual(['x']);
    expect(out(three, ['x/set-memory'])).toEqual(['x']);
  });
});
