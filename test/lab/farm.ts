/** What the tests on real Xen need: the lab's dom0s, a person's hand on them, and Reeve as its users run it. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

export interface LabServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** On the farm's own network, where only dom0s are. */
  readonly privateAddress: string;
}

export interface Lab {
  readonly dir: string;
  readonly user: string;
  /** Paths of the private key and of the known_hosts file. */
  readonly key: string;
  readonly knownHosts: string;
  /** The running dom0s; number 1 is the first. */
  readonly servers: readonly LabServer[];
}

export interface Ran {
  /** -1: killed by a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const labTool = fileURLToPath(new URL('lab', import.meta.url));
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The dom0 that this worker has for itself: two files of tests run side by side, on a dom0 each. */
export const here = Number(process.env['VITEST_POOL_ID'] ?? 1);

/** The dom0s that this file of tests uses. */
const used = process.env['REEVE_LAB_WHOLE'] === undefined ? [here] : [1, 2];

let known: Lab | undefined;

/** Where the farm is; the dom0s must be up. */
export const lab = (): Lab => {
  known ??= JSON.parse(execFileSync('bash', [labTool, 'env'], { encoding: 'utf8' })) as Lab;
  return known;
};

/** Dom0 number `i`. */
export const server = (i: number): LabServer => {
  const found = lab().servers[i - 1];
  if (!found) throw new Error(`the lab has no dom0 number ${i}: npm run lab -- up 2`);
  return found;
};

const ended = (child: ChildProcess, input?: Uint8Array): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout?.on('data', (d: Buffer) => parts.stdout.push(d));
    child.stderr?.on('data', (d: Buffer) => parts.stderr.push(d));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(parts.stdout).toString(),
        stderr: Buffer.concat(parts.stderr).toString(),
      }),
    );
    child.stdin?.end(input);
  });

/** Runs a shell command as root on dom0 number `i`, with `input` on its standard input. */
export const ssh = (i: number, command: string, input?: Uint8Array): Promise<Ran> =>
  ended(spawn('bash', [labTool, 'ssh', String(i), command], { timeout: 600_000 }), input);

/** What a person does on dom0 number `i`; it must succeed. Returns what it printed, trimmed. */
export const hand = async (i: number, command: string, input?: Uint8Array): Promise<string> => {
  const ran = await ssh(i, command, input);
  if (ran.code !== 0) throw new Error(`dom0 ${i}: ${command}: exit ${ran.code}\n${ran.stdout}${ran.stderr}`);
  return ran.stdout.trim();
};

/** Until `look` gives something; a test's own timeout is longer than `seconds`. */
export const until = async <T>(what: string, look: () => Promise<T | null | false>, seconds = 300): Promise<T> => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== null && found !== false) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
};

/** Commands for QEMU, a line each. */
const monitor = async (i: number, commands: string): Promise<void> => {
  const path = join(lab().dir, `dom0${i}.mon`);
  const ran = await ended(spawn('socat', ['-t', '5', '-', `unix:${path}`]), new TextEncoder().encode(commands));
  if (ran.code !== 0 || ran.stdout.includes('Error'))
    throw new Error(`the monitor of dom0 ${i}: ${ran.stdout}${ran.stderr}`);
};

/**
 * A disk of a GiB that both dom0s see as /dev/sda, until they are reset. It comes while they run: no snapshot holds a disk that
 * another machine writes.
 */
export const plugLun = async (): Promise<void> => {
  const path = join(lab().dir, 'lun.raw');
  rmSync(path, { force: true });
  writeFileSync(path, '');
  truncateSync(path, 1024 ** 3);
  const drive = `if=none,id=lun,file=${path},format=raw,cache=none,file.locking=off`;
  for (const i of [1, 2]) {
    await monitor(i, `drive_add 0 ${drive}\ndevice_add scsi-hd,drive=lun,bus=scsi.0,id=lun\n`);
    await until('the disk is there', async () => (await ssh(i, 'modprobe sd_mod; test -b /dev/sda')).code === 0, 60);
  }
};

/** The machine of dom0 number `i` stands still, as if its power had gone; or is switched on again, and boots. */
export const power = async (i: number, on: boolean): Promise<void> => {
  await monitor(i, on ? 'system_reset\ncont\n' : 'stop\n');
  // The tool's own connection is of the life before.
  rmSync(join(lab().dir, `dom0${i}.ssh`), { force: true });
};

/** The way from this machine to dom0 number `i` is cut, without a word to either side, or mended. The farm's own network stays. */
export const door = async (i: number, open: boolean): Promise<void> => {
  await monitor(i, `set_link door ${open ? 'on' : 'off'}\n`);
  // The tool's own connection may have died of it.
  if (open) rmSync(join(lab().dir, `dom0${i}.ssh`), { force: true });
};

/** On the consoles that are gone: a machine begins its own anew. */
let brokenBefore = 0;

/** How many guests the emulation has broken on the consoles that are there. */
const brokenOn = (servers: readonly number[]): number =>
  servers.reduce((n, i) => {
    const console = join(lab().dir, `dom0${i}.log`);
    const text = existsSync(console) ? readFileSync(console, 'latin1') : '';
    return n + text.split('Triple fault').length - 1;
  }, 0);

