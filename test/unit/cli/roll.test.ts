/** `reeve roll` in process, on virtual time: home again on a full pool, what rides, what is remembered, and runs that are killed. */
import { describe, expect, test } from 'vitest';
import { apply, bootsOf, farmOf, makeFarm, on, recordsOf, roll } from './roll-world.ts';

const four = ['a', 'b', 'c', 'd'];

describe('--home', () => {
  test('on four servers that are as full as the loss of one allows: every VM is home again, in the fewest moves', async () => {
    const farm = makeFarm(four);
    // Four find room on a server, five do not: twelve of them are all that three servers hold.
    const vms = four.flatMap((s) => [1, 2, 3].map((n) => [s, `${s}${n}`] as const));
    const sized = (server: string): string => `{ memory: 3500MiB${server} }`;
    await apply(farm, farmOf(four, vms.map(([s, vm]) => `${vm}: ${sized(`, server: ${s}`)}`).join(', ')));
    const text = farmOf(four, vms.map(([, vm]) => `${vm}: ${sized('')}`).join(', '));
    const before = bootsOf(farm);
    const { code, out, err } = await roll(farm, text, { reboot: true, home: true });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('Roll: 4 servers; 24 live migrations (the fewest possible)');
    expect(out.match(/started: paused for/g)).toHaveLength(24);
    for (const s of four) expect(on(farm, s)).toEqual([`${s}1`, `${s}2`, `${s}3`]);
    expect(bootsOf(farm).map((b, i) => b === before[i])).toEqual([false, false, false, false]);
    expect(recordsOf(farm)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
