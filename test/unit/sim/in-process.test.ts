/** The simulated farm without sockets: one time for all of it, and copies that go their own ways. */
import { describe, expect, it } from 'vitest';
import { makeInProcessFarm, type InProcessFarm } from '../../../src/sim/in-process.ts';
import { makeProcess } from '../../../src/sim/process.ts';
import { runProgram } from '../../../src/sim/programs.ts';

const source = 'filer:/store';
const server = (name: string) => ({
  name,
  memoryMiB: 4096,
  dom0MiB: 1024,
  cpus: 4,
  bridges: ['xenbr0'],
  paths: ['/srv/vmlinuz'],
});
const make = (): InProcessFarm =>
  makeInProcessFarm({
    servers: [server('dom01'), server('dom02')],
    exports: [source],
    volumeGroups: { lun0: 1024 * 1024 },
    seed: 'fork',
  });
const cfg = 'name = "a"\ntype = "pvh"\nmemory = 128\nkernel = "/srv/vmlinuz"\n';

const worldOf = (farm: InProcessFarm, name: string) => {
  const dom0 = farm.dom0s.get(name);
  if (dom0 === undefined) throw new Error(`no ${name}`);
  return dom0.world;
};
const run = (farm: InProcessFarm, name: string, line: string) => {
  const world = worldOf(farm, name);
  return world.clock.during(runProgram(world, makeProcess(world.clock), line.split(' ')));
};
const begin = async (): Promise<InProcessFarm> => {
  const farm = make();
  await run(farm, 'dom01', 'mkdir -p /srv/store');
  await run(farm, 'dom01', `mount -t nfs ${source} /srv/store`);
  worldOf(farm, 'dom01').files.write('/root/a.cfg', cfg);
  expect((await run(farm, 'dom01', 'xl create /root/a.cfg')).rc).toBe(0);
  await farm.clock.settle();
  return farm;
};

describe('a fork', () => {
  it('has all that the farm had, and shares nothing with it', async () => {
    const farm = await begin();
    const fork = farm.fork();
    expect((await run(fork, 'dom01', 'xl destroy a')).rc).toBe(0);
    await run(fork, 'dom01', 'lvcreate -y -n v -L 4096k lun0');
    worldOf(fork, 'dom01').files.write('/srv/store/x', 'of the fork');
    await fork.clock.settle();
    const names = (f: InProcessFarm): readonly (string | null)[] =>
      [...worldOf(f, 'dom01').domains.values()].map((d) => d.name);
    expect([names(farm), names(fork)]).toEqual([['a'], []]);
    expect([farm, fork].map((f) => f.exports.get(source)?.files.text('/x'))).toEqual([undefined, 'of the fork']);
    expect([farm, fork].map((f) => f.groups.get('lun0')?.volumes.size)).toEqual([0, 1]);
    // What both dom0s see is one thing in the fork, too.
    expect(worldOf(fork, 'dom02').groups.get('lun0')).toBe(fork.groups.get('lun0'));
  });

  it('goes the same way as the farm where the same is done to both', async () => {
    const farm = await begin();
    const fork = farm.fork();
    for (const f of [farm, fork]) await run(f, 'dom01', 'xl create /root/a.cfg name="b"');
    const told = (f: InProcessFarm): unknown => [f.time.now(), [...worldOf(f, 'dom01').domains.values()]];
    expect(told(fork)).toEqual(told(farm));
  });

  it('is not made while something is due', async () => {
    const farm = await begin();
    void run(farm, 'dom01', 'sleep 5');
    expect(() => farm.fork()).toThrow('something is still due');
  });
});

describe('the time of a farm', () => {
  it('is one for all its dom0s; one that goes down takes only its own events along', async () => {
    const farm = make();
    const done: string[] = [];
    for (const name of ['dom01', 'dom02'])
      run(farm, name, 'sleep 5').then(
        () => done.push(name),
        () => done.push(`${name} went`),
      );
    farm.clock.after(2000, () => worldOf(farm, 'dom01').power());
    await farm.clock.during(farm.clock.sleep(6000));
    expect([done, farm.time.now()]).toEqual([['dom01 went', 'dom02'], 6000]);
  });
});

describe('an operation whose wrapper is killed', () => {
  it.each([
    ['unborn', false],
    ['begun', true],
    ['unwritten', true],
  ] as const)('%s: nothing of it runs, and it has no result', async (death, begun) => {
    const farm = make();
    const { startOperation } = await import('../../../src/sim/dom0.ts');
    const dom0 = farm.dom0s.get('dom01');
    if (dom0 === undefined) throw new Error('no dom01');
    dom0.faults.deaths.push(death);
    const operation = startOperation(dom0, 60, ['mkdir', '/srv/new']);
    await farm.clock.during(operation.ended);
    expect([operation.over, operation.result, operation.begun]).toEqual([true, null, begun]);
    expect(dom0.world.files.exists('/srv/new')).toBe(death === 'unwritten');
  });
});
