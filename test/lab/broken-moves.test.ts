/**
 * Runs that break in the middle of a live migration between two real dom0s; a lost server that is fenced by its power; two addresses
 * that are swapped. Needs the whole farm.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catchStep, killSession, killWrapper, letGo, letGoLater } from './caught.ts';
import { apply, awake, domidOf, expectCode, expectSettled, flat, undisturbed } from './check.ts';
import { direct, door, lab, openDesk, power, resetWithStore, server, ssh, until, type Desk } from './farm.ts';

const path = '/srv/vmstore';
type Says = Readonly<Record<string, unknown>>;
let desk: Desk;
const write = (on: string | null, second: Says = {}): void =>
  desk.write({
    servers: [1, 2],
    more: {
      1: { migration: server(1).privateAddress },
      2: { migration: server(2).privateAddress, ...second },
    },
    vms: { web: { boot: direct, disks: { xvda: { size: '16MiB' } }, ...(on === null ? {} : { server: on }) } },
    repositories: {
      vmstore: { type: 'nfs', source: `${server(1).privateAddress}:/export`, path, options: 'vers=4.2,actimeo=1' },
    },
  });
const where = async (): Promise<readonly (number | null)[]> => [await domidOf(1, 'web'), await domidOf(2, 'web')];

const begin = async (): Promise<void> => {
  await resetWithStore();
  desk?.close();
  desk = openDesk();
};
afterAll(async () => {
  // Whatever failed: the next file finds it awake.
  await power(2, true);
  desk?.close();
});

const faults = [
  {
    name: 'Reeve is killed',
    strike: async (run: ReturnType<Desk['start']>, pid: string): Promise<void> => {
      run.child.kill('SIGKILL');
      await run.ended;
      await letGo(1, pid);
    },
  },
  {
    name: 'its SSH session is killed',
    strike: async (_: ReturnType<Desk['start']>, pid: string): Promise<void> => {
      await killSession(1);
      await letGo(1, pid);
    },
  },
  {
    name: 'the network is cut, without a reset',
    strike: async (_: ReturnType<Desk['start']>, pid: string): Promise<void> => {
      await letGoLater(1, pid, 20);
      await door(1, false);
      await new Promise((resolve) => setTimeout(resolve, 60_000));
      await door(1, true);
    },
  },
  {
    name: 'the wrapper of the operation is killed',
    strike: async (_: ReturnType<Desk['start']>, pid: string): Promise<void> => {
      // Once its group has lost its parent, the kernel hangs up on what stands still in it.
      await letGo(1, pid);
      await killWrapper(1);
    },
  },
];

describe('during a live migration', () => {
  it.each(faults)('$name: the next run waits for it, and the VM runs once', async ({ strike }) => {
    await undisturbed(async () => {
      await begin();
      write('dom01');
      await apply(desk);
      await awake(1, 'web');
      write('dom02');
      const run = desk.start(['apply', '--yes']);
      await strike(run, await catchStep(1, '^/usr/lib/xen[^ ]*/bin/[x]l migrate'));
      await run.ended;
      const said = flat(await apply(desk));
      expect(said).not.toMatch(/found more than once/);
      expect(await where()).toEqual([null, expect.anything()]);
      await expectSettled(desk);
    });
  });
});

describe('a server that is declared lost, with a fence', () => {
  const fence = (): Says => {
    const monitor = join(lab().dir, 'dom02.mon');
    const script = (name: string, text: string): string => {
      const file = join(desk.cwd, name);
      writeFileSync(file, `#!/bin/sh\necho ${name} >> ${desk.cwd}/called\n${text}\n`, { mode: 0o755 });
      return file;
    };
    return {
      state: 'lost',
      fence: {
        off: script('off', `echo stop | socat - unix:${monitor} > /dev/null`),
        status: script('status', `echo 'info status' | socat -t 2 - unix:${monitor} | grep -q paused`),
      },
    };
  };
  const powered = (): readonly string[] => {
    try {
      return readFileSync(join(desk.cwd, 'called'), 'utf8')
        .split('\n')
        .filter((l) => l === 'off');
    } catch {
      return [];
    }
  };

  beforeAll(async () => {
    await begin();
    write('dom02');
    await apply(desk);
    await awake(2, 'web');
  });

  it('is not powered off while it answers', async () => {
    write('dom01', fence());
    await expectCode(desk, 5, 'apply', '--yes');
    expect(powered()).toEqual([]);
    expect(await where()).toEqual([null, expect.anything()]);
  });

  it('is not powered off by a plan that is stale', async () => {
    await door(2, false);
    write('dom01', { ...fence(), ssh: { connectTimeout: '20s' } });
    await expectCode(desk, 0, 'plan', '--out', 'plan.json');
    await door(2, true);
    await until('it answers', async () => (await ssh(2, 'true')).code === 0);
    const ran = await desk.reeve(['apply', '--yes', 'plan.json']);
    expect([5, 6]).toContain(ran.code);
    expect(powered()).toEqual([]);
    expect(await where()).toEqual([null, expect.anything()]);
  });

  it('is powered off where it does not answer, before its VM starts elsewhere', async () => {
    await door(2, false);
    write('dom01', { ...fence(), ssh: { connectTimeout: '20s' } });
    const said = flat(await apply(desk));
    expect(said).toMatch(/dom02/);
    expect(powered()).toEqual(['off']);
    expect(await domidOf(1, 'web')).not.toBeNull();
    await door(2, true);
    // Its power is off: nobody runs the VM there.
    expect((await ssh(2, 'true')).code).not.toBe(0);
  });
});

describe('two addresses that are swapped', () => {
  it('are noticed, and nothing is changed', async () => {
    await power(2, true);
    await begin();
    write('dom01');
    await apply(desk);
    const config = join(desk.cwd, '../.ssh/config');
    const [one, two] = [server(1).port, server(2).port];
    const text = readFileSync(config, 'utf8');
    const swapped = text.replaceAll(/Port (\d+)/g, (_, p: string) => `Port ${Number(p) === one ? two : one}`);
    writeFileSync(config, swapped);
    const said = flat(await expectCode(desk, 4, 'apply', '--yes'));
    expect(said).toMatch(/dom01/);
    expect(await where()).toEqual([expect.anything(), null]);
    writeFileSync(config, text);
    await expectSettled(desk);
  });
});
