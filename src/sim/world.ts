/** The state of one simulated dom0: its host, domains, devices, monitors and files. Plain data; `lives.ts` moves it. */
import { makeClock, type Clock } from './clock.ts';
import { delays, type Delay } from './delays.ts';
import { makeFiles } from './files.ts';
import { makeGroup, type VolumeGroup } from './volumes.ts';
import { withMounts, type Export, type MountedFiles } from './mounts.ts';
import type { MigrationFault, Peer } from './peers.ts';
import { makeRandom, type Random } from './random.ts';
import type { DomainConfig, Host } from './config.ts';
import { allCpus, reachable, type Cpus } from './cpus.ts';
import type { Backend } from './disk-spec.ts';
import { putDom0Files } from './dom0-files.ts';
import type { Server, WebFile } from './server.ts';
import { fakeKey, putHostKey } from './ssh-keys.ts';

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
  /** False: an HVM guest without PV drivers; no balloon, no PV devices, no shutdown request. */
  pvDrivers: boolean;
  /** It shuts down when its ACPI power button is pressed. */
  acpi: boolean;
  /** Where something answers once it has booted: `host:port`. */
  listens: readonly string[];
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
  /** A drive that was ejected: its parameters are gone whole, where one that began empty has `aio:`. */
  readonly emptied?: boolean;
  readonly backend: Backend;
  readonly script: string | null;
  readonly directIo: boolean;
  readonly discard: boolean;
  /** The loop device that a file hangs on; null for block devices. */
  readonly loop: number | null;
  back: BusState;
  front: BusState;
}

export interface Nic {
  readonly devid: number;
  readonly mac: string;
  /** libxl's record: with its VLAN on Open vSwitch (`ovs0.20`). */
  readonly bridge: string;
  readonly type: 'vif' | 'vif_ioemu';
  /** As it was given, or vif-bridge; absolute. */
  readonly script: string;
  /** `BYTES,MICROSECONDS`, as xenstore has it. */
  readonly rate: string | null;
  readonly vlan: string | null;
  readonly ip: string | null;
  readonly mtu: number | null;
  /** Where the link hangs; null where there is none. */
  master: string | null;
  readonly ifindex: number;
  /** A ghost: its script failed, its backend never came. */
  readonly ghost: boolean;
  back: BusState;
  front: BusState;
}

/** The device model of one domain. */
export interface Qemu {
  readonly pid: number;
  /** xenstore does not hear of its death. */
  dead: boolean;
  readonly args: string;
  readonly vnc: { readonly listen: string; readonly port: number } | null;
  /** The terminals of its serial ports. */
  readonly serials: readonly string[];
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
  /** It has come by a migration: its drivers do not say again in xenstore what they can. */
  moved: boolean;
  paused: boolean;
  /** `suspend`: its memory is with a migration, and it may go on. */
  ended: 'poweroff' | 'reboot' | 'crash' | 'suspend' | null;
  /** Somebody takes it down already. */
  leaving: boolean;
  /** It has lost a request in its boot and takes no other. */
  stubborn: boolean;
  /** A shutdown request that the guest has not taken up yet. */
  request: 'poweroff' | 'reboot' | null;
  readonly maxVcpus: number;
  wantVcpus: number;
  onlineVcpus: number;
  /** Those that QEMU has plugged into an HVM guest: it takes none out again. */
  pluggedVcpus: number;
  readonly maxKiB: number;
  targetKiB: number;
  /** What xenstore's goal lacks of it, while HVM that began with less than its maximum was never set. */
  unsetKiB: number;
  actualKiB: number;
  /** What the hypervisor has; libxl's record does not hear of later changes. */
  pool: string;
  weight: number;
  cap: number;
  /** By vCPU. */
  readonly hard: Cpus[];
  readonly soft: Cpus[];
  qemu: Qemu | null;
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
  /** Another after each boot. */
  bootId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: MountedFiles;
  /** By source: the NFS exports that the farm's dom0s can mount. */
  readonly exports: ReadonlyMap<string, Export>;
  /** By URL: what there is to fetch. */
  readonly web: ReadonlyMap<string, WebFile>;
  /** By name and by address. */
  readonly peers: Map<string, Peer>;
  /** Switches the whole dom0 off and on. */
  power: () => void;
  /** Every dom0 lets every other one in, as root with its own key. */
  trusting: boolean;
  /** What befalls migrations that come here. */
  migrationFault: MigrationFault | null;
  readonly groups: Map<string, VolumeGroup>;
  /**
   * Commands that exit with 0 and do nothing: of `xl` the subcommand (`vcpu-set`), else the program (`ip`). With `/wish` behind
   * it (`vcpu-set/wish`, `mem-set/wish`, `block-attach/wish`, `network-attach/wish`) xenstore tells the wish, and no more comes of it.
   */
  readonly swallows: Set<string>;
  /** Linux bridges. */
  readonly bridges: Set<string>;
  readonly ovs: ReadonlySet<string>;
  /** The first is Pool-0. */
  readonly pools: readonly string[];
  readonly domains: Map<number, Domain>;
  readonly monitors: Map<number, Monitor>;
  /** What else `ps` shows: by pid, the arguments of processes that come and go. */
  readonly workers: Map<number, string>;
  readonly behaviours: Map<string, Partial<Behaviour>>;
  /** What a test says of `host:port`, whatever the guests do. */
  readonly listening: Map<string, boolean>;
  nextDomid: number;
  nextPid: number;
  nextWorker: number;
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
  for (const d of world.domains.values()) used += d.actualKiB + (d.built ? overheadKiB(d.config) : 0);
  return Math.max(0, world.server.memoryMiB * 1024 - used);
};

