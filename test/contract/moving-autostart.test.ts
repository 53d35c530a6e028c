/** What starts a VM with its server goes with it, and may be changed on the way. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dom0, openPool, poolText, type PoolFarm } from './pool-farm.ts';

let pool: PoolFarm;
beforeEach(async () => {
  pool = await openPool([dom0('dom01'), dom0('dom02')], { trusting: true });
});
afterEach(async () => pool.close());

const servers = 'dom01: { address: a, migration: dom01 }, dom02: { address: b, migration: dom02 }';
const text = (web: string): string => poolText(servers, `web: { ${web} }`);
const links = (server: string): readonly string[] => pool.sim.files(server).list('/etc/xen/auto');

describe.each([
  ['alive', '', []],
  ['down', 'type: pv, ', [{ disruption: 'restart', pattern: '*' }]],
] as const)('a VM that goes %s', (_, type, allow) => {
  it.each([
    ['gets its link', 'autostart: false', 'autostart: true', ['web.cfg']],
    ['loses its link', 'autostart: true', 'autostart: false', []],
    ['keeps its link', 'autostart: true', 'autostart: true', ['web.cfg']],
  ])('%s', async (__, before, after, wanted) => {
    await pool.converge(text(`${type}server: dom01, ${before}`));
    await pool.converge(text(`${type}server: dom02, ${after}`), { allow });
    expect([await pool.list('dom02'), links('dom01'), links('dom02')]).toEqual([['web'], [], wanted]);
  });
});

it('a VM that goes back from where a run was cut before it made the link has a plan', async () => {
  await pool.converge(text('server: dom01'));
  await pool.converge(text('server: dom02'));
  await pool.sim.hand('dom02', ['rm', '-f', '/etc/xen/auto/web.cfg']);
  await pool.converge(text('server: dom01'));
  expect([await pool.list('dom01'), links('dom01'), links('dom02')]).toEqual([['web'], ['web.cfg'], []]);
});
