/** The simulated farm: dom0s in memory, each behind a real SSH server on this machine. */
import ssh2 from 'ssh2';
import { makeDom0, noFaults, running, type Counts, type Cut, type Dom0, type What } from './dom0.ts';
import type { Files } from './files.ts';
import { makeKey } from './key.ts';
import { end } from './lives.ts';
import { makeExport } from './mounts.ts';
import type { MigrationFault } from './peers.ts';
import { makeProcess, type Result } from './process.ts';
import { runProgram } from './programs.ts';
import { makeRandom } from './random.ts';
import { reboot } from './reboot.ts';
import { makeGroup } from './volumes.ts';
import { putHostKey } from './ssh-keys.ts';
import { startSshServer, type SshServer } from './ssh-server.ts';
import { findDomain, type Behaviour } from './world.ts';
import type { Server, WebFile } from './server.ts';

export type { What } from './dom0.ts';

export interface SimFarmSpec {
  readonly servers: readonly Server[];
  /** The sha256 of each shell text, in hex: the dom0s know no other commands. `console`: where consoles are to open. */
  readonly texts: Readonly<Record<What, string>> & { readonly console?: string | undefined };
  /** 1: Xen's real delays; 10: ten times as fast; Infinity: time passes only while somebody waits or reads. */
  readonly speed: number;
  /** NFS exports that every server can mount, like `filer:/export/vmstore`; of a hundred GiB unless said. */
  readonly exports?: readonly (string | { readonly source: string; readonly sizeKiB: number })[] | undefined;
  /** Volume groups that every server sees, by name: how large each is, in KiB. */
  readonly volumeGroups?: Readonly<Record<string, number>> | undefined;
  /** Every dom0 lets every other one in, as root with its own key and without asking for host keys; unless said, none does. */
  readonly trusting?: boolean | undefined;
  /** The same seed gives the same delays, UUIDs and boot ids. */
  readonly seed: string;
}

interface SimServer {
  readonly name: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** For known_hosts. */
  readonly hostKeyLine: string;
}

/** What a person or a test does to a dom0's files. Errors are what `strerror` says, null: done. */
interface SimFiles {
  read(path: string): string | undefined;
  /** Names in a folder, sorted. */
  list(path: string): readonly string[];
  write(path: string, content: string | Uint8Array, mode?: number): string | null;
  link(target: string, path: string): string | null;
  remove(path: string): string | null;
}

interface SimFaults {
  /** Accept no more connections and drop those that stand; `false`: accept them again. */
  refuse(on: boolean): Promise<void>;
  /** Drop the connections that stand. */
  drop(): void;
  /** Lose the connection during one coming command; several are used up one after the other. */
  cut(cut: Cut): void;
  fullDisk(on: boolean): void;
  /** Nothing under this path can be written (`/etc/xen`, `/run`); null: everything can. */
  readOnly(path: string | null): void;
  noXen(on: boolean): void;
  noSudo(on: boolean): void;
  /** The next so many `xl list` fail for a moment. */
  flakyLists(count: number): void;
  /** How the guest of this name behaves, now and after each start. */
  guest(name: string, behaviour: Partial<Behaviour>): void;
  /** What befalls migrations that come to this server; null: nothing. */
  migration(fault: MigrationFault | null): void;
  /** SIGKILL to all running operations and their wrappers: they are LOST. */
  killOperations(): void;
  /** From now on these commands exit with 0 and do nothing, as `World.swallows` has them; none: all do what they say. */
  swallow(commands: readonly string[]): void;
  /** Everything works again. */
  clear(): Promise<void>;
}

interface SimExport {
  readonly files: SimFiles;
  /** Its server answers nobody any more; `false`: it does again. */
  dead(on: boolean): void;
  full(on: boolean): void;
}

/** What a guest does by itself. It throws where there is no such guest. */
interface SimGuest {
  reboot(): void;
  crash(): void;
  powerOff(): void;
  /** Its `xl` daemon is gone: nobody takes it down or starts it again. */
  loseMonitor(): void;
}

