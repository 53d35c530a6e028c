/** A plan that fails the verifier ends no command: who is in the way is left out and told of, and the rest is planned. */
import { describe, expect, it } from 'vitest';
import { defaultOptions, makePlan, type Tools } from '../../../src/plan/index.ts';
import { wrongWith } from '../../../src/plan/place/solver/verify-moves.ts';
import { standingStill } from '../../../src/plan/place/solver/index.ts';
import { problemOf } from '../../bench/problems.ts';
import { farm, GiB, observed, server, spec, tools } from './world.ts';

describe('a plan that fails the verifier', () => {
  const growing = (gib: number) => spec('grows', { type: 'pv', memory: { target: gib * GiB, max: 8 * GiB } });
  const small = observed({ a: server({ memory: { total: 64 * GiB, free: 6 * GiB, reclaimable: 0 } }) });

  /** A toolstack that says of pv guests that they take far more, from the time on that it was asked so often. */
  const swelling = (from: number): Tools => {
    let asked = 0;
    const memoryNeed: Tools['toolstack']['memoryNeed'] = (c) =>
      c.memory.target + (c.type === 'pv' && asked++ >= from ? 20 * GiB : 0);
    return { ...tools, toolstack: { ...tools.toolstack, memoryNeed } };
  };

  it('leaves out the VM that it fails for, and plans the rest', () => {
    const others = [spec('fine'), spec('changed', { protect: true })];
    const refused = [...Array(12).keys()].map((from) => {
      const p = makePlan(farm([growing(2), ...others]), small, defaultOptions, swelling(from));
      const starts = p.operations.filter((o) => o.op.verb === 'start').map((o) => o.target.name);
      const left = p.refused.map((r) => r.subject.name);
      expect([...starts, ...left].sort()).toEqual(['changed', 'fine', 'grows']);
      expect(left.filter((name) => name !== 'grows')).toEqual([]);
      return p.refused[0];
    });
    // Placing and the order see it early, the verifier late, and then nobody.
    expect([...new Set(refused.map((r) => r?.code ?? 'none'))]).toEqual([
      'no-server-fits',
      'no-room',
      'unverified',
      'none',
    ]);
    expect(refused.find((r) => r?.code === 'unverified')?.why).toMatch(
      /^the plan with it does not pass the check .*: grows\/start overfills a by/,
    );
  });
});

describe('moves that fail their verifier', () => {
  it('are none at all: who would move or start is told of', () => {
    const p = problemOf(
      [[4], [4]],
      [
        { at: 0, size: [2], wanted: [1] },
        { at: 0, size: [1] },
        { at: -1, size: [1] },
      ],
    );
    const still = standingStill(p);
    expect([still.steps, [...still.to]]).toEqual([[], [0, 0, -1]]);
    expect(still.unmet).toEqual([
      { vm: 0, what: 'move', why: 'unverified' },
      { vm: 2, what: 'start', why: 'unverified' },
    ]);
    expect(wrongWith(p, still.steps, still.to)).toBeNull();
  });
});
