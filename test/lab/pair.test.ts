/** A pool of two real dom0s: both are read, new VMs go where there is most room, and stay. Needs the whole farm. */
import { expect, it } from 'vitest';
import { apply, domidOf, expectSettled } from './check.ts';
import { direct, openDesk, reset } from './farm.ts';

it('two VMs that name only their pool go to a server each, and stay there', async () => {
  await reset(1);
  await reset(2);
  const desk = openDesk();
  const vm = { boot: direct, memory: '512MiB', networks: ['lan'] };
  desk.write({ servers: [1, 2], vms: { east: vm, west: vm } });
  await apply(desk);
  const found = await Promise.all([1, 2].map(async (i) => [await domidOf(i, 'east'), await domidOf(i, 'west')]));
  expect(found.map((names) => names.filter((d) => d !== null).length)).toEqual([1, 1]);
  await expectSettled(desk);
  await apply(desk);
  expect(await Promise.all([1, 2].map(async (i) => [await domidOf(i, 'east'), await domidOf(i, 'west')]))).toEqual(
    found,
  );
  desk.close();
});