export interface SimFarm {
  readonly servers: readonly SimServer[];
  /** In OpenSSH's format; it opens every server, for every user. */
  readonly clientKey: string;
  /** By server. They go on counting. */
  readonly counts: ReadonlyMap<string, Readonly<Counts>>;
  /** Runs argv (`xl mem-set web 512m`) as a person on that dom0 would, outside of all locks. */
  hand(server: string, argv: readonly string[]): Promise<Result>;
  files(server: string): SimFiles;
  faults(server: string): SimFaults;
  guest(server: string, name: string): SimGuest;
  /** By URL: what the dom0s can fetch. */
  readonly web: Map<string, WebFile>;
  /** An export of the farm: its files, and what befalls it. It throws where there is none. */
  export(source: string): SimExport;
  /**
   * The whole dom0, at once: no guests, no operations, no connections; /etc/fstab is mounted again. What a hand was running
   * rejects; the guests' `behaviours` and the other faults stay.
   */
  reboot(server: string): void;
  /** Whether something answers at `host:port`, seen from that server; null: where a guest's `listens` says so. */
  listen(server: string, place: string, answers: boolean | null): void;
  /** Waits until every server has come to rest: guests booted, ballooned, rebooted. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

const filesOf = (files: Files): SimFiles => ({
  read: (path) => files.text(path),
  list: (path) => files.list(path),
  write: (path, content, mode) => files.write(path, content, mode),
  link: (target, path) => files.link(target, path),
  remove: (path) => files.remove(path),
});

interface Part {
  readonly dom0: Dom0;
  readonly ssh: SshServer;
}

const faultsOf = ({ dom0, ssh }: Part): SimFaults => {
  const { trouble } = dom0.world.files;
  return {
    refuse: (on) => ssh.accept(!on),
    drop: () => ssh.drop(),
    cut: (cut) => {
      dom0.faults.cuts.push(cut);
    },
    fullDisk: (on) => {
      trouble.full = on;
    },
    readOnly: (path) => {
      trouble.readOnlyUnder = path;
    },
    noXen: (on) => {
      dom0.faults.noXen = on;
    },
    noSudo: (on) => {
      dom0.faults.noSudo = on;
    },
    flakyLists: (count) => {
      dom0.faults.flakyLists = count;
    },
    guest: (name, behaviour) => {
      dom0.world.behaviours.set(name, { ...dom0.world.behaviours.get(name), ...behaviour });
    },
    migration: (fault) => {
      dom0.world.migrationFault = fault;
    },
    swallow: (commands) => {
      dom0.world.swallows.clear();
      for (const command of commands) dom0.world.swallows.add(command);
    },
    killOperations: () => {
      for (const control of dom0.controls.values()) for (const operation of running(control)) operation.lose();
    },
    clear: async () => {
      Object.assign(dom0.faults, noFaults());
      trouble.full = false;
      trouble.readOnlyUnder = null;
      dom0.world.behaviours.clear();
      dom0.world.listening.clear();
      dom0.world.migrationFault = null;
      dom0.world.swallows.clear();
      await ssh.accept(true);
    },
  };
};

/** Each dom0 can reach each, by name and by address. */
const connectPeers = (parts: readonly Part[], trusting: boolean): void => {
  for (const { dom0 } of parts) {
    dom0.world.trusting = trusting;
    for (const { dom0: other, ssh } of parts) {
      const peer = { world: other.world, answers: () => ssh.answers() };
      for (const name of [other.world.server.name, other.world.server.address ?? other.world.server.name])
        dom0.world.peers.set(name, peer);
    }
  }
};

/** Starts every server. Nothing outside this process is touched but ports of 127.0.0.1. */
export const startSimFarm = async (spec: SimFarmSpec): Promise<SimFarm> => {
  const key = makeKey('sim');
  const parsed = ssh2.utils.parseKey(key.public);
  if (parsed instanceof Error) throw parsed;
  const parts = new Map<string, Part>();
  const web = new Map<string, WebFile>();
  const exports = new Map(
    (spec.exports ?? []).map((e) =>
      typeof e === 'string' ? ([e, makeExport()] as const) : ([e.source, makeExport(e.sizeKiB)] as const),
    ),
  );
  const luns = new Map(
    Object.entries(spec.volumeGroups ?? {}).map(
      ([name, kib]) => [name, makeGroup(kib, makeRandom(`${spec.seed}/${name}`).hex(32))] as const,
    ),
  );
  for (const server of spec.servers) {
    const dom0 = makeDom0(server, spec.seed, spec.speed, exports, web, luns);
    dom0.world.power = () => {
      parts.get(server.name)?.ssh.drop();
      reboot(dom0);
    };
    const ssh = await startSshServer(dom0, spec.texts, parsed);
    // What its sshd shows is what the file says.
    putHostKey(dom0.world.files, server.name, ssh.hostKeyLine.split(' ')[2] ?? '');
    parts.set(server.name, { dom0, ssh });
  }
  connectPeers([...parts.values()], spec.trusting === true);
  const part = (name: string): Part => {
    const found = parts.get(name);
    if (found === undefined) throw new Error(`the simulated farm has no server ${name}`);
    return found;
  };
  return {
    servers: [...parts].map(([name, { ssh }]) => ({
      name,
      host: '127.0.0.1',
      port: ssh.port,
      hostKeyLine: ssh.hostKeyLine,
    })),
    clientKey: key.private,
    counts: new Map([...parts].map(([name, { dom0 }]) => [name, dom0.counts])),
    hand: (server, argv) => {
      const { world } = part(server).dom0;
      return world.clock.during(runProgram(world, makeProcess(world.clock), argv));
    },
    files: (server) => filesOf(part(server).dom0.world.files),
    export: (source) => {
      const found = exports.get(source);
      if (found === undefined) throw new Error(`the simulated farm exports no ${source}`);
      return {
        files: filesOf(found.files),
        dead: (on) => {
          found.dead = on;
        },
        full: (on) => {
          found.files.trouble.full = on;
        },
      };
    },
    web,
    faults: (server) => faultsOf(part(server)),
    guest: (server, name) => {
      const { world } = part(server).dom0;
      const domain = findDomain(world, name);
      if (domain === undefined) throw new Error(`no guest ${name} runs on ${server}`);
      return {
        reboot: () => end(world, domain, 'reboot'),
        crash: () => end(world, domain, 'crash'),
        powerOff: () => end(world, domain, 'poweroff'),
        loseMonitor: () => {
          for (const m of world.monitors.values()) if (m.domid === domain.domid) world.monitors.delete(m.pid);
        },
      };
    },
    reboot: (server) => {
      part(server).dom0.world.power();
    },
    listen: (server, place, answers) => {
      const { listening } = part(server).dom0.world;
      if (answers === null) listening.delete(place);
      else listening.set(place, answers);
    },
    settle: async () => {
      await Promise.all([...parts.values()].map(({ dom0 }) => dom0.world.clock.settle()));
    },
    close: async () => {
      for (const { dom0, ssh } of parts.values()) {
        dom0.world.clock.close();
        await ssh.close();
      }
    },
  };
};
