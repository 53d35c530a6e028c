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

describe('VMs that go down', () => {
  const change = (cmdline: string) =>
    ['one', 'two'].map((vm) =>
      spec(vm, { servers: ['a'], boot: { kernel: '/srv/vmlinuz', ramdisk: undefined, cmdline } }),
    );
  const one = { policy: { ...farm([]).policy, restarts: { atOnce: 1 } } };
  const f = farm(change('v=2'), names, one);
  const seen = after(start(), plan(farm(change('v=1'), names, one), start()).operations);
  const { operations } = plan(f, seen, { allow: [{ disruption: 'restart', pattern: '*' }] });

  it('one after the other are accepted, and refused where the edge between them is lost', () => {
    expect(verified(f, seen, operations)).toEqual([]);
    expect(verified(f, seen, without(operations, 'two/restart', 'one/restart'))).toEqual([
      'two/restart may take down one VM too many of pool p',
    ]);
  });

  it('are refused in two lanes, and in none: where one fails, the other would go on', () => {
    const wrong = ['two/restart is in no lane with the others of its pool'];
    const loose = (lane: string | null) => operations.map((o) => (o.id === 'two/restart' ? { ...o, lane } : o));
    expect(verified(f, seen, loose(null))).toEqual(wrong);
    expect(verified(f, seen, loose('another'))).toEqual(wrong);
  });

  it('are refused in one group, whatever may be down at once', () => {
    const two = { ...f, policy: { ...f.policy, restarts: { atOnce: 2 } } };
    const grouped = { ...two, vms: f.vms.map((v, i) => ({ ...v, servers: names.slice(i, i + 1), apart: group })) };
    const free = without(operations, 'two/restart', 'one/restart');
    expect(verified(two, seen, free)).toEqual([]);
    expect(verified(grouped, seen, free)).toEqual(['two/restart may take down one VM too many of group p/g']);
  });
});