/** How often the emulation has broken a guest, since this file of tests began: Xen itself says so, and the guest reboots by itself. */
export const brokenGuests = (): number => brokenBefore + brokenOn(used);

/** Dom0 number `i` back to its snapshot. */
export const reset = async (i = here, name = 'ready'): Promise<void> => {
  brokenBefore += brokenOn([i]);
  const ran = await ended(spawn('bash', [labTool, 'reset', name, String(i)]));
  if (ran.code !== 0) throw new Error(`lab reset ${name} ${i}: ${ran.stderr}`);
};

export const guest = {
  kernel: '/srv/guest/vmlinuz',
  ramdisk: '/srv/guest/initrd.gz',
  /** Its user land ignores that it is asked to shut down. */
  deaf: '/srv/guest/deaf.gz',
  cmdline: 'console=hvc0 quiet',
  /** A disk with GRUB's configuration, a kernel and an initrd. */
  bootDisk: '/srv/guest/disk.img',
  disk: (n: 1 | 2 | 3 | 4): string => `/srv/images/disk${n}.img`,
  qcow2: '/srv/images/disk5.qcow2',
  /** Its first sector halts the CPU: an HVM guest that has no drivers and answers nothing. */
  haltDisk: '/srv/images/halt.img',
  iso: (n: 1 | 2): string => `/srv/images/cd${n}.iso`,
} as const;

/** A VM as the file writes it. */
export type VmYaml = Readonly<Record<string, unknown>>;

export interface FarmYaml {
  readonly vms: Readonly<Record<string, VmYaml>>;
  /** Numbers of dom0s; this worker's own unless said. */
  readonly servers?: readonly number[];
  /** What more the file says of a server, by number. */
  readonly more?: Readonly<Record<number, Readonly<Record<string, unknown>>>>;
  readonly repositories?: Readonly<Record<string, unknown>>;
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly templates?: Readonly<Record<string, unknown>>;
  readonly isos?: Readonly<Record<string, unknown>>;
  /** Bridges by network; `lan` and `dmz` unless said. */
  readonly networks?: Readonly<Record<string, string>>;
}

/** The text of a farm file: servers by their names in ~/.ssh/config, and small PVH guests that boot directly. */
const farmYaml = ({
  vms,
  servers = [here],
  more = {},
  repositories = {},
  policy = {},
  templates = {},
  isos = {},
  networks = { lan: 'xenbr0', dmz: 'xenbr1' },
}: FarmYaml): string =>
  stringify({
    farm: 'lab',
    // Reaching an emulated dom0 that is busy took up to 18 s.
    ssh: { connectTimeout: '180s' },
    servers: Object.fromEntries(servers.map((i) => [server(i).name, { address: `${server(i).name}.lab`, ...more[i] }])),
    networks: Object.fromEntries(Object.entries(networks).map(([name, bridge]) => [name, { bridge }])),
    repositories,
    policy,
    templates,
    isos,
    defaults: { type: 'pvh', memory: '128MiB' },
    vms,
  });

/** Boots the guest's kernel directly. */
export const direct = { kernel: guest.kernel, ramdisk: guest.ramdisk, cmdline: guest.cmdline } as const;

/** One person's machine: a home with ~/.ssh, a folder with farm.yaml, and Reeve. */
export interface Desk {
  readonly cwd: string;
  /** Writes farm.yaml. */
  write(farm: FarmYaml): void;
  reeve(args: readonly string[]): Promise<Ran>;
  /** The same, but running: to be killed. */
  start(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ran> };
  close(): void;
}

export const openDesk = (): Desk => {
  const home = mkdtempSync(join(tmpdir(), 'reeve-lab-'));
  const cwd = join(home, 'farm');
  mkdirSync(cwd);
  mkdirSync(join(home, '.ssh'), { mode: 0o700 });
  copyFileSync(lab().knownHosts, join(home, '.ssh/known_hosts'));
  const hosts = lab().servers.map(
    (s) => `Host ${s.name}.lab\n  HostName ${s.host}\n  Port ${s.port}\n  User ${lab().user}\n`,
  );
  writeFileSync(join(home, '.ssh/config'), `${hosts.join('\n')}\nHost *.lab\n  IdentityFile ${lab().key}\n`, {
    mode: 0o600,
  });
  const start: Desk['start'] = (args) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd,
      env: { HOME: home, PATH: process.env['PATH'] ?? '', NO_COLOR: '1', VNC_PASSWORD: 'geheim' },
      timeout: 850_000,
      killSignal: 'SIGKILL',
    });
    return { child, ended: ended(child) };
  };
  return {
    cwd,
    write: (farm) => writeFileSync(join(cwd, 'farm.yaml'), farmYaml(farm)),
    reeve: (args) => start(args).ended,
    start,
    close: () => rmSync(home, { recursive: true }),
  };
};

/** Both dom0s back to their snapshots, and a store in /export that number 1 exports. */
export const resetWithStore = async (): Promise<void> => {
  await reset(1);
  await reset(2);
  // A server that comes back gives old clients time to claim what they had: little of it here.
  await hand(
    1,
    "printf '[nfsd]\\ngrace-time=10\\nlease-time=10\\n' > /etc/nfs.conf.d/lab.conf && " +
      "echo '/export *(rw,no_root_squash,no_subtree_check,fsid=1)' > /etc/exports && systemctl start nfs-server",
  );
};
