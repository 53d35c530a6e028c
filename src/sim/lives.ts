/** How domains live: guests boot, balloon and shut down, monitors take them down or start them again. */
import { bringUp, type LaunchFailure, type Sleeper } from './bring-up.ts';
import { readCfg } from './cfg.ts';
import { startMs } from './clock.ts';
import { domainConfig, videoKiB, type DomainConfig, type EndAction } from './config.ts';
import { Stuck } from './mounts.ts';
import { libxlJson, mergedConfig } from './print-json.ts';
import { behaviourOf, draw, freeKiB, hostOf, userdataPath, versionOf, type Domain, type World } from './world.ts';

const here = (world: World, d: Domain): boolean => world.domains.get(d.domid) === d;
const acts = (world: World, d: Domain): boolean => here(world, d) && d.built && !d.paused && d.ended === null;

/** The file in which libxl keeps the domain's configuration; ends in a NUL. */
export const saveRecord = (world: World, d: Domain): void =>
  world.files.put(userdataPath(d, 'libxl-json'), `${libxlJson(d.config, 'stored')}\0`, 0o600);

/** Whether its PV drivers are up: only an HVM guest can do without them. */
export const hasDrivers = (world: World, d: Domain): boolean =>
  d.booted && (d.type !== 'hvm' || behaviourOf(world, d).pvDrivers);

const connect = (world: World, d: Domain, device: Domain['disks'][number] | Domain['nics'][number]): void => {
  // An empty drive has no backend to connect to.
  if (device.back !== 2) return;
  device.front = 1;
  world.clock.after(draw(world, 'connect'), () => {
    if (!acts(world, d) || device.back !== 2) return;
    device.front = 4;
    device.back = 4;
  });
};

/** The least that a Linux guest can be squeezed to. */
const floorKiB = (d: Domain): number => 64 * 1024 + Math.floor(d.maxKiB * 0.12);

const balloon = (world: World, d: Domain): void => {
  if (!behaviourOf(world, d).balloon || !hasDrivers(world, d) || world.swallows.has('mem-set/wish')) return;
  const aim = (): number => {
    // The goal that an HVM guest reads lacks the video RAM: it gives that much away.
    const goal = Math.max(d.targetKiB - videoKiB(d.config), Math.min(floorKiB(d), d.actualKiB));
    return Math.min(goal, d.actualKiB + freeKiB(world));
  };
  if (aim() === d.actualKiB) return;
  const move = (to: () => number): void =>
    world.clock.after(draw(world, 'balloon'), () => {
      if (!acts(world, d)) return;
      d.actualKiB = to();
      if (d.actualKiB !== aim()) move(aim);
    });
  move(() => Math.floor((d.actualKiB + aim()) / 2048) * 1024);
};

/** Xen lost the hotplug of PVH guests in 4.19.4, 4.20.2 and 4.21: `xl vcpu-set` changes xenstore, and no more comes of it. */
const canPlug = (world: World, d: Domain): boolean => {
  if (d.type !== 'pvh' || d.wantVcpus <= d.config.vcpus) return true;
  const [major, minor, patch] = versionOf(world.server);
  const first: Readonly<Record<number, number>> = { 19: 4, 20: 2 };
  return major === 4 && minor < 21 && patch < (first[minor] ?? Infinity);
};

const hotplugVcpus = (world: World, d: Domain): void => {
  if (!behaviourOf(world, d).vcpuHotplug || d.wantVcpus === d.onlineVcpus) return;
  if (world.swallows.has('vcpu-set/wish') || !canPlug(world, d)) return;
  // QEMU plugs, and takes nothing out; of others, only a PV driver lets go.
  if (d.wantVcpus < d.onlineVcpus && (d.type === 'hvm' || !hasDrivers(world, d))) return;
  world.clock.after(draw(world, d.wantVcpus > d.onlineVcpus ? 'vcpuUp' : 'vcpuDown'), () => {
    if (acts(world, d)) d.onlineVcpus = d.wantVcpus;
  });
};

/** What a monitor does; where it comes upon a dead export, it sleeps there for ever. */
const behind = (work: Promise<void>): void => {
  work.catch((error: unknown) => {
    if (!(error instanceof Stuck)) throw error;
  });
};

/** The guest has stopped for this reason; its monitor, if it has one, does what its configuration says. */
export const end = (world: World, d: Domain, reason: 'poweroff' | 'reboot' | 'crash'): void => {
  if (!here(world, d) || d.ended !== null) return;
  d.ended = reason;
  d.onlineVcpus = 0;
  const monitor = [...world.monitors.values()].find((m) => m.domid === d.domid);
  if (monitor === undefined) return;
  const said: EndAction = d.config.on[reason];
  world.clock.after(draw(world, 'monitor'), () => {
    if (!here(world, d)) return;
    if (said.startsWith('coredump-')) world.files.write(`/var/lib/xen/dump/${d.config.name}`, '');
    const action = said.replace('coredump-', '');
    if (action === 'preserve') world.monitors.delete(monitor.pid);
    else if (action === 'destroy') takeDown(world, d, () => {});
    else if (action === 'rename-restart') behind(renameAndStart(world, d, monitor.pid));
    else behind(startAgain(world, d, monitor.pid));
  });
};

/** Its ACPI power button is pressed: heard only by a guest that has come up. */
export const pressPower = (world: World, d: Domain): void => {
  if (!d.booted || !behaviourOf(world, d).acpi) return;
  world.clock.after(draw(world, 'shutdown'), () => {
    if (acts(world, d)) end(world, d, 'poweroff');
  });
};

