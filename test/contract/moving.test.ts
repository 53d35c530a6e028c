/** Migrations that a person has under way while Reeve plans: they are told, and neither end is touched. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Plan } from '../../src/kinds/plan.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { dom0, openPool, poolText, type PoolFarm } from './pool-farm.ts';

let pool: PoolFarm;
beforeEach(async () => {
  pool = await openPool([dom0('dom01'), dom0('dom02')], { trusting: true });
});
afterEach(async () => pool.close());

const servers = 'dom01: { address: a, migration: dom01 }, dom02: { address: b, migration: dom02 }';
const text = (vms: string): string => poolText(servers, vms);
const shownOf = (plan: Plan): string => renderPlan(plan, { color: false, width: 500, commands: true });

it('a migration that a person began is moving, and no half of it is taken away', async () => {
  await pool.converge(text('a: {}, b: { server: dom01 }'));
  const at = (await pool.list('dom01')).includes('a') ? 'dom01' : 'dom02';
  const other = at === 'dom01' ? 'dom02' : 'dom01';
  pool.sim.faults(other).migration('hangs');
  const moved = pool.sim.hand(at, ['xl', 'migrate', 'a', other]);
  while (!(await pool.list(other)).includes('a--incoming')) await new Promise((resolve) => setImmediate(resolve));
  const plan = await pool.planOf(text('a: { memory: { target: 100MiB, max: 128MiB } }, b: { server: dom01 }'));
  expect(plan.operations).toEqual([]);
  expect(plan.refused.map((r) => [r.subject.name, r.why, r.help])).toEqual([
    ['a', `it is moving: xl migrate runs on ${at}`, 'plan again when that has ended'],
  ]);
  expect(shownOf(plan)).not.toMatch(/more than once|remove|discard|destroy/);
  pool.sim.faults(other).migration(null);
  expect((await moved).rc).toBe(0);
  await pool.converge(text('a: {}, b: { server: dom01 }'));
  expect(await pool.list(other)).toContain('a');
});