export const behaviourOf = (world: World, domain: Domain): Behaviour => ({
  shutdown: 'obeys',
  balloon: true,
  vcpuHotplug: true,
  detach: true,
  pvDrivers: true,
  acpi: true,
  listens: [],
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

/** Major, minor and patch. */
export const versionOf = (server: Server): readonly [number, number, number] => {
  const [major = 4, minor = 17, patch = 0] = (server.xenVersion ?? '4.17.7').split('.').map((n) => parseInt(n, 10));
  return [major, minor, patch];
};

/** What reading a cfg takes from the host. */
export const hostOf = (world: World): Host => ({
  cpus: world.server.cpus,
  minor: versionOf(world.server)[0] > 4 ? 99 : versionOf(world.server)[1],
  hex: (digits) => world.random.hex(digits),
  uuid: () => world.random.uuid(),
});

/** Each vCPU's affinity as the hypervisor takes it: what was not said is all. */
export const affinityOf = (world: World, said: readonly Cpus[] | null, maxVcpus: number): Cpus[] =>
  Array.from({ length: maxVcpus }, (_, n) => {
    const cpus = said?.[n];
    return cpus === undefined ? allCpus(world.server.cpus) : reachable(cpus, world.server.cpus);
  });

export const makeWorld = (
  server: Server,
  seed: string,
  speed: number,
  exports: ReadonlyMap<string, Export> = new Map(),
  web: ReadonlyMap<string, WebFile> = new Map(),
  luns: ReadonlyMap<string, VolumeGroup> = new Map(),
): World => {
  const random = makeRandom(`${seed}/${server.name}`);
  const bootId = random.uuid();
  const files = withMounts(makeFiles());
  putDom0Files(files, server, bootId);
  // Of its own dice: the others' throws stay what they were.
  putHostKey(files, server.name, fakeKey(makeRandom(`${seed}/${server.name}/host key`)));
  return {
    server,
    bootId,
    clock: makeClock(speed),
    random,
    files,
    exports,
    web,
    peers: new Map(),
    power: () => undefined,
    trusting: false,
    migrationFault: null,
    groups: new Map([
      ...Object.entries(server.volumeGroups ?? {}).map(
        ([name, kib]) => [name, makeGroup(kib, makeRandom(`${seed}/${server.name}/${name}`).hex(32))] as const,
      ),
      ...luns,
    ]),
    swallows: new Set(server.swallows),
    bridges: new Set(server.bridges),
    ovs: new Set(server.ovs ?? []),
    pools: ['Pool-0', ...(server.cpupools ?? []).filter((p) => p !== 'Pool-0')],
    domains: new Map(),
    monitors: new Map(),
    workers: new Map(),
    behaviours: new Map(),
    listening: new Map(),
    nextDomid: 1,
    nextPid: 600,
    nextWorker: 20_000,
    nextIfindex: 3 + server.bridges.length,
    nextLoop: 0,
  };
};
