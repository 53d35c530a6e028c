/** A simulated dom0 without SSH for the tests of its parts, and the cfg that they start guests from. */
import { makeProcess, type Result } from '../../../src/sim/process.ts';
import { runProgram } from '../../../src/sim/programs.ts';
import { makeWorld, type Behaviour, type Domain, type World } from '../../../src/sim/world.ts';
import type { Server } from '../../../src/sim/server.ts';

export const server: Server = {
  name: 'dom01',
  memoryMiB: 4096,
  dom0MiB: 512,
  cpus: 4,
  bridges: ['xenbr0', 'xenbr1'],
  paths: ['/srv/vmlinuz', '/srv/initrd.gz', '/srv/a.img', '/srv/b.img', '/srv/c.qcow2', '/dev/vg0/data'],
};

/** `changes` replaces lines by key; null takes one out. */
export const cfg = (name: string, changes: Readonly<Record<string, string | null>> = {}): string => {
  const lines: Record<string, string | null> = {
    name: `"${name}"`,
    type: '"pvh"',
    uuid: '"5f0c0c5e-1111-5c0e-9a5d-6d0f3a3c0001"',
    memory: '128',
    maxmem: '160',
    vcpus: '1',
    maxvcpus: '2',
    kernel: '"/srv/vmlinuz"',
    ramdisk: '"/srv/initrd.gz"',
    extra: '"console=hvc0 quiet"',
    disk: '["format=raw,vdev=xvda,access=rw,target=/srv/a.img"]',
    vif: '["mac=02:16:3e:00:00:aa,bridge=xenbr0"]',
    ...changes,
  };
  return Object.entries(lines)
    .flatMap(([key, value]) => (value === null ? [] : [`${key} = ${value}\n`]))
    .join('');
};

export interface Bench {
  readonly world: World;
  /** Runs a command line (split at spaces) as a person would and waits for it. */
  run(line: string): Promise<Result>;
  argv(argv: readonly string[]): Promise<Result>;
  put(path: string, text: string): void;
  settle(): Promise<void>;
}

export const bench = (changes: Partial<Server> = {}, exports?: World['exports'], web?: World['web']): Bench => {
  const world = makeWorld({ ...server, ...changes }, 'seed', Infinity, exports, web);
  const argv = (words: readonly string[]): Promise<Result> =>
    world.clock.during(runProgram(world, makeProcess(world.clock), words));
  return {
    world,
    argv,
    run: (line) => argv(line.split(' ')),
    put: (path, text) => {
      world.files.write(path, text);
    },
    settle: () => world.clock.settle(),
  };
};

/** A dom0 on which the guest `a` runs and has booted. */
export const withGuest = async (
  changes: Readonly<Record<string, string | null>> = {},
  on: Partial<Server> = {},
  behaviour: Partial<Behaviour> = {},
): Promise<Bench> => {
  const b = bench(on);
  b.put('/etc/xen/a.cfg', cfg('a', changes));
  b.world.behaviours.set('a', behaviour);
  const made = await b.run('xl create -q /etc/xen/a.cfg');
  if (made.rc !== 0) throw new Error(made.err);
  await b.settle();
  return b;
};

/** What turns the cfg of `cfg` into an HVM guest with a disk and an empty drive. */
export const hvm: Readonly<Record<string, string | null>> = {
  type: '"hvm"',
  maxmem: '128',
  kernel: null,
  ramdisk: null,
  extra: null,
  disk: '["format=raw,vdev=hda,access=rw,target=/srv/a.img", ",raw,hdc,cdrom"]',
};

/** The one guest that there is. */
export const guestOf = (b: Bench): Domain => {
  const [domain] = b.world.domains.values();
  if (domain === undefined) throw new Error('no guest runs');
  return domain;
};

/** What a cfg that cannot start makes xl say, and how many domains are left. */
export const failing = async (
  changes: Readonly<Record<string, string | null>>,
  on: Partial<Server> = {},
): Promise<Result & { readonly left: number; readonly b: Bench }> => {
  const b = bench(on);
  b.put('/etc/xen/b.cfg', cfg('b', changes));
  const result = await b.run('xl create -q /etc/xen/b.cfg');
  await b.settle();
  return { ...result, left: b.world.domains.size, b };
};
