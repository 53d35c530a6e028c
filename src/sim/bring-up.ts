/** Brings a domain up as libxl does, step by step, with libxl's messages and clean-up where a step fails. */
import {
  badDisk,
  bootloaderTrouble,
  defaultsTrouble,
  emulatedCard,
  gone,
  kernelTrouble,
  makeTrouble,
  nameTaken,
  noBackend,
  noMemory,
  noVif,
  placeTrouble,
} from './build-errors.ts';
import type { DomainConfig } from './config.ts';
import { backendOf, makeDisk, makeNic, scriptTrouble } from './devices.ts';
import { nicType } from './print-json.ts';
import { needsQemu, startQemu } from './qemu.ts';
import { affinityOf, draw, freeKiB, overheadKiB, type Disk, type Domain, type World } from './world.ts';

/** Whatever can be waited in: a process that may be killed, or the dom0's clock. */
export interface Sleeper {
  sleep(ms: number): Promise<void>;
}

/** A new domain, paused, without memory or devices. */
export const introduce = (world: World, config: DomainConfig, domid: number): Domain => {
  const domain: Domain = {
    domid,
    uuid: config.uuid,
    type: config.type,
    name: config.name,
    config,
    built: false,
    booted: false,
    moved: false,
    paused: true,
    ended: null,
    leaving: false,
    stubborn: false,
    request: null,
    maxVcpus: config.maxVcpus,
    wantVcpus: config.vcpus,
    onlineVcpus: config.vcpus,
    pluggedVcpus: config.vcpus,
    maxKiB: config.maxKiB,
    targetKiB: config.targetKiB,
    unsetKiB: config.type === 'hvm' && config.targetKiB < config.maxKiB ? 1024 : 0,
    actualKiB: 0,
    pool: config.pool ?? world.pools[0] ?? 'Pool-0',
    weight: config.sched.weight ?? 256,
    cap: config.sched.cap ?? 0,
    hard: affinityOf(world, config.hard, config.maxVcpus),
    soft: affinityOf(world, config.soft, config.maxVcpus),
    qemu: null,
    disks: [],
    nics: [],
    startedAt: world.clock.now(),
  };
  world.domains.set(domid, domain);
  return domain;
};

/** `rc`: what xl exits with. */
export interface LaunchFailure {
  readonly error: string;
  readonly rc: number;
}

/** The domain, paused; or the messages of a failure, after which nothing is left of it. */
export const bringUp = async (
  world: World,
  process: Sleeper,
  config: DomainConfig,
): Promise<{ readonly domain: Domain } | LaunchFailure> => {
  const early = defaultsTrouble(world, config);
  if (early !== null) return early;
  const unmade = makeTrouble(world, config);
  if (unmade !== null) return { error: unmade, rc: 3 };
  const domid = (world.nextDomid += 1) - 1;
  if ([...world.domains.values()].some((d) => d.name === config.name) || config.name === 'Domain-0')
    return { error: nameTaken(domid, config.name), rc: 3 };
  const domain = introduce(world, config, domid);
  // Once there is a domain to clean up, every failure is the same to xl.
  const fail = (error: string): LaunchFailure => {
    world.domains.delete(domid);
    return { error, rc: 3 };
  };
  const disks: Disk[] = [];
  for (const [index, disk] of config.disks.entries()) {
    const backend = backendOf(world, disk, config.type);
    if (typeof backend === 'object') return fail(badDisk(domid, index, backend.error));
    disks.push(makeDisk(world, disk, backend));
  }
  const card = config.type === 'hvm' ? -1 : config.nics.findIndex((n) => nicType(config.type, n) === 'vif_ioemu');
  if (card >= 0) return fail(emulatedCard(domid, card));
  if (config.bootloader !== null && config.type !== 'hvm') await process.sleep(draw(world, 'bootloader'));
  await process.sleep(draw(world, 'build'));
  const trouble =
    bootloaderTrouble(world, config, domid) ??
    placeTrouble(world, config, domid) ??
    kernelTrouble(world, config, domid) ??
    (freeKiB(world) < config.targetKiB + overheadKiB(config) ? noMemory(domid) : null);
  if (trouble !== null) return fail(trouble);
  domain.built = true;
  domain.actualKiB = config.targetKiB;
  await process.sleep(draw(world, 'hotplug'));
  if (needsQemu(config, disks)) {
    await process.sleep(draw(world, 'qemu'));
    const qemu = startQemu(world, domain, disks);
    if ('error' in qemu) return fail(qemu.error + gone(domid));
    domain.qemu = qemu;
    // What is no path is a protocol of QEMU's.
    const lost = disks.find(
      (d) => d.backend === 'qdisk' && d.format !== 'empty' && d.path.startsWith('/') && !world.files.exists(d.path),
    );
    if (lost !== undefined) {
      await process.sleep(10_000);
      return fail(noBackend(domid, lost.devid));
    }
  }
  for (const nic of config.nics) {
    const why = scriptTrouble(world, nic);
    if (why !== null) return fail(noVif(world, domid, makeNic(world, config.type, nic).script, why));
  }
  domain.disks = disks;
  domain.nics = config.nics.map((n) => makeNic(world, config.type, n));
  return { domain };
};
