/** Three simulated servers with a `farm.yaml` that describes them, in a folder of their own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestText } from '../core/digest.ts';
import { startSimFarm, type SimFarm } from '../sim/index.ts';
import { observeText } from '../toolstacks/xl/index.ts';
import { consoleText, holdText, opText, waitText, writeText } from '../transport/index.ts';

export interface DemoFarm {
  readonly sim: SimFarm;
  readonly folder: string;
  /** Of `farm.yaml`. */
  readonly path: string;
  /** Writes the file with these VMs. `states`: of servers, where they are not active. */
  readonly describe: (vms: string, states?: Readonly<Record<string, string>>) => Promise<void>;
  /** Stops the servers and removes the folder. */
  readonly close: () => Promise<void>;
}

const kernel = '/srv/guest/vmlinuz';
const ramdisk = '/srv/guest/initrd.gz';

const servers = (names: readonly string[]) =>
  names.map((name, i) => ({
    name,
    memoryMiB: 16_384 - i * 2048,
    dom0MiB: 2048,
    cpus: 8,
    bridges: ['xenbr0', 'xenbr1'],
    // As Reeve advises: what comes back after a boot is what the links say.
    xendomains: 'XENDOMAINS_SAVE=""\nXENDOMAINS_RESTORE=false\n',
    paths: [kernel, ramdisk, ...['web-1', 'web-2', 'db-1', 'db-1-data', 'mail'].map((d) => `/dev/vg0/${d}`)],
  }));

const filer = 'filer:/export/vmstore';

/** `speed`: how many times as fast as real servers. The same seed gives the same farm. `shared`: with a repository on NFS. */
export const startDemoFarm = async (speed: number, seed = 'demo', shared = false): Promise<DemoFarm> => {
  const sim = await startSimFarm({
    servers: servers(['dom01', 'dom02', 'dom03']),
    texts: {
      observe: digestText(observeText),
      hold: digestText(holdText),
      op: digestText(opText),
      wait: digestText(waitText),
      write: digestText(writeText),
      console: digestText(consoleText),
    },
    exports: shared ? [filer] : [],
    speed,
    seed,
  });
  const folder = await mkdtemp(join(tmpdir(), 'reeve-demo-'));
  const put = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const identityFile = await put('id_demo', sim.clientKey);
  const knownHosts = await put('known_hosts', sim.servers.map((s) => `${s.hostKeyLine}\n`).join(''));
  const head = (states: Readonly<Record<string, string>>): string => `farm: demo
pools:
  ams1:
    servers:
${sim.servers
  .map((s) => {
    const state = states[s.name] === undefined ? '' : `, state: ${states[s.name]}`;
    return `      ${s.name}: { address: ${s.host}${shared ? `, migration: ${s.name}` : ''}, ssh: { port: ${s.port} }${state} }`;
  })
  .join('\n')}
    ssh: { user: root, identityFile: ${identityFile}, knownHosts: ${knownHosts} }
    networks: { prod: { bridge: xenbr0 }, dmz: { bridge: xenbr1 } }
${shared ? `    repositories: { vmstore: { type: nfs, source: "${filer}", path: /srv/vmstore } }\n` : ''}profiles:
  small:
    type: pvh
    vcpus: { count: 1, max: 4 }
    memory: { target: 512MiB, max: 2GiB }
    networks: [prod]
    boot: { kernel: ${kernel}, ramdisk: ${ramdisk}, cmdline: "root=/dev/xvda ro console=hvc0" }
vms:
`;
  return {
    sim,
    folder,
    path: join(folder, 'farm.yaml'),
    describe: async (vms, states = {}) => {
      await put('farm.yaml', head(states) + vms);
    },
    close: async () => {
      await sim.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
