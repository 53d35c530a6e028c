/** The verifier refuses what no order of the sequencer's should allow: each edge that keeps a promise is dropped by hand. */
import { describe, expect, it } from 'vitest';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import { verified, without } from './verifying.ts';
import { after, farm, GiB, observed, plan, server, spec } from './world.ts';

const names = ['a', 'b', 'c'];
const roomy = (): ServerSeen => server({ memory: { total: 64 * GiB, free: 32 * GiB, reclaimable: 0 } });
const start = () => observed({ a: roomy(), b: roomy(), c: roomy() });
const group = [{ group: 'g', soft: false }];

describe('two of one group', () => {
  const first = farm(
    [spec('one', { servers: ['a'], apart: group }), spec('two', { servers: ['b'], apart: group })],
    names,
  );
  const then = farm(
    [spec('one', { servers: ['b'], apart: group }), spec('two', { servers: ['c'], apart: group })],
    names,
  );
  const seen = after(start(), plan(first, start()).operations);

  it('that move in a chain: the second leaves before the first comes', () => {
    const { operations, refused } = plan(then, seen);
    expect(refused).toEqual([]);
    expect(operations.find((o) => o.id === 'one/migrate/b')?.needs).toContain('two/migrate/c');
    expect(verified(then, seen, operations)).toEqual([]);
  });

  it('are refused together, where the edge between their moves is lost', () => {
    const { operations } = plan(then, seen);
    expect(verified(then, seen, without(operations, 'one/migrate/b', 'two/migrate/c'))).toEqual([
      'one/migrate/b may find too little room (b: group p/g)',
    ]);
  });

  it('may come together where the group is soft', () => {
    const soft = { ...then, vms: then.vms.map((v) => ({ ...v, apart: [{ group: 'g', soft: true }] })) };
    const { operations } = plan(then, seen);
    expect(verified(soft, seen, without(operations, 'one/migrate/b', 'two/migrate/c'))).toEqual([]);
  });
});
