/** Which edges a lane makes: what waits for whom, who is left out, and how wide it is told to be. */
import { describe, expect, it } from 'vitest';
import { ref } from '../../../src/core/ref.ts';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import type { Chain } from '../../../src/plan/model/operation-graph.ts';
import { lanesOf } from '../../../src/plan/order/lanes.ts';
import { topological } from '../../../src/plan/order/sequence.ts';
import { farm, spec } from './world.ts';

/** `v: stop start`; `needs`: beside what stands before an operation in its own chain. */
const made = (
  ops: Readonly<Record<string, string>>,
  needs: Readonly<Record<string, readonly string[]>> = {},
  atOnce = 1,
  specs: readonly VmSpec[] = Object.keys(ops).map((vm) => spec(vm)),
) => {
  const chains = new Map(
    Object.entries(ops).map(([vm, verbs]): [string, Chain] => [
      vm,
      verbs.split(' ').map((verb) => ({
        id: `${vm}/${verb}`,
        // Only whose it is and what it does matters here.
        op: { vm: ref('vm', vm), verb, ended: false } as unknown as Chain[number]['op'],
      })),
    ]),
  );
  const all = new Map(
    [...chains.values()].flatMap((c) =>
      c.map((n, i) => {
        const before = c[i - 1];
        return [n.id, [...(before ? [before.id] : []), ...(needs[n.id] ?? [])]] as const;
      }),
    ),
  );
  const f = farm(specs, ['a'], { policy: { ...farm([]).policy, restarts: { atOnce } } });
  return lanesOf(f, chains, all, topological([...all.keys()], all).order);
};

describe('a lane', () => {
  it('has each wait for the one before it, until that is ready', () => {
    expect(made({ u: 'restart ready', v: 'define stop start', w: 'suspend resume' })).toMatchObject({
      lanes: [{ id: 'restarts of p', width: 1, vms: ['u', 'w', 'v'] }],
      edges: [
        ['w/suspend', 'u/ready'],
        ['v/stop', 'w/resume'],
      ],
    });
  });

  it('takes a VM down only once all is done that its start waits for', () => {
    const lanes = made({ u: 'stop start', v: 'restart', x: 'migrate' }, { 'u/start': ['x/migrate'] }, 2);
    expect(lanes).toMatchObject({ edges: [['u/stop', 'x/migrate']], lanes: [{ width: 2 }] });
  });

  it('puts one behind the other whose room it gets', () => {
    expect(made({ u: 'stop start', v: 'stop start' }, { 'u/start': ['v/stop'] })).toMatchObject({
      lanes: [{ vms: ['v', 'u'] }],
      edges: expect.arrayContaining([['u/stop', 'v/start']]),
    });
  });

  it('leaves out one of two that can only be down together', () => {
    const swap = { 'u/start': ['v/stop'], 'v/start': ['u/stop'] };
    const two = { u: 'stop start', v: 'stop start' };
    expect(made(two, swap)).toEqual({
      id: 'u/stop',
      reason: {
        code: 'down-together',
        why: 'it would be down together with v, for which it makes room, and policy.restarts.atOnce is 1',
        help: 'set policy.restarts.atOnce to 2, or free some memory, so that one can move after the other',
      },
    });
    expect(made(two, swap, 2)).toMatchObject({ edges: [['u/stop', 'v/stop']], lanes: [{ width: 2 }] });
    const group = (soft: boolean) => Object.keys(two).map((vm) => spec(vm, { apart: [{ group: 'g', soft }] }));
    expect(made(two, swap, 2, group(false))).toMatchObject({
      reason: { why: 'it would be down together with v, for which it makes room, and both are of group g' },
    });
    expect(made(two, swap, 2, group(true))).toMatchObject({ edges: [['u/stop', 'v/stop']] });
  });

  it('is not there for one alone, nor for those that stay down or were down', () => {
    expect(made({ u: 'restart', v: 'stop', w: 'start' })).toEqual({ lanes: [], of: new Map(), edges: [] });
  });

  it('waits for the last of each of its groups, and says how wide it is then', () => {
    const groups = [['g'], ['h'], ['g', 'h']];
    const specs = groups.map((list, i) => spec(`v${i}`, { apart: list.map((group) => ({ group, soft: false })) }));
    expect(made({ v0: 'restart', v1: 'restart', v2: 'restart' }, {}, 3, specs)).toMatchObject({
      lanes: [{ width: 3 }],
      edges: [
        ['v2/restart', 'v0/restart'],
        ['v2/restart', 'v1/restart'],
      ],
    });
  });
});
