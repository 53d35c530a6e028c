/** The far end of a migration: `xl migrate-receive` makes the domain, takes its memory in, and lets it run when it may. */
import { badDisk, defaultsTrouble, gone, nameTaken, noVif } from './build-errors.ts';
import { introduce } from './bring-up.ts';
import type { DomainConfig } from './config.ts';
import { backendOf, makeDisk, makeNic, scriptTrouble } from './devices.ts';
import { saveRecord, takeDown, wake } from './lives.ts';
import { noRoom } from './migrate-words.ts';
import { needsQemu, startQemu } from './qemu.ts';
import { addWorker } from './workers.ts';
import { freeKiB, isRecorded, overheadKiB, versionOf, type Disk, type Domain, type World } from './world.ts';

/** The far end's words where it gives up, and libxl's code. */
export interface Refusal {
  readonly words: string;
  readonly code: number;
}

/** A domain that comes. */
export interface Incoming {
  readonly world: World;
  readonly domain: Domain;
  readonly disks: readonly Disk[];
  /** The pid of the helper that takes its memory in. */
  readonly helper: number;
}

const nameHere = (config: DomainConfig): string => `${config.name}--incoming`;

/** Before any of its memory: the domain, paused and empty. `name`: what it has until it starts. */
export const receive = (world: World, config: DomainConfig, name = nameHere(config)): Incoming | Refusal => {
  const early = defaultsTrouble(world, config);
  if (early !== null) return { words: early.error, code: -early.rc };
  const domid = (world.nextDomid += 1) - 1;
  if ([...world.domains.values()].some((d) => d.name === name)) return { words: nameTaken(domid, name), code: -3 };
  const disks: Disk[] = [];
  for (const [index, disk] of config.disks.entries()) {
    const backend = backendOf(world, disk, config.type);
    if (typeof backend === 'object') return { words: badDisk(domid, index, backend.error), code: -3 };
    disks.push(makeDisk(world, disk, backend));
  }
  const bin = `/usr/lib/xen-${versionOf(world.server).join('.')}/bin`;
  const helper = addWorker(world, `${bin}/libxl-save-helper --restore-domain 8 9 ${domid} 3 0 2 0 1 0 0 0 0`);
  return { world, disks, helper, domain: introduce(world, { ...config, name }, domid) };
};

/** So much of its memory has come; nothing was set aside for it before. */
export const take = ({ world, domain }: Incoming, kib: number): Refusal | null => {
  const room = freeKiB(world) - overheadKiB(domain.config);
  if (room < kib - domain.actualKiB) return { words: noRoom(domain.domid), code: -3 };
  domain.actualKiB = kib;
  return null;
};

/** All of its memory is there: its devices are made, and a daemon watches it. Asked while it is suspended at the source. */
export const complete = ({ world, domain, disks, helper }: Incoming, as = 'migrate-receive'): Refusal | null => {
  world.workers.delete(helper);
  domain.built = true;
  const { config, domid } = domain;
  if (needsQemu(config, disks)) {
    const qemu = startQemu(world, domain, disks);
    if ('error' in qemu) return { words: qemu.error + gone(domid), code: -3 };
    domain.qemu = qemu;
  }
  for (const nic of config.nics) {
    const why = scriptTrouble(world, nic);
    if (why !== null) return { words: noVif(world, domid, makeNic(world, config.type, nic).script, why), code: -3 };
  }
  domain.disks = [...disks];
  domain.nics = config.nics.map((n) => makeNic(world, config.type, n));
  saveRecord(world, domain);
  const pid = (world.nextPid += 3);
  const [major, minor] = versionOf(world.server);
  const args = `/usr/lib/xen-${major}.${minor}/bin/xl ${as}`;
  world.monitors.set(pid, { pid, args, cfg: '', domid });
  return null;
};

/** It gets its name and runs on where it was; libxl's record keeps the other name. False: the name is taken, or it is gone. */
export const start = ({ world, domain }: Incoming, name: string, paused = false): boolean => {
  if (world.domains.get(domain.domid) !== domain) return false;
  if ([...world.domains.values()].some((d) => d.name === name && d !== domain)) return false;
  domain.name = name;
  domain.paused = paused;
  wake(world, domain);
  return true;
};

/** Whatever has come of it goes: at once what libxl still makes, like any other domain what it has made. */
export const discard = ({ world, domain, helper }: Incoming): Promise<void> =>
  new Promise((resolve) => {
    world.workers.delete(helper);
    if (world.domains.get(domain.domid) !== domain) resolve();
    else if (isRecorded(world, domain)) takeDown(world, domain, resolve);
    else {
      world.domains.delete(domain.domid);
      resolve();
    }
  });
