/** The state of one simulated dom0: its host, domains, devices, monitors and files. Plain data; `lives.ts` moves it. */
import { makeClock, type Clock } from './clock.ts';
import { delays, type Delay } from './delays.ts';
import { makeFiles, type Files } from './files.ts';
import { makeRandom, type Random } from './random.ts';
import type { DomainConfig } from './config.ts';

export interface Server {
  readonly name: string;
  readonly memoryMiB: number;
  readonly dom0MiB: number;
  readonly cpus: number;
  readonly bridges: readonly string[];
  /** Files that are there (kernels, images). */
  readonly paths: readonly string[];
  /** `4.17.7` unless said. */
  readonly xenVersion?: string | undefined;
  /** `pv hvm hap …` unless said. */
  readonly virtCaps?: string | undefined;
}

/** How a guest behaves, by its name, whatever its domid. */
export interface Behaviour {
  /**
   * `acknowledges`: it says yes and goes on; `deaf`: it does not even answer; `lost-in-boot`: a request that comes while
   * it boots is acknowledged and lost, and every later one too.
   */
  shutdown: 'obeys' | 'acknowledges' | 'deaf' | 'lost-in-boot';
  balloon: boolean;
  vcpuHotplug: boolean;
  /** False: a detach that it is asked for stays pending. */
  detach: boolean;
}

/** XenBus states: 1 initialising, 2 waiting for the guest, 4 connected. */
type BusState = 1 | 2 | 3 | 4 | 5 | 6;

export interface Disk {
  readonly devid: number;
  readonly vdev: string;
  readonly path: string;
  readonly format: string;
  readonly readwrite: boolean;
  readonly cdrom: boolean;
  readonly backend: 'phy' | 'qdisk';
  /** The loop device that a file hangs on; null for block devices. */
  readonly loop: number | null;
  back: BusState;
  front: BusState;
}

export interface Nic {
  readonly devid: number;
  readonly mac: string;
  /** libxl's record. */
  readonly bridge: string;
  /** Where the link hangs; null where there is none. */
  master: string | null;
  readonly ifindex: number;
  /** A ghost: its script failed, its backend never came. */
  readonly ghost: boolean;
  back: BusState;
  front: BusState;
}

export interface Domain {
  readonly domid: number;
  readonly uuid: string;
  readonly type: DomainConfig['type'];
  /** Null while it dies. */
  name: string | null;
  /** libxl's record of it: stale in name, memory target and after detaching. */
  config: DomainConfig;
  /** Its memory is there; before, xl lists it with 0 MiB and no vCPU. */
  built: boolean;
  /** The guest's drivers answer. */
  booted: boolean;
  paused: boolean;
  ended: 'poweroff' | 'reboot' | 'crash' | null;
  /** Somebody takes it down already. */
  leaving: boolean;
  /** It has lost a request in its boot and takes no other. */
  stubborn: boolean;
  /** A shutdown request that the guest has not taken up yet. */
  request: 'poweroff' | 'reboot' | null;
  readonly maxVcpus: number;
  wantVcpus: number;
  onlineVcpus: number;
  readonly maxKiB: number;
  targetKiB: number;
  actualKiB: number;
  disks: Disk[];
  nics: Nic[];
  readonly startedAt: number;
}

interface Monitor {
  readonly pid: number;
  readonly args: string;
  readonly cfg: string;
  /** Follows a reboot; null in between. */
  domid: number | null;
}

export interface World {
  readonly server: Server;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly bridges: Set<string>;
  readonly domains: Map<number, Domain>;
  readonly monitors: Map<number, Monitor>;
  readonly behaviours: Map<string, Partial<Behaviour>>;
  nextDomid: number;
  nextPid: number;
  nextIfindex: number;
  nextLoop: number;
}

/** What the hypervisor keeps for itself. */
const xenKiB = 33 * 1024;

/** Overhead of a domain beside its memory: nested page tables and the like; PV guests have none to speak of. */
export const overheadKiB = (config: Pick<DomainConfig, 'type' | 'maxVcpus' | 'maxKiB'>): number =>
  config.type === 'pv' ? 1024 : 4 * (256 * config.maxVcpus + 2 * Math.ceil(config.maxKiB / 1024));

export const freeKiB = (world: World): number => {
  let used = xenKiB + world.server.dom0MiB * 1024;
  for (const d of world.domains.values()) if (d.built) used += d.actualKiB + overheadKiB(d.config);
  return Math.max(0, world.server.memoryMiB * 1024 - used);
};

export const behaviourOf = (world: World, domain: Domain): Behaviour => ({
  shutdown: 'obeys',
  balloon: true,
  vcpuHotplug: true,
  detach: true,
  ...world.behaviours.get(domain.config.name),
  ...(domain.name === null ? {} : world.behaviours.get(domain.name)),
});

/** A duration of this sort, drawn anew each time. */
export const draw = (world: World, what: Delay): number => world.random.between(delays[what]);

/** By name, or by domid where it is all digits, as xl takes it. */
export const findDomain = (world: World, word: string): Domain | undefined =>
  /^\d+$/.test(word) ? world.domains.get(Number(word)) : [...world.domains.values()].find((d) => d.name === word);

export const userdataPath = (d: Domain, kind: 'libxl-json' | 'xl'): string =>
  `/var/lib/xen/userdata-d.${d.domid}.${d.uuid}.${kind}`;

/** libxl writes its record last: until then a domain that is still made cannot be changed. */
export const isRecorded = (world: World, d: Domain): boolean => world.files.exists(userdataPath(d, 'libxl-json'));

const folders = [
  '/etc/xen/auto',
  '/etc/xen/scripts',
  '/etc/default',
  '/var/lib/xen',
  '/proc/sys/kernel/random',
  '/run',
  '/tmp',
];

/** libxl keeps one of dom0 itself, with next to nothing in it. */
const dom0Record = `{
    "c_info": {
        "type": "pv"
    },
    "b_info": {
        "sched_params": {

        },
        "type.pv": {

        },
        "arch_arm": {

        },
        "arch_x86": {

        }
    }
}
\0`;

export const makeWorld = (server: Server, seed: string, speed: number): World => {
  const random = makeRandom(`${seed}/${server.name}`);
  const bootId = random.uuid();
  const files = makeFiles();
  for (const folder of folders) files.mkdir(folder);
  files.write('/proc/sys/kernel/random/boot_id', `${bootId}\n`, 0o444);
  files.write('/etc/xen/xl.conf', '# Global XL config file #\n');
  files.put('/var/lib/xen/userdata-d.0.00000000-0000-0000-0000-000000000000.libxl-json', dom0Record, 0o600);
  for (const path of server.paths) {
    files.mkdir(path.slice(0, path.lastIndexOf('/')) || '/');
    files.write(path, '');
  }
  return {
    server,
    bootId,
    clock: makeClock(speed),
    random,
    files,
    bridges: new Set(server.bridges),
    domains: new Map(),
    monitors: new Map(),
    behaviours: new Map(),
    nextDomid: 1,
    nextPid: 600,
    nextIfindex: 3 + server.bridges.length,
    nextLoop: 0,
  };
};
