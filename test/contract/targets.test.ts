/** `--target` where VMs move: only the named ones do, and what they would need of others is said. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dom0, openPool, poolText, type PoolFarm } from './pool-farm.ts';

const both = 'dom01: { address: a, migration: dom01 }, dom02: { address: b, migration: dom02 }';
const drained = both.replace('migration: dom01', 'migration: dom01, state: maintenance');
let farm: PoolFarm;
const only = (...targets: readonly string[]) => ({ targets });

beforeEach(async () => {
  farm = await openPool([dom0('dom01'), dom0('dom02')]);
});
afterEach(async () => farm.close());

it('moves the named VM off a server that is drained, and leaves the others there', async () => {
  await farm.converge(poolText(both, 'a: { server: dom01 }, b: { server: dom01 }'));
  const plan = await farm.converge(poolText(drained, 'a: {}, b: {}'), only('a'));
  expect(plan.vms).toMatchObject([{ name: 'a', action: 'migrate', to: 'dom02' }]);
  expect([await farm.list('dom01'), await farm.list('dom02')]).toEqual([['b'], ['a']]);
});

it('brings it to none of its group, though that one is not named', async () => {
  await farm.converge(poolText(both, 'a: { server: dom01, apart: web }, b: { server: dom02, apart: web }'));
  const plan = await farm.planOf(poolText(drained, 'a: { apart: web }, b: { apart: web }'), only('a'));
  expect([plan.vms, plan.refused.map((r) => r.why)]).toEqual([[], ['dom02 has b of group web']]);
  const fresh = 'a: { apart: web }, b: { apart: web }, c: { apart: web }';
  expect((await farm.planOf(poolText(both, fresh), only('c'))).refused.map((r) => r.why)).toEqual([
    'dom01 has a of group web; dom02 has b of group web',
  ]);
});

it('names those that would have to go first, and goes with them', async () => {
  await farm.close();
  farm = await openPool([dom0('dom01'), dom0('dom02', { memoryMiB: 1024 + 400 }), dom0('dom03')]);
  const three = `${both}, dom03: { address: c, migration: dom03 }`;
  await farm.converge(
    poolText(three, 'a: { server: dom01, memory: 256MiB }, b: { server: dom02, memory: 256MiB }, c: { server: dom03 }'),
  );
  const moved = poolText(
    three,
    'a: { server: dom02, memory: 256MiB }, b: { server: dom03, memory: 256MiB }, c: { server: dom03 }',
  );
  const plan = await farm.planOf(moved, only('a'));
  expect([plan.vms, plan.refused.map((r) => [r.what, r.why, r.help])]).toEqual([
    [],
    [
      [
        'a would leave dom01 (the file wants dom02)',
        expect.stringMatching(
          /^dom02 lacks \d+MiB of memory; b would go first, and that one is not among the targets$/,
        ),
        '--target a --target b, or leave --target out',
      ],
    ],
  ]);
  expect(plan.refused[0]?.allow).toEqual([{ option: '--target b' }]);
  await farm.converge(moved, only('a', 'b'));
  expect(await farm.list('dom02')).toEqual(['a']);
});

it('keeps the room that the loss of a server needs for those that are not named', async () => {
  await farm.converge(poolText(both, 'a: { server: dom01, memory: 2GiB }, b: { server: dom02, memory: 900MiB }'));
  const vms = 'a: { memory: 2GiB }, b: { memory: 900MiB }';
  const plan = await farm.planOf(poolText(both, `${vms}, c: { memory: 900MiB }`, 'spare: 1'), only('c'));
  expect(plan.refused.map((r) => r.why)).toEqual([
    expect.stringMatching(/^pool p would not survive the loss of dom0[12]: [abc] \(\S+\) would find no place/),
  ]);
});
