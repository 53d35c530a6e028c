/** The farm of the contract suite on real Xen: this worker's dom0, held, and a hand on it. */
import { randomBytes } from 'node:crypto';
import { openControl } from '../../src/transport/index.ts';
import type { HeldServer } from '../contract/carry.ts';
import type { ImagesFarm } from '../contract/images-law.ts';
import type { ContractFarm } from '../contract/law.ts';
import type { StorageFarm } from '../contract/storage-law.ts';
import { awake } from './check.ts';
import { openWeb } from './web.ts';
import { guest, hand, here, lab, reset, server, ssh } from './farm.ts';

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** This worker's dom0, held, as it was at first. */
const hold = async (): Promise<HeldServer> => {
  await reset();
  const { name, host, port } = server(here);
  const control = openControl(
    [
      {
        name,
        pool: 'lab',
        address: host,
        ssh: {
          user: lab().user,
          port,
          identityFile: lab().key,
          knownHosts: lab().knownHosts,
          jump: undefined,
          sudo: undefined,
          connectTimeout: 180_000,
        },
        migration: undefined,
        state: 'active',
        roles: ['utility', 'vm'],
        fence: undefined,
        origin: { file: 'farm.yaml', pointer: `/servers/${name}` },
      },
    ],
    {
      home: '/nonexistent',
      user: 'root',
      agent: undefined,
      passphrase: undefined,
      prompt: undefined,
      now: () => performance.now(),
      random: (n) => randomBytes(n),
    },
  );
  const held = await control.hold(name, { who: 'contract', from: 'here', since: '', epoch: 'contract1' });
  if (held.is !== 'held') throw new Error(`could not hold ${name}: ${JSON.stringify(held)}`);
  return {
    server: name,
    control,
    clock: {
      now: () => performance.now(),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
  };
};

const byHand: ContractFarm['hand'] = async (argv) => {
  const ran = await ssh(here, argv.map(quoted).join(' '));
  return { rc: ran.code, out: ran.stdout, err: ran.stderr };
};

/** With an export of its own, which it mounts from itself. */
export const openStorage = async (): Promise<StorageFarm> => {
  const farm = await hold();
  await hand(
    here,
    "echo '/export *(rw,no_root_squash,no_subtree_check,fsid=1)' > /etc/exports && systemctl start nfs-server",
  );
  return {
    ...farm,
    source: `${server(here).privateAddress}:/export`,
    hand: byHand,
    close: () => farm.control.close(),
  };
};

/** With a volume group of its own, and a web. */
export const openImages = async (): Promise<ImagesFarm> => {
  const farm = await hold();
  const web = await openWeb();
  await hand(here, 'pvcreate -q -y -ff /dev/vdb && vgcreate -q vg0 /dev/vdb');
  return {
    ...farm,
    group: 'vg0',
    serve: (name, bytes) => {
      web.files.set(name, { bytes });
      return web.url(name);
    },
    hand: byHand,
    close: async () => {
      await farm.control.close();
      await web.close();
    },
  };
};

export const openContract = async (): Promise<ContractFarm> => {
  const farm = await hold();
  return {
    ...farm,
    kernel: guest.kernel,
    ramdisk: guest.ramdisk,
    disks: [guest.disk(1), guest.disk(2)],
    qcow2: guest.qcow2,
    isos: [guest.iso(1), guest.iso(2)],
    bridges: ['xenbr0', 'xenbr1'],
    cpupool: 'other',
    secondPool: (there) =>
      hand(
        here,
        there
          ? `xl cpupool-cpu-remove Pool-0 1 && xl cpupool-create 'name="other"' 'cpus=["1"]'`
          : 'xl cpupool-destroy other && xl cpupool-cpu-add Pool-0 1',
      ),
    // What answers is the dom0 itself: how a guest does is the scenarios' to show.
    listens: { cmdline: '', host: server(here).privateAddress, port: 22 },
    awake: (name, n) => awake(here, name, n),
    hand: byHand,
    close: () => farm.control.close(),
  };
};