const answerRequest = (world: World, d: Domain): void => {
  const behaviour = behaviourOf(world, d);
  if (d.request === null || behaviour.shutdown === 'deaf') return;
  world.clock.after(draw(world, 'acknowledge'), () => {
    if (!acts(world, d) || d.request === null) return;
    const request = d.request;
    d.request = null;
    if (behaviour.shutdown === 'lost-in-boot' && !d.booted) d.stubborn = true;
    if (behaviour.shutdown === 'acknowledges' || d.stubborn) return;
    world.clock.after(draw(world, 'shutdown'), () => {
      if (acts(world, d)) end(world, d, request);
    });
  });
};

/** The guest looks about and does what it was asked for: after its boot, after a pause, after each change. */
export const wake = (world: World, d: Domain): void => {
  if (!acts(world, d)) return;
  if (!d.booted) {
    if (behaviourOf(world, d).shutdown === 'lost-in-boot') answerRequest(world, d);
    world.clock.after(draw(world, 'boot'), () => {
      if (!acts(world, d) || d.booted) return;
      d.booted = true;
      wake(world, d);
    });
    return;
  }
  hotplugVcpus(world, d);
  if (!hasDrivers(world, d)) return;
  answerRequest(world, d);
  balloon(world, d);
  for (const device of [...d.disks, ...d.nics]) connect(world, d, device);
};

/** The guest has stopped for a migration; Xen before 4.20 lets its monitor go, and nobody brings that back. */
export const suspend = (world: World, d: Domain): void => {
  d.ended = 'suspend';
  for (const m of world.monitors.values()) if (m.domid === d.domid) world.monitors.delete(m.pid);
};

/** A suspended guest goes on where it was. */
export const resume = (world: World, d: Domain): void => {
  if (!here(world, d) || d.ended !== 'suspend') return;
  d.ended = null;
  wake(world, d);
};

/** Takes a domain away, step by step: paused, then without a name, then gone. Its monitor goes too unless it is kept. */
export const takeDown = (world: World, d: Domain, then: () => void, keepMonitor = false): void => {
  d.leaving = true;
  d.paused = true;
  world.clock.after(draw(world, 'destroy'), () => {
    d.name = null;
    d.disks = [];
    d.nics = [];
    d.qemu = null;
    world.files.drop(userdataPath(d, 'libxl-json'));
    world.files.drop(userdataPath(d, 'xl'));
    world.clock.after(draw(world, 'nameless'), () => {
      world.domains.delete(d.domid);
      for (const m of world.monitors.values()) {
        if (m.domid !== d.domid) continue;
        if (keepMonitor) m.domid = null;
        else world.monitors.delete(m.pid);
      }
      then();
    });
  });
};

/** What a monitor starts again: a cfg given by config-update, else libxl's record with the live values merged in. */
const nextConfig = (world: World, d: Domain): DomainConfig => {
  const update = world.files.text(userdataPath(d, 'xl'));
  if (update !== undefined) {
    const read = readCfg(update, '<saved>');
    const made = 'settings' in read ? domainConfig(read.settings, hostOf(world)) : read;
    if ('config' in made) return made.config;
  }
  return coldConfig(d);
};

/** libxl's record with the live values merged in. What came hot is there from the start now; its kind stays what it was. */
export const coldConfig = (d: Domain): DomainConfig => {
  const merged = mergedConfig(d);
  const cold = <T extends { readonly hot?: true }>({ hot, ...rest }: T): Omit<T, 'hot'> => (hot === true ? rest : rest);
  return {
    ...merged,
    disks: merged.disks.map(cold),
    nics: merged.nics.map((n) => ({ ...cold(n), type: d.nics.find((y) => y.devid === n.devid)?.type ?? n.type })),
  };
};

/** Makes a domain and lets it run, unless it is to stay paused; or the messages of a failure. */
export const launch = async (
  world: World,
  process: Sleeper,
  config: DomainConfig,
  paused: boolean,
): Promise<{ readonly domain: Domain } | LaunchFailure> => {
  const made = await bringUp(world, process, config);
  if ('error' in made) return made;
  saveRecord(world, made.domain);
  made.domain.paused = paused;
  wake(world, made.domain);
  return made;
};

const relaunch = async (world: World, config: DomainConfig, monitor: number): Promise<void> => {
  await world.clock.sleep(draw(world, 'rebootGap'));
  const made = await launch(world, world.clock, config, false);
  const kept = world.monitors.get(monitor);
  if (kept === undefined) return;
  if ('domain' in made) kept.domid = made.domain.domid;
  else world.monitors.delete(monitor);
};

const startAgain = async (world: World, d: Domain, monitor: number): Promise<void> => {
  const config = nextConfig(world, d);
  await new Promise<void>((resolve) => takeDown(world, d, resolve, true));
  await relaunch(world, config, monitor);
};

/** The old domain stays, ended, under another name; nobody watches it any more. */
const renameAndStart = async (world: World, d: Domain, monitor: number): Promise<void> => {
  const config = nextConfig(world, d);
  const at = new Date(startMs + world.clock.now()).toISOString();
  d.name = `${d.name ?? d.config.name}-${at.slice(0, 16).replace(/[-:]/g, '')}Z`;
  const kept = world.monitors.get(monitor);
  if (kept !== undefined) kept.domid = null;
  await relaunch(world, config, monitor);
};
