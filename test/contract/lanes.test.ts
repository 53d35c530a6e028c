/** VMs that a plan takes down and brings back go through one lane, whatever takes them down: so many at a time, never two of a group. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Plan, PlanOptions } from '../../src/kinds/plan.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { downTogether } from '../property/downtime.ts';
import { dom0, openPool, poolText, type PoolFarm } from './pool-farm.ts';

let rig: PoolFarm;
beforeEach(async () => {
  const roomy = { memoryMiB: 16384 };
  rig = await openPool([dom0('a', roomy), dom0('b', roomy), dom0('c', roomy)]);
});
afterEach(() => rig.close());

const restarts: Partial<PlanOptions> = { allow: [{ disruption: 'restart', pattern: '*' }] };

const text = (vms: string, atOnce: number, { a = '', more = '' } = {}): string =>
  poolText(`a: { address: a${a} }, b: { address: b }, c: { address: c }`, vms) +
  `policy: { restarts: { atOnce: ${atOnce} } }\n${more}`;

/** The most VMs that were down together, in many orders. */
const most = (plan: Plan): number => {
  let seed = 1;
  const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const runs = Array.from({ length: 200 }, () => downTogether(plan.operations, random));
  return Math.max(0, ...runs.flat().map((down) => down.size));
};

const cmdline = (n: number): string => `cmdline: "v=${n}"`;
const boot = (n: number): string => `boot: { kernel: /srv/vmlinuz, ${cmdline(n)} }`;

describe('a server in maintenance, and a change that restarts its VMs', () => {
  it('takes down one of a hard group at a time, and brings it back first', async () => {
    const pair = (n: number): string =>
      ['one', 'two'].map((vm) => `${vm}: { server: ${vm === 'one' ? 'a' : 'b'}, apart: g, ${boot(n)} }`).join(', ');
    await rig.converge(text(pair(1), 2));
    const loose = ['one', 'two'].map((vm) => `${vm}: { apart: g, ${boot(2)} }`).join(', ');
    const plan = await rig.planOf(text(loose, 2, { a: ', state: maintenance' }), restarts);
    expect(plan.operations.map((o) => o.id)).toContain('one/stop');
    expect(most(plan)).toBe(1);
    expect(plan.lanes.map((l) => [l.width, l.vms.toSorted()])).toEqual([[1, ['one', 'two']]]);
  });

  it('takes down so many at a time as the plan says', async () => {
    const names = Array.from({ length: 16 }, (_, i) => `web-${i + 1}`);
    const web = (n: number): string => names.map((vm) => `${vm}: { ${boot(n)} }`).join(', ');
    await rig.converge(text(web(1), 2));
    const plan = await rig.planOf(text(web(2), 2, { a: ', state: maintenance' }), restarts);
    expect(plan.operations.filter((o) => o.op.verb === 'stop').length).toBeGreaterThan(3);
    expect(most(plan)).toBe(2);
    expect(plan.lanes.map((l) => [l.width, l.vms.toSorted()])).toEqual([[2, names.toSorted()]]);
    expect(renderPlan(plan, { color: false, width: 100, commands: false })).toContain('2 at a time');
    const down = new Set<string>();
    let worst = 0;
    const vmOf = (id: string): string => id.slice(0, id.indexOf('/'));
    const { failed, skipped } = await rig.apply(plan, Infinity, (e) => {
      if (e.ev === 'started' && /\/(?:stop|restart)$/.test(e.op)) down.add(vmOf(e.op));
      if (e.ev === 'done' && /\/(?:start|restart)$/.test(e.op)) down.delete(vmOf(e.op));
      worst = Math.max(worst, down.size);
    });
    expect([failed, skipped, worst]).toEqual([[], [], 2]);
  });

  it('stops the rest where one does not get ready again, and takes no other down', async () => {
    const names = ['v1', 'v2', 'v3', 'v4'];
    const ready = (vm: string): string => `ready: { tcp: "10.0.0.${vm.slice(1)}:80", from: dom0, within: 20s }`;
    const on = (n: number, server = ''): string =>
      names.map((vm) => `${vm}: { ${server}${boot(n)}, ${ready(vm)} }`).join(', ');
    const answer = (n: number, answers: boolean): void => {
      for (const s of ['a', 'b', 'c']) rig.sim.listen(s, `10.0.0.${n}:80`, answers);
    };
    for (const n of [1, 2, 3, 4]) answer(n, true);
    await rig.converge(text(on(1, 'server: a, '), 1));
    const plan = await rig.planOf(text(on(2), 1, { a: ', state: maintenance' }), restarts);
    const [first = '', second = ''] = plan.lanes[0]?.vms ?? [];
    expect(plan.operations.find((o) => o.id === `${second}/stop`)?.needs).toContain(`${first}/ready`);
    answer(Number(first.slice(1)), false);
    const { done, failed, skipped } = await rig.apply(plan);
    expect(failed.map((f) => f.id)).toEqual([`${first}/ready`]);
    expect(done.filter((id) => id.endsWith('/stop'))).toEqual([`${first}/stop`]);
    expect(skipped.filter((f) => f.id.endsWith('/stop')).map((f) => f.code)).toEqual(
      names.slice(1).map(() => 'lane-stopped'),
    );
  });
});

describe('what waits for a restart', () => {
  it('goes through the same lane with --pending', async () => {
    const vms = (n: number, at = ''): string => ['x', 'y', 'z'].map((vm) => `${vm}: { ${at}${boot(n)} }`).join(', ');
    await rig.converge(text(vms(1, 'server: a, '), 1));
    await rig.apply(await rig.planOf(text(vms(2, 'server: a, '), 1)));
    const plan = await rig.planOf(text(vms(2), 1, { a: ', state: maintenance' }), { ...restarts, pending: true });
    expect(plan.operations.filter((o) => o.op.verb === 'stop')).toHaveLength(3);
    expect(most(plan)).toBe(1);
  });
});
